#include "family/cogvideo/bench/finer.h"

#include "base/cpu.h"
#include "bench/limits.h"
#include "family/cogvideo/bench/draw.h"
#include "family/cogvideo/steps/steps.h"

#include <stdio.h>

/* --- operations ----------------------------------------------------------------------------------------------- */

/* Multiply-adds of a row in a layer: query, key and value, what follows attention, and the MLP. */
static double of_row(int hidden, int mlp)
{
    return 4.0 * hidden * hidden + 2.0 * hidden * mlp;
}

/* The text and the low-resolution codes go through the trunk; in the last layer their keys and values are enough. A
 * multiply-add counts as two; places at the edges, which see fewer others, count as all. */
static double of_upscaler(const cv_upscaler_config *c)
{
    const double C = c->hidden, low = (double)c->grid * c->grid, context = CV_BENCH_TEXT + low,
                 places = (double)c->upscaled_grid * c->upscaled_grid,
                 seen = c->cross_kernel * c->cross_kernel + c->own_kernel * (2 * c->own_kernel - 1);
    const double of_context = context * of_row(c->hidden, c->mlp) +
                              2 * C * (CV_BENCH_TEXT * (double)CV_BENCH_TEXT + low * context),
                 of_places = places * (of_row(c->hidden, c->mlp) + 2 * C * seen);

    return 2 *
           ((c->layers - 1) * of_context + 3 * context * C * C + c->layers * of_places + places * C * c->image_codes);
}

/* The first round draws the most codes, but all places go through all layers in each. */
static double of_refiner(const cv_refiner_config *c, int text, int drawn)
{
    const double C = c->hidden, places = (double)c->upscaled_grid * c->upscaled_grid,
                 seen = text + c->own_kernel * (2 * c->own_kernel - 1);

    return 2 * (c->layers * places * (of_row(c->hidden, c->mlp) + 2 * C * seen) + drawn * C * c->image_codes);
}

/* --- what is measured ----------------------------------------------------------------------------------------- */

typedef struct finer {
    const cv_cogvideo *model;
    int32_t text[CV_BENCH_TEXT];
    cogvideo_value low; /* what super-resolution reads */
    /* the refiner's */
    cv_arena arena, drawing;
    cv_refiner_text read;
    int *places; /* of the first round */
    int drawn;
    int32_t *codes; /* [upscaled_grid^2]: what the refiner and the decoder read */
    /* the decoder's */
    int grid;
    float *rgb;
    cv_arena pixels;
    cogvideo_status status; /* of the first run that failed */
    cogvideo_error *err;
} finer;

/* One of the measurements, and what it left. */
typedef struct measured {
    finer *f;
    double operations, memory; /* of a run; the most memory, bytes, after the first one */
} measured;

/* What a run gives back: its operations, or nothing where it failed. */
static double ran(measured *m, cogvideo_status status, double operations)
{
    if (status != COGVIDEO_OK && m->f->status == COGVIDEO_OK)
        m->f->status = status;
    if (m->memory == 0)
        m->memory = (double)cv_memory_peak();
    m->operations = operations;
    return status == COGVIDEO_OK ? operations : 0;
}

/* A failed run is not made again: its error would be lost. */
static double run_upscaler(void *user)
{
    measured *m = user;
    finer *f = m->f;
    const cv_upscaler_config *config = &f->model->description.upscaler;
    cogvideo_generate_options options;
    cogvideo_value fine = { 0 };
    cogvideo_status status = f->status;

    cogvideo_generate_defaults(&f->model->head, &options);
    options.steps[CV_STEP_UPSCALE].sampling.clusters = 0; /* the model has none */
    options.text_ids = f->text;
    options.text_count = CV_BENCH_TEXT;
    if (status == COGVIDEO_OK)
        status = cv_cogvideo_upscale(&f->model->head, &options, &f->low, &fine, f->err);
    cogvideo_value_free(&fine);
    return ran(m, status, of_upscaler(config));
}

static void draw(void *user, int first, int count, const float *logits)
{
    finer *f = user;
    const cv_refiner_config *config = &f->model->description.refiner;
    cogvideo_sampling sampling = f->model->description.sampling[CV_STEP_REFINE];

    sampling.clusters = 0;
    sampling.top_k = config->top_k[0];
    for (int i = 0; i < count; i++) {
        const int code = cv_sample(logits + (size_t)i * (size_t)config->image_codes, config->image_codes, &sampling,
                                   NULL, 0, 0.5, &f->drawing);

        f->codes[f->places[first + i]] = code < 0 ? 0 : code;
    }
}

static double run_refiner(void *user)
{
    measured *m = user;
    finer *f = m->f;
    const cv_refiner_callbacks network = { .logits = draw, .user = f };
    cogvideo_status status = f->status;

    if (status == COGVIDEO_OK)
        status = cv_refiner_run(&f->model->head.exec, f->model->refiner, &f->read, f->codes, f->places, f->drawn,
                                &network, &f->arena, f->err);
    return ran(m, status, of_refiner(&f->model->description.refiner, f->read.count, f->drawn));
}

static double run_decoder(void *user)
{
    measured *m = user;
    finer *f = m->f;
    const cv_cogvideo *model = f->model;
    const int rate = model->description.rate;
    cogvideo_status status = f->status;

    if (status == COGVIDEO_OK)
        status = cv_image_tokenizer_decode(&model->head.exec, model->image_tokenizer, f->rgb, f->codes, f->grid,
                                           f->grid, rate, &f->pixels, f->err);
    return ran(m, status,
               cv_image_tokenizer_decode_operations(model->image_tokenizer, &model->head.exec, f->grid, f->grid, rate));
}

/* --- memory of them ------------------------------------------------------------------------------------------- */

static cogvideo_status open_upscaler(finer *f, cogvideo_error *err)
{
    const cv_upscaler_config *config = &f->model->description.upscaler;
    cogvideo_status status;

    cv_bench_text(f->text, config->image_codes);
    f->low.kind = COGVIDEO_KIND_CODES;
    CV_TRY(cogvideo_tokens_alloc(&f->low.codes, config->grid, config->grid, f->model->description.rate, 1, err));
    for (int i = 0; i < config->grid * config->grid; i++)
        f->low.codes.codes[i] = i * 7 % config->image_codes;
done:
    return status;
}

static cogvideo_status open_refiner(finer *f, cogvideo_error *err)
{
    const cv_refiner_config *config = &f->model->description.refiner;
    const cv_exec *exec = &f->model->head.exec;
    const int count = config->upscaled_grid * config->upscaled_grid;
    int32_t text[CV_BENCH_TEXT];
    cogvideo_status status;

    CV_NEW(f->places, count, err);
    for (int i = 0; i < count; i++)
        if (cv_refiner_last_round(config, i) >= 1)
            f->places[f->drawn++] = i;
    CV_TRY(cv_arena_create(&f->drawing, cv_sampler_scratch(config->image_codes, NULL), err));
    CV_TRY(cv_arena_create(&f->arena,
                           cv_refiner_text_bytes(f->model->refiner) + cv_refiner_scratch(f->model->refiner, exec),
                           err));
    cv_bench_text(text, config->image_codes);
    CV_TRY(cv_refiner_read(&f->read, exec, f->model->refiner, text, CV_BENCH_TEXT, &f->arena, err));
done:
    return status;
}

static cogvideo_status open_decoder(finer *f, cogvideo_error *err)
{
    const cv_cogvideo *model = f->model;
    const int rate = model->description.rate;
    const size_t side = (size_t)f->grid * (size_t)rate;
    cogvideo_status status;

    CV_NEW(f->rgb, side * side * 3, err);
    CV_TRY(cv_arena_create(&f->pixels,
                           cv_image_tokenizer_decode_scratch(model->image_tokenizer, &model->head.exec, f->grid,
                                                             f->grid, rate),
                           err));
done:
    return status;
}

static cogvideo_status finer_open(finer *f, cogvideo_error *err)
{
    const cv_cogvideo *model = f->model;
    const cv_description *d = &model->description;
    cogvideo_status status;

    f->grid = model->refiner ? d->refiner.upscaled_grid : model->upscaler ? d->upscaler.upscaled_grid : d->network.grid;
    CV_NEW(f->codes, f->grid * f->grid, err);
    for (int i = 0; i < f->grid * f->grid; i++)
        f->codes[i] = i * 7 % d->network.image_codes;
    CV_TRY(cv_exec_prepare(&model->head.exec, err));
    if (model->upscaler)
        CV_TRY(open_upscaler(f, err));
    if (model->refiner)
        CV_TRY(open_refiner(f, err));
    if (model->image_tokenizer)
        CV_TRY(open_decoder(f, err));
done:
    return status;
}

static void finer_close(finer *f)
{
    cogvideo_value_free(&f->low);
    cv_free(f->places);
    cv_free(f->codes);
    cv_free(f->rgb);
    cv_arena_free(&f->arena);
    cv_arena_free(&f->drawing);
    cv_arena_free(&f->pixels);
}

/* --- in turn -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *whole; /* of the row beside the peak, and of the one in seconds */
    cv_bench_run *run;
} kinds[] = { { "super-resolution", "super-resolution of a frame", run_upscaler },
              { "refining", "refining a frame, one round", run_refiner },
              { "decoding", "decoding of a frame", run_decoder } };
enum { UPSCALER, REFINER, DECODER, KINDS };

cogvideo_status cv_bench_finer(const cv_cogvideo *model, const cogvideo_bench_options *options,
                               cogvideo_bench_report *out, double *seconds, cogvideo_error *err)
{
    const bool there[KINDS] = { model->upscaler != NULL, model->refiner != NULL, model->image_tokenizer != NULL };
    finer f = { .model = model, .err = err };
    measured all[KINDS];
    cv_limits limits = { .exec = &model->head.exec };
    cv_bench_item items[1 + KINDS] = { { { .name = "f32 peak", .unit = "GFLOP/s" }, cv_limit_f32, &limits, NULL } };
    int kind_of[1 + KINDS] = { 0 }, count = 1;
    cogvideo_status status;

    *seconds = 0;
    for (int k = 0; k < KINDS; k++) {
        all[k] = (measured){ .f = &f };
        if (!there[k])
            continue;
        items[count] = (cv_bench_item){ { .unit = "GFLOP/s", .limit = "f32 peak" }, kinds[k].run, &all[k], NULL };
        snprintf(items[count].row.name, sizeof items[count].row.name, "%s", kinds[k].name);
        kind_of[count++] = k;
    }
    if (count == 1)
        return COGVIDEO_OK;
    CV_TRY(finer_open(&f, err));
    CV_TRY(cv_bench_rounds(items, count, out->rounds, options, err));
    if ((status = f.status) != COGVIDEO_OK)
        goto done;
    for (int i = 0; i < count && out->count < COGVIDEO_BENCH_ROWS; i++) {
        const measured *m = &all[kind_of[i]];
        const double took = i ? m->operations / (items[i].row.rate * 1e9) : 0;

        out->rows[out->count++] = items[i].row;
        if (i == 0)
            continue;
        cv_bench_row(out, kinds[kind_of[i]].whole, took, "s");
        cv_bench_row(out, "memory so far at most", m->memory / 1e9, "GB");
        *seconds += took * (kind_of[i] == REFINER ? model->description.refiner.rounds : 1);
    }
done:
    finer_close(&f);
    return status;
}
