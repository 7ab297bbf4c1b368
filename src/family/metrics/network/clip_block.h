/* clip_block.h - the residual block that all towers of CLIP are made of, forward and backward; private to CLIP.
 *
 *     x += out_proj(attention(in_proj(ln_1(x))));  x += c_proj(gelu(c_fc(ln_2(x)))) */
#ifndef CV_FAMILY_METRICS_NETWORK_CLIP_BLOCK_H
#define CV_FAMILY_METRICS_NETWORK_CLIP_BLOCK_H

#include "family/metrics/network/clip.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/self_attention.h"

#define CV_CLIP_EPSILON 1e-5f /* of all norms */

typedef struct cv_clip_block {
    cv_layer_norm ln_1, ln_2;
    cv_linear in_proj; /* [3D, D]: queries, keys, values */
    cv_linear out_proj, c_fc, c_proj;
} cv_clip_block;

typedef struct cv_clip_blocks {
    cv_clip_tower sizes;
    cv_gelu_form gelu;
    bool causal; /* a row sees itself and those above it */
    cv_clip_block *layers;
} cv_clip_blocks;

/* Claims "PREFIX.resblocks.N.*"; sizes, gelu and causal are set. What it allocates, _free frees, after errors too. */
cogvideo_status cv_clip_blocks_bind(cv_clip_blocks *blocks, cv_store *store, const char *prefix, cogvideo_error *err);
void cv_clip_blocks_free(cv_clip_blocks *blocks);

/* Floats of the blocks' weights as cv_linear_pack lays them out. */
size_t cv_clip_blocks_floats(const cv_exec *exec, const cv_clip_blocks *blocks);
/* A copy of bound blocks, laid out in such memory. The arena has cv_linear_many_scratch of their longest row. */
cogvideo_status cv_clip_blocks_pack(cv_clip_blocks *out, const cv_exec *exec, const cv_clip_blocks *bound,
                                    float *panels, cv_arena *arena, cogvideo_error *err);

/* What a block computes, in order; [items * rows] of the width given. Inference has one for all blocks and reuses the
 * memory within it; training keeps one a block, and that is all that the way back needs. */
typedef struct cv_clip_tape {
    float *x_in;       /* D; training only */
    float *normed;     /* D: ln_1(x) */
    float *qkv;        /* 3D */
    float *context;    /* D: of the attention */
    float *x_mid;      /* D; training only: x after attention */
    float *normed_mid; /* D: ln_2(x) */
    float *inner;      /* mlp: before the GELU; inference: after it, too */
    float *active;     /* mlp */
} cv_clip_tape;

/* Items of so many rows each, as they go through a tower. */
typedef struct cv_clip_pass {
    const cv_exec *exec;
    const cv_clip_blocks *blocks;
    int items, rows;
    bool training;
    cv_clip_tape *tapes; /* [layers]; of all layers the same memory in inference */
} cv_clip_pass;

static inline cv_self_attention cv_clip_pass_attention(const cv_clip_pass *pass)
{
    const cv_clip_tower *sizes = &pass->blocks->sizes;

    return (cv_self_attention){ pass->items, pass->rows, sizes->heads, sizes->width / sizes->heads,
                                pass->blocks->causal };
}

/* Takes the tapes of a pass, whose other fields are set. */
void cv_clip_pass_take(cv_clip_pass *pass, cv_arena *arena);
/* Reserves what its functions take and give back; the way back's as well where it is one of training. For after all
 * that is taken to stay. */
void cv_clip_pass_reserve(const cv_clip_pass *pass, cv_arena *arena);
/* x [items * rows, D] goes through all blocks. */
void cv_clip_pass_run(const cv_clip_pass *pass, float *x, cv_arena *arena);
/* The same for one block. */
void cv_clip_block_run(const cv_clip_pass *pass, int layer, float *x, cv_arena *arena);

/* --- backward: clip_block_backward.c --------------------------------------------------------------------------- */

/* Reserves what the function below takes. */
void cv_clip_pass_reserve_backward(const cv_clip_pass *pass, cv_arena *arena);
/* The gradient dx [items * rows, D] of what a training pass gave becomes that of what it took; those of the weights are
 * added to `grad`, the same blocks bound to a store of gradients. */
void cv_clip_pass_backward(const cv_clip_pass *pass, const cv_clip_blocks *grad, float *dx, cv_arena *arena);

#endif
