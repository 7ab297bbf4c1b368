#include "family/metrics/network/clip_block.h"

#include "nn/activation.h"

/* Gradients on the way back through a block; [items * rows] of the width given. */
typedef struct gradients {
    float *narrow; /* D */
    float *wide;   /* max(3D, mlp) */
} gradients;

static gradients take_gradients(const cv_clip_pass *pass, cv_arena *arena)
{
    const cv_clip_tower *sizes = &pass->blocks->sizes;
    const size_t rows = (size_t)pass->items * (size_t)pass->rows;
    const int wide = 3 * sizes->width > sizes->mlp ? 3 * sizes->width : sizes->mlp;
    gradients g = { .narrow = cv_arena_take(arena, rows, (size_t)sizes->width * sizeof(float)) };

    g.wide = cv_arena_take(arena, rows, (size_t)wide * sizeof(float));
    return g;
}

void cv_clip_pass_reserve_backward(const cv_clip_pass *pass, cv_arena *arena)
{
    const cv_clip_tower *sizes = &pass->blocks->sizes;
    const cv_self_attention attention = cv_clip_pass_attention(pass);
    const size_t mark = cv_arena_mark(arena);

    take_gradients(pass, arena);
    cv_arena_reserve(arena,
                     cv_linear_backward_scratch(pass->exec, sizes->width > sizes->mlp ? sizes->width : sizes->mlp));
    cv_arena_reserve(arena, cv_layer_norm_backward_scratch(pass->items * pass->rows, sizes->width));
    cv_arena_reserve(arena, cv_self_attention_backward_scratch(pass->exec, &attention));
    cv_arena_rewind(arena, mark);
}

static void linear_backward(const cv_clip_pass *pass, const cv_linear *linear, const cv_linear *grad, float *dx,
                            const float *dy, const float *x, cv_arena *arena)
{
    const size_t N = (size_t)linear->weight.N, K = (size_t)linear->weight.K;

    cv_linear_backward(pass->exec, linear, grad, dx, K, false, dy, N, x, K, pass->items * pass->rows, arena);
}

static void block_backward(const cv_clip_pass *pass, const cv_clip_block *grad, int layer, float *dx,
                           const gradients *g, cv_arena *arena)
{
    const cv_clip_block *block = &pass->blocks->layers[layer];
    const cv_clip_tape *tape = &pass->tapes[layer];
    const cv_self_attention attention = cv_clip_pass_attention(pass);
    const int rows = pass->items * pass->rows;

    linear_backward(pass, &block->c_proj, &grad->c_proj, g->wide, dx, tape->active, arena);
    cv_gelu_backward(pass->exec, pass->blocks->gelu, g->wide, g->wide, tape->inner,
                     (size_t)rows * (size_t)pass->blocks->sizes.mlp);
    linear_backward(pass, &block->c_fc, &grad->c_fc, g->narrow, g->wide, tape->normed_mid, arena);
    cv_layer_norm_backward(pass->exec, &block->ln_2, &grad->ln_2, dx, true, g->narrow, tape->x_mid, rows, arena);

    linear_backward(pass, &block->out_proj, &grad->out_proj, g->narrow, dx, tape->context, arena);
    cv_self_attention_backward(pass->exec, &attention, g->wide, g->narrow, tape->qkv, arena);
    linear_backward(pass, &block->in_proj, &grad->in_proj, g->narrow, g->wide, tape->normed, arena);
    cv_layer_norm_backward(pass->exec, &block->ln_1, &grad->ln_1, dx, true, g->narrow, tape->x_in, rows, arena);
}

void cv_clip_pass_backward(const cv_clip_pass *pass, const cv_clip_blocks *grad, float *dx, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    const gradients g = take_gradients(pass, arena);

    for (int n = pass->blocks->sizes.layers - 1; n >= 0; n--)
        block_backward(pass, &grad->layers[n], n, dx, &g, arena);
    cv_arena_rewind(arena, mark);
}
