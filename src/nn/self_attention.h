/* self_attention.h - attention of the rows of an item to each other, for short sequences that are projected as a whole:
 * pictures in patches, captions.
 *
 * Where attention.h gathers the keys of each query, here a head of an item is three products of whole matrices. Each
 * head of each item is computed by itself, so the other items change no bit of it. */
#ifndef CV_NN_SELF_ATTENTION_H
#define CV_NN_SELF_ATTENTION_H

#include "base/arena.h"
#include "nn/exec.h"

/* The sizes of a batch: [items][rows][heads * D] and, of what is projected, [items][rows][3 * heads * D]: queries, keys
 * and values, the heads of each one beside the other. */
typedef struct cv_self_attention {
    int items, rows, heads, D;
    bool causal; /* a row sees itself and those above it */
} cv_self_attention;

/* Returns the bytes that the functions below take from their arena, on these threads. */
size_t cv_self_attention_scratch(const cv_exec *exec, const cv_self_attention *sizes);
size_t cv_self_attention_backward_scratch(const cv_exec *exec, const cv_self_attention *sizes);

/* out = softmax(q . k / sqrt(D)) v, for each row and head. */
void cv_self_attention_apply(const cv_exec *exec, const cv_self_attention *sizes, float *out, const float *qkv,
                             cv_arena *arena);
/* Sets dqkv, laid out as qkv, from the gradient dout of what the function above computed. The weights are computed
 * again. */
void cv_self_attention_backward(const cv_exec *exec, const cv_self_attention *sizes, float *dqkv, const float *dout,
                                const float *qkv, cv_arena *arena);

#endif
