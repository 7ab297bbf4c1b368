/* cosine_attention.h - attention of rows to rows by the cosine of queries and keys (Henry et al., "Query-key
 * normalization for transformers", 2020), with learned null keys, biases, masks and ALiBi (Press et al., "Train short,
 * test long", 2022): what the transformers of phenaki-pytorch are made of.
 *
 * Each head of each item is computed by itself, in blocks of rows that depend on the sizes alone, so neither the other
 * items nor the number of threads change a bit of it. */
#ifndef CV_NN_COSINE_ATTENTION_H
#define CV_NN_COSINE_ATTENTION_H

#include "base/arena.h"
#include "nn/exec.h"

#include <stdbool.h>

typedef struct cv_cosine_attention {
    int items, rows; /* sequences, and queries of each */
    int keys;        /* of each sequence, besides the nulls; 0 or more */
    int heads, D;    /* heads * D need not be the width of the residual */
    int nulls;       /* pairs of a key and a value that every query sees, before the others; never masked */
    float scale;     /* of the scores */
    /* [D] each: q = q / max(|q|, 1e-12) * q_scale and k alike, nulls too. NULL (both): neither is normalized. */
    const float *q_scale, *k_scale;
    const float *null_kv; /* [heads][2 * nulls][D]: key i is row 2i, its value row 2i + 1 */
    const float *bias;    /* [heads][rows][keys], added to the scores of all but nulls; NULL = none */
    const uint8_t *mask;  /* [items][keys]: 0 where a key is not seen; NULL = all are */
    bool causal;          /* row r sees keys 0 .. r; then rows equal keys */
    const float *slopes;  /* [heads]: -slope |r - key| is added to the scores; NULL = none */
} cv_cosine_attention;

/* Gradients beside those of queries and keys; each is added to, and NULL = not wanted. */
typedef struct cv_cosine_attention_grad {
    float *q_scale, *k_scale; /* [D] */
    float *null_kv;           /* as null_kv */
    float *bias;              /* as bias */
} cv_cosine_attention_grad;

/* Returns the bytes that the functions below take from their arena, on these threads. */
size_t cv_cosine_attention_scratch(const cv_exec *exec, const cv_cosine_attention *sizes);
size_t cv_cosine_attention_backward_scratch(const cv_exec *exec, const cv_cosine_attention *sizes);

/* out [items][rows][heads * D] = softmax(scale q . k + bias) v of q, laid out as out, and kv [items][keys][2 * heads *
 * D]: keys, then values, the heads of each one beside the other. Where there are no nulls every row sees a key. out may
 * be q. */
void cv_cosine_attention_apply(const cv_exec *exec, const cv_cosine_attention *sizes, float *out, const float *q,
                               const float *kv, cv_arena *arena);
/* Sets dq and dkv from the gradient dout of what the function above computed. The weights are computed again. dq may be
 * dout. */
void cv_cosine_attention_backward(const cv_exec *exec, const cv_cosine_attention *sizes,
                                  const cv_cosine_attention_grad *grad, float *dq, float *dkv, const float *dout,
                                  const float *q, const float *kv, cv_arena *arena);

/* The slopes of ALiBi for any number of heads, as phenaki-pytorch has them: s, s^2 .. with s = 2^(-8 / P) for a power
 * of two P; behind those of the largest power of two that is not more than `heads` stand the 1st, 3rd, 5th .. of twice
 * as many. */
void cv_alibi_slopes(float *slopes, int heads);

#endif
