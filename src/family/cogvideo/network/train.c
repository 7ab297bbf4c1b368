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
    int *places;             /* [HEAD_ROWS]: which of a sequence are at the head */
    float *x;                /* [HEAD_ROWS, C]: their rows of p.x */
    float *hidden, *dhidden; /* [HEAD_ROWS, C] */
    float *logits;           /* [HEAD_ROWS, ids of the head] */
    double *row_ce;          /* [HEAD_ROWS] */
    int32_t *labels;         /* [HEAD_ROWS] */
    float *scales;           /* [HEAD_ROWS] */
} train_run;

/* The places of a sequence behind its text. */
static int places_of(const train_run *run, int s)
{
    const cv_train_batch *batch = run->batch;

    return batch->slots ? batch->slots * cv_cogvideo_places(run->p.stage->config) : batch->sequences[s].count;
}

static bool has_loss(const train_run *run, int s, int place)
{
    const cv_train_batch *batch = run->batch;

    return batch->slots ? place / cv_cogvideo_places(run->p.stage->config) >= batch->given
                        : batch->sequences[s].loss[place];
}

/* Keys and values of a sequence: of all layers, or gradients of one. */
static void take_caches(cv_arena *arena, const train_run *run, int layers, int s, cv_text_cache *text,
                        cv_frames_cache *frames)
{
    const cv_cogvideo_config *config = run->p.stage->config;
    const cv_train_batch *batch = run->batch;
    int text_places = batch->sequences[s].text_count, frame_places = places_of(run, s);

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

    *run = (train_run){ .batch = batch };
    run->p = (cv_pass){ .exec = exec,
                        .stage = stage,
                        .plus = batch->plus,
                        .training = gradients,
                        .frame_rows = true,
                        .dropout = { gradients ? batch->dropout : 0, batch->seed, batch->step, 0 } };
    run->spans = cv_arena_take(arena, n, sizeof *run->spans);
    for (int s = 0; s < batch->count; s++) {
        cv_span span = { run->p.count, batch->sequences[s].text_count, places_of(run, s) };

        run->p.count += span.text + span.frames;
        if (batch->slots == 0 && span.frames > run->p.max_keys)
            run->p.max_keys = span.frames;
        if (run->spans)
            run->spans[s] = span;
    }
    cv_pass_carve(&run->p, arena);
    run->texts = cv_arena_take(arena, n, sizeof *run->texts);
    run->frames = cv_arena_take(arena, n, sizeof *run->frames);
    run->sequences = cv_arena_take(arena, n, sizeof *run->sequences);
    run->back.texts = cv_arena_take(arena, n, sizeof *run->back.texts);
    run->back.frames = cv_arena_take(arena, n, sizeof *run->back.frames);
    for (int s = 0; s < batch->count; s++) {
        cv_text_cache text, dtext;
        cv_frames_cache frames, dframes;

        take_caches(arena, run, config->layers, s, &text, &frames);
        if (gradients)
            take_caches(arena, run, 1, s, &dtext, &dframes);
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
    run->places = cv_arena_take(arena, HEAD_ROWS, sizeof(int));
    run->x = cv_arena_take(arena, HEAD_ROWS * C, sizeof(float));
    run->hidden = cv_arena_take(arena, HEAD_ROWS * C, sizeof(float));
    run->dhidden = cv_arena_take(arena, HEAD_ROWS * C, sizeof(float));
    run->logits = cv_arena_take(arena, HEAD_ROWS * (size_t)stage->head.weight.N, sizeof(float));
    run->row_ce = cv_arena_take(arena, HEAD_ROWS, sizeof(double));
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
        for (int i = 0; i < run->spans[s].frames; i++, r++)
            if (batch->slots)
                cv_pass_row(&run->p, r, &run->sequences[s], (cv_place){ i / L, i % L, i / L >= batch->given },
                            i % L ? from->codes[i - 1] : 0);
            else
                cv_pass_element(&run->p, r, &run->sequences[s], i, &from->elements[i]);
    }
}

/* The next places of sequence s from `*next` on that have a loss, or all of a frame, into run->places. Returns how
 * many; 0 after the last. */
static int next_places(train_run *run, int s, int *next, bool all)
{
    int rows = 0;

    for (; *next < run->spans[s].frames && rows < HEAD_ROWS; (*next)++)
        if (all || has_loss(run, s, *next))
            run->places[rows++] = *next;
    return rows;
}

/* Loss of these places of sequence s; with gradients, their dx of the last layer's output. */
static double head_block(train_run *run, const cv_stage *grads, int s, int rows, float scale, float *ce)
{
    const cv_pass *p = &run->p;
    const cv_stage *stage = p->stage;
    const cv_train_sequence *from = &run->batch->sequences[s];
    const int first = run->spans[s].first + run->spans[s].text, ids = stage->head.weight.N;
    size_t C = (size_t)stage->config->hidden;
    double loss = 0;

    for (int i = 0; i < rows; i++) {
        const int place = run->places[i];

        run->labels[i] = run->batch->slots ? from->codes[place] : from->labels[place];
        run->scales[i] = has_loss(run, s, place) ? scale : 0;
        memcpy(run->x + (size_t)i * C, p->x + (size_t)(first + place) * C, C * sizeof(float));
    }
    cv_layer_norm_apply(p->exec, &stage->trunk->final_norm, run->hidden, run->x, rows);
    cv_linear_rows(p->exec, &stage->head, run->logits, (size_t)ids, run->hidden, C, rows, p->arena);
    cv_cross_entropy(p->exec, run->logits, run->row_ce, run->labels, run->scales, rows, ids);
    for (int i = 0; i < rows; i++)
        loss += run->scales[i] > 0 ? run->row_ce[i] : 0;
    for (int i = 0; ce && i < rows; i++)
        ce[run->places[i]] = (float)run->row_ce[i];
    if (!p->training)
        return loss;
    cv_backward_head(p, grads, run->dhidden, run->logits, run->hidden, run->x, rows);
    for (int i = 0; i < rows; i++)
        memcpy(run->back.dx + (size_t)(first + run->places[i]) * C, run->dhidden + (size_t)i * C, C * sizeof(float));
    return loss;
}

static double head(train_run *run, const cv_stage *grads, float *ce)
{
    const cv_train_batch *batch = run->batch;
    const bool all = ce || batch->slots > 0;
    int with_loss = 0;
    double loss = 0;

    for (int s = 0; s < batch->count; s++)
        for (int i = 0; i < run->spans[s].frames; i++)
            with_loss += has_loss(run, s, i);
    if (run->p.training)
        memset(run->back.dx, 0, (size_t)run->p.count * (size_t)run->p.stage->config->hidden * sizeof(float));
    for (int s = 0; s < batch->count; s++) {
        for (int next = 0, rows; (rows = next_places(run, s, &next, all)) > 0;)
            loss += head_block(run, grads, s, rows, 1.0f / (float)with_loss, ce);
        if (ce)
            ce += run->spans[s].frames;
    }
    return with_loss ? loss / with_loss : 0;
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
