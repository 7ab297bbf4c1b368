/* linear_f32_body.h - rows of weights times inputs in f32, in register tiles of R rows by C batch entries. */
#ifndef CV_KERNELS_LINEAR_F32_BODY_H
#define CV_KERNELS_LINEAR_F32_BODY_H

#include "kernels/vec.h"

/* At most MOST_R rows of weights, row_bytes apart, and the inputs that they are multiplied by. */
typedef struct f32_job {
    float *out;
    size_t out_stride;
    const float *x;
    size_t x_stride;
    const char *w;
    size_t row_bytes;
    const float *scales; /* scales of the rows, or NULL */
    int K, B;
} f32_job;

/* A job for the rows of a whole matrix from n on. */
INLINE f32_job f32_job_of(cv_weight_type type, const cv_weight *w, int n, float *out, size_t out_stride, const float *x,
                          size_t x_stride, int B)
{
    const size_t row_bytes = cv_weight_row_bytes(type, (size_t)w->K);
    const float *scales = type == CV_WEIGHT_Q8 ? (const float *)w->scales + n : NULL;

    return (f32_job){ out + n,   out_stride, x,    x_stride, (const char *)w->data + (size_t)n * row_bytes,
                      row_bytes, scales,     w->K, B };
}

/* K may be a block of a longer row. The sums of the cells then wait in memory from one block to the next. */
enum { BEGINS = 1, ENDS = 2 }; /* which block this is: the first one, the last one */

typedef struct f32_block {
    int part;     /* BEGINS | ENDS */
    vec *waiting; /* [B * rows]; NULL where there is one block only */
    bool ahead;   /* prefetch the next rows while these are read for the first time */
} f32_block;

INLINE void f32_step(cv_weight_type type, bool whole, int R, int C, vec sum[][MOST_R], const char *w, size_t row_bytes,
                     const float *x, size_t x_stride, int k, int count, bool ahead)
{
    vec row[MOST_R];

    EACH (r, R) {
        const char *at = w + (size_t)r * row_bytes;

        row[r] = whole ? vec_weights(type, at, k) : vec_weights_some(type, at, k, count);
        if (ahead)
            prefetch(at + (size_t)R * row_bytes + cv_weight_row_bytes(type, (size_t)k));
    }
    EACH (c, C) {
        const float *at = x + (size_t)c * x_stride + k;
        vec v = whole ? vec_load(at) : vec_load_some(at, count);

        EACH (r, R)
            sum[c][r] = vec_fma(sum[c][r], row[r], v);
    }
}

/* Each cell has one accumulator that walks through K in order, so its value is the same in every shape of tile and
 * with any block of K. */
INLINE void f32_tile(cv_weight_type type, int R, int C, const f32_job *job, int b, f32_block block)
{
    const float *x = job->x + (size_t)b * job->x_stride, *scales = job->scales;
    const size_t x_stride = job->x_stride, row_bytes = job->row_bytes;
    const bool ahead = block.ahead && b == 0;
    const char *w = job->w;
    vec sum[MOST_C][MOST_R], *waiting = block.waiting ? block.waiting + b * R : NULL;
    int K = job->K, k = 0;

    EACH (c, C)
        EACH (r, R)
            sum[c][r] = block.part & BEGINS ? vec_all(0) : waiting[c * R + r];
    for (; k + LANES <= K; k += LANES)
        f32_step(type, true, R, C, sum, w, row_bytes, x, x_stride, k, LANES, ahead);
    if (k < K)
        f32_step(type, false, R, C, sum, w, row_bytes, x, x_stride, k, K - k, ahead);
    EACH (c, C) {
        if (block.part & ENDS) {
            store_totals(job->out + (size_t)(b + c) * job->out_stride, sum[c], R, scales);
        } else {
            EACH (r, R)
                waiting[c * R + r] = sum[c][r];
        }
    }
}

/* Runs as many tiles as fit from batch entry b on; returns the entry behind them. */
INLINE int f32_tiles(cv_weight_type type, int R, int C, const f32_job *job, int b, f32_block block)
{
    for (; b + C <= job->B; b += C)
        f32_tile(type, R, C, job, b, block);
    return b;
}

/* Four rows at once keep four streams from memory busy. */
INLINE void f32_rows(cv_weight_type type, int rows, const f32_job *job, f32_block block)
{
    int b = 0;

    if (rows == 4) {
        if (WIDEST == 4)
            b = f32_tiles(type, 4, 4, job, b, block);
        b = f32_tiles(type, 4, 2, job, b, block);
        f32_tiles(type, 4, 1, job, b, block);
    } else {
        f32_tiles(type, 1, 1, job, b, block);
    }
}

/* Multiplies by the whole matrix in one block. */
INLINE void f32_matrix(cv_weight_type type, float *out, size_t out_stride, const float *x, size_t x_stride,
                       const cv_weight *w, int B, bool ahead)
{
    const f32_block block = { .part = BEGINS | ENDS, .ahead = ahead };

    for (int n = 0, rows; n < w->N; n += rows) {
        const f32_job job = f32_job_of(type, w, n, out, out_stride, x, x_stride, B);

        rows = w->N - n >= 4 ? 4 : 1;
        f32_rows(type, rows, &job, block);
    }
}

/* Each instruction set defines linear_f32; the kernels of the types call it. */
INLINE void linear_f32(cv_weight_type type, float *out, size_t out_stride, const float *x, size_t x_stride,
                       const cv_weight *w, int B);

static void linear_f32_wf32(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)
{
    linear_f32(CV_WEIGHT_F32, out, out_stride, x, x_stride, w, B);
}

static void linear_f32_wf16(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)
{
    linear_f32(CV_WEIGHT_F16, out, out_stride, x, x_stride, w, B);
}

static void linear_f32_wbf16(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)
{
    linear_f32(CV_WEIGHT_BF16, out, out_stride, x, x_stride, w, B);
}

static void linear_f32_wq8(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)
{
    linear_f32(CV_WEIGHT_Q8, out, out_stride, x, x_stride, w, B);
}

static void set_linear_f32(cv_kernels *table)
{
    table->linear_f32[CV_WEIGHT_F32] = linear_f32_wf32;
    table->linear_f32[CV_WEIGHT_F16] = linear_f32_wf16;
    table->linear_f32[CV_WEIGHT_BF16] = linear_f32_wbf16;
    table->linear_f32[CV_WEIGHT_Q8] = linear_f32_wq8;
}

#endif
