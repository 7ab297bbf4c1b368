#include "family/cogvideo/network/pass.h"

#include "nn/activation.h"

#include <math.h>
#include <string.h>

/* Rows that go through the MLP at once in a pass: bounds the widest activations. */
#define MLP_ROWS 256

static int max_frame_keys(const cv_cogvideo_config *config)
{
    return config->text_places + cv_visible_max(config);
}

static float *take(cv_arena *arena, size_t rows, size_t width)
{
    return cv_arena_take(arena, rows * width, sizeof(float));
}

static void carve_layer(const cv_pass *p, cv_layer_buffers *b, cv_arena *arena)
{
    size_t n = (size_t)p->count, C = (size_t)p->stage->config->hidden;

    b->a = take(arena, n, C);
    b->qkv = take(arena, n, 3 * C);
    b->context = take(arena, n, C);
    b->mixed = take(arena, n, C);
    if (!p->training) { /* what is no longer needed makes room for what comes */
        b->plus_qkv = p->step ? take(arena, n, 3 * C) : b->qkv;
        b->plus_context = b->context;
        b->plus = b->m = b->a;
        b->out = b->mixed;
        b->inner = take(arena, (size_t)p->block, (size_t)p->stage->config->mlp);
        return;
    }
    b->x_in = take(arena, n, C);
    b->x_mid = take(arena, n, C);
    b->m = take(arena, n, C);
    b->out = take(arena, n, C);
    b->inner = take(arena, n, (size_t)p->stage->config->mlp);
    if (!p->plus)
        return;
    b->plus_qkv = take(arena, n, 3 * C);
    b->plus_context = take(arena, n, C);
    b->plus = take(arena, n, C);
    b->base = take(arena, n, C);
}

void cv_pass_carve(cv_pass *p, cv_arena *arena)
{
    const cv_cogvideo_config *config = p->stage->config;
    size_t n = (size_t)p->count, runs = n * (size_t)cv_plus_max_runs(config, p->stage->kind);
    int layers = p->training ? config->layers : 1;

    if (p->max_keys == 0)
        p->max_keys = max_frame_keys(config);
    p->block = p->step || p->count < MLP_ROWS ? p->count : MLP_ROWS;
    p->layers = cv_arena_take(arena, (size_t)layers, sizeof *p->layers);
    for (int n_layer = 0; n_layer < layers; n_layer++) {
        cv_layer_buffers measured, *b = p->layers ? &p->layers[n_layer] : &measured;

        *b = (cv_layer_buffers){ 0 };
        carve_layer(p, b, arena);
    }
    p->x = take(arena, n, (size_t)config->hidden);
    p->alpha = take(arena, 1, (size_t)config->hidden);
    p->gelu = p->training ? take(arena, (size_t)p->block, (size_t)config->mlp) : NULL;
    p->rows = cv_arena_take(arena, n, sizeof *p->rows);
    p->queries = cv_arena_take(arena, n, sizeof *p->queries);
    p->text_runs = cv_arena_take(arena, n, sizeof(cv_key_run));
    p->base_runs = cv_arena_take(arena, n * CV_ELEMENT_RUNS, sizeof(cv_key_run));
    p->base_counts = cv_arena_take(arena, n, sizeof(int));
    for (int parity = 0; parity < 2; parity++) {
        p->plus_runs[parity] = cv_arena_take(arena, runs, sizeof(cv_key_run));
        p->plus_counts[parity] = cv_arena_take(arena, n, sizeof(int));
    }
    if (p->step) {
        cv_step_input measured;

        p->input = cv_arena_take(arena, 1, sizeof *p->input);
        cv_step_input_take(p->input ? p->input : &measured, arena, p->exec, p->count,
                           config->mlp > config->hidden ? config->mlp : config->hidden);
    }
    p->arena = arena;
}

void cv_pass_reserve(const cv_pass *p)
{
    const cv_cogvideo_config *config = p->stage->config;
    int widest = config->mlp > 3 * config->hidden ? config->mlp : 3 * config->hidden;

    if (!p->step)
        cv_arena_reserve(p->arena, cv_linear_scratch(p->exec, widest));
    cv_arena_reserve(p->arena, cv_attention_scratch(p->exec, p->max_keys, config->hidden / config->heads));
}

size_t cv_pass_scratch(cv_pass *p)
{
    cv_arena arena = { 0 };

    cv_pass_carve(p, &arena);
    cv_pass_reserve(p);
    return arena.peak;
}

size_t cv_forward_scratch(const cv_exec *exec, const cv_stage *stage, int rows, bool step)
{
    cv_pass p = { .exec = exec, .stage = stage, .count = rows, .step = step, .plus = true };

    return cv_pass_scratch(&p);
}

static cv_position position_of(const cv_stage *stage, cv_place place)
{
    const cv_cogvideo_config *config = stage->config;
    int time;

    if (place.slot == CV_TEXT_SLOT)
        return (cv_position){ stage->trunk->positions, place.index };
    time = cv_slot_time(config, stage->kind, place.slot);
    if (time == 0)
        return (cv_position){ stage->trunk->positions, config->frame_position + place.index };
    return (cv_position){ stage->extra_positions, (time - 1) * cv_cogvideo_places(config) + place.index };
}

/* Whether the base cache keeps all frames (training), or the current one only. */
static bool holds_all_frames(const cv_cogvideo_config *config, const cv_frames_cache *frames)
{
    return frames->base.positions > cv_cogvideo_places(config);
}

/* Its input embedding into x, and the text that it sees. */
static void set_row(cv_pass *p, int r, const cv_row *row)
{
    const int C = p->stage->config->hidden;

    p->rows[r] = *row;
    cv_trunk_embed(p->stage->trunk, p->x + (size_t)r * (size_t)C, row->input, row->position.table, row->position.row);
    p->text_runs[r] = (cv_key_run){ 0, row->sequence->text->count };
}

void cv_pass_row(cv_pass *p, int r, const cv_sequence *sequence, cv_place place, int32_t input)
{
    const cv_cogvideo_config *config = p->stage->config;
    const bool text = place.slot == CV_TEXT_SLOT;
    const int max_runs = cv_plus_max_runs(config, p->stage->kind);
    const int before = text ? 0 : place.slot * cv_cogvideo_places(config); /* places of the frames before its own */
    const int base = text || !holds_all_frames(config, sequence->frames) ? 0 : before;
    cv_key_run *runs = &p->base_runs[(size_t)r * CV_ELEMENT_RUNS];

    if (!text && place.index == 0)
        input = config->start_of_image;
    set_row(p, r,
            &(cv_row){ sequence,
                       place,
                       input,
                       position_of(p->stage, place),
                       { base + place.index, before + place.index } });
    if (text)
        return;
    runs[0] = cv_base_run(config, p->stage->kind, place);
    runs[0].first += base;
    p->base_counts[r] = 1;
    for (int parity = 0; p->plus && parity < 2; parity++)
        p->plus_counts[parity][r] =
            cv_plus_runs(config, p->stage->kind, parity, place, p->plus_runs[parity] + (size_t)r * (size_t)max_runs);
}

void cv_pass_element(cv_pass *p, int r, const cv_sequence *sequence, int index, const cv_element *element)
{
    set_row(p, r,
            &(cv_row){ .sequence = sequence,
                       .input = element->id,
                       .position = { p->stage->trunk->positions, element->position },
                       .kept = { index } });
    memcpy(&p->base_runs[(size_t)r * CV_ELEMENT_RUNS], element->sees, sizeof element->sees);
    p->base_counts[r] = element->runs;
}

/* out = layer(x). Layers that share an input follow each other: a step prepares it once. */
static void linear(const cv_pass *p, const cv_linear *layer, float *out, const float *x, int rows, bool same_input)
{
    size_t N = (size_t)layer->weight.N, K = (size_t)layer->weight.K;

    if (!p->step) {
        cv_linear_rows(p->exec, layer, out, N, x, K, rows, p->arena);
        return;
    }
    if (!same_input)
        cv_step_input_set(p->input, x, K, rows, (int)K);
    cv_linear_step(p->exec, layer, out, N, p->input);
}

/* The cache that holds a row's keys and values. */
static const cv_kv_cache *row_cache(const cv_row *row, bool plus)
{
    const cv_sequence *sequence = row->sequence;

    if (row->place.slot == CV_TEXT_SLOT)
        return plus ? &sequence->text->plus : &sequence->text->base;
    return plus ? &sequence->frames->plus : &sequence->frames->base;
}

/* Keys and values of rows first .. first + count - 1, as they stand in a QKV buffer, into the rows' caches. */
static void remember(const cv_pass *p, int layer, bool plus, const float *qkv, int first, int count)
{
    const cv_cogvideo_config *config = p->stage->config;
    int C = config->hidden;

#pragma omp parallel for num_threads(p->exec->threads) schedule(static) if (count > 16)
    for (int r = first; r < first + count; r++) {
        const float *row = qkv + (size_t)r * 3 * (size_t)C;

        cv_kv_cache_put(row_cache(&p->rows[r], plus), layer, p->rows[r].kept[plus], row + C, row + 2 * C);
    }
}

static cv_attention_source source(const cv_kv_cache *cache, int layer, const cv_key_run *runs, int count, float bias)
{
    return (cv_attention_source){
        .keys = cv_kv_cache_keys(cache, layer),
        .values = cv_kv_cache_values(cache, layer),
        .positions = cache->positions,
        .runs = runs,
        .run_count = count,
        .bias = bias,
    };
}

void cv_pass_queries(const cv_pass *p, int layer, bool plus, int first, int count, cv_attention_query *queries)
{
    const cv_layer_buffers *b = cv_pass_layer(p, layer);
    const cv_cogvideo_config *config = p->stage->config;
    size_t C = (size_t)config->hidden;
    int max_runs = cv_plus_max_runs(config, p->stage->kind), parity = layer & 1;

    for (int r = first; r < first + count; r++) {
        cv_attention_query *query = &queries[r - first];
        const cv_row *row = &p->rows[r];
        const cv_sequence *sequence = row->sequence;

        query->q = (plus ? b->plus_qkv : b->qkv) + (size_t)r * 3 * C;
        query->out = (plus ? b->plus_context : b->context) + (size_t)r * C;
        query->source_count = row->place.slot == CV_TEXT_SLOT ? 1 : 2;
        if (row->place.slot == CV_TEXT_SLOT) { /* text sees text, in the base channel only */
            query->sources[0] = source(&sequence->text->base, layer, &p->text_runs[r], 1, 0);
        } else if (plus) { /* given places look at text without the weight here, generated ones with it */
            query->sources[0] = source(&sequence->text->plus, layer, &p->text_runs[r], 1,
                                       row->place.generated ? sequence->text_weight : 0);
            query->sources[1] =
                source(&sequence->frames->plus, layer, p->plus_runs[parity] + (size_t)r * (size_t)max_runs,
                       p->plus_counts[parity][r], 0);
        } else {
            query->sources[0] = source(&sequence->text->base, layer, &p->text_runs[r], sequence->text->count > 0,
                                       sequence->text_weight);
            query->sources[1] = source(&sequence->frames->base, layer, &p->base_runs[(size_t)r * CV_ELEMENT_RUNS],
                                       p->base_counts[r], 0);
        }
    }
}

/* context = attention of rows first .. first + count - 1, in one channel. */
static void attend(const cv_pass *p, int layer, bool plus, int first, int count)
{
    const cv_cogvideo_config *config = p->stage->config;

    cv_pass_queries(p, layer, plus, first, count, p->queries);
    if (p->observer && p->observer->attention)
        p->observer->attention(p->observer->user, layer, plus, first, count, p->queries);
    cv_attention(p->exec, p->queries, count, config->heads, config->hidden / config->heads, p->max_keys, p->arena);
}

/* Rows from `first` on that stand in the base cache together: of all sequences in a step, otherwise of one frame
 * where the cache has room for one only. */
static int base_group(const cv_pass *p, int first)
{
    const cv_row *begin = &p->rows[first];
    int end = first + 1;

    if (p->step || begin->place.slot == CV_TEXT_SLOT || holds_all_frames(p->stage->config, begin->sequence->frames))
        return p->count - first;
    while (end < p->count && p->rows[end].place.slot == begin->place.slot)
        end++;
    return end - first;
}

static void base_attention(const cv_pass *p, int layer)
{
    for (int first = 0, count; first < p->count; first += count) {
        count = base_group(p, first);
        remember(p, layer, false, cv_pass_layer(p, layer)->qkv, first, count);
        attend(p, layer, false, first, count);
    }
}

/* The plus channel of the frame rows: of text rows only keys and values are wanted. In training, where rows of both
 * kinds are mixed, the context of text rows is zero, so that they add nothing to the gradient of the dense matrix. */
static void plus_attention(const cv_pass *p, int layer)
{
    size_t C = (size_t)p->stage->config->hidden;
    int first = 0;

    remember(p, layer, true, cv_pass_layer(p, layer)->plus_qkv, 0, p->count);
    while (first < p->count) {
        bool text = p->rows[first].place.slot == CV_TEXT_SLOT;
        int end = first + 1;

        while (end < p->count && (p->rows[end].place.slot == CV_TEXT_SLOT) == text)
            end++;
        if (!text)
            attend(p, layer, true, first, end - first);
        else if (p->training)
            memset(cv_pass_layer(p, layer)->plus_context + (size_t)first * C, 0,
                   (size_t)(end - first) * C * sizeof(float));
        first = end;
    }
}

void cv_pass_alpha(const cv_pass *p, const float *mix)
{
    for (int i = 0; i < p->stage->config->hidden; i++)
        p->alpha[i] = 1.0f / (1.0f + expf(-mix[i]));
}

/* mixed = alpha * mixed + (1 - alpha) * plus of frame rows, alpha = sigmoid(mix) */
static void mix_channels(const cv_pass *p, const cv_layer_buffers *b, const float *mix)
{
    int C = p->stage->config->hidden;
    const float *alpha = p->alpha;

    cv_pass_alpha(p, mix);
#pragma omp parallel for num_threads(p->exec->threads) schedule(static) if (p->count > 16)
    for (int r = 0; r < p->count; r++) {
        float *to = b->mixed + (size_t)r * (size_t)C;
        const float *from = b->plus + (size_t)r * (size_t)C;

        if (p->rows[r].place.slot == CV_TEXT_SLOT)
            continue;
        for (int i = 0; i < C; i++)
            to[i] = alpha[i] * to[i] + (1.0f - alpha[i]) * from[i];
    }
}

static void keep(const cv_pass *p, float *to, const float *from)
{
    if (to)
        memcpy(to, from, (size_t)p->count * (size_t)p->stage->config->hidden * sizeof *to);
}

static void mlp(const cv_pass *p, const cv_trunk_layer *layer, const cv_layer_buffers *b)
{
    const cv_cogvideo_config *config = p->stage->config;
    size_t C = (size_t)config->hidden, inner = (size_t)config->mlp;

    cv_layer_norm_apply(p->exec, &layer->post_attention_norm, b->m, p->x, p->count);
    for (int first = 0; first < p->count; first += p->block) {
        int rows = p->count - first < p->block ? p->count - first : p->block;
        float *wide = b->inner + (p->training ? (size_t)first * inner : 0);
        float *active = p->training ? p->gelu : wide;

        linear(p, &layer->mlp_in, wide, b->m + (size_t)first * C, rows, false);
        if (p->training)
            memcpy(active, wide, (size_t)rows * inner * sizeof *active);
        cv_gelu(p->exec, CV_GELU_TANH, active, (size_t)rows * inner);
        linear(p, &layer->mlp_out, b->out + (size_t)first * C, active, rows, false);
    }
}

void cv_pass_dropout(const cv_pass *p, int layer, int after, float *x)
{
    cv_dropout dropout = p->dropout;

    dropout.tag = (uint32_t)(2 * layer + after);
    cv_dropout_apply(p->exec, &dropout, x, 0, p->count, p->stage->config->hidden);
}

static void run_layer(const cv_pass *p, int n)
{
    const cv_trunk_layer *layer = &p->stage->trunk->layers[n];
    const cv_layer_buffers *b = cv_pass_layer(p, n);

    keep(p, b->x_in, p->x);
    cv_layer_norm_apply(p->exec, &layer->input_norm, b->a, p->x, p->count);
    linear(p, &layer->qkv, b->qkv, b->a, p->count, false);
    if (p->plus && p->step)
        linear(p, &p->stage->plus[n].qkv, b->plus_qkv, b->a, p->count, true);
    base_attention(p, n);
    linear(p, &layer->dense, b->mixed, b->context, p->count, false);
    if (p->plus) {
        const cv_plus_layer *plus = &p->stage->plus[n];

        keep(p, b->base, b->mixed);
        if (!p->step) /* only now its rows may take the place of the base channel's */
            linear(p, &plus->qkv, b->plus_qkv, b->a, p->count, false);
        plus_attention(p, n);
        if (p->frame_rows) {
            linear(p, &plus->dense, b->plus, b->plus_context, p->count, false);
            mix_channels(p, b, plus->mix);
        }
    }
    cv_pass_dropout(p, n, 0, b->mixed);
    cv_layer_norm_add(p->exec, &layer->third_norm, p->x, b->mixed, p->count);
    keep(p, b->x_mid, p->x);
    mlp(p, layer, b);
    cv_pass_dropout(p, n, 1, b->out);
    cv_layer_norm_add(p->exec, &layer->fourth_norm, p->x, b->out, p->count);
}

void cv_pass_run(const cv_pass *p)
{
    const cv_observer *observer = p->observer;

    for (int n = 0; n < p->stage->config->layers; n++) {
        run_layer(p, n);
        if (observer && observer->layer)
            observer->layer(observer->user, n, p->x, p->count, p->stage->config->hidden);
    }
}

void cv_pass_step_logits(const cv_pass *p, float *logits)
{
    float *normed = cv_pass_layer(p, 0)->a;

    cv_layer_norm_apply(p->exec, &p->stage->trunk->final_norm, normed, p->x, p->count);
    linear(p, &p->stage->head, logits, normed, p->count, false);
}

void cv_forward_text(const cv_exec *exec, const cv_stage *stage, cv_text_cache *cache, const int32_t *ids,
                     const cv_observer *observer, cv_arena *arena)
{
    cv_pass p = { .exec = exec,
                  .stage = stage,
                  .count = cache->count,
                  .plus = cache->plus.keys != NULL,
                  .observer = observer };
    cv_sequence sequence = { .text = cache };
    size_t mark = cv_arena_mark(arena);

    cv_pass_carve(&p, arena);
    for (int t = 0; t < cache->count; t++)
        cv_pass_row(&p, t, &sequence, (cv_place){ CV_TEXT_SLOT, t, false }, ids[t]);
    cv_pass_run(&p);
    cv_arena_rewind(arena, mark);
}

void cv_forward_frames(const cv_exec *exec, const cv_stage *stage, const cv_sequence *sequence,
                       const cv_frames_pass *frames, float *hidden, const cv_observer *observer, cv_arena *arena)
{
    int L = cv_cogvideo_places(stage->config);
    cv_pass p = { .exec = exec,
                  .stage = stage,
                  .count = frames->slots * L,
                  .plus = sequence->plus,
                  .frame_rows = true,
                  .observer = observer };
    size_t mark = cv_arena_mark(arena);

    cv_pass_carve(&p, arena);
    for (int r = 0; r < p.count; r++) {
        int slot = frames->first_slot + r / L;
        cv_place place = { slot, r % L, slot >= frames->generated_from };

        cv_pass_row(&p, r, sequence, place, place.index == 0 ? 0 : frames->codes[r - 1]);
    }
    cv_pass_run(&p);
    if (hidden)
        cv_layer_norm_apply(exec, &stage->trunk->final_norm, hidden, p.x, p.count);
    cv_arena_rewind(arena, mark);
}

void cv_forward_logits(const cv_exec *exec, const cv_stage *stage, float *logits, const float *hidden, int rows,
                       cv_arena *arena)
{
    cv_linear_rows(exec, &stage->head, logits, (size_t)stage->head.weight.N, hidden, (size_t)stage->head.weight.K, rows,
                   arena);
}

void cv_forward_step(const cv_exec *exec, const cv_stage *stage, const cv_step_row *rows, int count, float *logits,
                     cv_arena *arena)
{
    cv_pass p = { .exec = exec,
                  .stage = stage,
                  .count = count,
                  .step = true,
                  .plus = rows[0].sequence->plus,
                  .frame_rows = true };
    size_t mark = cv_arena_mark(arena);

    cv_pass_carve(&p, arena);
    for (int r = 0; r < count; r++)
        cv_pass_row(&p, r, rows[r].sequence, (cv_place){ rows[r].slot, rows[r].index, true }, rows[r].previous);
    cv_pass_run(&p);
    cv_pass_step_logits(&p, logits);
    cv_arena_rewind(arena, mark);
}
