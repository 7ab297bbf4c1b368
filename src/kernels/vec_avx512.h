/* vec_avx512.h - the vocabulary of vec.h for AVX-512 F, BW, VL and VNNI, without the kernels for which AVX2 is as
 * fast. */
#ifndef CV_KERNELS_VEC_AVX512_H
#define CV_KERNELS_VEC_AVX512_H

#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512VL__) || !defined(__AVX512VNNI__)
#error "this file needs -mavx512f -mavx512bw -mavx512vl -mavx512vnni"
#endif

#include <immintrin.h>

typedef __m512 vec;
typedef __m512i ivec, bytes;
enum { LANES = 16, BYTES = 64 };
enum { WIDEST = 6 }; /* batch entries of a four-row tile that just fills the registers; in q4, more than fills them */
#define F32_WIDENS true /* whether widening weights once for all tiles of a batch is worth storing them */
/* At least latency times throughput of the instruction, and no more than there are registers. */
enum { PEAK_F32_CHAINS = 16, PEAK_INT8_CHAINS = 16 };

/* --- f32 ------------------------------------------------------------------------------------------------------ */

INLINE vec vec_all(float value)
{
    return _mm512_set1_ps(value);
}

/* sum + a b, rounded once */
INLINE vec vec_fma(vec sum, vec a, vec b)
{
    return _mm512_fmadd_ps(a, b, sum);
}

INLINE vec vec_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

INLINE float vec_first(vec v)
{
    return _mm512_cvtss_f32(v);
}

INLINE __mmask16 first_lanes(int count)
{
    return (__mmask16)((1u << count) - 1);
}

INLINE vec vec_load(const float *x)
{
    return _mm512_loadu_ps(x);
}

INLINE vec vec_load_some(const float *x, int count)
{
    return _mm512_maskz_loadu_ps(first_lanes(count), x);
}

INLINE void vec_store(float *out, vec v)
{
    _mm512_storeu_ps(out, v);
}

INLINE void vec_store_some(float *out, vec v, int count)
{
    _mm512_mask_storeu_ps(out, first_lanes(count), v);
}

INLINE vec widen_bf16(__m256i half)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

INLINE vec widen_q8(__m128i values)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(values));
}

/* Widens the weights of a row from element k on. An unmasked load is part of the widening instruction, a masked one
 * is not. */
INLINE vec vec_weights(cv_weight_type type, const void *row, int k)
{
    const char *at = (const char *)row + cv_weight_row_bytes(type, (size_t)k);

    switch (type) {
    case CV_WEIGHT_F16:
        return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at));
    case CV_WEIGHT_BF16:
        return widen_bf16(_mm256_loadu_si256((const __m256i *)at));
    case CV_WEIGHT_Q8:
        return widen_q8(_mm_loadu_si128((const __m128i *)at));
    default:
        return _mm512_loadu_ps(at);
    }
}

INLINE vec vec_weights_some(cv_weight_type type, const void *row, int k, int count)
{
    const char *at = (const char *)row + cv_weight_row_bytes(type, (size_t)k);

    switch (type) {
    case CV_WEIGHT_F16:
        return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(count), at));
    case CV_WEIGHT_BF16:
        return widen_bf16(_mm256_maskz_loadu_epi16(first_lanes(count), at));
    case CV_WEIGHT_Q8:
        return widen_q8(_mm_maskz_loadu_epi8(first_lanes(count), at));
    default:
        return _mm512_maskz_loadu_ps(first_lanes(count), at);
    }
}

/* Widens `count` f16 numbers, fewer than a vector has lanes; `out` has room for a whole vector. */
INLINE void widen_halves_some(float *out, const uint16_t *halves, int count)
{
    vec_store(out, vec_weights_some(CV_WEIGHT_F16, halves, 0, count));
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
    __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    __m512 four = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
    __m512 two = _mm512_add_ps(four, _mm512_permute_ps(four, 0x4e));
    __m512 one = _mm512_add_ps(two, _mm512_permute_ps(two, 0xb1));

    return _mm512_castps512_ps128(
        _mm512_permutexvar_ps(_mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0), one));
}

INLINE __m128i integer_sums_of_4(ivec a, ivec b, ivec c, ivec d)
{
    __m512i ab = _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x44), _mm512_shuffle_i32x4(a, b, 0xee));
    __m512i cd = _mm512_add_epi32(_mm512_shuffle_i32x4(c, d, 0x44), _mm512_shuffle_i32x4(c, d, 0xee));
    __m512i four = _mm512_add_epi32(_mm512_shuffle_i32x4(ab, cd, 0x88), _mm512_shuffle_i32x4(ab, cd, 0xdd));
    __m512i two = _mm512_add_epi32(four, _mm512_shuffle_epi32(four, (_MM_PERM_ENUM)0x4e));
    __m512i one = _mm512_add_epi32(two, _mm512_shuffle_epi32(two, (_MM_PERM_ENUM)0xb1));

    return _mm512_castsi512_si128(
        _mm512_permutexvar_epi32(_mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0), one));
}

/* A mask of the first R lanes, for a tile of four rows or of one. */
INLINE __mmask8 first_rows(int R)
{
    return (__mmask8)((1 << R) - 1);
}

/* out[r] = the sum of the lanes of sum[r], times scales[r] where there are scales; for r < R. */
INLINE void store_totals(float *out, const vec *sum, int R, const float *scales)
{
    __m128 total = sums_of_4(sum[0], sum[1 % R], sum[2 % R], sum[3 % R]);

    if (scales)
        total = _mm_mul_ps(total, _mm_maskz_loadu_ps(first_rows(R), scales));
    _mm_mask_storeu_ps(out, first_rows(R), total);
}

/* --- 8 bits --------------------------------------------------------------------------------------------------- */

INLINE ivec ivec_all(int32_t value)
{
    return _mm512_set1_epi32(value);
}

INLINE ivec ivec_add(ivec a, ivec b)
{
    return _mm512_add_epi32(a, b);
}

INLINE int32_t ivec_first(ivec v)
{
    return _mm_cvtsi128_si32(_mm512_castsi512_si128(v));
}

INLINE bytes bytes_load(const int8_t *from)
{
    return _mm512_loadu_si512(from);
}

INLINE bytes bytes_load_some(const int8_t *from, int count)
{
    return _mm512_maskz_loadu_epi8(((__mmask64)1 << count) - 1, from);
}

INLINE bytes bytes_all(int8_t value)
{
    return _mm512_set1_epi8(value);
}

/* Puts the lanes of sums into bytes. */
INLINE bytes bytes_of(ivec v)
{
    return v;
}

/* Adds the products of unsigned and signed bytes to sums of four. */
INLINE ivec byte_products(ivec sum, __m512i a, __m512i b)
{
    return _mm512_dpbusd_epi32(sum, a, b);
}

/* The instruction needs one unsigned factor, so 128 is added to the weights, and 128 times the sum of the inputs is
 * subtracted at the end. Both are whole numbers: the result equals that of the other kernels bit for bit. */
#define Q8_PAIRS false /* whether preparing a row is so expensive that 2 rows by 4 entries beat 4 by 2 */
typedef __m512i q8_weights;

INLINE q8_weights q8_prepare(bytes values)
{
    return _mm512_xor_si512(values, _mm512_set1_epi8((char)0x80));
}

INLINE ivec q8_dot(ivec sum, q8_weights w, bytes x)
{
    return byte_products(sum, w, x);
}

/* out[r] = the sum of the lanes of sum[r], less `offset`, times scales[r] and `scale`. */
INLINE void q8_store_totals(float *out, const ivec *sum, int R, int32_t offset, const float *scales, float scale)
{
    __m128i total =
        _mm_sub_epi32(integer_sums_of_4(sum[0], sum[1 % R], sum[2 % R], sum[3 % R]), _mm_set1_epi32(offset));
    __m128 both = _mm_mul_ps(_mm_maskz_loadu_ps(first_rows(R), scales), _mm_set1_ps(scale));

    _mm_mask_storeu_ps(out, first_rows(R), _mm_mul_ps(_mm_cvtepi32_ps(total), both));
}

/* --- 4 bits --------------------------------------------------------------------------------------------------- */

/* Nibbles 0 .. 15, in the order of the inputs. Eight times the sum of the inputs is subtracted in the first lane. */
typedef __m512i q4_weights;

INLINE q4_weights q4_load(const void *group)
{
    const __m512i shifts = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(4), 1);
    __m512i apart = _mm512_srlv_epi16(_mm512_broadcast_i64x4(_mm256_loadu_si256(group)), shifts);

    return _mm512_and_si512(apart, _mm512_set1_epi8(15));
}

typedef struct q4_input {
    __m512i values, offset;
} q4_input;

/* `sum` is the sum of the inputs. */
INLINE q4_input q4_input_load(const int8_t *from, int32_t sum)
{
    return (q4_input){ bytes_load(from), _mm512_maskz_set1_epi32(1, -8 * sum) };
}

/* Sums over groups, before the lanes are added up. */
typedef __m512 q4_sum;

INLINE q4_sum q4_nothing(void)
{
    return _mm512_setzero_ps();
}

INLINE q4_sum q4_add(q4_sum sum, q4_weights w, q4_input x, float scale)
{
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(byte_products(x.offset, w, x.values)), _mm512_set1_ps(scale), sum);
}

/* out[r] = the sum of the lanes of sum[r], times `scale`. */
INLINE void q4_store_totals(float *out, const q4_sum *sum, int R, float scale)
{
    __m128 total = sums_of_4(sum[0], sum[1 % R], sum[2 % R], sum[3 % R]);

    _mm_mask_storeu_ps(out, first_rows(R), _mm_mul_ps(total, _mm_set1_ps(scale)));
}

#endif
