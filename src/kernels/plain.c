/* plain.c - the kernels in plain C: the reference that every vector version is tested against. */
#include "kernels/kernels.h"

#include <math.h>

/* Eight partial sums let the compiler vectorize and keep the rounding error of long rows small. */
static float dot(const float *a, const float *b, int n)
{
    float part[8] = { 0 };
    int i = 0;

    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            part[j] += a[i + j] * b[i + j];
    for (; i < n; i++)
        part[i & 7] += a[i] * b[i];
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

static void spread(float *keys, const float *weights, const float *x, int n, int D)
{
    for (int i = 0; i < n; i++)
        for (int d = 0; d < D; d++)
            keys[(size_t)i * (size_t)D + (size_t)d] += weights[i] * x[d];
}

enum { PIECE = 512 }; /* numbers of a row that are widened at once: a whole number of q4 groups */

/* Widens at most PIECE numbers of a row from k on. */
static int widen_piece(float *out, const cv_weight *w, int n, int k)
{
    cv_weight piece = cv_weight_rows(w, n, 1);

    piece.data = (const char *)piece.data + cv_weight_row_bytes(w->type, (size_t)k);
    if (w->type == CV_WEIGHT_Q4)
        piece.scales = (const char *)piece.scales + cv_weight_scale_bytes(w->type, (size_t)k);
    piece.K = w->K - k < PIECE ? w->K - k : PIECE;
    cv_weight_widen(out, &piece, 0);
    return piece.K;
}

/* Widens one row after another; each serves the whole batch. */
static void linear_f32(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)
{
    float wide[PIECE];

    for (int n = 0; n < w->N; n++)
        for (int k = 0; k < w->K; k += PIECE) {
            int length = widen_piece(wide, w, n, k);

            for (int b = 0; b < B; b++) {
                float *sum = out + (size_t)b * out_stride + (size_t)n;

                *sum = (k ? *sum : 0) + dot(x + (size_t)b * x_stride + k, wide, length);
            }
        }
}

static void mix(float *out, const float *weights, const cv_weight *w)
{
    float wide[PIECE];

    for (int n = 0; n < w->N; n++)
        for (int k = 0, length; k < w->K; k += length) {
            length = widen_piece(wide, w, n, k);
            for (int i = 0; i < length; i++)
                out[k + i] += weights[n] * wide[i];
        }
}

static void widen(float *out, const cv_weight *w)
{
    for (int n = 0; n < w->N; n++)
        cv_weight_widen(out + (size_t)n * (size_t)w->K, w, n);
}

static void quantize(int8_t *values, float *scale, int32_t *sums, const float *x, int K)
{
    float most = 0, by;

    for (int k = 0; k < K; k++)
        most = fabsf(x[k]) > most ? fabsf(x[k]) : most;
    *scale = most / 127;
    by = most > 0 ? 127 / most : 0;
    for (int k = 0; k < K; k++) {
        values[k] = (int8_t)lrintf(x[k] * by);
        sums[k / CV_Q4_GROUP] = (k % CV_Q4_GROUP ? sums[k / CV_Q4_GROUP] : 0) + values[k];
    }
}

static void linear_q8_wq8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    const float *scales = w->scales;

    for (int n = 0; n < w->N; n++)
        for (int b = 0; b < B; b++) {
            const int8_t *row = (const int8_t *)w->data + (size_t)n * (size_t)w->K,
                         *in = x->values + (size_t)b * x->stride;
            int32_t sum = 0;

            for (int k = 0; k < w->K; k++)
                sum += row[k] * in[k];
            out[(size_t)b * out_stride + (size_t)n] = (float)sum * (scales[n] * x->scales[b]);
        }
}

static void linear_q8_wq4(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    for (int n = 0; n < w->N; n++)
        for (int b = 0; b < B; b++) {
            cv_weight row = cv_weight_rows(w, n, 1);
            const uint8_t *bytes = row.data;
            const uint16_t *scales = row.scales;
            const int8_t *in = x->values + (size_t)b * x->stride;
            float total = 0;

            for (int g = 0; g < w->K / CV_Q4_GROUP; g++, bytes += CV_Q4_GROUP / 2, in += CV_Q4_GROUP) {
                int32_t sum = 0;

                for (int j = 0; j < CV_Q4_GROUP / 2; j++)
                    sum += ((bytes[j] & 15) - 8) * in[j] + ((bytes[j] >> 4) - 8) * in[j + CV_Q4_GROUP / 2];
                total += (float)sum * cv_f16_to_f32(scales[g]);
            }
            out[(size_t)b * out_stride + (size_t)n] = total * x->scales[b];
        }
}

static float read_all(const void *buffer, size_t bytes)
{
    const uint64_t *words = buffer;
    uint64_t sums[8] = { 0 };

    for (size_t i = 0; i < bytes / sizeof *words; i += 8)
        for (size_t j = 0; j < 8; j++)
            sums[j] += words[i + j];
    for (size_t j = 1; j < 8; j++)
        sums[0] ^= sums[j];
    return (float)(sums[0] & 255);
}

#define LANES 16
#define CHAINS 4

static double peak_f32(long rounds, float *sink)
{
    float sums[CHAINS * LANES];
    float x = *sink;

    for (int i = 0; i < CHAINS * LANES; i++)
        sums[i] = (float)i;
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS * LANES; i++)
            sums[i] = sums[i] * x + x;
    for (int i = 0; i < CHAINS * LANES; i++)
        *sink += sums[i];
    return 2.0 * CHAINS * LANES * (double)rounds;
}

static double peak_int8(long rounds, float *sink)
{
    uint32_t sums[CHAINS * LANES];
    int8_t x[CHAINS * LANES];

    for (int i = 0; i < CHAINS * LANES; i++) {
        sums[i] = (uint32_t)i;
        x[i] = (int8_t)(*sink + (float)i);
    }
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS * LANES; i++)
            sums[i] += (uint32_t)(x[i] * (int8_t)sums[i]);
    for (int i = 0; i < CHAINS * LANES; i++)
        *sink += (float)sums[i];
    return 2.0 * CHAINS * LANES * (double)rounds;
}

enum { PANEL_WIDTH = 16 };

static void panel(float *out, size_t out_stride, const float *x, size_t x_stride, int rows, const float *weights, int K,
                  int count, bool add)
{
    for (int r = 0; r < rows; r++) {
        float *to = out + (size_t)r * out_stride, sums[PANEL_WIDTH] = { 0 };

        for (int k = 0; k < K; k++) {
            const float value = x[(size_t)r * x_stride + (size_t)k];

            for (int n = 0; n < PANEL_WIDTH; n++)
                sums[n] += value * weights[(size_t)k * PANEL_WIDTH + (size_t)n];
        }
        for (int n = 0; n < count; n++)
            to[n] = add ? to[n] + sums[n] : sums[n];
    }
}

static void product(float *out, size_t out_stride, const float *x, size_t x_stride, size_t x_step, int rows,
                    const float *w, size_t w_stride, int K, int count, bool add)
{
    for (int r = 0; r < rows; r++)
        for (int first = 0; first < count; first += CV_PRODUCT_STEP) {
            float *to = out + (size_t)r * out_stride + first, sums[CV_PRODUCT_STEP] = { 0 };

            for (int k = 0; k < K; k++) {
                const float value = x[(size_t)r * x_stride + (size_t)k * x_step];

                for (int n = 0; n < CV_PRODUCT_STEP; n++)
                    sums[n] += value * w[(size_t)k * w_stride + (size_t)(first + n)];
            }
            for (int n = 0; n < CV_PRODUCT_STEP; n++)
                to[n] = add ? to[n] + sums[n] : sums[n];
        }
}

void cv_kernels_plain(cv_kernels *out)
{
    *out = (cv_kernels){
        .linear_f32 = { linear_f32, linear_f32, linear_f32, linear_f32, linear_f32 },
        .linear_q8 = { [CV_WEIGHT_Q8] = linear_q8_wq8, [CV_WEIGHT_Q4] = linear_q8_wq4 },
        .panel_width = PANEL_WIDTH,
        .panel = panel,
        .product_width = CV_PRODUCT_STEP,
        .product = product,
        .quantize = quantize,
        .widen = { widen, widen, widen, widen, widen },
        .mix = { mix, mix, mix, mix, mix },
        .spread = spread,
        .read = read_all,
        .peak_f32 = peak_f32,
        .peak_int8 = peak_int8,
    };
    cv_loops_plain(out);
}
