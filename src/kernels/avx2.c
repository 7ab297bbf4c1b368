/* avx2.c - the kernels for AVX2 + FMA + F16C. Built with those flags; called only where the processor has them. */
#include "kernels/kernels.h"

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "this file needs -mavx2 -mfma -mf16c"
#endif

#include <immintrin.h>
#include <string.h>

static inline float sum8(__m256 v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

static inline __m256i tail_mask(int count)
{
    static const int32_t ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };

    return _mm256_loadu_si256((const __m256i *)(ones + 8 - count));
}

/* The four lane sums of four vectors, in order. */
static inline __m128 sum8x4(__m256 a, __m256 b, __m256 c, __m256 d)
{
    __m256 ab = _mm256_hadd_ps(a, b), cd = _mm256_hadd_ps(c, d), abcd = _mm256_hadd_ps(ab, cd);

    return _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
}

static inline __m256 dot8(const float *a, const float *b, int n)
{
    __m256 sum = _mm256_setzero_ps();
    int i = 0;

    for (; i + 8 <= n; i += 8)
        sum = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), sum);
    if (i < n) {
        __m256i mask = tail_mask(n - i);

        sum = _mm256_fmadd_ps(_mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask), sum);
    }
    return sum;
}

/* Every key's sum goes through sum8x4 in the same way, so a score does not depend on where its run begins. */
static void scores(float *out, const float *q, const float *keys, int n, int D)
{
    size_t step = (size_t)D;
    __m256 zero = _mm256_setzero_ps();
    float last[4];
    int i = 0;

    for (; i + 4 <= n; i += 4, keys += 4 * step)
        _mm_storeu_ps(out + i, sum8x4(dot8(q, keys, D), dot8(q, keys + step, D), dot8(q, keys + 2 * step, D),
                                      dot8(q, keys + 3 * step, D)));
    if (i == n)
        return;
    _mm_storeu_ps(last, sum8x4(dot8(q, keys, D), i + 1 < n ? dot8(q, keys + step, D) : zero,
                               i + 2 < n ? dot8(q, keys + 2 * step, D) : zero, zero));
    memcpy(out + i, last, (size_t)(n - i) * sizeof *out);
}

static void mix(float *out, const float *weights, const float *values, int n, int D)
{
    size_t step = (size_t)D;
    int d = 0;

    for (; d + 32 <= D; d += 32) {
        const float *v = values + d;
        __m256 s0 = _mm256_loadu_ps(out + d), s1 = _mm256_loadu_ps(out + d + 8), s2 = _mm256_loadu_ps(out + d + 16),
               s3 = _mm256_loadu_ps(out + d + 24);

        for (int i = 0; i < n; i++, v += step) {
            __m256 w = _mm256_broadcast_ss(weights + i);

            s0 = _mm256_fmadd_ps(w, _mm256_loadu_ps(v), s0);
            s1 = _mm256_fmadd_ps(w, _mm256_loadu_ps(v + 8), s1);
            s2 = _mm256_fmadd_ps(w, _mm256_loadu_ps(v + 16), s2);
            s3 = _mm256_fmadd_ps(w, _mm256_loadu_ps(v + 24), s3);
        }
        _mm256_storeu_ps(out + d, s0);
        _mm256_storeu_ps(out + d + 8, s1);
        _mm256_storeu_ps(out + d + 16, s2);
        _mm256_storeu_ps(out + d + 24, s3);
    }
    for (; d < D; d += 8) {
        __m256i mask = tail_mask(D - d < 8 ? D - d : 8);
        __m256 sum = _mm256_maskload_ps(out + d, mask);

        for (int i = 0; i < n; i++)
            sum = _mm256_fmadd_ps(_mm256_broadcast_ss(weights + i),
                                  _mm256_maskload_ps(values + (size_t)i * step + d, mask), sum);
        _mm256_maskstore_ps(out + d, mask, sum);
    }
}

static void spread(float *keys, const float *weights, const float *x, int n, int D)
{
    size_t step = (size_t)D;
    int d = 0;

    for (; d + 32 <= D; d += 32) {
        float *k = keys + d;
        __m256 x0 = _mm256_loadu_ps(x + d), x1 = _mm256_loadu_ps(x + d + 8), x2 = _mm256_loadu_ps(x + d + 16),
               x3 = _mm256_loadu_ps(x + d + 24);

        for (int i = 0; i < n; i++, k += step) {
            __m256 w = _mm256_broadcast_ss(weights + i);

            _mm256_storeu_ps(k, _mm256_fmadd_ps(w, x0, _mm256_loadu_ps(k)));
            _mm256_storeu_ps(k + 8, _mm256_fmadd_ps(w, x1, _mm256_loadu_ps(k + 8)));
            _mm256_storeu_ps(k + 16, _mm256_fmadd_ps(w, x2, _mm256_loadu_ps(k + 16)));
            _mm256_storeu_ps(k + 24, _mm256_fmadd_ps(w, x3, _mm256_loadu_ps(k + 24)));
        }
    }
    for (; d < D; d += 8) {
        __m256i mask = tail_mask(D - d < 8 ? D - d : 8);
        __m256 part = _mm256_maskload_ps(x + d, mask);

        for (int i = 0; i < n; i++) {
            float *k = keys + (size_t)i * step + d;

            _mm256_maskstore_ps(k, mask, _mm256_fmadd_ps(_mm256_broadcast_ss(weights + i), part,
                                                         _mm256_maskload_ps(k, mask)));
        }
    }
}

/* Eight weights from element k of a row, widened. */
static inline __m256 load_f32(const void *row, int k)
{
    return _mm256_loadu_ps((const float *)row + k);
}

static inline __m256 load_f16(const void *row, int k)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)((const uint16_t *)row + k)));
}

static inline __m256 load_bf16(const void *row, int k)
{
    __m128i half = _mm_loadu_si128((const __m128i *)((const uint16_t *)row + k));

    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

/* The last 1..7 weights of a row, zeros behind them. */
static inline __m256 load_tail(const void *row, cv_dtype dtype, int k, int count)
{
    uint16_t half[8] = { 0 };

    if (dtype == CV_F32)
        return _mm256_maskload_ps((const float *)row + k, tail_mask(count));
    memcpy(half, (const uint16_t *)row + k, 2 * (size_t)count);
    return dtype == CV_F16 ? load_f16(half, 0) : load_bf16(half, 0);
}

/* A register tile of R rows by C batch entries. Each cell has one accumulator of eight lanes that walks K in
 * order, so its value is the same in every tile shape. */
#define TILE(R, C, LOAD, DTYPE)                                                                                   \
    do {                                                                                                          \
        __m256 sum[R][C];                                                                                         \
        int k = 0;                                                                                                \
        for (int r = 0; r < R; r++)                                                                               \
            for (int c = 0; c < C; c++)                                                                           \
                sum[r][c] = _mm256_setzero_ps();                                                                  \
        for (; k + 8 <= K; k += 8) {                                                                              \
            __m256 row[R];                                                                                        \
            for (int r = 0; r < R; r++)                                                                           \
                row[r] = LOAD(w + (size_t)r * row_bytes, k);                                                      \
            for (int c = 0; c < C; c++) {                                                                         \
                __m256 v = _mm256_loadu_ps(x + (size_t)c * x_stride + k);                                         \
                for (int r = 0; r < R; r++)                                                                       \
                    sum[r][c] = _mm256_fmadd_ps(row[r], v, sum[r][c]);                                            \
            }                                                                                                     \
        }                                                                                                         \
        if (k < K)                                                                                                \
            for (int c = 0; c < C; c++) {                                                                         \
                __m256 v = _mm256_maskload_ps(x + (size_t)c * x_stride + k, tail_mask(K - k));                    \
                for (int r = 0; r < R; r++)                                                                       \
                    sum[r][c] = _mm256_fmadd_ps(load_tail(w + (size_t)r * row_bytes, DTYPE, k, K - k), v, sum[r][c]); \
            }                                                                                                     \
        for (int c = 0; c < C; c++)                                                                               \
            for (int r = 0; r < R; r++)                                                                           \
                out[(size_t)c * out_stride + (size_t)r] = sum8(sum[r][c]);                                        \
    } while (0)

/* 4 x 1, 4 x 2 and 3-row tiles fit the sixteen registers; four rows at once also keep four streams from memory going. */
#define DEFINE_LINEAR(NAME, LOAD, DTYPE)                                                                          \
    static void NAME##_rows(float *out, size_t out_stride, const float *x, size_t x_stride, const char *w,        \
                            size_t row_bytes, int rows, int K, int B)                                             \
    {                                                                                                             \
        int b = 0;                                                                                                \
        for (; b + 2 <= B && rows == 4; b += 2, x += 2 * x_stride, out += 2 * out_stride)                         \
            TILE(4, 2, LOAD, DTYPE);                                                                              \
        for (; b < B && rows == 4; b++, x += x_stride, out += out_stride)                                         \
            TILE(4, 1, LOAD, DTYPE);                                                                              \
        for (; b < B; b++, x += x_stride, out += out_stride)                                                      \
            TILE(1, 1, LOAD, DTYPE);                                                                              \
    }                                                                                                             \
    static void NAME(float *out, size_t out_stride, const float *x, size_t x_stride, const void *weights, int N,  \
                     int K, int B)                                                                                \
    {                                                                                                             \
        size_t row_bytes = (size_t)K * (DTYPE == CV_F32 ? 4 : 2);                                                 \
        const char *w = weights;                                                                                  \
        int n = 0;                                                                                                \
        for (; n + 4 <= N; n += 4)                                                                                \
            NAME##_rows(out + n, out_stride, x, x_stride, w + (size_t)n * row_bytes, row_bytes, 4, K, B);         \
        for (; n < N; n++)                                                                                        \
            NAME##_rows(out + n, out_stride, x, x_stride, w + (size_t)n * row_bytes, row_bytes, 1, K, B);         \
    }

DEFINE_LINEAR(linear_f32, load_f32, CV_F32)
DEFINE_LINEAR(linear_f16, load_f16, CV_F16)
DEFINE_LINEAR(linear_bf16, load_bf16, CV_BF16)

void cv_kernels_avx2(cv_kernels *table)
{
    table->name = "avx2";
    table->linear[CV_F32] = linear_f32;
    table->linear[CV_F16] = linear_f16;
    table->linear[CV_BF16] = linear_bf16;
    table->scores = scores;
    table->mix = mix;
    table->spread = spread;
}
