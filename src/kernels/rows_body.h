/* rows_body.h - loops that walk through rows once: widening, the outer product, quantizing, reading. */
#ifndef CV_KERNELS_ROWS_BODY_H
#define CV_KERNELS_ROWS_BODY_H

#include "kernels/vec.h"

/* --- widening ------------------------------------------------------------------------------------------------- */

INLINE void widen_columns(cv_weight_type type, int V, float *out, const char *row, vec scale, int k)
{
    EACH (i, V)
        vec_store(out + k + LANES * i, vec_mul(vec_weights(type, row, k + LANES * i), scale));
}

INLINE void widen(cv_weight_type type, float *out, const cv_weight *w)
{
    for (int n = 0; n < w->N; n++, out += w->K) {
        const char *row = (const char *)w->data + (size_t)n * cv_weight_row_bytes(type, (size_t)w->K);
        const vec scale = vec_all(w->scales ? ((const float *)w->scales)[n] : 1);
        int k = 0;

        for (; k + 4 * LANES <= w->K; k += 4 * LANES)
            widen_columns(type, 4, out, row, scale, k);
        for (; k + LANES <= w->K; k += LANES)
            widen_columns(type, 1, out, row, scale, k);
        if (k < w->K)
            vec_store_some(out + k, vec_mul(vec_weights_some(type, row, k, w->K - k), scale), w->K - k);
    }
}

static void widen_wf16(float *out, const cv_weight *w)
{
    widen(CV_WEIGHT_F16, out, w);
}

static void widen_wbf16(float *out, const cv_weight *w)
{
    widen(CV_WEIGHT_BF16, out, w);
}

static void widen_wq8(float *out, const cv_weight *w)
{
    widen(CV_WEIGHT_Q8, out, w);
}

static void widen_wq4(float *out, const cv_weight *w)
{
    const size_t groups = (size_t)w->N * (size_t)(w->K / CV_Q4_GROUP);
    const uint16_t *scales = w->scales;
    const char *group = w->data;

    for (size_t g = 0; g < groups; g++, group += CV_Q4_GROUP / 2) {
        const q4_weights weights = q4_load(group);
        const vec scale = vec_all(half_to_float(scales[g]));

        UNROLL
        for (int i = 0; i < CV_Q4_GROUP / LANES; i++, out += LANES)
            vec_store(out, vec_mul(q4_widen(weights, i), scale));
    }
}

/* --- the outer product ---------------------------------------------------------------------------------------- */

/* Adds to columns from d on: V vectors, or, where not `whole`, the first `count` lanes of one vector. */
INLINE void spread_columns(bool whole, int V, float *keys, const float *weights, const float *x, int n, size_t D, int d,
                           int count)
{
    float *k = keys + d;
    vec part[4];

    EACH (i, V)
        part[i] = whole ? vec_load(x + d + LANES * i) : vec_load_some(x + d, count);
    for (int j = 0; j < n; j++, k += D) {
        const vec weight = vec_all(weights[j]);

        EACH (i, V) {
            if (whole)
                vec_store(k + LANES * i, vec_fma(vec_load(k + LANES * i), weight, part[i]));
            else
                vec_store_some(k, vec_fma(vec_load_some(k, count), weight, part[i]), count);
        }
    }
}

static void spread(float *keys, const float *weights, const float *x, int n, int D)
{
    int d = 0;

    for (; d + 4 * LANES <= D; d += 4 * LANES)
        spread_columns(true, 4, keys, weights, x, n, (size_t)D, d, LANES);
    for (; d + LANES <= D; d += LANES)
        spread_columns(true, 1, keys, weights, x, n, (size_t)D, d, LANES);
    if (d < D)
        spread_columns(false, 1, keys, weights, x, n, (size_t)D, d, D - d);
}

/* --- quantizing ----------------------------------------------------------------------------------------------- */

INLINE void add_to_group(int32_t *sums, int k, int32_t sum)
{
    sums[k / CV_Q4_GROUP] = (k % CV_Q4_GROUP ? sums[k / CV_Q4_GROUP] : 0) + sum;
}

static void quantize(int8_t *values, float *scale, int32_t *sums, const float *x, int K)
{
    vec most_lanes = vec_all(0), by;
    float lanes[LANES], most = 0;
    int k = 0;

    for (; k + LANES <= K; k += LANES)
        most_lanes = vec_max(most_lanes, vec_abs(vec_load(x + k)));
    if (k < K)
        most_lanes = vec_max(most_lanes, vec_abs(vec_load_some(x + k, K - k)));
    vec_store(lanes, most_lanes);
    for (int i = 0; i < LANES; i++)
        most = lanes[i] > most ? lanes[i] : most;
    *scale = most / 127;
    by = vec_all(most > 0 ? 127 / most : 0);
    for (k = 0; k + LANES <= K; k += LANES)
        add_to_group(sums, k, quantize_lanes(values + k, vec_mul(vec_load(x + k), by), LANES));
    if (k < K)
        add_to_group(sums, k, quantize_lanes(values + k, vec_mul(vec_load_some(x + k, K - k), by), K - k));
}

/* --- reading -------------------------------------------------------------------------------------------------- */

/* Reads four streams, as the linear kernels read four rows at a time. */
static float read_all(const void *buffer, size_t size)
{
    const int8_t *from = buffer;
    const size_t quarter = size / 4;
    bytes sums[4] = { bytes_load(from), bytes_load(from), bytes_load(from), bytes_load(from) };
    int8_t first[BYTES];

    for (size_t i = 0; i < quarter; i += 64)
        UNROLL
    for (size_t j = 0; j < 4; j++)
        UNROLL
    for (size_t part = 0; part < 64; part += BYTES)
        sums[j] = bytes_xor(sums[j], bytes_load(from + j * quarter + i + part));
    for (int j = 1; j < 4; j++)
        sums[0] = bytes_xor(sums[0], sums[j]);
    bytes_store(first, sums[0]);
    return (float)first[0];
}

static void set_rows(cv_kernels *table)
{
    table->quantize = quantize;
    table->widen[CV_WEIGHT_F16] = widen_wf16;
    table->widen[CV_WEIGHT_BF16] = widen_wbf16;
    table->widen[CV_WEIGHT_Q8] = widen_wq8;
    table->widen[CV_WEIGHT_Q4] = widen_wq4;
    table->spread = spread;
    table->read = read_all;
}

#endif
