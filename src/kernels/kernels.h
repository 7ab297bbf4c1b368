/* kernels.h - the table of hot loops: pure one-thread functions that allocate nothing and know no model.
 *
 * Plain C (ref.c) fills the table; a vector file overwrites what it has, where the processor allows it.
 * Pointers need the alignment of their elements only. Outputs must not overlap inputs. Each result depends on
 * its own row of inputs and on K alone - never on how many rows or batch entries one call has - so neither the
 * batch nor the number of threads can change a code. */
#ifndef CV_KERNELS_KERNELS_H
#define CV_KERNELS_KERNELS_H

#include "tensor/dtype.h"

/* out[b * out_stride + n] = sum over k of x[b * x_stride + k] * w[n * K + k], for n < N and b < B.
 * A weight is read from memory once for all B. */
typedef void cv_linear_fn(float *out, size_t out_stride, const float *x, size_t x_stride, const void *w, int N, int K,
                          int B);

/* Attention of one query on a run of keys, D numbers each, one after another. */
/* out[i] = sum over d of q[d] * keys[i * D + d], for i < n */
typedef void cv_scores_fn(float *out, const float *q, const float *keys, int n, int D);
/* out[d] += sum over i < n of weights[i] * values[i * D + d] */
typedef void cv_mix_fn(float *out, const float *weights, const float *values, int n, int D);
/* keys[i * D + d] += weights[i] * x[d], for i < n: the gradient of what `scores` and `mix` read */
typedef void cv_spread_fn(float *keys, const float *weights, const float *x, int n, int D);

typedef struct cv_kernels {
    const char *name;
    cv_linear_fn *linear[CV_BF16 + 1]; /* by dtype of the weights: f32, f16, bf16 */
    cv_scores_fn *scores;
    cv_mix_fn *mix;
    cv_spread_fn *spread;
} cv_kernels;

/* Plain C. */
void cv_kernels_ref(cv_kernels *out);
/* The best that this processor has. */
void cv_kernels_best(cv_kernels *out);

#if CV_HAVE_AVX2
void cv_kernels_avx2(cv_kernels *table);
#endif

#endif
