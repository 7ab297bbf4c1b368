/* linear_f32_body.h - rows of weights times inputs in f32, in register tiles of R rows by C batch entries. */
#ifndef CV_KERNELS_LINEAR_F32_BODY_H
#define CV_KERNELS_LINEAR_F32_BODY_H

#include "kernels/streams.h"

/* At most MOST_R rows of weights, row_bytes apart, and the inputs that they are multiplied by. Between the outputs and
 * the scales of two rows lie as many as between the rows of the matrix, `apart`. */
typedef struct f32_job {
    float *out;
    size_t out_stride;
    const float *x;
    size_t x_stride;
    const char *w;
    size_t row_bytes;
    const float *scales; /* scales of the rows, or NULL */
    int K, B;
    size_t apart;
} f32_job;

/* A job for rows n, n + apart, and so on of a whole matrix. */
INLINE f32_job f32_job_of(cv_weight_type type, const cv_weight *w, int n, int apart, float *out, size_t out_stride,
                          const float *x, size_t x_stride, int B)
{
    const size_t row_bytes = cv_weight_row_bytes(type, (size_t)w->K);
    const float *scales = type == CV_WEIGHT_Q8 ? (const float *)w->scales + n : NULL;

    return (f32_job){ .out = out + n,
                      .out_stride = out_stride,
                      .x = x,
                      .x_stride = x_stride,
                      .w = (const char *)w->data + (size_t)n * row_bytes,
                      .row_bytes = (size_t)apart * row_bytes,
                      .scales = scales,
                      .K = w->K,
                      .B = B,
                      .apart = (size_t)apart };
}

INLINE void f32_step(cv_weight_type type, bool whole, int R, int C, vec sum[][MOST_R], const char *w, size_t row_bytes,
                     const float *x, size_t x_stride, int k, int count)
{
    vec row[MOST_R];

    EACH (r, R) {
        const char *at = w + (size_t)r * row_bytes;

        row[r] = whole ? vec_weights(type, at, k) : vec_weights_some(type, at, k, count);
    }
    EACH (c, C) {
        const float *at = x + (size_t)c * x_stride + k;
        vec v = whole ? vec_load(at) : vec_load_some(at, count);

        EACH (r, R)
            sum[c][r] = vec_fma(sum[c][r], row[r], v);
    }
}

/* Writes the totals of a tile's rows for one entry. */
INLINE void f32_store(const f32_job *job, int R, int b, const vec *sum)
{
    float *out = job->out + (size_t)b * job->out_stride, totals[MOST_R];

    if (job->apart == 1) {
        store_totals(out, sum, R, job->scales);
        return;
    }
    store_totals(totals, sum, R, NULL);
    EACH (r, R)
        totals[r] *= job->scales ? job->scales[(size_t)r * job->apart] : 1;
    scatter(out, job->apart, totals, R);
}

/* Each cell has one accumulator that walks through K in order, so its value is the same in every shape of tile. */
INLINE void f32_tile(cv_weight_type type, int R, int C, const f32_job *job, int b)
{
    const float *x = job->x + (size_t)b * job->x_stride;
    const size_t x_stride = job->x_stride, row_bytes = job->row_bytes;
    const int K = job->K, line = (int)(LINE / cv_weight_row_bytes(type, 1));
    const char *w = job->w;
    vec sum[MOST_C][MOST_R];
    int k = 0;

    EACH (c, C)
        EACH (r, R)
            sum[c][r] = vec_all(0);
    for (; b == 0 && k + line <= K; k += line) {
        EACH (r, R)
            prefetch_stream(w + (size_t)r * row_bytes + cv_weight_row_bytes(type, (size_t)k));
        UNROLL
        for (int i = 0; i < line; i += LANES)
            f32_step(type, true, R, C, sum, w, row_bytes, x, x_stride, k + i, LANES);
    }
    for (; k + LANES <= K; k += LANES)
        f32_step(type, true, R, C, sum, w, row_bytes, x, x_stride, k, LANES);
    if (k < K)
        f32_step(type, false, R, C, sum, w, row_bytes, x, x_stride, k, K - k);
    EACH (c, C)
        f32_store(job, R, b + c, sum[c]);
}

/* Runs as many tiles as fit from batch entry b on; returns the entry behind them. */
INLINE int f32_tiles(cv_weight_type type, int R, int C, const f32_job *job, int b)
{
    for (; b + C <= job->B; b += C)
        f32_tile(type, R, C, job, b);
    return b;
}

/* Entries of a batch for which weights are widened once: with fewer it gains nothing, and steps (nn/linear.c) bring no
 * more. And weights of a row that are widened together, so that all of a tile's stay in the first cache. */
enum { LEAST_ENTRIES = 8, MOST_ENTRIES = 16, CHUNK = 256 };

typedef struct f32_chunk {
    float weights[MOST_R][CHUNK];
    vec sum[MOST_ENTRIES][MOST_R]; /* so far */
} f32_chunk;

INLINE void f32_widen(cv_weight_type type, f32_chunk *chunk, const f32_job *job, int k, int count)
{
    EACH (r, MOST_R) {
        const char *row = job->w + (size_t)r * job->row_bytes;

        for (int i = 0; i < count; i += LANES)
            vec_store(chunk->weights[r] + i, i + LANES <= count ? vec_weights(type, row, k + i)
                                                                : vec_weights_some(type, row, k + i, count - i));
    }
}

/* Entries b and so on, over `count` weights from k on. Meanwhile the next weights are fetched: the two or
 * three tiles share out the rows. */
INLINE void f32_chunk_tile(cv_weight_type type, int C, f32_chunk *chunk, const f32_job *job, int b, int k, int count)
{
    const float *x = job->x + (size_t)b * job->x_stride + k;
    const int tiles = tiles_of(job->B), tile = tiles - tiles_of(job->B - b),
              line = (int)(LINE / cv_weight_row_bytes(type, 1));
    const char *next = job->w + cv_weight_row_bytes(type, (size_t)(k + count)),
               *ahead = next + (size_t)tile * job->row_bytes,
               *other = next + (size_t)(tile + tiles < MOST_R ? tile + tiles : tile) * job->row_bytes;
    vec sum[MOST_C][MOST_R];
    int i = 0;

    EACH (c, C)
        EACH (r, MOST_R)
            sum[c][r] = k > 0 ? chunk->sum[b + c][r] : vec_all(0);
    for (; i + line <= count; i += line) {
        prefetch(ahead + cv_weight_row_bytes(type, (size_t)i));
        prefetch(other + cv_weight_row_bytes(type, (size_t)i));
        UNROLL
        for (int j = 0; j < line; j += LANES)
            f32_step(CV_WEIGHT_F32, true, MOST_R, C, sum, (const char *)chunk->weights, sizeof chunk->weights[0], x,
                     job->x_stride, i + j, LANES);
    }
    for (; i + LANES <= count; i += LANES)
        f32_step(CV_WEIGHT_F32, true, MOST_R, C, sum, (const char *)chunk->weights, sizeof chunk->weights[0], x,
                 job->x_stride, i, LANES);
    if (i < count)
        f32_step(CV_WEIGHT_F32, false, MOST_R, C, sum, (const char *)chunk->weights, sizeof chunk->weights[0], x,
                 job->x_stride, i, count - i);
    EACH (c, C)
        EACH (r, MOST_R)
            chunk->sum[b + c][r] = sum[c][r];
}

/* Four rows, with the same bits as tile by tile. */
INLINE void f32_rows_widened(cv_weight_type type, const f32_job *job)
{
    f32_chunk chunk;

    for (int k = 0; k < job->K; k += CHUNK) {
        const int count = job->K - k < CHUNK ? job->K - k : CHUNK;

        f32_widen(type, &chunk, job, k, count);
        EACH_TILE(b, C, job->B, f32_chunk_tile(type, C, &chunk, job, b, k, count))
    }
    for (int b = 0; b < job->B; b++)
        f32_store(job, MOST_R, b, chunk.sum[b]);
}

INLINE void f32_rows(cv_weight_type type, int rows, const f32_job *job)
{
    if (rows == 4 && F32_WIDENS && job->B >= LEAST_ENTRIES && job->B <= MOST_ENTRIES) {
        f32_rows_widened(type, job);
    } else if (rows == 4) {
        EACH_TILE(b, C, job->B, f32_tile(type, 4, C, job, b))
    } else if (rows == 3) {
        f32_tiles(type, 3, 1, job, f32_tiles(type, 3, 4, job, 0));
    } else {
        f32_tiles(type, 1, 1, job, 0);
    }
}

/* Multiplies by the whole matrix, `most` rows at once. */
INLINE void f32_matrix(cv_weight_type type, int most, float *out, size_t out_stride, const float *x, size_t x_stride,
                       const cv_weight *w, int B)
{
    const streams s = streams_of(w, most, false);

    for (int i = 0; i < s.all; i++) {
        const f32_job job = f32_job_of(type, w, first_row(s, i), s.apart, out, out_stride, x, x_stride, B);

        f32_rows(type, i < s.tiles ? most : 1, &job);
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
