#include "model/t5/t5_network.h"

#include "model/t5/t5_bias.h"
#include "nn/activation.h"
#include "nn/gated.h"

#include <string.h>

/* --- memory --------------------------------------------------------------------------------------------------- */

static float *take(cv_arena *arena, int rows, int width)
{
    return cv_arena_take(arena, (size_t)rows, (size_t)width * sizeof(float));
}

static cv_t5_block_tape take_block(const cv_t5_config *c, bool training, int rows, cv_arena *arena)
{
    const int E = c->width, inside = c->heads * c->head_width;
    cv_t5_block_tape tape = { .normed = take(arena, rows, E) };

    tape.q = take(arena, rows, inside);
    tape.kv = take(arena, rows, 2 * inside);
    tape.gate = take(arena, rows, c->inner);
    if (c->gated)
        tape.value = take(arena, rows, c->inner);
    if (training) {
        tape.x_in = take(arena, rows, E);
        tape.context = take(arena, rows, inside);
        tape.x_mid = take(arena, rows, E);
        tape.dense_normed = take(arena, rows, E);
        tape.active = take(arena, rows, c->inner);
    } else {
        tape.context = tape.q;
        tape.dense_normed = tape.normed;
        tape.active = c->gated ? tape.value : tape.gate;
    }
    return tape;
}

void cv_t5_tape_lay_out(cv_t5_tape *tape, const cv_exec *exec, const cv_t5 *t5, int texts, int longest, int rows,
                        cv_arena *arena)
{
    const cv_t5_config *c = &t5->config;
    const size_t heads = (size_t)c->heads, most = (size_t)longest;
    const cv_cosine_attention attention = cv_t5_attention(c, longest, NULL);
    cv_t5_block_tape block = { 0 };

    tape->firsts = cv_arena_take(arena, (size_t)texts + 1, sizeof *tape->firsts);
    tape->ids = cv_arena_take(arena, (size_t)rows, sizeof *tape->ids);
    tape->x = take(arena, rows, c->width);
    tape->by_distance = cv_arena_take(arena, heads * cv_t5_distances(longest), sizeof *tape->by_distance);
    tape->bias = cv_arena_take(arena, heads * most * most, sizeof *tape->bias);
    tape->blocks = cv_arena_take(arena, (size_t)c->layers, sizeof *tape->blocks);
    for (int n = 0; n < c->layers; n++) {
        if (n == 0 || tape->training)
            block = take_block(c, tape->training, rows, arena);
        if (tape->blocks)
            tape->blocks[n] = block;
    }
    if (c->layers > 0) {
        cv_arena_reserve(arena, cv_linear_many_scratch(exec, cv_t5_widest(c)));
        cv_arena_reserve(arena, cv_cosine_attention_scratch(exec, &attention));
    }
}

/* --- a pass --------------------------------------------------------------------------------------------------- */

static void begin(const cv_t5 *t5, const cv_t5_batch *batch, cv_t5_tape *tape)
{
    int rows = 0;

    for (int t = 0; t < batch->texts; t++) {
        tape->firsts[t] = rows;
        memcpy(tape->ids + rows, batch->ids + (size_t)t * (size_t)batch->longest,
               (size_t)batch->counts[t] * sizeof *tape->ids);
        rows += batch->counts[t];
    }
    tape->firsts[batch->texts] = rows;
    for (int r = 0; r < rows; r++)
        cv_weight_widen(tape->x + (size_t)r * (size_t)t5->config.width, &t5->shared, tape->ids[r]);
    if (t5->config.layers > 0)
        cv_t5_bias_by_distance(tape->by_distance, &t5->bias_of_distance, batch->longest);
}

/* out [texts][longest][width] = the rows of x or, with `norm`, their norm; 0 at pads. */
static void spread(const cv_exec *exec, const cv_t5_batch *batch, const cv_t5_tape *tape, const cv_rms_norm *norm,
                   int width, float *out)
{
    for (int t = 0; t < batch->texts; t++) {
        const int count = batch->counts[t];
        const float *x = tape->x + (size_t)tape->firsts[t] * (size_t)width;
        float *to = out + (size_t)t * (size_t)batch->longest * (size_t)width;
        const size_t numbers = (size_t)count * (size_t)width;

        if (norm)
            cv_rms_norm_apply(exec, norm, to, x, count);
        else
            memcpy(to, x, numbers * sizeof *to);
        memset(to + numbers, 0, ((size_t)batch->longest * (size_t)width - numbers) * sizeof *to);
    }
}

static void multiply(const cv_exec *exec, const cv_linear *linear, float *out, size_t stride, bool add, const float *x,
                     int rows, cv_arena *arena)
{
    cv_linear_many(exec, linear, out, stride, add, x, (size_t)linear->weight.K, rows, arena);
}

static void attend(const cv_exec *exec, const cv_t5_config *c, const cv_t5_batch *batch, const cv_t5_tape *tape,
                   const cv_t5_block_tape *block, cv_arena *arena)
{
    const size_t inside = (size_t)c->heads * (size_t)c->head_width;

    for (int t = 0; t < batch->texts; t++) {
        const int rows = batch->counts[t];
        const size_t first = (size_t)tape->firsts[t] * inside;
        const cv_cosine_attention attention = cv_t5_attention(c, rows, tape->bias);

        if (rows == 0)
            continue;
        cv_t5_bias_of_rows(exec, tape->bias, tape->by_distance, c->heads, batch->longest, rows);
        cv_cosine_attention_apply(exec, &attention, block->context + first, block->q + first, block->kv + 2 * first,
                                  arena);
    }
}

static void relu(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = x[i] > 0 ? x[i] : 0;
}

static void run_block(const cv_exec *exec, const cv_t5 *t5, const cv_t5_batch *batch, const cv_t5_tape *tape, int n,
                      cv_arena *arena)
{
    const cv_t5_config *c = &t5->config;
    const cv_t5_block *block = &t5->blocks[n];
    const cv_t5_block_tape *own = &tape->blocks[n];
    const int rows = tape->firsts[batch->texts];
    const size_t E = (size_t)c->width, inside = (size_t)c->heads * (size_t)c->head_width, m = (size_t)c->inner;

    if (own->x_in)
        memcpy(own->x_in, tape->x, (size_t)rows * E * sizeof *own->x_in);
    cv_rms_norm_apply(exec, &block->norm, own->normed, tape->x, rows);
    multiply(exec, &block->q, own->q, inside, false, own->normed, rows, arena);
    multiply(exec, &block->k, own->kv, 2 * inside, false, own->normed, rows, arena);
    multiply(exec, &block->v, own->kv + inside, 2 * inside, false, own->normed, rows, arena);
    attend(exec, c, batch, tape, own, arena);
    multiply(exec, &block->o, tape->x, E, true, own->context, rows, arena);

    if (own->x_mid)
        memcpy(own->x_mid, tape->x, (size_t)rows * E * sizeof *own->x_mid);
    cv_rms_norm_apply(exec, &block->dense_norm, own->dense_normed, tape->x, rows);
    multiply(exec, &block->gate, own->gate, m, false, own->dense_normed, rows, arena);
    if (c->gated) {
        multiply(exec, &block->value, own->value, m, false, own->dense_normed, rows, arena);
        cv_gated_gelu(exec, CV_GELU_TANH, own->active, own->value, own->gate, m, c->inner, rows);
    } else {
        if (own->active != own->gate)
            memcpy(own->active, own->gate, (size_t)rows * m * sizeof *own->active);
        relu(own->active, (size_t)rows * m);
    }
    multiply(exec, &block->wo, tape->x, E, true, own->active, rows, arena);
}

void cv_t5_pass(const cv_exec *exec, const cv_t5 *t5, const cv_t5_batch *batch, float *out, cv_t5_observer *seen,
                void *user, cv_t5_tape *tape, cv_arena *arena)
{
    const int width = t5->config.width, layers = t5->config.layers;

    begin(t5, batch, tape);
    for (int n = 0; n < layers; n++) {
        if (seen) {
            spread(exec, batch, tape, NULL, width, out);
            seen(user, n, out);
        }
        run_block(exec, t5, batch, tape, n, arena);
    }
    spread(exec, batch, tape, &t5->norm, width, out);
    if (seen)
        seen(user, layers, out);
}

static int rows_of(const cv_t5_batch *batch)
{
    int rows = 0;

    for (int t = 0; t < batch->texts; t++)
        rows += batch->counts[t];
    return rows;
}

size_t cv_t5_scratch(const cv_exec *exec, const cv_t5 *t5, const cv_t5_batch *batch)
{
    cv_t5_tape tape = { 0 };
    cv_arena measure = { 0 };

    cv_t5_tape_lay_out(&tape, exec, t5, batch->texts, batch->longest, rows_of(batch), &measure);
    return measure.peak;
}

void cv_t5_run(const cv_exec *exec, const cv_t5 *t5, const cv_t5_batch *batch, float *out, cv_t5_observer *seen,
               void *user, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    cv_t5_tape tape = { 0 };

    cv_t5_tape_lay_out(&tape, exec, t5, batch->texts, batch->longest, rows_of(batch), arena);
    cv_t5_pass(exec, t5, batch, out, seen, user, &tape, arena);
    cv_arena_rewind(arena, mark);
}
