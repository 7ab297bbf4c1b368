/* linear_q8_body.h - rows of q8 and q4 weights times inputs in 8 bits, in register tiles of R rows by C batch
 * entries. */
#ifndef CV_KERNELS_LINEAR_Q8_BODY_H
#define CV_KERNELS_LINEAR_Q8_BODY_H

#include "kernels/streams.h"

/* A job is at most MOST_R rows of weights, so many rows apart, and the B entries that they are multiplied by. */

/* --- q8 weights ----------------------------------------------------------------------------------------------- */

typedef struct q8_job {
    float *out;
    size_t out_stride;
    const cv_q8_rows *x;
    const int32_t *offsets; /* subtracted from the sums of each entry; NULL where q8_dot needs no offset */
    const int8_t *w;
    float scales[MOST_R];
    int K, B;
    size_t apart;
    bool again; /* the rows come from a cache */
} q8_job;

INLINE void q8_step(bool whole, int R, int C, ivec sum[][MOST_R], const int8_t *w, size_t row_bytes, const int8_t *x,
                    size_t x_stride, int k, int count)
{
    bytes in[MOST_C];

    EACH (c, C) {
        const int8_t *at = x + (size_t)c * x_stride + k;

        in[c] = whole ? bytes_load(at) : bytes_load_some(at, count);
    }
    EACH (r, R) {
        const int8_t *at = w + (size_t)r * row_bytes + k;
        q8_weights row = q8_prepare(whole ? bytes_load(at) : bytes_load_some(at, count));

        EACH (c, C)
            sum[c][r] = q8_dot(sum[c][r], row, in[c]);
    }
}

/* Writes the totals of a tile's rows for one entry. */
INLINE void q8_store(const q8_job *job, int R, int b, const ivec *sum)
{
    const int32_t offset = job->offsets ? job->offsets[b] : 0;
    float *out = job->out + (size_t)b * job->out_stride, totals[MOST_R];

    if (job->apart == 1) {
        q8_store_totals(out, sum, R, offset, job->scales, job->x->scales[b]);
        return;
    }
    q8_store_totals(totals, sum, R, offset, job->scales, job->x->scales[b]);
    scatter(out, job->apart, totals, R);
}

INLINE void q8_tile(int R, int C, const q8_job *job, int b)
{
    const size_t x_stride = job->x->stride, row_bytes = (size_t)job->K * job->apart;
    const int8_t *x = job->x->values + (size_t)b * x_stride, *w = job->w;
    ivec sum[MOST_C][MOST_R];
    int K = job->K, k = 0;

    EACH (c, C)
        EACH (r, R)
            sum[c][r] = ivec_all(0);
    for (; b == 0 && !job->again && k + LINE <= K; k += LINE) {
        EACH (r, R)
            prefetch_stream(w + (size_t)r * row_bytes + k);
        UNROLL
        for (int i = 0; i < LINE; i += BYTES)
            q8_step(true, R, C, sum, w, row_bytes, x, x_stride, k + i, BYTES);
    }
    for (; k + BYTES <= K; k += BYTES)
        q8_step(true, R, C, sum, w, row_bytes, x, x_stride, k, BYTES);
    if (k < K)
        q8_step(false, R, C, sum, w, row_bytes, x, x_stride, k, K - k);
    EACH (c, C)
        q8_store(job, R, b + c, sum[c]);
}

/* Runs as many tiles as fit from batch entry b on; returns the entry behind them. */
INLINE int q8_tiles(int R, int C, const q8_job *job, int b)
{
    for (; b + C <= job->B; b += C)
        q8_tile(R, C, job, b);
    return b;
}

/* Four rows at once keep four streams from memory busy. */
INLINE void q8_rows(int rows, const q8_job *job)
{
    if (rows == 4) {
        EACH_TILE(b, C, job->B, q8_tile(4, C, job, b))
    } else {
        q8_tiles(1, 1, job, 0);
    }
}

/* The rows were read before, for other entries, where `again`. From a batch of four on, two rows by four entries are
 * better where preparing a row is expensive (Q8_PAIRS). */
INLINE void q8_matrix(float *out, size_t out_stride, const cv_q8_rows *x, const int32_t *offsets, const cv_weight *w,
                      int B, bool again)
{
    const int most = Q8_PAIRS && B >= 4 ? 2 : 4;
    const streams s = streams_of(w, most, again);

    for (int i = 0; i < s.all; i++) {
        const int n = first_row(s, i);
        q8_job job = { .out = out + n,
                       .out_stride = out_stride,
                       .x = x,
                       .offsets = offsets,
                       .w = (const int8_t *)w->data + (size_t)n * (size_t)w->K,
                       .K = w->K,
                       .B = B,
                       .apart = (size_t)s.apart,
                       .again = again };

        /* Gathered once for all entries: a vector of what was stored in pieces has to wait for these. */
        for (int r = 0; r < (i < s.tiles ? most : 1); r++)
            job.scales[r] = ((const float *)w->scales)[n + r * s.apart];
        if (i < s.tiles && most == 2)
            q8_tiles(2, 1, &job, q8_tiles(2, 4, &job, 0));
        else
            q8_rows(i < s.tiles ? 4 : 1, &job);
    }
}

/* --- q4 weights ----------------------------------------------------------------------------------------------- */

typedef struct q4_job {
    float *out;
    size_t out_stride;
    const cv_q8_rows *x;
    const char *w;
    const uint16_t *scales;
    int groups, B;
    size_t apart;
} q4_job;

enum { MOST_SCALES = 32 }; /* scales that are widened at once, in rows that have enough of them */

INLINE void widen_scales(float *out, const uint16_t *scales, int count)
{
    int i = 0;

    for (; i + LANES <= count; i += LANES)
        vec_store(out + i, vec_weights(CV_WEIGHT_F16, scales, i));
    if (i < count)
        widen_halves_some(out + i, scales + i, count - i);
}

/* Writes the totals of a tile's rows for one entry. */
INLINE void q4_store(const q4_job *job, int R, int b, const q4_sum *sum)
{
    float totals[MOST_R];

    q4_store_totals(totals, sum, R, job->x->scales[b]);
    scatter(job->out + (size_t)b * job->out_stride, job->apart, totals, R);
}

INLINE void q4_tile(int at_once, int R, int C, const q4_job *job, int b)
{
    const size_t x_stride = job->x->stride, sum_stride = job->x->sum_stride,
                 row_bytes = (size_t)job->groups * (CV_Q4_GROUP / 2) * job->apart;
    const int8_t *x = job->x->values + (size_t)b * x_stride;
    const int32_t *sums = job->x->sums + (size_t)b * sum_stride;
    const char *w = job->w;
    q4_sum sum[MOST_C][MOST_R];
    float scales[MOST_R][MOST_SCALES];

    EACH (c, C)
        EACH (r, R)
            sum[c][r] = q4_nothing();
    for (int from = 0; from < job->groups; from += at_once) {
        const int left = job->groups - from, count = at_once == 1 || left > at_once ? at_once : left;

        EACH (r, R)
            widen_scales(scales[r], job->scales + (size_t)(r * job->groups) * job->apart + from, count);
        for (int g = 0; g < count; g++, x += CV_Q4_GROUP, w += CV_Q4_GROUP / 2, sums++) {
            q4_input in[MOST_C];

            EACH (c, C)
                in[c] = q4_input_load(x + (size_t)c * x_stride, sums[(size_t)c * sum_stride]);
            EACH (r, R) {
                q4_weights row = q4_load(w + (size_t)r * row_bytes);

                if (b == 0 && g % 2 == 0)
                    prefetch_stream(w + (size_t)r * row_bytes);
                EACH (c, C)
                    sum[c][r] = q4_add(sum[c][r], row, in[c], scales[r][g]);
            }
        }
    }
    EACH (c, C)
        q4_store(job, R, b + c, sum[c]);
}

INLINE void q4_matrix(int at_once, float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    const int groups = w->K / CV_Q4_GROUP;
    const streams s = streams_of(w, 4, false);

    for (int i = 0; i < s.all; i++) {
        const int n = first_row(s, i);
        const size_t before = (size_t)n * (size_t)groups;
        const q4_job job = { .out = out + n,
                             .out_stride = out_stride,
                             .x = x,
                             .w = (const char *)w->data + before * (CV_Q4_GROUP / 2),
                             .scales = (const uint16_t *)w->scales + before,
                             .groups = groups,
                             .B = B,
                             .apart = (size_t)s.apart };

        if (i < s.tiles) {
            EACH_TILE(b, C, B, q4_tile(at_once, 4, C, &job, b))
        } else {
            for (int b = 0; b < B; b++)
                q4_tile(at_once, 1, 1, &job, b);
        }
    }
}

/* In rows of few groups the scales are widened one by one: storing them first would not pay. */
static void linear_q8_wq4(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    if (w->K >= 8 * CV_Q4_GROUP)
        q4_matrix(MOST_SCALES, out, out_stride, x, w, B);
    else
        q4_matrix(1, out, out_stride, x, w, B);
}

/* Each instruction set defines this function. */
static void linear_q8_wq8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B);

static void set_linear_q8(cv_kernels *table)
{
    table->linear_q8[CV_WEIGHT_Q8] = linear_q8_wq8;
    table->linear_q8[CV_WEIGHT_Q4] = linear_q8_wq4;
}

#endif
