#include "family/phenaki/network/blocks.h"

#include "family/phenaki/network/blocks_tape.h"
#include "nn/gated.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int cv_blocks_inner(int width)
{
    return 8 * width / 3;
}

/* --- binding ------------------------------------------------------------------------------------------------------ */

typedef struct binder {
    const cv_blocks_config *config;
    cv_store *store;
    const char *prefix;
    cogvideo_error *err;
    char name[256];
} binder;

static const char *name_of(binder *b, int layer, int sublayer, const char *rest)
{
    snprintf(b->name, sizeof b->name, "%slayers.%d.%d.%s", b->prefix, layer, sublayer, rest);
    return b->name;
}

static cogvideo_status bind_attention(binder *b, cv_blocks_attention *out, int layer, bool text)
{
    const cv_blocks_config *c = b->config;
    const int at = text ? 2 : 1, inner = c->heads * c->head_width, width = text ? c->text_width : c->width;
    const size_t nulls[] = { (size_t)c->heads, 2 * CV_BLOCKS_TEXT_NULLS, (size_t)c->head_width };
    cogvideo_status status;

    CV_TRY(cv_layer_norm_bind_weight(&out->norm, b->store, name_of(b, layer, at, "norm.gamma"), c->width,
                                     CV_BLOCKS_EPSILON, b->err));
    if (text) {
        CV_TRY(cv_layer_norm_bind_weight(&out->context_norm, b->store, name_of(b, layer, at, "context_norm.gamma"),
                                         width, CV_BLOCKS_EPSILON, b->err));
        CV_TRY(cv_store_claim_numbers(b->store, &out->null_kv, name_of(b, layer, at, "null_kv"), 3, nulls, b->err));
    }
    if (c->cosine) {
        CV_TRY(cv_store_claim_vector(b->store, &out->q_scale, name_of(b, layer, at, "q_scale"), (size_t)c->head_width,
                                     b->err));
        CV_TRY(cv_store_claim_vector(b->store, &out->k_scale, name_of(b, layer, at, "k_scale"), (size_t)c->head_width,
                                     b->err));
    }
    CV_TRY(cv_linear_bind(&out->to_q, b->store, name_of(b, layer, at, "to_q"), inner, c->width, false, b->err));
    CV_TRY(cv_linear_bind(&out->to_kv, b->store, name_of(b, layer, at, "to_kv"), 2 * inner, width, false, b->err));
    CV_TRY(cv_linear_bind(&out->to_out, b->store, name_of(b, layer, at, "to_out"), c->width, inner, false, b->err));
done:
    return status;
}

static cogvideo_status bind_block(binder *b, cv_block *out, int layer)
{
    const cv_blocks_config *c = b->config;
    cogvideo_status status;

    if (c->peg != CV_PEG_NONE)
        CV_TRY(
            cv_depthwise3d_bind(&out->peg, b->store, name_of(b, layer, 0, "dsconv"), c->width, c->peg_causal, b->err));
    CV_TRY(bind_attention(b, &out->self, layer, false));
    if (c->text_width > 0)
        CV_TRY(bind_attention(b, &out->text, layer, true));
    CV_TRY(cv_layer_norm_bind(&out->ff_norm, b->store, name_of(b, layer, 3, "0"), c->width, CV_BLOCKS_EPSILON, b->err));
    CV_TRY(cv_linear_bind(&out->ff_in, b->store, name_of(b, layer, 3, "1"), 2 * c->inner, c->width, false, b->err));
    CV_TRY(cv_linear_bind(&out->ff_out, b->store, name_of(b, layer, 3, "4"), c->width, c->inner, false, b->err));
done:
    return status;
}

cogvideo_status cv_blocks_bind(cv_blocks *out, const cv_blocks_config *config, cv_store *store, const char *prefix,
                               cogvideo_error *err)
{
    binder b = { .config = config, .store = store, .prefix = prefix, .err = err };
    cogvideo_status status;

    *out = (cv_blocks){ .config = *config };
    CV_NEW(out->layers, config->layers, err);
    for (int n = 0; n < config->layers; n++)
        CV_TRY(bind_block(&b, &out->layers[n], n));
    snprintf(b.name, sizeof b.name, "%snorm_out.gamma", prefix);
    CV_TRY(cv_layer_norm_bind_weight(&out->norm_out, store, b.name, config->width, CV_BLOCKS_EPSILON, err));
    if (config->causal) {
        CV_NEW(out->slopes, config->heads, err);
        cv_alibi_slopes(out->slopes, config->heads);
    }
done:
    return status;
}

void cv_blocks_free(cv_blocks *blocks)
{
    cv_free(blocks->layers);
    cv_free(blocks->slopes);
    *blocks = (cv_blocks){ 0 };
}

/* --- passes ------------------------------------------------------------------------------------------------------- */

size_t cv_blocks_rows(const cv_blocks_pass *pass)
{
    return (size_t)pass->batch * (size_t)pass->T * (size_t)pass->h * (size_t)pass->w;
}

size_t cv_blocks_text_rows(const cv_blocks_pass *pass)
{
    return (size_t)pass->batch * (size_t)pass->text_rows;
}

cv_box cv_blocks_peg_box(const cv_blocks_pass *pass)
{
    const bool last = pass->axis == CV_OVER_TIME && pass->blocks->config.peg == CV_PEG_TRUE;

    return (cv_box){ pass->T, pass->h, pass->w, last };
}

cv_cosine_attention cv_blocks_self_attention(const cv_blocks_pass *pass, int layer)
{
    const cv_blocks_config *c = &pass->blocks->config;
    const cv_blocks_attention *self = &pass->blocks->layers[layer].self;
    const int plane = pass->h * pass->w, rows = pass->axis == CV_OVER_SPACE  ? plane
                                                : pass->axis == CV_OVER_TIME ? pass->T
                                                                             : pass->T * plane;

    return (cv_cosine_attention){ .items = (int)(cv_blocks_rows(pass) / (size_t)rows),
                                  .rows = rows,
                                  .keys = rows,
                                  .heads = c->heads,
                                  .D = c->head_width,
                                  .scale = c->cosine ? CV_BLOCKS_SCALE : 1.0f / sqrtf((float)c->head_width),
                                  .q_scale = self->q_scale,
                                  .k_scale = self->k_scale,
                                  .bias = pass->bias,
                                  .mask = pass->seen,
                                  .causal = c->causal,
                                  .slopes = pass->blocks->slopes };
}

cv_cosine_attention cv_blocks_text_attention(const cv_blocks_pass *pass, int layer)
{
    const cv_blocks_config *c = &pass->blocks->config;
    const cv_blocks_attention *text = &pass->blocks->layers[layer].text;

    return (cv_cosine_attention){ .items = pass->batch,
                                  .rows = pass->T * pass->h * pass->w,
                                  .keys = pass->text_rows,
                                  .heads = c->heads,
                                  .D = c->head_width,
                                  .nulls = CV_BLOCKS_TEXT_NULLS,
                                  .scale = c->cosine ? CV_BLOCKS_SCALE : 1.0f / sqrtf((float)c->head_width),
                                  .q_scale = text->q_scale,
                                  .k_scale = text->k_scale,
                                  .null_kv = text->null_kv,
                                  .mask = pass->text_mask };
}

static float *take(cv_arena *arena, size_t rows, int width)
{
    return cv_arena_take(arena, rows, (size_t)width * sizeof(float));
}

/* What the passes of training keep. */
static cv_block_tape take_own(const cv_blocks_pass *pass, cv_arena *arena)
{
    const cv_blocks_config *c = &pass->blocks->config;
    const size_t rows = cv_blocks_rows(pass), text = cv_blocks_text_rows(pass);
    const int C = c->width, inner = c->heads * c->head_width;
    cv_block_tape tape = { .peg_in = c->peg ? take(arena, rows, C) : NULL };

    tape.self = (cv_attention_tape){ take(arena, rows, C),         take(arena, rows, C),     take(arena, rows, inner),
                                     take(arena, rows, 2 * inner), take(arena, rows, inner), NULL };
    if (c->text_width > 0)
        tape.text = (cv_attention_tape){ take(arena, rows, C),     take(arena, rows, C),
                                         take(arena, rows, inner), take(arena, text, 2 * inner),
                                         take(arena, rows, inner), take(arena, text, c->text_width) };
    tape.ff_x = take(arena, rows, C);
    tape.ff_normed = take(arena, rows, C);
    tape.ff_wide = take(arena, rows, 2 * c->inner);
    tape.ff_gated = take(arena, rows, c->inner);
    return tape;
}

/* What passes of inference use for one block after the other. */
static cv_block_tape take_shared(const cv_blocks_pass *pass, cv_arena *arena)
{
    const cv_blocks_config *c = &pass->blocks->config;
    const size_t rows = cv_blocks_rows(pass), text = cv_blocks_text_rows(pass);
    const int inner = c->heads * c->head_width, self = 3 * inner, ff = 2 * c->inner;
    float *normed = take(arena, rows, c->width), *wide = take(arena, rows, self > ff ? self : ff), *q = wide,
          *kv = wide ? wide + rows * (size_t)inner : NULL;
    cv_block_tape tape = { .peg_in = normed, .self = { NULL, normed, q, kv, q, NULL } };

    if (c->text_width > 0)
        tape.text =
            (cv_attention_tape){ NULL, normed, q, take(arena, text, 2 * inner), q, take(arena, text, c->text_width) };
    tape.ff_normed = normed;
    tape.ff_wide = wide;
    tape.ff_gated = take(arena, rows, c->inner);
    return tape;
}

static size_t largest(const cv_blocks_config *c)
{
    int most = c->width > c->inner ? c->width : c->inner;

    most = c->text_width > most ? c->text_width : most;
    return (size_t)(c->heads * c->head_width > most ? c->heads * c->head_width : most);
}

void cv_blocks_pass_take(cv_blocks_pass *pass, cv_arena *arena)
{
    const cv_blocks_config *c = &pass->blocks->config;
    const cv_cosine_attention self = cv_blocks_self_attention(pass, 0);

    pass->tape = cv_arena_take(arena, 1, sizeof *pass->tape + (size_t)c->layers * sizeof pass->tape->layers[0]);
    for (int n = 0; n < c->layers; n++) {
        cv_block_tape tape = { 0 };

        if (pass->training)
            tape = take_own(pass, arena);
        else if (n == 0)
            tape = take_shared(pass, arena);
        else if (pass->tape)
            tape = pass->tape->layers[0];
        if (pass->tape)
            pass->tape->layers[n] = tape;
    }
    if (pass->training) {
        float *last = take(arena, cv_blocks_rows(pass), c->width);

        if (pass->tape)
            pass->tape->out_x = last;
        cv_blocks_reserve_backward(pass, arena);
    }
    cv_arena_reserve(arena, cv_linear_many_scratch(pass->exec, (int)largest(c)));
    if (pass->q8_inputs)
        cv_arena_reserve(arena, cv_linear_scratch(pass->exec, (int)largest(c)));
    cv_arena_reserve(arena, cv_cosine_attention_scratch(pass->exec, &self));
    if (c->text_width > 0) {
        const cv_cosine_attention text = cv_blocks_text_attention(pass, 0);

        cv_arena_reserve(arena, cv_cosine_attention_scratch(pass->exec, &text));
    }
}

/* out = the layer of x, in 8 bits where that is wanted; a row is computed as if it were alone either way. */
static void multiply(const cv_blocks_pass *pass, const cv_linear *linear, float *out, const float *x, size_t rows,
                     cv_arena *arena)
{
    const size_t N = (size_t)linear->weight.N, K = (size_t)linear->weight.K;

    if (pass->q8_inputs && cv_linear_takes_q8(pass->exec, linear))
        cv_linear_rows(pass->exec, linear, out, N, x, K, (int)rows, arena);
    else
        cv_linear_many(pass->exec, linear, out, N, false, x, K, (int)rows, arena);
}

/* residual [rows][width] += the layer of x. room, of the same size, is lost where inputs are in 8 bits. */
static void multiply_add(const cv_blocks_pass *pass, const cv_linear *linear, float *residual, const float *x,
                         size_t rows, float *room, cv_arena *arena)
{
    const size_t N = (size_t)linear->weight.N, K = (size_t)linear->weight.K;

    if (!pass->q8_inputs || !cv_linear_takes_q8(pass->exec, linear)) {
        cv_linear_many(pass->exec, linear, residual, N, true, x, K, (int)rows, arena);
        return;
    }
    cv_linear_rows(pass->exec, linear, room, N, x, K, (int)rows, arena);
#pragma omp parallel for num_threads(pass->exec->threads) schedule(static)
    for (size_t i = 0; i < rows * N; i++)
        residual[i] += room[i];
}

/* `layer` is negative before and behind all of them. */
static void show(const cv_blocks_pass *pass, int layer, const char *sublayer, const float *x)
{
    char name[32];

    if (!pass->observer)
        return;
    if (layer < 0)
        snprintf(name, sizeof name, "%s", sublayer);
    else
        snprintf(name, sizeof name, "%d.%s", layer, sublayer);
    pass->observer(pass->user, name, x);
}

static void run_peg(const cv_blocks_pass *pass, int layer, float *x)
{
    const cv_box box = cv_blocks_peg_box(pass);
    const cv_depthwise3d *peg = &pass->blocks->layers[layer].peg;
    float *before = pass->tape->layers[layer].peg_in;

    memcpy(before, x, cv_blocks_rows(pass) * (size_t)peg->C * sizeof *x);
    cv_depthwise3d_add(pass->exec, peg, &box, pass->batch, x, before);
    show(pass, layer, "peg", x);
}

/* Queries come from the norm of x. Of itself, keys and values come from x as it is; of a text from its norm. */
static void run_attention(const cv_blocks_pass *pass, int layer, bool text, float *x, cv_arena *arena)
{
    const cv_blocks_attention *a = text ? &pass->blocks->layers[layer].text : &pass->blocks->layers[layer].self;
    const cv_attention_tape *tape = text ? &pass->tape->layers[layer].text : &pass->tape->layers[layer].self;
    const cv_cosine_attention sizes =
        text ? cv_blocks_text_attention(pass, layer) : cv_blocks_self_attention(pass, layer);
    const size_t rows = cv_blocks_rows(pass);

    if (tape->x)
        memcpy(tape->x, x, rows * (size_t)pass->blocks->config.width * sizeof *x);
    cv_layer_norm_apply(pass->exec, &a->norm, tape->normed, x, (int)rows);
    multiply(pass, &a->to_q, tape->q, tape->normed, rows, arena);
    if (text) {
        const size_t count = cv_blocks_text_rows(pass);

        cv_layer_norm_apply(pass->exec, &a->context_norm, tape->source, pass->text, (int)count);
        multiply(pass, &a->to_kv, tape->kv, tape->source, count, arena);
    } else {
        multiply(pass, &a->to_kv, tape->kv, x, rows, arena);
    }
    cv_cosine_attention_apply(pass->exec, &sizes, tape->context, tape->q, tape->kv, arena);
    multiply_add(pass, &a->to_out, x, tape->context, rows, tape->normed, arena);
    show(pass, layer, text ? "cross" : "self", x);
}

static void run_feed_forward(const cv_blocks_pass *pass, int layer, float *x, cv_arena *arena)
{
    const cv_block *block = &pass->blocks->layers[layer];
    const cv_block_tape *tape = &pass->tape->layers[layer];
    const int inner = pass->blocks->config.inner;
    const size_t rows = cv_blocks_rows(pass);

    if (tape->ff_x)
        memcpy(tape->ff_x, x, rows * (size_t)pass->blocks->config.width * sizeof *x);
    cv_layer_norm_apply(pass->exec, &block->ff_norm, tape->ff_normed, x, (int)rows);
    multiply(pass, &block->ff_in, tape->ff_wide, tape->ff_normed, rows, arena);
    cv_gated_gelu(pass->exec, CV_GELU_ERF, tape->ff_gated, tape->ff_wide, tape->ff_wide + inner, 2 * (size_t)inner,
                  inner, (int)rows);
    multiply_add(pass, &block->ff_out, x, tape->ff_gated, rows, tape->ff_normed, arena);
    show(pass, layer, "ff", x);
}

void cv_blocks_pass_run(const cv_blocks_pass *pass, float *x, cv_arena *arena)
{
    const cv_blocks *blocks = pass->blocks;
    const size_t rows = cv_blocks_rows(pass);

    show(pass, -1, "in", x);
    for (int n = 0; n < blocks->config.layers; n++) {
        if (blocks->config.peg != CV_PEG_NONE)
            run_peg(pass, n, x);
        run_attention(pass, n, false, x, arena);
        if (blocks->config.text_width > 0)
            run_attention(pass, n, true, x, arena);
        run_feed_forward(pass, n, x, arena);
    }
    if (pass->training)
        memcpy(pass->tape->out_x, x, rows * (size_t)blocks->config.width * sizeof *x);
    cv_layer_norm_apply(pass->exec, &blocks->norm_out, x, x, (int)rows);
    show(pass, -1, "out", x);
}

void cv_box_turn(const cv_exec *exec, float *out, const float *x, int batch, int T, int h, int w, int C, bool back)
{
    const int plane = h * w, places = T * plane;

#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(2)
    for (int b = 0; b < batch; b++)
        for (int p = 0; p < places; p++) {
            const size_t first = (size_t)b * (size_t)places, turned = first + (size_t)(p % plane * T + p / plane),
                         row = first + (size_t)p;

            memcpy(out + (back ? row : turned) * (size_t)C, x + (back ? turned : row) * (size_t)C,
                   (size_t)C * sizeof *out);
        }
}
