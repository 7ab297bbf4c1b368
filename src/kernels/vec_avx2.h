/* vec_avx2.h - the vocabulary of vec.h for AVX2 + FMA + F16C. */
#ifndef CV_KERNELS_VEC_AVX2_H
#define CV_KERNELS_VEC_AVX2_H

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "this file needs -mavx2 -mfma -mf16c"
#endif

#include <immintrin.h>
#include <string.h>

typedef __m256 vec;
typedef __m256i ivec, bytes;
enum { LANES = 8, BYTES = 32 };
enum { WIDEST = 2 };     /* batch entries of a four-row tile that just fills the registers */
#define F32_WIDENS false /* whether widening weights once for all tiles of a batch is worth storing them */
/* At least latency times throughput of the instruction, and no more than there are registers. */
enum { PEAK_F32_CHAINS = 12, PEAK_INT8_CHAINS = 12 };

/* --- f32 ------------------------------------------------------------------------------------------------------ */

INLINE vec vec_all(float value)
{
    return _mm256_set1_ps(value);
}

INLINE vec vec_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}

/* sum + a b, rounded once */
INLINE vec vec_fma(vec sum, vec a, vec b)
{
    return _mm256_fmadd_ps(a, b, sum);
}

INLINE vec vec_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

INLINE vec vec_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

INLINE vec vec_abs(vec v)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
}

INLINE float vec_first(vec v)
{
    return _mm256_cvtss_f32(v);
}

INLINE __m256i first_lanes(int count)
{
    static const int32_t ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };

    return _mm256_loadu_si256((const __m256i *)(ones + 8 - count));
}

INLINE vec vec_load(const float *x)
{
    return _mm256_loadu_ps(x);
}

INLINE vec vec_load_some(const float *x, int count)
{
    return _mm256_maskload_ps(x, first_lanes(count));
}

INLINE void vec_store(float *out, vec v)
{
    _mm256_storeu_ps(out, v);
}

INLINE void vec_store_some(float *out, vec v, int count)
{
    _mm256_maskstore_ps(out, first_lanes(count), v);
}

/* Widens the weights of a row from element k on. */
INLINE vec vec_weights(cv_weight_type type, const void *row, int k)
{
    __m128i half;

    switch (type) {
    case CV_WEIGHT_F16:
        return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)((const uint16_t *)row + k)));
    case CV_WEIGHT_BF16:
        half = _mm_loadu_si128((const __m128i *)((const uint16_t *)row + k));
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
    case CV_WEIGHT_Q8:
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)((const int8_t *)row + k))));
    default:
        return vec_load((const float *)row + k);
    }
}

INLINE vec vec_weights_some(cv_weight_type type, const void *row, int k, int count)
{
    uint32_t room[8];

    if (type == CV_WEIGHT_F32)
        return vec_load_some((const float *)row + k, count);
    memset(room, 0, cv_weight_row_bytes(type, LANES));
    memcpy(room, (const char *)row + cv_weight_row_bytes(type, (size_t)k), cv_weight_row_bytes(type, (size_t)count));
    return vec_weights(type, room, 0);
}

INLINE float half_to_float(uint16_t half)
{
    return _cvtsh_ss(half);
}

/* Widens `count` f16 numbers, fewer than a vector has lanes; `out` has room for a whole vector. */
INLINE void widen_halves_some(float *out, const uint16_t *halves, int count)
{
    for (int i = 0; i < count; i++)
        out[i] = half_to_float(halves[i]);
}

/* Into the first cache, and into the second. */
INLINE void prefetch(const void *at)
{
    _mm_prefetch((const char *)at, _MM_HINT_T0);
}

INLINE void prefetch_second(const void *at)
{
    _mm_prefetch((const char *)at, _MM_HINT_T1);
}

/* Adds up the lanes of each of four vectors by repeated halving. An attention's keys are so short that adding up
 * lanes is half of the work. */
INLINE __m128 sums_of_4(vec a, vec b, vec c, vec d)
{
    __m128 a4 = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    __m128 b4 = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    __m128 c4 = _mm_add_ps(_mm256_castps256_ps128(c), _mm256_extractf128_ps(c, 1));
    __m128 d4 = _mm_add_ps(_mm256_castps256_ps128(d), _mm256_extractf128_ps(d, 1));
    __m128 ab = _mm_add_ps(_mm_unpacklo_ps(a4, b4), _mm_unpackhi_ps(a4, b4)); /* a, b, a, b */
    __m128 cd = _mm_add_ps(_mm_unpacklo_ps(c4, d4), _mm_unpackhi_ps(c4, d4));

    return _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
}

INLINE float vec_total(vec v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

/* out[r] = the sum of the lanes of sum[r], times scales[r] where there are scales; for r < R. */
INLINE void store_totals(float *out, const vec *sum, int R, const float *scales)
{
    if (R == 4) {
        __m128 total = sums_of_4(sum[0], sum[1 % R], sum[2 % R], sum[3 % R]);

        _mm_storeu_ps(out, scales ? _mm_mul_ps(total, _mm_loadu_ps(scales)) : total);
    } else {
        EACH (r, R)
            out[r] = vec_total(sum[r]) * (scales ? scales[r] : 1);
    }
}

/* --- 8 bits --------------------------------------------------------------------------------------------------- */

INLINE ivec ivec_all(int32_t value)
{
    return _mm256_set1_epi32(value);
}

INLINE ivec ivec_add(ivec a, ivec b)
{
    return _mm256_add_epi32(a, b);
}

INLINE int32_t ivec_first(ivec v)
{
    return _mm256_extract_epi32(v, 0);
}

INLINE int32_t ivec_total(ivec v)
{
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));

    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

INLINE bytes bytes_load(const int8_t *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

INLINE bytes bytes_load_some(const int8_t *from, int count)
{
    int8_t room[32] = { 0 };

    memcpy(room, from, (size_t)count);
    return bytes_load(room);
}

INLINE bytes bytes_all(int8_t value)
{
    return _mm256_set1_epi8(value);
}

/* Puts the lanes of sums into bytes. */
INLINE bytes bytes_of(ivec v)
{
    return v;
}

INLINE bytes bytes_xor(bytes a, bytes b)
{
    return _mm256_xor_si256(a, b);
}

INLINE void bytes_store(int8_t *out, bytes v)
{
    _mm256_storeu_si256((__m256i *)out, v);
}

/* Adds the products of unsigned and signed bytes to sums of four. */
INLINE ivec byte_products(ivec sum, __m256i a, __m256i b)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)));
}

/* The instruction needs one unsigned factor: that is |w|, and x gets the sign of w. An x is within +-127, so its
 * negative exists; a w of -128 has magnitude 128, and no sum of two products exceeds 16 bits. */
#define Q8_PAIRS true /* whether preparing a row is so expensive that 2 rows by 4 entries beat 4 by 2 */
typedef struct q8_weights {
    __m256i value, magnitude;
} q8_weights;

INLINE q8_weights q8_prepare(bytes values)
{
    return (q8_weights){ values, _mm256_abs_epi8(values) };
}

INLINE ivec q8_dot(ivec sum, q8_weights w, bytes x)
{
    return byte_products(sum, w.magnitude, _mm256_sign_epi8(x, w.value));
}

/* out[r] = the sum of the lanes of sum[r], less `offset` (0 here), times scales[r] and `scale`. */
INLINE void q8_store_totals(float *out, const ivec *sum, int R, int32_t offset, const float *scales, float scale)
{
    (void)offset;
    EACH (r, R)
        out[r] = (float)ivec_total(sum[r]) * (scales[r] * scale);
}

/* Rounds to nearest, ties to even, writes the values of the first `count` lanes and returns the sum of all lanes. */
INLINE int32_t quantize_lanes(int8_t *out, vec v, int count)
{
    __m256i wide = _mm256_cvtps_epi32(v);
    __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    int8_t room[16];

    _mm_storeu_si128((__m128i *)room, _mm_packs_epi16(half, half));
    memcpy(out, room, (size_t)count);
    return ivec_total(wide);
}

/* --- 4 bits --------------------------------------------------------------------------------------------------- */

/* Nibbles 0 .. 15 of the first and of the last half of the group. They are unsigned, so no signs are moved; eight
 * times the sum of the inputs is subtracted in the first lane. */
typedef struct q4_weights {
    __m256i low, high;
} q4_weights;

INLINE q4_weights q4_load(const void *group)
{
    __m256i both = _mm256_loadu_si256(group);

    return (q4_weights){ _mm256_and_si256(both, _mm256_set1_epi8(15)),
                         _mm256_and_si256(_mm256_srli_epi16(both, 4), _mm256_set1_epi8(15)) };
}

typedef struct q4_input {
    __m256i low, high, offset;
} q4_input;

/* `sum` is the sum of the inputs. */
INLINE q4_input q4_input_load(const int8_t *from, int32_t sum)
{
    return (q4_input){ bytes_load(from), bytes_load(from + 32), _mm256_setr_epi32(8 * sum, 0, 0, 0, 0, 0, 0, 0) };
}

/* Sums over groups, before the lanes are added up. */
typedef __m256 q4_sum;

INLINE q4_sum q4_nothing(void)
{
    return _mm256_setzero_ps();
}

INLINE q4_sum q4_add(q4_sum sum, q4_weights w, q4_input x, float scale)
{
    __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(w.low, x.low), _mm256_maddubs_epi16(w.high, x.high));
    __m256i whole = _mm256_sub_epi32(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)), x.offset);

    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), _mm256_set1_ps(scale), sum);
}

/* out[r] = the sum of the lanes of sum[r], times `scale`. */
INLINE void q4_store_totals(float *out, const q4_sum *sum, int R, float scale)
{
    EACH (r, R)
        out[r] = vec_total(sum[r]) * scale;
}

/* Widens weights 8 i .. 8 i + 7 of the group, without their scale. */
INLINE vec q4_widen(q4_weights w, int i)
{
    __m256i half = i < 4 ? w.low : w.high;
    __m128i quarter = i & 2 ? _mm256_extracti128_si256(half, 1) : _mm256_castsi256_si128(half);
    __m256i wide = _mm256_cvtepu8_epi32(i & 1 ? _mm_srli_si128(quarter, 8) : quarter);

    return _mm256_cvtepi32_ps(_mm256_sub_epi32(wide, _mm256_set1_epi32(8)));
}

#endif
