/* kernels.h - the table of hot loops: pure one-thread functions that allocate nothing and know no model.
 *
 * Plain C (plain.c) fills the table; a vector file overwrites what it has, where the processor allows it.
 * Pointers need the alignment of their elements only. Outputs must not overlap inputs. Each result depends on
 * its own row of inputs and on K alone - never on how many rows or batch entries one call has - so neither the
 * batch nor the number of threads can change a code. */
#ifndef CV_KERNELS_KERNELS_H
#define CV_KERNELS_KERNELS_H

#include "base/status.h"
#include "tensor/weight.h"

/* out[b * out_stride + n] = sum over k of x[b * x_stride + k] * w[n][k], for n < w->N and b < B.
 * A weight is read from memory once for all B. */
typedef void cv_linear_fn(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B);

/* out[n * K + k] = w[n][k]: whole rows in f32. */
typedef void cv_widen_fn(float *out, const cv_weight *w);

/* Inputs in 8 bits: x[b][k] = scales[b] * values[b * stride + k]. */
typedef struct cv_q8_rows {
    const int8_t *values;
    const float *scales;
    const int32_t *sums; /* [b * sum_stride + g]: of each group of CV_Q4_GROUP values, the last one perhaps short */
    size_t stride, sum_stride;
} cv_q8_rows;

/* The same with such inputs, for q8 and q4 weights. Sums of products are whole numbers, so they are exact. */
typedef void cv_linear_q8_fn(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B);
/* One row of K inputs as such: its scale is the largest magnitude over 127, and its values are rounded to nearest, ties to
 * even. A row that holds what is no number has unspecified values. */
typedef void cv_quantize_fn(int8_t *values, float *scale, int32_t *sums, const float *x, int K);

/* Attention of one query on a run of keys: its scores are a step through them as weights, and what it gets is this:
 * out[k] += sum over n < w->N of weights[n] * w[n][k], in the order of n. */
typedef void cv_mix_fn(float *out, const float *weights, const cv_weight *w);
/* keys[i * D + d] += weights[i] * x[d], for i < n: the gradient of what both read */
typedef void cv_spread_fn(float *keys, const float *weights, const float *x, int n, int D);

/* --- loops.c: over rows of numbers --- */

/* x = gelu(x), by tanh; and dx = dy * gelu'(x). */
typedef void cv_gelu_fn(float *x, size_t count);
typedef void cv_gelu_backward_fn(float *dx, const float *dy, const float *x, size_t count);
/* Scores to weights, at least one; and gradients of weights to those of scores, d = w (d - sum of w d). */
typedef void cv_softmax_fn(float *scores, int count);
typedef void cv_softmax_backward_fn(float *d, const float *weights, int count);
/* Layer norm of a row of C: its mean and 1 / sqrt(variance + eps). */
typedef void cv_norm_stats_fn(const float *x, int C, float eps, float *mean, float *scale);
typedef struct cv_norm_row {
    const float *weight, *bias; /* [C] */
    float mean, scale;          /* of the row */
    int C;
} cv_norm_row;
/* out = the row's norm, or += where `add`; dx likewise; and dweight and dbias += the row's part. */
typedef void cv_norm_row_fn(float *out, bool add, const float *x, const cv_norm_row *norm);
typedef void cv_norm_row_backward_fn(float *dx, bool add, const float *dy, const float *x, const cv_norm_row *norm);
typedef void cv_norm_row_gradients_fn(float *dweight, float *dbias, const float *dy, const float *x, const cv_norm_row *norm);

/* --- the processor's own limits --- */

/* Multiplies and adds in registers and nothing else, `rounds` times over, and returns how many operations (two for each
 * multiply-add) that were: the measure of the processor beside which the others are seen. `sink` keeps the compiler honest. */
typedef double cv_peak_fn(long rounds, float *sink);

/* Reads `bytes`, a multiple of 4096, as fast as it can; returns some sum of them. */
typedef float cv_read_fn(const void *buffer, size_t bytes);

typedef struct cv_kernels {
    const char *name;
    cv_linear_fn *linear_f32[CV_WEIGHT_TYPES];   /* inputs in f32 */
    cv_linear_q8_fn *linear_q8[CV_WEIGHT_TYPES]; /* inputs in 8 bits; NULL for weights that are not quantized */
    cv_quantize_fn *quantize;
    cv_widen_fn *widen[CV_WEIGHT_TYPES];
    cv_mix_fn *mix[CV_WEIGHT_TYPES];
    cv_spread_fn *spread;
    cv_gelu_fn *gelu;
    cv_gelu_backward_fn *gelu_backward;
    cv_softmax_fn *softmax;
    cv_softmax_backward_fn *softmax_backward;
    cv_norm_stats_fn *norm_stats;
    cv_norm_row_fn *norm_row;
    cv_norm_row_backward_fn *norm_row_backward;
    cv_norm_row_gradients_fn *norm_row_gradients;
    cv_read_fn *read;
    cv_peak_fn *peak_f32, *peak_int8; /* sums of f32 products; of 8-bit ones in 32 bits */
} cv_kernels;

/* The table of one of the sets "plain", "avx2", "avx512" and "neon". NULL: of the one that the environment variable COGVIDEO_CPU
 * names, or, where that is not set or empty, the best that this processor can run. A name that does not exist, or that this
 * processor cannot run, is an error. */
cogvideo_status cv_kernels_choose(cv_kernels *out, const char *name, cogvideo_error *err);
/* All that this processor can run: number 0, "plain", and on, each better than the one before. False after the last. */
bool cv_kernels_usable(int number, cv_kernels *out);

/* Plain C fills a table; the others replace what they have in one. */
void cv_kernels_plain(cv_kernels *out);
void cv_loops_plain(cv_kernels *table);
#if CV_HAVE_AVX2
void cv_loops_avx2(cv_kernels *table);
void cv_loops_avx512(cv_kernels *table);
void cv_kernels_avx2(cv_kernels *table);
void cv_kernels_avx512(cv_kernels *table);
#endif
#if CV_HAVE_NEON
void cv_kernels_neon(cv_kernels *table);
#endif

#endif
