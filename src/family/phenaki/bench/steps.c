/* steps.c - one pass of each network at the model's own sizes, beside the processor's peak. */
#include "family/phenaki/bench/bench.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "bench/limits.h"
#include "family/phenaki/model/model.h"

#include <stdio.h>
#include <string.h>

#define TEXT 20 /* tokens of the text: its words do not matter, its length does a little */

/* --- operations --------------------------------------------------------------------------------------------------- */

/* Of blocks over `rows` rows, each of which sees `keys` and `text_keys` others: products of matrices alone, a
 * multiply-add counted as two. */
static double of_blocks(const cv_blocks_config *c, double rows, double keys, double text_keys)
{
    const double C = c->width, inner = (double)c->heads * c->head_width, m = c->inner;
    double each = C * inner * 4 + 2 * keys * inner + 3 * C * m;

    if (c->text_width > 0)
        each += 2 * C * inner + 2 * text_keys * inner;
    return 2 * rows * each * c->layers;
}

/* Under a text and under none, whose last layer is one. */
static double of_guided(const cv_masked_config *c, double places)
{
    const cv_blocks_config blocks = { .layers = c->layers,
                                      .width = c->width,
                                      .heads = c->heads,
                                      .head_width = c->head_width,
                                      .inner = c->inner,
                                      .text_width = c->text_width };

    return of_blocks(&blocks, 2 * places, places, TEXT) + 2 * places * c->width * c->codes;
}

/* Half of a C-ViViT: from pixels to codes or back. */
static double of_cvivit(const cv_cvivit_config *c, const cv_cvivit_box *box)
{
    const double plane = (double)box->h * box->w, rows = plane * box->T;
    cv_blocks_config blocks = { .layers = c->spatial_layers,
                                .width = c->width,
                                .heads = c->heads,
                                .head_width = c->head_width,
                                .inner = cv_blocks_inner(c->width) };
    double sum = of_blocks(&blocks, rows, plane, 0);

    blocks.layers = c->temporal_layers;
    sum += of_blocks(&blocks, rows, box->T, 0);
    return sum + 2 * 3 * plane * c->patch_height * c->patch_width * c->width * cv_cvivit_frames(c, box->T);
}

/* --- what is measured --------------------------------------------------------------------------------------------- */

typedef struct networks {
    const cv_phenaki *model;
    cv_cvivit_box box;
    int32_t *ids;   /* [2][places]: half of them masks */
    uint8_t *mask;  /* [2][TEXT]: of the second box nothing is seen */
    float *text;    /* [2][TEXT][text_width] */
    float *logits;  /* [places][V] */
    int32_t *codes; /* [places] */
    float *pixels;
    cv_arena arena;
} networks;

static int places_of(const networks *n)
{
    return n->box.T * n->box.h * n->box.w;
}

static cv_masked_input input_of(const networks *n)
{
    return (cv_masked_input){ .batch = 2,
                              .T = n->box.T,
                              .h = n->box.h,
                              .w = n->box.w,
                              .ids = n->ids,
                              .text = n->text,
                              .text_mask = n->mask,
                              .text_rows = TEXT,
                              .guidance = 3 };
}

static double run_masked(void *user)
{
    networks *n = user;
    const cv_masked_input input = input_of(n);

    cv_masked_run(&n->model->head.exec, n->model->masked, NULL, &input, n->logits, NULL, NULL, &n->arena);
    return of_guided(cv_masked_config_of(n->model->masked), places_of(n));
}

static double run_decode(void *user)
{
    networks *n = user;

    cv_cvivit_decode(&n->model->head.exec, n->model->tokenizer, &n->box, n->pixels, n->codes, NULL, NULL, &n->arena);
    return of_cvivit(cv_cvivit_config_of(n->model->tokenizer), &n->box);
}

static double run_encode(void *user)
{
    networks *n = user;

    cv_cvivit_encode(&n->model->head.exec, n->model->tokenizer, &n->box, n->codes, NULL, n->pixels, NULL, NULL,
                     &n->arena);
    for (int p = 0; p < places_of(n); p++)
        n->codes[p] = n->codes[p] < 0 ? 0 : n->codes[p];
    return of_cvivit(cv_cvivit_config_of(n->model->tokenizer), &n->box);
}

/* Memory of all networks, filled with numbers. */
static cogvideo_status make(networks *n, cogvideo_error *err)
{
    const cv_phenaki *model = n->model;
    const cv_cvivit_config *c = cv_cvivit_config_of(model->tokenizer);
    const cv_masked_config *m = cv_masked_config_of(model->masked);
    const size_t places = (size_t)places_of(n),
                 pixels = 3 * (size_t)cv_cvivit_frames(c, n->box.T) * (size_t)model->height * (size_t)model->width;
    cogvideo_status status;
    cv_masked_input input;
    size_t bytes, other;

    CV_NEW(n->ids, 2 * places, err);
    CV_NEW(n->mask, 2 * TEXT, err);
    CV_NEW(n->text, 2 * TEXT * (size_t)(m->text_width > 0 ? m->text_width : 1), err);
    CV_NEW(n->logits, places * (size_t)m->codes, err);
    CV_NEW(n->codes, places, err);
    CV_NEW(n->pixels, pixels, err);
    for (size_t p = 0; p < places; p++) {
        n->codes[p] = (int32_t)(p * 7 % (size_t)c->codes);
        n->ids[p] = n->ids[places + p] = p % 2 ? m->codes : n->codes[p];
    }
    memset(n->mask, 1, TEXT);
    for (size_t i = 0; i < 2 * TEXT * (size_t)m->text_width; i++)
        n->text[i] = (float)(i % 13) / 13;
    for (size_t i = 0; i < pixels; i++)
        n->pixels[i] = (float)(i % 11) / 11;
    input = input_of(n);
    bytes = cv_masked_scratch(&model->head.exec, model->masked, &input);
    other = cv_cvivit_scratch(&model->head.exec, model->tokenizer, &n->box);
    CV_TRY(cv_arena_create(&n->arena, bytes > other ? bytes : other, err));
done:
    return status;
}

static cogvideo_status read_text(const cv_phenaki *model, cogvideo_bench_report *out, cogvideo_error *err)
{
    int32_t ids[TEXT];
    const int count = TEXT;
    const cv_t5_batch batch = { .texts = 1, .longest = TEXT, .ids = ids, .counts = &count };
    const cv_t5_config *config = cv_t5_config_of(model->text_encoder);
    cogvideo_status status;
    cv_arena arena = { 0 };
    float *vectors = NULL;
    double started;

    for (int i = 0; i < TEXT; i++)
        ids[i] = i % config->vocabulary;
    CV_NEW(vectors, (size_t)TEXT * (size_t)config->width, err);
    CV_TRY(cv_arena_create(&arena, cv_t5_scratch(&model->head.exec, model->text_encoder, &batch), err));
    started = cv_clock();
    cv_t5_run(&model->head.exec, model->text_encoder, &batch, vectors, NULL, NULL, &arena);
    cv_bench_row(out, "a text of 20 tokens", cv_clock() - started, "s");
done:
    cv_arena_free(&arena);
    cv_free(vectors);
    return status;
}

cogvideo_status cv_phenaki_bench(const cogvideo_model *head, const cogvideo_bench_options *options,
                                 cogvideo_bench_report *out, cogvideo_error *err)
{
    static const char *const names[] = { NULL, "a guided step", "decoding of a scene", "encoding of a scene" };
    const cv_phenaki *model = cv_phenaki_of(head);
    cv_limits limits = { .exec = &head->exec };
    networks n = { .model = model };
    const cv_cvivit_config *c;
    cogvideo_status status;

    if (options->lookahead)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                       "this model fills all places of a scene side by side: there is nothing to look ahead at");
    CV_TRY(cv_need_video_tokenizer(model, err));
    if (!model->masked || model->height == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "sections 'video_tokenizer', 'masked' and 'clip' are needed of a model that is measured");
    c = cv_cvivit_config_of(model->tokenizer);
    n.box = (cv_cvivit_box){ 1, cv_cvivit_latent_frames(c, model->frames), model->height / c->patch_height,
                             model->width / c->patch_width };
    if (places_of(&n) > cv_masked_config_of(model->masked)->places)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "a clip of the model has %d codes, and the masked transformer has %d places", places_of(&n),
                       cv_masked_config_of(model->masked)->places);
    CV_TRY(make(&n, err));
    {
        cv_bench_item items[] = {
            { { .name = "f32 peak", .unit = "GFLOP/s" }, cv_limit_f32, &limits, NULL },
            { { .name = "masked transformer", .unit = "GFLOP/s", .limit = "f32 peak" }, run_masked, &n, NULL },
            { { .name = "C-ViViT, decoding", .unit = "GFLOP/s", .limit = "f32 peak" }, run_decode, &n, NULL },
            { { .name = "C-ViViT, encoding", .unit = "GFLOP/s", .limit = "f32 peak" }, run_encode, &n, NULL },
        };
        const double work[] = { 0, of_guided(cv_masked_config_of(model->masked), places_of(&n)), of_cvivit(c, &n.box),
                                of_cvivit(c, &n.box) };

        out->hidden = cv_masked_config_of(model->masked)->width;
        CV_TRY(cv_bench_rounds(items, 4, out->rounds, options, err));
        for (int i = 0; i < 4 && out->count < COGVIDEO_BENCH_ROWS; i++)
            out->rows[out->count++] = items[i].row;
        for (int i = 1; i < 4; i++)
            cv_bench_row(out, names[i], work[i] / (items[i].row.rate * 1e9), "s");
    }
    if (model->text_encoder)
        CV_TRY(read_text(model, out, err));
    cv_bench_row(out, "memory at most", (double)cv_memory_peak() / 1e9, "GB");
done:
    cv_free(n.ids);
    cv_free(n.mask);
    cv_free(n.text);
    cv_free(n.logits);
    cv_free(n.codes);
    cv_free(n.pixels);
    cv_arena_free(&n.arena);
    return status;
}
