#include "family/cogvideo/network/train.h"

#include "family/cogvideo/network/backward.h"
#include "nn/loss.h"

#include <string.h>

/* Rows of logits that are held at once. */
#define HEAD_ROWS 256

typedef struct train_run {
    cv_pass p;
    const cv_train_batch *batch;
    cv_text_cache *texts;    /* [count] */
    cv_frames_cache *frames; /* [count] */
    cv_sequence *sequences;  /* [count] */
    cv_span *spans;          /* [count]: rows of each sequence, text first */
    cv_backward back;
    float *hidden, *dhidden; /* [HEAD_ROWS, C] */
    float *logits;           /* [HEAD_ROWS, image_codes] */
    double *frame_ce;        /* [HEAD_ROWS] */
    int32_t *labels;         /* [HEAD_ROWS] */
    float *scales;           /* [HEAD_ROWS] */
} train_run;

/* Keys and values of a sequence: of all layers, or gradients of one. */
static void take_caches(cv_arena *arena, const cv_cogvideo_config *config, int layers, const cv_train_batch *batch,
                        int s, cv_text_cache *text, cv_frames_cache *frames)
{
    int text_places = batch->sequences[s].text_count, frame_places = batch->slots * cv_cogvideo_places(config);

    *text = (cv_text_cache){ .count = text_places };
    *frames = (cv_frames_cache){ .slots = batch->slots };
    text->base = cv_kv_cache_take(arena, CV_WEIGHT_F32, layers, text_places, config->hidden, config->heads);
    frames->base = cv_kv_cache_take(arena, CV_WEIGHT_F32, layers, frame_places, config->hidden, config->heads);
    if (!batch->plus)
        return;
    text->plus = cv_kv_cache_take(arena, CV_WEIGHT_F32, layers, text_places, config->hidden, config->heads);
    frames->plus = cv_kv_cache_take(arena, CV_WEIGHT_F32, layers, frame_places, config->hidden, config->heads);
}

static void carve(train_run *run, const cv_exec *exec, const cv_stage *stage, const cv_train_batch *batch,
                  bool gradients, cv_arena *arena)
{
    const cv_cogvideo_config *config = stage->config;
    size_t n = (size_t)batch->count, C = (size_t)config->hidden;
    int L = cv_cogvideo_places(config), rows = 0;

    *run = (train_run){ .batch = batch };
    run->spans = cv_arena_take(arena, n, sizeof *run->spans);
    for (int s = 0; s < batch->count; s++) {
        cv_span span = { rows, batch->sequences[s].text_count, batch->slots * L };

        rows += span.text + span.frames;
        if (run->spans)
            run->spans[s] = span;
    }
    run->p = (cv_pass){ .exec = exec,
                        .stage = stage,
                        .count = rows,
                        .plus = batch->plus,
                        .training = gradients,
                        .frame_rows = true,
                        .dropout = { gradients ? batch->dropout : 0, batch->seed, batch->step, 0 } };
    cv_pass_carve(&run->p, arena);
    run->texts = cv_arena_take(arena, n, sizeof *run->texts);
    run->frames = cv_arena_take(arena, n, sizeof *run->frames);
    run->sequences = cv_arena_take(arena, n, sizeof *run->sequences);
    run->back.texts = cv_arena_take(arena, n, sizeof *run->back.texts);
    run->back.frames = cv_arena_take(arena, n, sizeof *run->back.frames);
    for (int s = 0; s < batch->count; s++) {
        cv_text_cache text, dtext;
        cv_frames_cache frames, dframes;

        take_caches(arena, config, config->layers, batch, s, &text, &frames);
        if (gradients)
            take_caches(arena, config, 1, batch, s, &dtext, &dframes);
        if (!run->texts)
            continue;
        run->texts[s] = text;
        run->frames[s] = frames;
        run->sequences[s] = (cv_sequence){ &run->texts[s], &run->frames[s], 0, batch->plus };
        if (gradients) {
            run->back.texts[s] = dtext;
            run->back.frames[s] = dframes;
        }
    }
    run->hidden = cv_arena_take(arena, HEAD_ROWS * C, sizeof(float));
    run->dhidden = cv_arena_take(arena, HEAD_ROWS * C, sizeof(float));
    run->logits = cv_arena_take(arena, HEAD_ROWS * (size_t)config->image_codes, sizeof(float));
    run->frame_ce = cv_arena_take(arena, HEAD_ROWS, sizeof(double));
    run->labels = cv_arena_take(arena, HEAD_ROWS, sizeof(int32_t));
    run->scales = cv_arena_take(arena, HEAD_ROWS, sizeof(float));
    if (gradients)
        cv_backward_carve(&run->back, &run->p, batch->count, arena);
    cv_pass_reserve(&run->p);
    run->back.spans = run->spans;
}

static void fill_rows(train_run *run)
{
    const cv_train_batch *batch = run->batch;
    int L = cv_cogvideo_places(run->p.stage->config);

    for (int s = 0; s < batch->count; s++) {
        const cv_train_sequence *from = &batch->sequences[s];
        int r = run->spans[s].first;

        for (int t = 0; t < from->text_count; t++)
            cv_pass_row(&run->p, r++, &run->sequences[s], (cv_place){ CV_TEXT_SLOT, t, false }, from->text[t]);
        for (int i = 0; i < batch->slots * L; i++)
            cv_pass_row(&run->p, r++, &run->sequences[s], (cv_place){ i / L, i % L, i / L >= batch->given },
                        i % L ? from->codes[i - 1] : 0);
    }
}

/* Loss of frame places first .. first + rows - 1 of sequence s; with gradients, their dx of the last layer's output. */
static double head_block(train_run *run, const cv_stage *grads, int s, int first, int rows, float scale, float *ce)
{
    const cv_pass *p = &run->p;
    const cv_stage *stage = p->stage;
    const cv_cogvideo_config *config = stage->config;
    int L = cv_cogvideo_places(config), row = run->spans[s].first + run->spans[s].text + first;
    size_t C = (size_t)config->hidden;
    double loss = 0;

    for (int i = 0; i < rows; i++) {
        run->labels[i] = run->batch->sequences[s].codes[first + i];
        run->scales[i] = (first + i) / L >= run->batch->given ? scale : 0;
    }
    cv_layer_norm_apply(p->exec, &stage->trunk->final_norm, run->hidden, p->x + (size_t)row * C, rows);
    cv_linear_rows(p->exec, &stage->head, run->logits, (size_t)config->image_codes, run->hidden, C, rows, p->arena);
    cv_cross_entropy(p->exec, run->logits, run->frame_ce, run->labels, run->scales, rows, config->image_codes);
    for (int i = 0; i < rows; i++)
        loss += run->scales[i] > 0 ? run->frame_ce[i] : 0;
    for (int i = 0; ce && i < rows; i++)
        ce[i] = (float)run->frame_ce[i];
    if (p->training)
        cv_backward_head(&run->back, p, grads, row, run->dhidden, run->logits, run->hidden, rows);
    return loss;
}

static double head(train_run *run, const cv_stage *grads, float *ce)
{
    const cv_train_batch *batch = run->batch;
    int L = cv_cogvideo_places(run->p.stage->config), per = batch->slots * L;
    int places = batch->count * (batch->slots - batch->given) * L;
    double loss = 0;

    if (run->p.training)
        memset(run->back.dx, 0, (size_t)run->p.count * (size_t)run->p.stage->config->hidden * sizeof(float));
    for (int s = 0; s < batch->count; s++)
        for (int first = 0; first < per; first += HEAD_ROWS)
            loss += head_block(run, grads, s, first, per - first < HEAD_ROWS ? per - first : HEAD_ROWS,
                               1.0f / (float)places, ce ? ce + s * per + first : NULL);
    return loss / places;
}

double cv_stage_train(const cv_exec *exec, const cv_stage *stage, const cv_stage *grads, const cv_train_batch *batch,
                      float *ce, cv_arena *arena)
{
    train_run run;
    size_t mark = cv_arena_mark(arena);
    double loss = 0;

    carve(&run, exec, stage, batch, grads != NULL, arena);
    if (arena->base) {
        fill_rows(&run);
        cv_pass_run(&run.p);
        loss = head(&run, grads, ce);
        if (grads)
            cv_backward_run(&run.back, &run.p, grads);
    }
    cv_arena_rewind(arena, mark);
    return loss;
}
