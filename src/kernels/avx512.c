/* avx512.c - the linear kernels for AVX-512 with its byte dot product (VNNI). Built with those flags; called only where the
 * processor has them. What this file lacks comes from avx2.c. */
#include "kernels/kernels.h"

#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512VL__) || !defined(__AVX512VNNI__)
#error "this file needs -mavx512f -mavx512bw -mavx512vl -mavx512vnni"
#endif

#include <immintrin.h>

/* --- inputs in f32 ------------------------------------------------------------------------------------ */

static inline __mmask16 first_lanes(int count)
{
    return count >= 16 ? 0xffff : (__mmask16)((1u << count) - 1);
}

/* Sixteen weights from element k of a row, widened; only those of the mask are read. A mask of all lanes is told apart while
 * compiling: a plain load is part of the instruction that widens, a masked one is not. */
#define ALL ((__mmask16)0xffff)

static inline __m512 load_f32(const void *row, int k, __mmask16 mask)
{
    const float *at = (const float *)row + k;

    return mask == ALL ? _mm512_loadu_ps(at) : _mm512_maskz_loadu_ps(mask, at);
}

static inline __m256i load_16_bits(const void *row, int k, __mmask16 mask)
{
    const uint16_t *at = (const uint16_t *)row + k;

    return mask == ALL ? _mm256_loadu_si256((const __m256i *)(const void *)at) : _mm256_maskz_loadu_epi16(mask, at);
}

static inline __m512 load_f16(const void *row, int k, __mmask16 mask)
{
    return _mm512_cvtph_ps(load_16_bits(row, k, mask));
}

static inline __m512 load_bf16(const void *row, int k, __mmask16 mask)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_16_bits(row, k, mask)), 16));
}

static inline __m512 load_q8(const void *row, int k, __mmask16 mask)
{
    const int8_t *at = (const int8_t *)row + k;
    __m128i bytes = mask == ALL ? _mm_loadu_si128((const __m128i *)(const void *)at) : _mm_maskz_loadu_epi8(mask, at);

    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

/* Loops over the cells of a tile must vanish before registers are given out, or the cells live in memory. */
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* The sums of the lanes of four vectors, each in the order of halves: an attention's keys are so short that adding up lanes is
 * half of the work. */
static inline __m128 sums4(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    __m512 four = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
    __m512 two = _mm512_add_ps(four, _mm512_permute_ps(four, 0x4e));
    __m512 one = _mm512_add_ps(two, _mm512_permute_ps(two, 0xb1));

    return _mm512_castps512_ps128(_mm512_permutexvar_ps(_mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0), one));
}

static inline __m128i sums4i(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i ab = _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x44), _mm512_shuffle_i32x4(a, b, 0xee));
    __m512i cd = _mm512_add_epi32(_mm512_shuffle_i32x4(c, d, 0x44), _mm512_shuffle_i32x4(c, d, 0xee));
    __m512i four = _mm512_add_epi32(_mm512_shuffle_i32x4(ab, cd, 0x88), _mm512_shuffle_i32x4(ab, cd, 0xdd));
    __m512i two = _mm512_add_epi32(four, _mm512_shuffle_epi32(four, (_MM_PERM_ENUM)0x4e));
    __m512i one = _mm512_add_epi32(two, _mm512_shuffle_epi32(two, (_MM_PERM_ENUM)0xb1));

    return _mm512_castsi512_si128(_mm512_permutexvar_epi32(_mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0), one));
}

/* The first R lanes, of a tile with four rows or one. */
static inline __mmask8 rows_mask(int R)
{
    return (__mmask8)((1 << R) - 1);
}

/* Sums of a column of a tile. */
#define COLUMN_SUMS(SUMS, R, c) SUMS(sum[0][c], sum[1 % (R)][c], sum[2 % (R)][c], sum[3 % (R)][c])

/* A register tile of R rows by C batch entries over K elements, or K of a block of them. Each cell has one accumulator of sixteen
 * lanes that walks K in order, so its value is the same in every tile shape and with any block of K. Between two blocks the sums of
 * the cells wait in memory. */
#define STEP(R, C, LOAD, SIZE, MASK)                                                                              \
    do {                                                                                                          \
        __m512 row[R];                                                                                            \
        UNROLL for (int r = 0; r < R; r++)                                                                        \
        {                                                                                                         \
            row[r] = LOAD(w + (size_t)r * row_bytes, k, MASK);                                                    \
            if (ahead)                                                                                            \
                _mm_prefetch(w + (size_t)(R + r) * row_bytes + (size_t)k * (SIZE), _MM_HINT_T0);                  \
        }                                                                                                         \
        UNROLL for (int c = 0; c < C; c++)                                                                        \
        {                                                                                                         \
            __m512 v = load_f32(x + (size_t)c * x_stride, k, MASK);                                               \
            UNROLL for (int r = 0; r < R; r++)                                                                    \
                sum[r][c] = _mm512_fmadd_ps(row[r], v, sum[r][c]);                                                \
        }                                                                                                         \
    } while (0)

#define TILE(R, C, LOAD, SIZE)                                                                                    \
    do {                                                                                                          \
        __m512 sum[R][C];                                                                                         \
        int k = 0;                                                                                                \
        UNROLL for (int r = 0; r < R; r++)                                                                        \
            UNROLL for (int c = 0; c < C; c++)                                                                    \
                sum[r][c] = part & BEGINS ? _mm512_setzero_ps() : waiting[r * C + c];                             \
        for (; k + 16 <= K; k += 16)                                                                              \
            STEP(R, C, LOAD, SIZE, ALL);                                                                          \
        if (k < K)                                                                                                \
            STEP(R, C, LOAD, SIZE, first_lanes(K - k));                                                           \
        UNROLL for (int c = 0; c < C; c++)                                                                        \
        {                                                                                                         \
            if (part & ENDS) {                                                                                    \
                __m128 total = COLUMN_SUMS(sums4, R, c);                                                          \
                if (scales)                                                                                       \
                    total = _mm_mul_ps(total, _mm_maskz_loadu_ps(rows_mask(R), scales));                          \
                _mm_mask_storeu_ps(out + (size_t)c * out_stride, rows_mask(R), total);                            \
            } else {                                                                                              \
                UNROLL for (int r = 0; r < R; r++)                                                                \
                    waiting[r * C + c] = sum[r][c];                                                               \
            }                                                                                                     \
        }                                                                                                         \
    } while (0)

enum { BEGINS = 1, ENDS = 2 }; /* which block of K: the first one, the last one */

/* Four rows at once keep four streams from memory going; 4 x 4 cells fit the thirty-two registers. */
#define DEFINE_ROWS(NAME, LOAD, SIZE)                                                                             \
    static void NAME##_rows(float *out, size_t out_stride, const float *x, size_t x_stride, const char *w, size_t row_bytes, \
                            const float *scales, int rows, int K, int B, int part, bool ahead, __m512 *waiting)   \
    {                                                                                                             \
        int b = 0;                                                                                                \
        for (; b + 4 <= B && rows == 4; b += 4, x += 4 * x_stride, out += 4 * out_stride, waiting = waiting ? waiting + 16 : NULL, ahead = false) \
            TILE(4, 4, LOAD, SIZE);                                                                               \
        for (; b + 2 <= B && rows == 4; b += 2, x += 2 * x_stride, out += 2 * out_stride, waiting = waiting ? waiting + 8 : NULL, ahead = false) \
            TILE(4, 2, LOAD, SIZE);                                                                               \
        for (; b < B && rows == 4; b++, x += x_stride, out += out_stride, waiting = waiting ? waiting + 4 : NULL, ahead = false)            \
            TILE(4, 1, LOAD, SIZE);                                                                               \
        for (; b < B; b++, x += x_stride, out += out_stride, waiting = waiting ? waiting + 1 : NULL, ahead = false)                            \
            TILE(1, 1, LOAD, SIZE);                                                                               \
    }

/* What many entries read again and again must stay in the fastest cache: K is walked in blocks, whose inputs and weights, widened
 * once, are laid close together, since rows a power of two apart would push each other out. */
#define K_BLOCK 384
#define GROUP 64 /* rows */
#define ENTRIES 16

#define GATHER(TO, ROW, LOAD)                                                                                     \
    do {                                                                                                          \
        int k = 0;                                                                                                \
        for (; k + 16 <= K; k += 16)                                                                              \
            _mm512_storeu_ps((TO) + k, LOAD(ROW, k, ALL));                                                        \
        if (k < K)                                                                                                \
            _mm512_storeu_ps((TO) + k, LOAD(ROW, k, first_lanes(K - k)));                                         \
    } while (0)

#define DEFINE_LINEAR(NAME, LOAD, SIZE)                                                                           \
    static void NAME##_group(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B) \
    {                                                                                                             \
        __m512 waiting[GROUP * ENTRIES];                                                                          \
        _Alignas(64) float in[ENTRIES * K_BLOCK], wide[4 * K_BLOCK];                                                         \
        for (int from = 0; from < w->K; from += K_BLOCK) {                                                        \
            int K = w->K - from < K_BLOCK ? w->K - from : K_BLOCK;                                                \
            int part = (from == 0 ? BEGINS : 0) | (from + K == w->K ? ENDS : 0);                                  \
            for (int b = 0; b < B; b++)                                                                           \
                GATHER(in + b * K_BLOCK, x + (size_t)b * x_stride + from, load_f32);                              \
            for (int n = 0, rows; n < w->N; n += rows) {                                                          \
                cv_weight some;                                                                                   \
                rows = w->N - n >= 4 ? 4 : 1;                                                                     \
                some = cv_weight_rows(w, n, rows);                                                                \
                for (int r = 0; r < rows; r++) {                                                                  \
                    const char *row = (const char *)some.data + ((size_t)r * (size_t)w->K + (size_t)from) * (SIZE); \
                    GATHER(wide + r * K_BLOCK, row, LOAD);                                                        \
                    for (int at = 0; at < K * (SIZE); at += 64)                                                   \
                        _mm_prefetch(row + 4 * (size_t)w->K * (SIZE) + at, _MM_HINT_T0);                          \
                }                                                                                                 \
                linear_f32_rows(out + n, out_stride, in, K_BLOCK, (const char *)wide, K_BLOCK * sizeof *wide, some.scales, rows, K, B, \
                                part, false, waiting + n * ENTRIES);                                              \
            }                                                                                                     \
        }                                                                                                         \
    }                                                                                                             \
    static void NAME(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)   \
    {                                                                                                             \
        for (int b = 0; b < B; b += ENTRIES) {                                                                    \
            int count = B - b < ENTRIES ? B - b : ENTRIES, most = count > 4 ? GROUP : 4;                          \
            for (int n = 0, rows; n < w->N; n += rows) {                                                          \
                float *to = out + (size_t)b * out_stride + n;                                                     \
                const float *in = x + (size_t)b * x_stride;                                                       \
                cv_weight some;                                                                                   \
                rows = w->N - n >= most ? most : count > 4 ? w->N - n : 1;                                        \
                some = cv_weight_rows(w, n, rows);                                                                \
                if (count > 4)                                                                                    \
                    NAME##_group(to, out_stride, in, x_stride, &some, count);                                     \
                else                                                                                              \
                    NAME##_rows(to, out_stride, in, x_stride, some.data, (size_t)w->K * (SIZE), some.scales, rows, w->K, count, \
                                BEGINS | ENDS, true, NULL);                                                  \
            }                                                                                                     \
        }                                                                                                         \
    }

DEFINE_ROWS(linear_f32, load_f32, 4)
DEFINE_ROWS(linear_f16, load_f16, 2)
DEFINE_ROWS(linear_bf16, load_bf16, 2)
DEFINE_ROWS(linear_q8, load_q8, 1)
DEFINE_LINEAR(linear_f32, load_f32, 4)
DEFINE_LINEAR(linear_f16, load_f16, 2)
DEFINE_LINEAR(linear_bf16, load_bf16, 2)
DEFINE_LINEAR(linear_q8, load_q8, 1)

/* Each lane adds up the rows in order, so how many lanes walk together does not matter; four hide each other's latency. */
#define MIX(COUNT, LOAD, MASK)                                                                                    \
    do {                                                                                                          \
        const char *row = w->data;                                                                                \
        __m512 sum[COUNT];                                                                                        \
        UNROLL for (int i = 0; i < COUNT; i++)                                                                    \
            sum[i] = load_f32(out, k + 16 * i, MASK);                                                             \
        for (int n = 0; n < w->N; n++, row += row_bytes) {                                                        \
            __m512 weight = _mm512_set1_ps(scales ? weights[n] * scales[n] : weights[n]);                         \
            UNROLL for (int i = 0; i < COUNT; i++)                                                                \
                sum[i] = _mm512_fmadd_ps(weight, LOAD(row, k + 16 * i, MASK), sum[i]);                            \
        }                                                                                                         \
        UNROLL for (int i = 0; i < COUNT; i++)                                                                    \
            _mm512_mask_storeu_ps(out + k + 16 * i, MASK, sum[i]);                                                \
    } while (0)

#define DEFINE_MIX(NAME, LOAD, SIZE)                                                                              \
    static void NAME(float *out, const float *weights, const cv_weight *w)                                        \
    {                                                                                                             \
        const size_t row_bytes = (size_t)w->K * (SIZE);                                                           \
        const float *scales = w->scales;                                                                          \
        int k = 0;                                                                                                \
        for (; k + 64 <= w->K; k += 64)                                                                           \
            MIX(4, LOAD, ALL);                                                                                    \
        for (; k + 16 <= w->K; k += 16)                                                                           \
            MIX(1, LOAD, ALL);                                                                                    \
        if (k < w->K)                                                                                             \
            MIX(1, LOAD, first_lanes(w->K - k));                                                                  \
    }

DEFINE_MIX(mix_f32, load_f32, 4)
DEFINE_MIX(mix_f16, load_f16, 2)
DEFINE_MIX(mix_q8, load_q8, 1)

/* --- inputs in 8 bits --------------------------------------------------------------------------------- */

/* The instruction multiplies unsigned by signed bytes, so 128 is added to the weights, and 128 times the sum of the inputs
 * taken off in the end. Both are whole numbers: the result is that of the other kernels to the bit. A row is short for the
 * hardware's prefetcher, which starts anew at each: the tile's next rows are asked for while these are read. */
#define TILE_Q8(R, C)                                                                                             \
    do {                                                                                                          \
        const __m512i flip = _mm512_set1_epi8((char)0x80);                                                        \
        const int8_t *in[C];                                                                                      \
        __m512i sum[R][C];                                                                                        \
        UNROLL for (int c = 0; c < C; c++)                                                                        \
        {                                                                                                         \
            in[c] = x->values + (size_t)(b + c) * x->stride;                                                      \
            UNROLL for (int r = 0; r < R; r++)                                                                    \
                sum[r][c] = _mm512_setzero_si512();                                                               \
        }                                                                                                         \
        for (int k = 0; k < whole; k += 64) {                                                                     \
            __m512i row[R];                                                                                       \
            UNROLL for (int r = 0; r < R; r++)                                                                    \
            {                                                                                                     \
                const int8_t *at = w + (size_t)r * (size_t)K + k;                                                 \
                row[r] = _mm512_xor_si512(flip, _mm512_loadu_si512(at));                                          \
                if (b == start)                                                                                   \
                    _mm_prefetch((const char *)at + (size_t)(R) * (size_t)K, _MM_HINT_T0);                        \
            }                                                                                                     \
            UNROLL for (int c = 0; c < C; c++)                                                                    \
            {                                                                                                     \
                __m512i x64 = _mm512_loadu_si512(in[c] + k);                                                      \
                UNROLL for (int r = 0; r < R; r++)                                                                \
                    sum[r][c] = _mm512_dpbusd_epi32(sum[r][c], row[r], x64);                                      \
            }                                                                                                     \
        }                                                                                                         \
        if (whole < K) {                                                                                          \
            UNROLL for (int r = 0; r < R; r++)                                                                    \
            {                                                                                                     \
                __m512i row = _mm512_xor_si512(flip, _mm512_maskz_loadu_epi8(tail, w + (size_t)r * (size_t)K + whole)); \
                UNROLL for (int c = 0; c < C; c++)                                                                \
                    sum[r][c] = _mm512_dpbusd_epi32(sum[r][c], row, _mm512_maskz_loadu_epi8(tail, in[c] + whole)); \
            }                                                                                                     \
        }                                                                                                         \
        UNROLL for (int c = 0; c < C; c++)                                                                        \
        {                                                                                                         \
            __m128i total = _mm_sub_epi32(COLUMN_SUMS(sums4i, R, c), _mm_set1_epi32(totals[b + c - start])); \
            __m128 scale = _mm_mul_ps(_mm_maskz_loadu_ps(rows_mask(R), scales), _mm_set1_ps(x->scales[b + c]));   \
            _mm_mask_storeu_ps(out + (size_t)(b + c) * out_stride + n, rows_mask(R), _mm_mul_ps(_mm_cvtepi32_ps(total), scale)); \
        }                                                                                                         \
    } while (0)

/* Every entry of the batch from b on, in the widest tiles that fit, for four rows or one. */
#define EACH_TILE(TILE)                                                                                           \
    do {                                                                                                          \
        for (; b + 4 <= B && rows == 4; b += 4)                                                                   \
            TILE(4, 4);                                                                                           \
        for (; b + 2 <= B && rows == 4; b += 2)                                                                   \
            TILE(4, 2);                                                                                           \
        for (; b < B && rows == 4; b++)                                                                           \
            TILE(4, 1);                                                                                           \
        for (; b < B; b++)                                                                                        \
            TILE(1, 1);                                                                                           \
    } while (0)

/* 128 times the sum of each of `count` inputs. */
static void flip_totals(int32_t *totals, const cv_q8_rows *x, int first, int count, int K)
{
    for (int b = 0; b < count; b++) {
        const int32_t *sums = x->sums + (size_t)(first + b) * x->sum_stride;

        totals[b] = 0;
        for (int g = 0; g < (K + CV_Q4_GROUP - 1) / CV_Q4_GROUP; g++)
            totals[b] += 128 * sums[g];
    }
}

static void linear_q8_q8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *weight, int all)
{
    const int K = weight->K, whole = K / 64 * 64;
    const __mmask64 tail = ((__mmask64)1 << (K - whole)) - 1;
    int32_t totals[ENTRIES];

    for (int start = 0; start < all; start += ENTRIES) {
        const int B = all - start < ENTRIES ? all : start + ENTRIES;

        flip_totals(totals, x, start, B - start, K);
        for (int n = 0, rows; n < weight->N; n += rows) {
            const int8_t *w = (const int8_t *)weight->data + (size_t)n * (size_t)K;
            const float *scales = (const float *)weight->scales + n;
            int b = start;

            rows = weight->N - n >= 4 ? 4 : 1;
            EACH_TILE(TILE_Q8);
        }
    }
}

/* Both halves of a group's nibbles, as sixty-four bytes 0 .. 15 in the order of the inputs. */
static inline __m512i nibbles(const void *bytes)
{
    const __m512i shifts = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(4), 1);
    __m512i apart = _mm512_srlv_epi16(_mm512_broadcast_i64x4(_mm256_loadu_si256(bytes)), shifts);

    return _mm512_and_si512(apart, _mm512_set1_epi8(15));
}

#define SPREAD 32 /* groups whose scales are widened at a time */

/* The scales of `count` groups in f32; and what takes the 8 of each nibble off again, from the sums of the inputs. */
static inline void spread_scales(float *out, const uint16_t *scales, int count)
{
    for (int i = 0; i < count; i += 16)
        _mm512_storeu_ps(out + i, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(count - i), scales + i)));
}

static inline void spread_offsets(int32_t *out, const int32_t *sums, int count)
{
    for (int i = 0; i < count; i += 16)
        _mm512_storeu_si512(out + i, _mm512_mullo_epi32(_mm512_maskz_loadu_epi32(first_lanes(count - i), sums + i), _mm512_set1_epi32(-8)));
}

/* The sum of the inputs is taken off in the first lane. */
#define TILE_Q4(R, C)                                                                                             \
    do {                                                                                                          \
        float wide[R][SPREAD];                                                                                    \
        int32_t offsets[C][SPREAD];                                                                               \
        __m512 sum[R][C];                                                                                         \
        UNROLL for (int r = 0; r < R; r++)                                                                        \
            UNROLL for (int c = 0; c < C; c++)                                                                    \
                sum[r][c] = _mm512_setzero_ps();                                                                  \
        for (int from = 0; from < groups; from += SPREAD) {                                                       \
            const int count = groups - from < SPREAD ? groups - from : SPREAD;                                    \
            const int8_t *at = x->values + (size_t)b * x->stride + (size_t)from * CV_Q4_GROUP;                    \
            const char *w_at = w + (size_t)from * (CV_Q4_GROUP / 2);                                              \
            for (int r = 0; r < R; r++)                                                                           \
                spread_scales(wide[r], scales + r * groups + from, count);                                        \
            for (int c = 0; c < C; c++)                                                                           \
                spread_offsets(offsets[c], x->sums + (size_t)(b + c) * x->sum_stride + from, count);              \
            for (int g = 0; g < count; g++, at += CV_Q4_GROUP, w_at += CV_Q4_GROUP / 2) {                         \
                __m512i in[C];                                                                                    \
                UNROLL for (int c = 0; c < C; c++)                                                                \
                    in[c] = _mm512_loadu_si512(at + (size_t)c * x->stride);                                       \
                UNROLL for (int r = 0; r < R; r++) {                                                              \
                    __m512i row = nibbles(w_at + (size_t)r * row_bytes);                                          \
                    if (b == 0)                                                                                   \
                        _mm_prefetch(w_at + (size_t)(R + r) * row_bytes, _MM_HINT_T0);                            \
                    __m512 scale = _mm512_set1_ps(wide[r][g]);                                                    \
                    UNROLL for (int c = 0; c < C; c++) {                                                          \
                        __m512i dot = _mm512_dpbusd_epi32(_mm512_maskz_set1_epi32(1, offsets[c][g]), row, in[c]); \
                        sum[r][c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scale, sum[r][c]);                   \
                    }                                                                                             \
                }                                                                                                 \
            }                                                                                                     \
        }                                                                                                         \
        UNROLL for (int c = 0; c < C; c++)                                                                        \
            _mm_mask_storeu_ps(out + (size_t)(b + c) * out_stride, rows_mask(R),                                  \
                               _mm_mul_ps(COLUMN_SUMS(sums4, R, c), _mm_set1_ps(x->scales[b + c])));              \
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

/* --- the processor's own limits ----------------------------------------------------------------------- */

#define CHAINS 16 /* independent sums: more than the latency of an instruction times how many begin in a cycle */

static double peak_f32(long rounds, float *sink)
{
    __m512 sums[CHAINS], x = _mm512_set1_ps(*sink), y = _mm512_set1_ps(0.5f);

    for (int i = 0; i < CHAINS; i++)
        sums[i] = _mm512_set1_ps((float)i);
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS; i++)
            sums[i] = _mm512_fmadd_ps(sums[i], y, x);
    for (int i = 1; i < CHAINS; i++)
        sums[0] = _mm512_add_ps(sums[0], sums[i]);
    *sink += _mm512_cvtss_f32(sums[0]);
    return 2.0 * 16 * CHAINS * (double)rounds;
}

static double peak_int8(long rounds, float *sink)
{
    __m512i sums[CHAINS], x = _mm512_set1_epi8((char)*sink);

    for (int i = 0; i < CHAINS; i++)
        sums[i] = _mm512_set1_epi32(i);
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < CHAINS; i++)
            sums[i] = _mm512_dpbusd_epi32(sums[i], x, x);
    for (int i = 1; i < CHAINS; i++)
        sums[0] = _mm512_add_epi32(sums[0], sums[i]);
    *sink += (float)_mm_cvtsi128_si32(_mm512_castsi512_si128(sums[0]));
    return 2.0 * 64 * CHAINS * (double)rounds;
}

void cv_kernels_avx512(cv_kernels *table)
{
    cv_loops_avx512(table);
    table->linear[CV_WEIGHT_F32] = linear_f32;
    table->linear[CV_WEIGHT_F16] = linear_f16;
    table->linear[CV_WEIGHT_BF16] = linear_bf16;
    table->linear[CV_WEIGHT_Q8] = linear_q8;
    table->linear_q8[CV_WEIGHT_Q8] = linear_q8_q8;
    table->linear_q8[CV_WEIGHT_Q4] = linear_q8_q4;
    table->mix[CV_WEIGHT_F32] = mix_f32;
    table->mix[CV_WEIGHT_F16] = mix_f16;
    table->mix[CV_WEIGHT_Q8] = mix_q8;
    table->peak_f32 = peak_f32;
    table->peak_int8 = peak_int8;
}
