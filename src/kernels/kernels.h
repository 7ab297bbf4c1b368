/* kernels.h - the table of hot loops: pure functions that run on one thread, allocate nothing and know no model.
 *
 * Plain C (plain.c) fills the table; a file of vector kernels overwrites the entries that it has, where the
 * processor supports them. Pointers need only the alignment of their elements. Outputs must not overlap inputs. Each
 * result depends on its own row of inputs and on K alone, never on how many rows or batch entries a call has, so
 * neither the batch nor the number of threads can change a code. */
#ifndef CV_KERNELS_KERNELS_H
#define CV_KERNELS_KERNELS_H

#include "base/status.h"
#include "tensor/weight.h"

/* out[b * out_stride + n] = sum over k of x[b * x_stride + k] * w[n][k], for n < w->N and b < B. Each weight is read
 * from memory once for all B entries. */
typedef void cv_linear_fn(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B);

/* Many rows times a panel: as many rows of weights as `panel_width` says, side by side, [K][panel_width], whatever
 * numbers behind the first `count`. out[r * out_stride + n] = sum over k of x[r * x_stride + k] * panel[k][n], or that
 * added to it where `add`, for r < rows and n < count. */
typedef void cv_panel_fn(float *out, size_t out_stride, const float *x, size_t x_stride, int rows, const float *panel,
                         int K, int count, bool add);

/* The product of two small matrices as they lie in memory: out[r * out_stride + n] = sum over k of x[r * x_stride +
 * k * x_step] * w[k * w_stride + n], or that added to it where `add`, for r < rows, k < K, at least one, and n < count,
 * a multiple of CV_PRODUCT_STEP. As many columns as product_width of the table, a multiple of the step too, are
 * computed at once: it is fastest where w lies in panels of that stride. */
#define CV_PRODUCT_STEP 16
typedef void cv_product_fn(float *out, size_t out_stride, const float *x, size_t x_stride, size_t x_step, int rows,
                           const float *w, size_t w_stride, int K, int count, bool add);

/* Widens whole rows to f32: out[n * K + k] = w[n][k]. */
typedef void cv_widen_fn(float *out, const cv_weight *w);

/* Inputs split for matrix tiles: each number of f32 as the sum of CV_SPLIT_PARTS of bf16. CV_SPLIT_ROWS rows of K
 * numbers lie together, cv_split_size(K) numbers of bf16 in an order of the set's own, zeros where there are fewer. */
#define CV_SPLIT_ROWS 16
#define CV_SPLIT_STEP 32
#define CV_SPLIT_PARTS 3
static inline int cv_split_steps(int K)
{
    return (K + CV_SPLIT_STEP - 1) / CV_SPLIT_STEP;
}
static inline size_t cv_split_size(int K)
{
    return (size_t)cv_split_steps(K) * CV_SPLIT_STEP * CV_SPLIT_ROWS * CV_SPLIT_PARTS;
}
/* Splits at most CV_SPLIT_ROWS rows. A row with NaN or an infinity gives NaN, and other rows do not see it. */
typedef void cv_split_fn(uint16_t *out, const float *x, size_t x_stride, int rows, int K);
/* out as of cv_linear_fn, with inputs that were split. So many rows of inputs share one reading of the weights, and so
 * many rows of weights one reading of the inputs: more of either are best given in lots of this size. */
#define CV_SPLIT_INPUTS 128
#define CV_SPLIT_WEIGHTS 256
typedef void cv_linear_split_fn(float *out, size_t out_stride, const uint16_t *x, const cv_weight *w, int B);

/* Inputs in 8 bits: x[b][k] = scales[b] * values[b * stride + k]. */
typedef struct cv_q8_rows {
    const int8_t *values;
    const float *scales;
    const int32_t *sums; /* [b * sum_stride + g]: of each group of CV_Q4_GROUP values, the last one perhaps short */
    size_t stride, sum_stride;
} cv_q8_rows;

/* cv_linear_fn with inputs in 8 bits, for q8 and q4 weights. Sums of products are whole numbers, so they are exact. */
typedef void cv_linear_q8_fn(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B);
/* Quantizes one row of K inputs: the scale is the largest magnitude over 127, and values are rounded to nearest,
 * ties to even. A row that contains NaN or an infinity has unspecified values. */
typedef void cv_quantize_fn(int8_t *values, float *scale, int32_t *sums, const float *x, int K);

/* out[k] += sum over n < w->N of weights[n] * w[n][k], in the order of n: the values that an attention query gets
 * from a run of keys. (Its scores are a cv_linear_fn with the keys as weights.) */
typedef void cv_mix_fn(float *out, const float *weights, const cv_weight *w);
/* keys[i * D + d] += weights[i] * x[d], for i < n: the gradient of scores and of mixed values. */
typedef void cv_spread_fn(float *keys, const float *weights, const float *x, int n, int D);

/* --- loops.c: over rows of numbers ---------------------------------------------------------------------------- */

/* The forms of GELU, y times the normal distribution's share below y (Hendrycks and Gimpel, 2016). */
typedef enum cv_gelu_form {
    CV_GELU_TANH,  /* 0.5 y (1 + tanh(sqrt(2/pi) (y + 0.044715 y^3))) */
    CV_GELU_ERF,   /* exact: 0.5 y (1 + erf(y / sqrt(2))) */
    CV_GELU_QUICK, /* y / (1 + e^(-1.702 y)) */
    CV_GELU_FORMS,
} cv_gelu_form;

/* x = gelu(x); and dx = dy * gelu'(x). */
typedef void cv_gelu_fn(float *x, size_t count);
typedef void cv_gelu_backward_fn(float *dx, const float *dy, const float *x, size_t count);
/* Turns scores, at least one, into weights; and gradients of weights into gradients of scores, d = w (d - sum of w
 * d). */
typedef void cv_softmax_fn(float *scores, int count);
typedef void cv_softmax_backward_fn(float *d, const float *weights, int count);
/* Turns `count` scores, at least one, to which `bias` is added first where it is not NULL, into weights that are not
 * yet divided by their sum; returns that sum. Up to a multiple of CV_PRODUCT_STEP zeros are written behind them. */
typedef float cv_weigh_fn(float *scores, const float *bias, int count);
/* out = x / max(|x|, 1e-12) * scale * by of D numbers, or x * by where scale is NULL; zeros up to `width`. */
typedef void cv_unit_fn(float *out, int width, const float *x, const float *scale, float by, int D);
/* Layer norm of a row of C numbers: its mean and 1 / sqrt(variance + eps). */
typedef void cv_norm_stats_fn(const float *x, int C, float eps, float *mean, float *scale);
typedef struct cv_norm_row {
    const float *weight, *bias; /* [C]; bias NULL = none, and then there is no dbias */
    float mean, scale;          /* of the row */
    int C;
} cv_norm_row;
/* Sets out to the normalized row, or adds it where `add`; the same for dx; and adds the row's part to dweight and
 * dbias. */
typedef void cv_norm_row_fn(float *out, bool add, const float *x, const cv_norm_row *norm);
typedef void cv_norm_row_backward_fn(float *dx, bool add, const float *dy, const float *x, const cv_norm_row *norm);
typedef void cv_norm_row_gradients_fn(float *dweight, float *dbias, const float *dy, const float *x,
                                      const cv_norm_row *norm);

/* The taps of a depthwise convolution at one place, which are those inside of the box. out[c] += the sum over taps, in
 * their order, of weights[tap][c] * in[tap][c], for c < count; and gradients[tap][c] += d[c] * in[tap][c]. */
typedef void cv_depthwise_fn(float *out, const float *const *in, const float *const *weights, int taps, int count);
typedef void cv_depthwise_gradients_fn(float *const *gradients, const float *d, const float *const *in, int taps,
                                       int count);

/* --- the processor's own limits ------------------------------------------------------------------------------- */

/* Measures the processor's peak: multiplies and adds in registers only, `rounds` times, and returns the number of
 * operations (two for each multiply-add). `sink` keeps the compiler from removing the work. */
typedef double cv_peak_fn(long rounds, float *sink);

/* Reads `bytes`, a multiple of 4096, as fast as it can; returns a sum so that the reads are not removed. */
typedef float cv_read_fn(const void *buffer, size_t bytes);

typedef struct cv_kernels {
    const char *name;
    cv_linear_fn *linear_f32[CV_WEIGHT_TYPES];         /* inputs in f32 */
    cv_linear_q8_fn *linear_q8[CV_WEIGHT_TYPES];       /* inputs in 8 bits; NULL for weights that are not quantized */
    cv_split_fn *split;                                /* NULL without matrix tiles */
    cv_linear_split_fn *linear_split[CV_WEIGHT_TYPES]; /* for many rows; NULL where there is none */
    bool outruns_blas[CV_WEIGHT_TYPES]; /* linear_f32 does, with any number of rows: BLAS needs the weights widened */
    int panel_width;
    cv_panel_fn *panel;
    int product_width;
    cv_product_fn *product;
    cv_quantize_fn *quantize;
    cv_widen_fn *widen[CV_WEIGHT_TYPES];
    cv_mix_fn *mix[CV_WEIGHT_TYPES];
    cv_spread_fn *spread;
    cv_gelu_fn *gelu[CV_GELU_FORMS];
    cv_gelu_backward_fn *gelu_backward[CV_GELU_FORMS];
    cv_softmax_fn *softmax;
    cv_softmax_backward_fn *softmax_backward;
    cv_weigh_fn *weigh;
    cv_unit_fn *unit;
    cv_norm_stats_fn *norm_stats;
    cv_norm_row_fn *norm_row;
    cv_norm_row_backward_fn *norm_row_backward;
    cv_norm_row_gradients_fn *norm_row_gradients;
    cv_depthwise_fn *depthwise;
    cv_depthwise_gradients_fn *depthwise_gradients;
    cv_read_fn *read;
    cv_peak_fn *peak_f32, *peak_int8; /* peak of f32 products; of 8-bit products with sums in 32 bits */
} cv_kernels;

/* Returns the table of the set "plain", "avx2", "avx512", "amx" or "neon". NULL means the set that the environment
 * variable COGVIDEO_CPU names or, where that is unset or empty, the best that this processor can run. A name that does
 * not exist, or that this processor cannot run, is an error. */
cogvideo_status cv_kernels_choose(cv_kernels *out, const char *name, cogvideo_error *err);
/* Enumerates the sets that this processor can run: number 0 is "plain", and each is better than the one before.
 * Returns false after the last. */
bool cv_kernels_usable(int number, cv_kernels *out);

/* Plain C fills a table; each of the others replaces the entries that it has. */
void cv_kernels_plain(cv_kernels *out);
void cv_loops_plain(cv_kernels *table);
#if CV_HAVE_AVX2
void cv_loops_avx2(cv_kernels *table);
void cv_loops_avx512(cv_kernels *table);
void cv_kernels_avx2(cv_kernels *table);
void cv_kernels_avx512(cv_kernels *table);
cv_linear_q8_fn cv_avx512_linear_q8; /* of q8 weights: AMX leaves small batches to it */
#endif
#if CV_HAVE_AMX
void cv_kernels_amx(cv_kernels *table);
#endif
#if CV_HAVE_NEON
void cv_kernels_neon(cv_kernels *table);
#endif

#endif
