#include "model/cogvideo/forward.h"

#include "nn/activation.h"
#include "nn/attention.h"

#include <math.h>

/* Rows that go through the MLP at once in a pass: bounds the widest activations. */
#define MLP_ROWS 256

/* A row of a frame pass or a step. */
typedef struct frame_row {
    const cv_sequence *sequence;
    cv_place place;
} frame_row;

typedef struct buffers {
    float *x, *a, *qkv, *context, *mixed; /* [rows] of C, C, 3C, C, C */
    float *wide;                          /* [MLP_ROWS, or all rows of a step] of the MLP's width */
    float *alpha;                         /* [C] */
    cv_attention_query *queries;          /* [rows] */
    frame_row *rows;
    cv_run *text_runs, *base_runs;        /* [rows] */
    cv_run *plus_runs[2];                 /* [rows][max runs], by parity of the layer */
    int *plus_counts[2];
    void *linear_scratch, *attention_scratch;
} buffers;

typedef struct pass {
    const cv_exec *exec;
    const cv_stage *stage;
    int count;            /* rows */
    bool step;            /* every row is of another sequence */
    cv_text_memory *text; /* a text pass, whose rows are places of this text; NULL for frames */
    bool plus;            /* the plus channel takes part */
    buffers b;
} pass;

static int max_keys(const cv_cogvideo_config *config)
{
    return config->text_places + cv_visible_max(config);
}

static void carve(buffers *b, cv_arena *arena, const cv_exec *exec, const cv_stage *stage, int rows, bool step)
{
    const cv_cogvideo_config *config = stage->config;
    size_t n = (size_t)rows, C = (size_t)config->hidden, mlp = (size_t)config->mlp;
    size_t runs = n * (size_t)cv_plus_max_runs(config, stage->kind);
    size_t inner = (step || rows < MLP_ROWS ? n : MLP_ROWS) * mlp;
    int widest = config->mlp > config->hidden ? config->mlp : config->hidden;

    b->x = cv_arena_take(arena, n * C, sizeof(float));
    b->a = cv_arena_take(arena, n * C, sizeof(float));
    b->qkv = cv_arena_take(arena, n * C * 3, sizeof(float));
    b->context = cv_arena_take(arena, n * C, sizeof(float));
    b->mixed = cv_arena_take(arena, n * C, sizeof(float));
    b->wide = cv_arena_take(arena, inner, sizeof(float));
    b->alpha = cv_arena_take(arena, C, sizeof(float));
    b->queries = cv_arena_take(arena, n, sizeof *b->queries);
    b->rows = cv_arena_take(arena, n, sizeof *b->rows);
    b->text_runs = cv_arena_take(arena, n, sizeof(cv_run));
    b->base_runs = cv_arena_take(arena, n, sizeof(cv_run));
    for (int parity = 0; parity < 2; parity++) {
        b->plus_runs[parity] = cv_arena_take(arena, runs, sizeof(cv_run));
        b->plus_counts[parity] = cv_arena_take(arena, n, sizeof(int));
    }
    b->linear_scratch = cv_arena_take(arena, step ? 0 : cv_linear_scratch(exec, widest), 1);
    b->attention_scratch =
        cv_arena_take(arena, cv_attention_scratch(exec, max_keys(config), config->hidden / config->heads), 1);
}

size_t cv_forward_scratch(const cv_exec *exec, const cv_stage *stage, int rows, bool step)
{
    cv_arena arena = { 0 };
    buffers b;

    carve(&b, &arena, exec, stage, rows, step);
    return arena.peak;
}

static void linear(const pass *p, const cv_linear *weights, float *out, const float *x, int rows)
{
    size_t N = (size_t)weights->N, K = (size_t)weights->K;

    if (p->step)
        cv_linear_step(p->exec, weights, out, N, x, K, rows);
    else
        cv_linear_rows(p->exec, weights, out, N, x, K, rows, p->b.linear_scratch);
}

/* Keys and values of rows first .. first + count - 1, as they stand in the QKV buffer, into a memory chosen per row. */
static void remember(const pass *p, int layer, bool plus, int first, int count)
{
    const cv_cogvideo_config *config = p->stage->config;
    int C = config->hidden, L = cv_cogvideo_places(config);

#pragma omp parallel for num_threads(p->exec->threads) schedule(static) if (count > 16)
    for (int r = first; r < first + count; r++) {
        const float *qkv = p->b.qkv + (size_t)r * 3 * (size_t)C;
        const cv_memory *memory;
        int place = r;

        if (p->text) {
            memory = plus ? &p->text->plus : &p->text->base;
        } else {
            const frame_row *row = &p->b.rows[r];

            memory = plus ? &row->sequence->frames->plus : &row->sequence->frames->base;
            place = row->place.index + (plus ? row->place.slot * L : 0);
        }
        cv_memory_put(memory, layer, place, qkv + C, qkv + 2 * C, config->heads, C / config->heads);
    }
}

static cv_attention_source source(const cv_memory *memory, int layer, const cv_run *runs, int count, float bias)
{
    return (cv_attention_source){
        .keys = memory->keys + (size_t)layer * memory->layer_stride,
        .values = memory->values + (size_t)layer * memory->layer_stride,
        .head_stride = memory->head_stride,
        .runs = runs,
        .run_count = count,
        .bias = bias,
    };
}

/* context = attention of rows first .. first + count - 1, in one channel. */
static void attend(const pass *p, int layer, bool plus, int first, int count)
{
    const cv_cogvideo_config *config = p->stage->config;
    size_t C = (size_t)config->hidden;
    int max_runs = cv_plus_max_runs(config, p->stage->kind), parity = layer & 1;

    for (int r = first; r < first + count; r++) {
        cv_attention_query *query = &p->b.queries[r];
        const frame_row *row = &p->b.rows[r];

        query->q = p->b.qkv + (size_t)r * 3 * C;
        query->out = p->b.context + (size_t)r * C;
        query->source_count = 1;
        if (p->text) {
            query->sources[0] = source(&p->text->base, layer, &p->b.text_runs[r], 1, 0);
            continue;
        }
        query->source_count = 2;
        if (plus) {
            /* Given places look at text without the weight here, generated ones with it. */
            query->sources[0] = source(&row->sequence->text->plus, layer, &p->b.text_runs[r], 1,
                                       row->place.generated ? row->sequence->text_weight : 0);
            query->sources[1] = source(&row->sequence->frames->plus, layer,
                                       p->b.plus_runs[parity] + (size_t)r * (size_t)max_runs,
                                       p->b.plus_counts[parity][r], 0);
        } else {
            query->sources[0] = source(&row->sequence->text->base, layer, &p->b.text_runs[r], 1,
                                       row->sequence->text_weight);
            query->sources[1] = source(&row->sequence->frames->base, layer, &p->b.base_runs[r], 1, 0);
        }
    }
    cv_attention(p->exec, p->b.queries + first, count, config->heads, config->hidden / config->heads,
                 max_keys(config), p->b.attention_scratch);
}

/* The base memory has room for one frame, so the frames of a pass go through it one after another. */
static void base_attention(const pass *p, int layer)
{
    int L = cv_cogvideo_places(p->stage->config);
    int group = p->text || p->step ? p->count : L;

    for (int first = 0; first < p->count; first += group) {
        remember(p, layer, false, first, group);
        attend(p, layer, false, first, group);
    }
}

/* mixed = alpha * mixed + (1 - alpha) * plus, alpha = sigmoid(mix) */
static void mix_channels(const pass *p, const float *mix, const float *plus)
{
    int C = p->stage->config->hidden;
    float *alpha = p->b.alpha;

    for (int i = 0; i < C; i++)
        alpha[i] = 1.0f / (1.0f + expf(-mix[i]));
#pragma omp parallel for num_threads(p->exec->threads) schedule(static) if (p->count > 16)
    for (int r = 0; r < p->count; r++) {
        float *to = p->b.mixed + (size_t)r * (size_t)C;
        const float *from = plus + (size_t)r * (size_t)C;

        for (int i = 0; i < C; i++)
            to[i] = alpha[i] * to[i] + (1.0f - alpha[i]) * from[i];
    }
}

static void mlp(const pass *p, const cv_trunk_layer *layer)
{
    const cv_cogvideo_config *config = p->stage->config;
    size_t C = (size_t)config->hidden;
    int block = p->step ? p->count : MLP_ROWS;

    cv_layer_norm_apply(p->exec, &layer->post_attention_norm, p->b.a, p->b.x, p->count);
    for (int first = 0; first < p->count; first += block) {
        int rows = p->count - first < block ? p->count - first : block;

        linear(p, &layer->mlp_in, p->b.wide, p->b.a + (size_t)first * C, rows);
        cv_gelu(p->exec, p->b.wide, (size_t)rows * (size_t)config->mlp);
        linear(p, &layer->mlp_out, p->b.mixed + (size_t)first * C, p->b.wide, rows);
    }
    cv_layer_norm_add(p->exec, &layer->fourth_norm, p->b.x, p->b.mixed, p->count);
}

static void run_layer(const pass *p, int n)
{
    const cv_trunk_layer *layer = &p->stage->trunk->layers[n];
    const cv_plus_layer *plus = &p->stage->plus[n];

    cv_layer_norm_apply(p->exec, &layer->input_norm, p->b.a, p->b.x, p->count);
    linear(p, &layer->qkv, p->b.qkv, p->b.a, p->count);
    base_attention(p, n);
    linear(p, &layer->dense, p->b.mixed, p->b.context, p->count);
    if (p->plus) {
        linear(p, &plus->qkv, p->b.qkv, p->b.a, p->count);
        remember(p, n, true, 0, p->count);
        if (!p->text) {
            attend(p, n, true, 0, p->count);
            linear(p, &plus->dense, p->b.a, p->b.context, p->count);
            mix_channels(p, plus->mix, p->b.a);
        }
    }
    cv_layer_norm_add(p->exec, &layer->third_norm, p->b.x, p->b.mixed, p->count);
    mlp(p, layer);
}

static void run_layers(const pass *p, const cv_observer *observer)
{
    for (int n = 0; n < p->stage->config->layers; n++) {
        run_layer(p, n);
        if (observer)
            observer->layer(observer->user, n, p->b.x, p->count, p->stage->config->hidden);
    }
}

void cv_forward_text(const cv_exec *exec, const cv_stage *stage, cv_text_memory *memory, const int32_t *ids,
                     const cv_observer *observer, void *scratch)
{
    pass p = { .exec = exec, .stage = stage, .count = memory->count, .text = memory };
    cv_arena arena = cv_arena_over(scratch, cv_forward_scratch(exec, stage, memory->count, false));
    int C = stage->config->hidden;

    p.plus = memory->plus.keys != NULL;
    carve(&p.b, &arena, exec, stage, memory->count, false);
    for (int t = 0; t < memory->count; t++) {
        cv_embedding_row(p.b.x + (size_t)t * (size_t)C, stage->trunk->word_embeddings, ids[t], C);
        cv_embedding_add(p.b.x + (size_t)t * (size_t)C, stage->trunk->positions, t, C);
        p.b.text_runs[t] = (cv_run){ 0, memory->count };
    }
    run_layers(&p, observer);
}

/* Word and position embeddings of a frame's place, and what it sees. */
static void prepare_row(pass *p, int r, const cv_sequence *sequence, cv_place place, int32_t input)
{
    const cv_stage *stage = p->stage;
    const cv_cogvideo_config *config = stage->config;
    int C = config->hidden, L = cv_cogvideo_places(config), max_runs = cv_plus_max_runs(config, stage->kind);
    int time = cv_slot_time(config, stage->kind, place.slot);
    float *x = p->b.x + (size_t)r * (size_t)C;

    cv_embedding_row(x, stage->trunk->word_embeddings, place.index == 0 ? config->start_of_image : input, C);
    if (time == 0)
        cv_embedding_add(x, stage->trunk->positions, config->frame_position + place.index, C);
    else
        cv_embedding_add(x, stage->extra_positions, L * (time - 1) + place.index, C);
    p->b.rows[r] = (frame_row){ sequence, place };
    p->b.text_runs[r] = (cv_run){ 0, sequence->text->count };
    p->b.base_runs[r] = cv_base_run(config, stage->kind, place);
    for (int parity = 0; p->plus && parity < 2; parity++)
        p->b.plus_counts[parity][r] = cv_plus_runs(config, stage->kind, parity, place,
                                                   p->b.plus_runs[parity] + (size_t)r * (size_t)max_runs);
}

void cv_forward_frames(const cv_exec *exec, const cv_stage *stage, const cv_sequence *sequence,
                       const cv_frames_pass *frames, float *hidden, const cv_observer *observer, void *scratch)
{
    int L = cv_cogvideo_places(stage->config);
    pass p = { .exec = exec, .stage = stage, .count = frames->slots * L, .plus = sequence->plus };
    cv_arena arena = cv_arena_over(scratch, cv_forward_scratch(exec, stage, p.count, false));

    carve(&p.b, &arena, exec, stage, p.count, false);
    for (int r = 0; r < p.count; r++) {
        int slot = frames->first_slot + r / L;
        cv_place place = { slot, r % L, slot >= frames->generated_from };

        prepare_row(&p, r, sequence, place, place.index == 0 ? 0 : frames->codes[r - 1]);
    }
    run_layers(&p, observer);
    if (hidden)
        cv_layer_norm_apply(exec, &stage->trunk->final_norm, hidden, p.b.x, p.count);
}

void cv_forward_logits(const cv_exec *exec, const cv_stage *stage, float *logits, const float *hidden, int rows,
                       void *scratch)
{
    cv_linear_rows(exec, &stage->head, logits, (size_t)stage->head.N, hidden, (size_t)stage->head.K, rows, scratch);
}

void cv_forward_step(const cv_exec *exec, const cv_stage *stage, const cv_step_row *rows, int count, float *logits,
                     void *scratch)
{
    pass p = { .exec = exec, .stage = stage, .count = count, .step = true };
    cv_arena arena = cv_arena_over(scratch, cv_forward_scratch(exec, stage, count, true));

    p.plus = rows[0].sequence->plus;
    carve(&p.b, &arena, exec, stage, count, true);
    for (int r = 0; r < count; r++)
        prepare_row(&p, r, rows[r].sequence, (cv_place){ rows[r].slot, rows[r].index, true }, rows[r].previous);
    run_layers(&p, NULL);
    cv_layer_norm_apply(exec, &stage->trunk->final_norm, p.b.a, p.b.x, count);
    linear(&p, &stage->head, logits, p.b.a, count);
}
