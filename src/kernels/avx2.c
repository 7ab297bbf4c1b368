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

/* The same of four vectors at once: an attention's keys are so short that adding up lanes is half of the work. */
static inline __m128 sums4(__m256 a, __m256 b, __m256 c, __m256 d)
{
    __m128 a4 = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    __m128 b4 = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    __m128 c4 = _mm_add_ps(_mm256_castps256_ps128(c), _mm256_extractf128_ps(c, 1));
    __m128 d4 = _mm_add_ps(_mm256_castps256_ps128(d), _mm256_extractf128_ps(d, 1));
    __m128 ab = _mm_add_ps(_mm_unpacklo_ps(a4, b4), _mm_unpackhi_ps(a4, b4)); /* a, b, a, b */
    __m128 cd = _mm_add_ps(_mm_unpacklo_ps(c4, d4), _mm_unpackhi_ps(c4, d4));

    return _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
}

static inline __m256i tail_mask(int count)
{
    static const int32_t ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };

    return _mm256_loadu_si256((const __m256i *)(ones + 8 - count));
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

/* --- linear, inputs in f32 -------------------------------------------------------------------------- */

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

static inline __m256 load_q8(const void *row, int k)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)((const int8_t *)row + k))));
}

/* The last 1..7 weights of a row, zeros behind them. */
#define LOAD_TAIL(LOAD, row, k, count) \
    (memcpy(tail, (const char *)(row) + (size_t)(k) * size, (size_t)(count) * size), LOAD(tail, 0))

/* A register tile of R rows by C batch entries. Each cell has one accumulator of eight lanes that walks K in
 * order, so its value is the same in every tile shape. */
#define TILE(R, C, LOAD)                                                                                          \
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
                    sum[r][c] = _mm256_fmadd_ps(LOAD_TAIL(LOAD, w + (size_t)r * row_bytes, k, K - k), v, sum[r][c]); \
            }                                                                                                     \
        for (int c = 0; c < C; c++) {                                                                             \
            if (R == 4) {                                                                                         \
                __m128 total = sums4(sum[0][c], sum[1 % R][c], sum[2 % R][c], sum[3 % R][c]);                     \
                _mm_storeu_ps(out + (size_t)c * out_stride, scales ? _mm_mul_ps(total, _mm_loadu_ps(scales)) : total); \
            } else {                                                                                              \
                for (int r = 0; r < R; r++)                                                                       \
                    out[(size_t)c * out_stride + (size_t)r] = sum8(sum[r][c]) * (scales ? scales[r] : 1);         \
            }                                                                                                     \
        }                                                                                                         \
    } while (0)

/* Four rows at once keep four streams from memory going; from a batch of four on the arithmetic is what takes time, and a tile of
 * three by four has most of it for what it loads and widens. It fills the sixteen registers. */
#define DEFINE_LINEAR(NAME, LOAD, SIZE)                                                                           \
    static void NAME##_rows(float *out, size_t out_stride, const float *x, size_t x_stride, const char *w,        \
                            const float *scales, int rows, int K, int B)                                          \
    {                                                                                                             \
        const size_t size = SIZE, row_bytes = (size_t)K * size;                                                   \
        uint32_t tail[8] = { 0 };                                                                                 \
        int b = 0;                                                                                                \
        for (; b + 4 <= B && rows == 3; b += 4, x += 4 * x_stride, out += 4 * out_stride)                         \
            TILE(3, 4, LOAD);                                                                                     \
        for (; b < B && rows == 3; b++, x += x_stride, out += out_stride)                                         \
            TILE(3, 1, LOAD);                                                                                     \
        for (; b + 2 <= B && rows == 4; b += 2, x += 2 * x_stride, out += 2 * out_stride)                         \
            TILE(4, 2, LOAD);                                                                                     \
        for (; b < B && rows == 4; b++, x += x_stride, out += out_stride)                                         \
            TILE(4, 1, LOAD);                                                                                     \
        for (; b < B; b++, x += x_stride, out += out_stride)                                                      \
            TILE(1, 1, LOAD);                                                                                     \
    }                                                                                                             \
    static void NAME(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)   \
    {                                                                                                             \
        const int most = B >= 4 ? 3 : 4;                                                                          \
        for (int n = 0, rows; n < w->N; n += rows) {                                                              \
            cv_weight part;                                                                                       \
            rows = w->N - n >= most ? most : 1;                                                                   \
            part = cv_weight_rows(w, n, rows);                                                                    \
            NAME##_rows(out + n, out_stride, x, x_stride, part.data, part.scales, rows, w->K, B);                 \
        }                                                                                                         \
    }

DEFINE_LINEAR(linear_f32, load_f32, 4)
DEFINE_LINEAR(linear_f16, load_f16, 2)
DEFINE_LINEAR(linear_bf16, load_bf16, 2)
DEFINE_LINEAR(linear_q8, load_q8, 1)

#define DEFINE_WIDEN(NAME, LOAD, SIZE)                                                                            \
    static void NAME(float *out, const cv_weight *w)                                                              \
    {                                                                                                             \
        const size_t size = SIZE;                                                                                 \
        uint32_t tail[8] = { 0 };                                                                                 \
        for (int n = 0; n < w->N; n++, out += w->K) {                                                             \
            const char *row = (const char *)w->data + (size_t)n * (size_t)w->K * size;                            \
            __m256 scale = _mm256_set1_ps(w->scales ? ((const float *)w->scales)[n] : 1);                         \
            int k = 0;                                                                                            \
            for (; k + 8 <= w->K; k += 8)                                                                         \
                _mm256_storeu_ps(out + k, _mm256_mul_ps(LOAD(row, k), scale));                                    \
            if (k < w->K)                                                                                         \
                _mm256_maskstore_ps(out + k, tail_mask(w->K - k),                                                 \
                                    _mm256_mul_ps(LOAD_TAIL(LOAD, row, k, w->K - k), scale));                     \
        }                                                                                                         \
    }

DEFINE_WIDEN(widen_f16, load_f16, 2)
DEFINE_WIDEN(widen_bf16, load_bf16, 2)
DEFINE_WIDEN(widen_q8, load_q8, 1)

/* Thirty-two columns at a time, in four registers. */
#define DEFINE_MIX(NAME, LOAD, SIZE)                                                                              \
    static void NAME(float *out, const float *weights, const cv_weight *w)                                        \
    {                                                                                                             \
        const size_t size = SIZE, row_bytes = (size_t)w->K * size;                                                \
        const float *scales = w->scales;                                                                          \
        uint32_t tail[8] = { 0 };                                                                                 \
        int k = 0;                                                                                                \
        for (; k + 32 <= w->K; k += 32) {                                                                         \
            const char *row = w->data;                                                                            \
            __m256 sum[4];                                                                                        \
            for (int i = 0; i < 4; i++)                                                                           \
                sum[i] = _mm256_loadu_ps(out + k + 8 * i);                                                        \
            for (int n = 0; n < w->N; n++, row += row_bytes) {                                                    \
                __m256 weight = _mm256_set1_ps(scales ? weights[n] * scales[n] : weights[n]);                     \
                for (int i = 0; i < 4; i++)                                                                       \
                    sum[i] = _mm256_fmadd_ps(weight, LOAD(row, k + 8 * i), sum[i]);                               \
            }                                                                                                     \
            for (int i = 0; i < 4; i++)                                                                           \
                _mm256_storeu_ps(out + k + 8 * i, sum[i]);                                                        \
        }                                                                                                         \
        for (; k < w->K; k += 8) {                                                                                \
            const int count = w->K - k < 8 ? w->K - k : 8;                                                        \
            const __m256i mask = tail_mask(count);                                                                \
            const char *row = w->data;                                                                            \
            __m256 sum = _mm256_maskload_ps(out + k, mask);                                                       \
            for (int n = 0; n < w->N; n++, row += row_bytes)                                                      \
                sum = _mm256_fmadd_ps(_mm256_set1_ps(scales ? weights[n] * scales[n] : weights[n]),               \
                                      LOAD_TAIL(LOAD, row, k, count), sum);                                       \
            _mm256_maskstore_ps(out + k, mask, sum);                                                              \
        }                                                                                                         \
    }

DEFINE_MIX(mix_f32, load_f32, 4)
DEFINE_MIX(mix_f16, load_f16, 2)
DEFINE_MIX(mix_q8, load_q8, 1)

/* --- q4 --------------------------------------------------------------------------------------------- */

static inline float half_to_float(uint16_t half)
{
    return _cvtsh_ss(half);
}

/* Thirty-two nibbles, of a group's first (high = 0) or last half, as bytes 0 .. 15. */
static inline __m256i nibbles(__m256i bytes, int high)
{
    return _mm256_and_si256(high ? _mm256_srli_epi16(bytes, 4) : bytes, _mm256_set1_epi8(15));
}

/* Eight of those, from byte 8 i on, as scale * (nibble - 8). */
static inline __m256 widen_nibbles(__m256i bytes, int i, __m256 scale)
{
    __m128i half = i & 2 ? _mm256_extracti128_si256(bytes, 1) : _mm256_castsi256_si128(bytes);
    __m256i wide = _mm256_cvtepu8_epi32(i & 1 ? _mm_srli_si128(half, 8) : half);

    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(wide, _mm256_set1_epi32(8))), scale);
}

static void widen_q4(float *out, const cv_weight *w)
{
    const uint16_t *scales = w->scales;
    const __m256i *bytes = w->data;
    size_t groups = (size_t)w->N * (size_t)(w->K / CV_Q4_GROUP);

    for (size_t g = 0; g < groups; g++) {
        __m256i group = _mm256_loadu_si256(bytes + g);
        __m256 scale = _mm256_set1_ps(half_to_float(scales[g]));

        for (int i = 0; i < 8; i++)
            _mm256_storeu_ps(out + g * CV_Q4_GROUP + 8 * (size_t)i, widen_nibbles(nibbles(group, i >= 4), i & 3, scale));
    }
}

enum { Q4_BATCH = 8 }; /* entries for which a group is widened once */

static void linear_q4_row(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *row, int B)
{
    const __m256i *bytes = row->data;
    const uint16_t *scales = row->scales;
    __m256 sum[Q4_BATCH];

    for (int b = 0; b < B; b++)
        sum[b] = _mm256_setzero_ps();
    for (int g = 0; g < row->K / CV_Q4_GROUP; g++) {
        __m256i group = _mm256_loadu_si256(bytes + g);
        __m256 scale = _mm256_set1_ps(half_to_float(scales[g]));

        for (int i = 0; i < 8; i++) {
            __m256 w = widen_nibbles(nibbles(group, i >= 4), i & 3, scale);

            for (int b = 0; b < B; b++)
                sum[b] = _mm256_fmadd_ps(w, _mm256_loadu_ps(x + (size_t)b * x_stride + g * CV_Q4_GROUP + 8 * i), sum[b]);
        }
    }
    for (int b = 0; b < B; b++)
        out[(size_t)b * out_stride] = sum8(sum[b]);
}

static void linear_q4(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)
{
    for (int n = 0; n < w->N; n++) {
        cv_weight row = cv_weight_rows(w, n, 1);

        for (int b = 0; b < B; b += Q4_BATCH)
            linear_q4_row(out + n + (size_t)b * out_stride, out_stride, x + (size_t)b * x_stride, x_stride, &row,
                          B - b < Q4_BATCH ? B - b : Q4_BATCH);
    }
}

/* --- linear, inputs in 8 bits ------------------------------------------------------------------------ */

static inline __m256i load_bytes(const int8_t *from, int count)
{
    int8_t bytes[32] = { 0 };

    if (count >= 32)
        return _mm256_loadu_si256((const __m256i *)from);
    memcpy(bytes, from, (size_t)count);
    return _mm256_loadu_si256((const __m256i *)bytes);
}

static inline int32_t sum8i(__m256i v)
{
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));

    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

/* Thirty-two products in sums of four: |w| is unsigned and x gets the sign of w, as the instruction wants it. An x is within
 * +-127, so it has a negative; a w of -128, which a file may hold, has 128 for its magnitude, and no sum of two leaves 16 bits. */
static inline __m256i dot_bytes(__m256i sum, __m256i x, __m256i w, __m256i magnitude)
{
    __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(x, w));

    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* A row is short for the hardware's prefetcher, which starts anew at each: the tile's next rows are asked for while these
 * are read. */
#define STEP_Q8(R, C, LOAD)                                                                                       \
    do {                                                                                                          \
        __m256i in[C];                                                                                            \
        for (int c = 0; c < C; c++)                                                                               \
            in[c] = LOAD(x->values + (size_t)(b + c) * x->stride + k, K - k);                                     \
        for (int r = 0; r < R; r++) {                                                                             \
            const int8_t *at = w + (size_t)r * (size_t)K + k;                                                     \
            __m256i row = LOAD(at, K - k), magnitude = _mm256_abs_epi8(row);                                      \
            if (b == 0)                                                                                           \
                _mm_prefetch((const char *)at + (size_t)(R) * (size_t)K, _MM_HINT_T0);                            \
            for (int c = 0; c < C; c++)                                                                           \
                sum[r][c] = dot_bytes(sum[r][c], in[c], row, magnitude);                                        \
        }                                                                                                         \
    } while (0)

#define LOAD_WHOLE(FROM, COUNT) _mm256_loadu_si256((const __m256i *)(FROM))

#define TILE_Q8(R, C)                                                                                             \
    do {                                                                                                          \
        __m256i sum[R][C];                                                                                        \
        int k = 0;                                                                                                \
        for (int r = 0; r < R; r++)                                                                               \
            for (int c = 0; c < C; c++)                                                                           \
                sum[r][c] = _mm256_setzero_si256();                                                               \
        for (; k + 32 <= K; k += 32)                                                                              \
            STEP_Q8(R, C, LOAD_WHOLE);                                                                            \
        if (k < K)                                                                                                \
            STEP_Q8(R, C, load_bytes);                                                                            \
        for (int c = 0; c < C; c++)                                                                               \
            for (int r = 0; r < R; r++)                                                                           \
                out[(size_t)(b + c) * out_stride + (size_t)r] =                                                   \
                    (float)sum8i(sum[r][c]) * (scales[r] * x->scales[b + c]);                                     \
    } while (0)

/* Every entry of the batch from b on, in the widest tiles that fit, for four rows or one. */
#define EACH_TILE(TILE)                                                                                           \
    do {                                                                                                          \
        for (; b + 2 <= B && rows == 4; b += 2)                                                                   \
            TILE(4, 2);                                                                                           \
        for (; b < B && rows == 4; b++)                                                                           \
            TILE(4, 1);                                                                                           \
        for (; b < B; b++)                                                                                        \
            TILE(1, 1);                                                                                           \
    } while (0)

static void linear_q8_q8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *weight, int B)
{
    const int K = weight->K;

    for (int n = 0, rows; n < weight->N; n += rows, out += rows) {
        const int8_t *w = (const int8_t *)weight->data + (size_t)n * (size_t)K;
        const float *scales = (const float *)weight->scales + n;
        int b = 0;

        rows = weight->N - n >= 4 ? 4 : 1;
        EACH_TILE(TILE_Q8);
    }
}

/* Nibbles are unsigned, so they need no such turn; the sum of the inputs takes the 8 off again, in the first lane. */
#define TILE_Q4(R, C)                                                                                             \
    do {                                                                                                          \
        __m256 sum[R][C];                                                                                         \
        for (int r = 0; r < R; r++)                                                                               \
            for (int c = 0; c < C; c++)                                                                           \
                sum[r][c] = _mm256_setzero_ps();                                                                  \
        for (int g = 0; g < groups; g++) {                                                                        \
            __m256i low[C], high[C], offset[C];                                                                   \
            for (int c = 0; c < C; c++) {                                                                         \
                const int8_t *in = x->values + (size_t)(b + c) * x->stride + (size_t)g * CV_Q4_GROUP;             \
                low[c] = _mm256_loadu_si256((const __m256i *)in);                                                 \
                high[c] = _mm256_loadu_si256((const __m256i *)(in + 32));                                         \
                offset[c] = _mm256_setr_epi32(8 * x->sums[(size_t)(b + c) * x->sum_stride + (size_t)g], 0, 0, 0,  \
                                              0, 0, 0, 0);                                                        \
            }                                                                                                     \
            for (int r = 0; r < R; r++) {                                                                         \
                __m256i bytes = _mm256_loadu_si256((const __m256i *)(w + (size_t)r * row_bytes) + g);             \
                __m256 scale = _mm256_set1_ps(half_to_float(scales[r * groups + g]));                             \
                for (int c = 0; c < C; c++) {                                                                     \
                    __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(nibbles(bytes, 0), low[c]),             \
                                                     _mm256_maddubs_epi16(nibbles(bytes, 1), high[c]));           \
                    __m256i whole = _mm256_sub_epi32(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)), offset[c]);  \
                    sum[r][c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), scale, sum[r][c]);                     \
                }                                                                                                 \
            }                                                                                                     \
        }                                                                                                         \
        for (int c = 0; c < C; c++)                                                                               \
            for (int r = 0; r < R; r++)                                                                           \
                out[(size_t)(b + c) * out_stride + (size_t)r] = sum8(sum[r][c]) * x->scales[b + c];               \
    } while (0)

static void linear_q8_q4(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *weight, int B)
{
    const int groups = weight->K / CV_Q4_GROUP;
    const size_t row_bytes = (size_t)weight->K / 2;

    for (int n = 0, rows; n < weight->N; n += rows, out += rows) {
        const char *w = (const char *)weight->data + (size_t)n * row_bytes;
        const uint16_t *scales = (const uint16_t *)weight->scales + (size_t)n * (size_t)groups;
        int b = 0;

        rows = weight->N - n >= 4 ? 4 : 1;
        EACH_TILE(TILE_Q4);
    }
}

static inline __m256 load_some(const float *x, int count)
{
    return count >= 8 ? _mm256_loadu_ps(x) : _mm256_maskload_ps(x, tail_mask(count));
}

static void quantise(int8_t *values, float *scale, int32_t *sums, const float *x, int K)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 most8 = _mm256_setzero_ps(), by;
    float lanes[8], most = 0;

    for (int k = 0; k < K; k += 8)
        most8 = _mm256_max_ps(most8, _mm256_andnot_ps(sign, load_some(x + k, K - k)));
    _mm256_storeu_ps(lanes, most8);
    for (int i = 0; i < 8; i++)
        most = lanes[i] > most ? lanes[i] : most;
    *scale = most / 127;
    by = _mm256_set1_ps(most > 0 ? 127 / most : 0);
    for (int k = 0; k < K; k += 8) {
        int count = K - k < 8 ? K - k : 8;
        __m256i wide = _mm256_cvtps_epi32(_mm256_mul_ps(load_some(x + k, K - k), by));
        __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
        int8_t bytes[16];

        _mm_storeu_si128((__m128i *)bytes, _mm_packs_epi16(half, half));
        memcpy(values + k, bytes, (size_t)count);
        sums[k / CV_Q4_GROUP] = (k % CV_Q4_GROUP ? sums[k / CV_Q4_GROUP] : 0) + sum8i(wide);
    }
}

/* --- the processor's own limits ----------------------------------------------------------------------- */

/* Four streams, as the linear kernels read four rows at a time. */
static float read_all(const void *buffer, size_t bytes)
{
    const char *from = buffer;
    size_t quarter = bytes / 4;
    __m256i sums[4] = { _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256() };

    for (size_t i = 0; i < quarter; i += 64)
        for (size_t j = 0; j < 4; j++) {
            const char *at = from + j * quarter + i;

            sums[j] = _mm256_xor_si256(sums[j], _mm256_loadu_si256((const __m256i *)at));
            sums[j] = _mm256_xor_si256(sums[j], _mm256_loadu_si256((const __m256i *)(at + 32)));
        }
    for (int j = 1; j < 4; j++)
        sums[0] = _mm256_xor_si256(sums[0], sums[j]);
    return (float)(_mm256_extract_epi8(sums[0], 0));
}

#define CHAINS 12 /* independent sums: more than the latency of an instruction times how many begin in a cycle */

static double peak_f32(long rounds, float *sink)
{
    __m256 sums[CHAINS], x = _mm256_set1_ps(*sink), y = _mm256_set1_ps(0.5f);

    for (int i = 0; i < CHAINS; i++)
        sums[i] = _mm256_set1_ps((float)i);
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS; i++)
            sums[i] = _mm256_fmadd_ps(sums[i], y, x);
    for (int i = 1; i < CHAINS; i++)
        sums[0] = _mm256_add_ps(sums[0], sums[i]);
    *sink += _mm256_cvtss_f32(sums[0]);
    return 2.0 * 8 * CHAINS * (double)rounds;
}

static double peak_int8(long rounds, float *sink)
{
    __m256i sums[CHAINS], x = _mm256_set1_epi8((char)*sink), ones = _mm256_set1_epi16(1);

    for (int i = 0; i < CHAINS; i++)
        sums[i] = _mm256_set1_epi32(i);
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS; i++)
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(_mm256_maddubs_epi16(x, sums[i]), ones));
    for (int i = 1; i < CHAINS; i++)
        sums[0] = _mm256_add_epi32(sums[0], sums[i]);
    *sink += (float)_mm256_extract_epi32(sums[0], 0);
    return 2.0 * 32 * CHAINS * (double)rounds;
}

void cv_kernels_avx2(cv_kernels *table)
{
    cv_loops_avx2(table);
    table->linear[CV_WEIGHT_F32] = linear_f32;
    table->linear[CV_WEIGHT_F16] = linear_f16;
    table->linear[CV_WEIGHT_BF16] = linear_bf16;
    table->linear[CV_WEIGHT_Q8] = linear_q8;
    table->linear[CV_WEIGHT_Q4] = linear_q4;
    table->linear_q8[CV_WEIGHT_Q8] = linear_q8_q8;
    table->linear_q8[CV_WEIGHT_Q4] = linear_q8_q4;
    table->quantise = quantise;
    table->widen[CV_WEIGHT_F16] = widen_f16;
    table->widen[CV_WEIGHT_BF16] = widen_bf16;
    table->widen[CV_WEIGHT_Q8] = widen_q8;
    table->widen[CV_WEIGHT_Q4] = widen_q4;
    table->mix[CV_WEIGHT_F32] = mix_f32;
    table->mix[CV_WEIGHT_F16] = mix_f16;
    table->mix[CV_WEIGHT_Q8] = mix_q8;
    table->spread = spread;
    table->read = read_all;
    table->peak_f32 = peak_f32;
    table->peak_int8 = peak_int8;
}
