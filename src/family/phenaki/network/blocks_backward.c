/* blocks_backward.c - the way back through blocks: each sublayer adds to the residual, so the gradient of what comes
 * out of it is also that of what goes in, to which the sublayer's own is added. */
#include "family/phenaki/network/blocks_tape.h"
#include "nn/gated.h"

#include <string.h>

/* The memory of one sublayer's way back; of each what it needs. */
typedef struct way {
    float *normed;        /* [rows, width]: gradient of a norm's result, and of the PEG's */
    float *q, *kv, *text; /* as in the tape, gradients; text [text rows, text_width] */
    float *wide, *gated;  /* [rows, 2 inner], [rows, inner] */
} way;

static float *take(cv_arena *arena, size_t rows, int width)
{
    return cv_arena_take(arena, rows, (size_t)width * sizeof(float));
}

static way take_attention(const cv_blocks_pass *pass, bool text, cv_arena *arena)
{
    const cv_blocks_config *c = &pass->blocks->config;
    const size_t rows = cv_blocks_rows(pass), keys = text ? cv_blocks_text_rows(pass) : rows;
    const int inner = c->heads * c->head_width;
    way w = { .normed = take(arena, rows, c->width) };

    w.q = take(arena, rows, inner);
    w.kv = take(arena, keys, 2 * inner);
    w.text = text ? take(arena, keys, c->text_width) : NULL;
    return w;
}

static way take_feed_forward(const cv_blocks_pass *pass, cv_arena *arena)
{
    const cv_blocks_config *c = &pass->blocks->config;
    const size_t rows = cv_blocks_rows(pass);
    way w = { .normed = take(arena, rows, c->width) };

    w.wide = take(arena, rows, 2 * c->inner);
    w.gated = take(arena, rows, c->inner);
    return w;
}

static int max(int a, int b)
{
    return a > b ? a : b;
}

/* What the layers within a sublayer's way back take. */
static void reserve(const cv_blocks_pass *pass, const cv_cosine_attention *attention, cv_arena *arena)
{
    const cv_blocks_config *c = &pass->blocks->config;
    const int inner = c->heads * c->head_width;
    const size_t rows = cv_blocks_rows(pass), text = cv_blocks_text_rows(pass);

    cv_arena_reserve(arena, cv_linear_backward_scratch(pass->exec, max(max(c->width, c->text_width),
                                                                       max(2 * c->inner, 2 * inner))));
    cv_arena_reserve(arena, cv_layer_norm_backward_scratch((int)rows, c->width));
    if (c->text_width > 0)
        cv_arena_reserve(arena, cv_layer_norm_backward_scratch((int)text, c->text_width));
    if (attention)
        cv_arena_reserve(arena, cv_cosine_attention_backward_scratch(pass->exec, attention));
}

void cv_blocks_reserve_backward(const cv_blocks_pass *pass, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    const cv_cosine_attention self = cv_blocks_self_attention(pass, 0);

    take_attention(pass, false, arena);
    reserve(pass, &self, arena);
    cv_arena_rewind(arena, mark);
    if (pass->blocks->config.text_width > 0) {
        const cv_cosine_attention text = cv_blocks_text_attention(pass, 0);

        take_attention(pass, true, arena);
        reserve(pass, &text, arena);
        cv_arena_rewind(arena, mark);
    }
    take_feed_forward(pass, arena);
    reserve(pass, NULL, arena);
    cv_arena_rewind(arena, mark);
}

/* --- sublayers ---------------------------------------------------------------------------------------------------- */

/* dx (added to where `add`) from dy of out = W x. */
static void multiply_backward(const cv_blocks_pass *pass, const cv_linear *linear, const cv_linear *grad, float *dx,
                              bool add, const float *dy, const float *x, size_t rows, cv_arena *arena)
{
    const size_t N = (size_t)linear->weight.N, K = (size_t)linear->weight.K;

    cv_linear_backward(pass->exec, linear, grad, dx, K, add, dy, N, x, K, (int)rows, arena);
}

static void feed_forward_backward(const cv_blocks_pass *pass, const cv_blocks_grad *grad, int layer, float *dx,
                                  cv_arena *arena)
{
    const cv_block *block = &pass->blocks->layers[layer], *g = &grad->blocks->layers[layer];
    const cv_block_tape *tape = &pass->tape->layers[layer];
    const size_t rows = cv_blocks_rows(pass), mark = cv_arena_mark(arena);
    const int inner = pass->blocks->config.inner;
    const way w = take_feed_forward(pass, arena);

    multiply_backward(pass, &block->ff_out, &g->ff_out, w.gated, false, dx, tape->ff_gated, rows, arena);
    cv_gated_gelu_backward(pass->exec, CV_GELU_ERF, w.wide, w.wide + inner, w.gated, tape->ff_wide,
                           tape->ff_wide + inner, 2 * (size_t)inner, inner, (int)rows);
    multiply_backward(pass, &block->ff_in, &g->ff_in, w.normed, false, w.wide, tape->ff_normed, rows, arena);
    cv_layer_norm_backward(pass->exec, &block->ff_norm, &g->ff_norm, dx, true, w.normed, tape->ff_x, (int)rows, arena);
    cv_arena_rewind(arena, mark);
}

static void attention_backward(const cv_blocks_pass *pass, const cv_blocks_grad *grad, int layer, bool text, float *dx,
                               cv_arena *arena)
{
    const cv_block *block = &pass->blocks->layers[layer], *gradients = &grad->blocks->layers[layer];
    const cv_blocks_attention *a = text ? &block->text : &block->self, *g = text ? &gradients->text : &gradients->self;
    const cv_attention_tape *tape = text ? &pass->tape->layers[layer].text : &pass->tape->layers[layer].self;
    const cv_cosine_attention sizes =
        text ? cv_blocks_text_attention(pass, layer) : cv_blocks_self_attention(pass, layer);
    const cv_cosine_attention_grad shared = { (float *)g->q_scale, (float *)g->k_scale, (float *)g->null_kv,
                                              text ? NULL : grad->bias };
    const size_t rows = cv_blocks_rows(pass), mark = cv_arena_mark(arena);
    const way w = take_attention(pass, text, arena);

    multiply_backward(pass, &a->to_out, &g->to_out, w.q, false, dx, tape->context, rows, arena);
    cv_cosine_attention_backward(pass->exec, &sizes, &shared, w.q, w.kv, w.q, tape->q, tape->kv, arena);
    multiply_backward(pass, &a->to_q, &g->to_q, w.normed, false, w.q, tape->normed, rows, arena);
    cv_layer_norm_backward(pass->exec, &a->norm, &g->norm, dx, true, w.normed, tape->x, (int)rows, arena);
    if (text) {
        const size_t count = cv_blocks_text_rows(pass);

        multiply_backward(pass, &a->to_kv, &g->to_kv, w.text, false, w.kv, tape->source, count, arena);
        cv_layer_norm_backward(pass->exec, &a->context_norm, &g->context_norm, grad->text, true, w.text, pass->text,
                               (int)count, arena);
    } else {
        multiply_backward(pass, &a->to_kv, &g->to_kv, dx, true, w.kv, tape->x, rows, arena);
    }
    cv_arena_rewind(arena, mark);
}

static void peg_backward(const cv_blocks_pass *pass, const cv_blocks_grad *grad, int layer, float *dx, cv_arena *arena)
{
    const cv_depthwise3d *peg = &pass->blocks->layers[layer].peg;
    const cv_box box = cv_blocks_peg_box(pass);
    const size_t rows = cv_blocks_rows(pass), mark = cv_arena_mark(arena);
    float *dy = take(arena, rows, peg->C);

    memcpy(dy, dx, rows * (size_t)peg->C * sizeof *dy);
    cv_depthwise3d_backward(pass->exec, peg, &grad->blocks->layers[layer].peg, &box, pass->batch, dx, dy,
                            pass->tape->layers[layer].peg_in);
    cv_arena_rewind(arena, mark);
}

void cv_blocks_pass_backward(const cv_blocks_pass *pass, const cv_blocks_grad *grad, float *dx, cv_arena *arena)
{
    const cv_blocks_config *c = &pass->blocks->config;

    cv_layer_norm_backward(pass->exec, &pass->blocks->norm_out, &grad->blocks->norm_out, dx, false, dx,
                           pass->tape->out_x, (int)cv_blocks_rows(pass), arena);
    for (int n = c->layers - 1; n >= 0; n--) {
        feed_forward_backward(pass, grad, n, dx, arena);
        if (c->text_width > 0)
            attention_backward(pass, grad, n, true, dx, arena);
        attention_backward(pass, grad, n, false, dx, arena);
        if (c->peg != CV_PEG_NONE)
            peg_backward(pass, grad, n, dx, arena);
    }
}
