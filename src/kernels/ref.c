/* ref.c - the kernels in plain C: the truth that every vector version is tested against. */
#include "kernels/kernels.h"

/* Eight partial sums give the compiler something to vectorise and keep the rounding error of long rows small. */
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

static void scores(float *out, const float *q, const float *keys, int n, int D)
{
    for (int i = 0; i < n; i++)
        out[i] = dot(q, keys + (size_t)i * (size_t)D, D);
}

static void mix(float *out, const float *weights, const float *values, int n, int D)
{
    for (int i = 0; i < n; i++)
        for (int d = 0; d < D; d++)
            out[d] += weights[i] * values[(size_t)i * (size_t)D + (size_t)d];
}

static void spread(float *keys, const float *weights, const float *x, int n, int D)
{
    for (int i = 0; i < n; i++)
        for (int d = 0; d < D; d++)
            keys[(size_t)i * (size_t)D + (size_t)d] += weights[i] * x[d];
}

static void linear_f32(float *out, size_t out_stride, const float *x, size_t x_stride, const void *w, int N, int K,
                       int B)
{
    const float *weights = w;

    for (int n = 0; n < N; n++)
        for (int b = 0; b < B; b++)
            out[(size_t)b * out_stride + (size_t)n] = dot(x + (size_t)b * x_stride, weights + (size_t)n * (size_t)K, K);
}

/* A row of 16-bit weights is widened piece by piece, once for the whole batch. */
static void linear_half(float *out, size_t out_stride, const float *x, size_t x_stride, const void *w, cv_dtype dtype,
                        int N, int K, int B)
{
    enum { PIECE = 512 };
    const unsigned char *weights = w;
    float wide[PIECE];

    for (int n = 0; n < N; n++)
        for (int k = 0; k < K; k += PIECE) {
            int length = K - k < PIECE ? K - k : PIECE;

            cv_to_f32(wide, weights + 2 * ((size_t)n * (size_t)K + (size_t)k), dtype, (size_t)length);
            for (int b = 0; b < B; b++) {
                float *sum = out + (size_t)b * out_stride + (size_t)n;

                *sum = (k ? *sum : 0) + dot(x + (size_t)b * x_stride + k, wide, length);
            }
        }
}

static void linear_f16(float *out, size_t out_stride, const float *x, size_t x_stride, const void *w, int N, int K,
                       int B)
{
    linear_half(out, out_stride, x, x_stride, w, CV_F16, N, K, B);
}

static void linear_bf16(float *out, size_t out_stride, const float *x, size_t x_stride, const void *w, int N, int K,
                        int B)
{
    linear_half(out, out_stride, x, x_stride, w, CV_BF16, N, K, B);
}

void cv_kernels_ref(cv_kernels *out)
{
    *out = (cv_kernels){
        .name = "plain C",
        .linear = { [CV_F32] = linear_f32, [CV_F16] = linear_f16, [CV_BF16] = linear_bf16 },
        .scores = scores,
        .mix = mix,
        .spread = spread,
    };
}
