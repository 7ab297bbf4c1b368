/* vec_neon.h - the vocabulary of vec.h for 64-bit ARM with the byte dot product. */
#ifndef CV_KERNELS_VEC_NEON_H
#define CV_KERNELS_VEC_NEON_H

#if !defined(__ARM_NEON) || !defined(__ARM_FEATURE_DOTPROD)
#error "this file needs -march=armv8.2-a+dotprod"
#endif

#include <arm_neon.h>
#include <string.h>

/* Eight numbers: two registers. */
typedef struct vec {
    float32x4_t low, high;
} vec;
typedef int32x4_t ivec;
typedef int8x16_t bytes;
enum { LANES = 8, BYTES = 16 };
enum { WIDEST = 2 };     /* batch entries of a four-row tile that just fills the registers */
#define F32_WIDENS false /* whether widening weights once for all tiles of a batch is worth storing them */
/* At least latency times throughput of the instruction, and no more than there are registers. */
enum { PEAK_F32_CHAINS = 8, PEAK_INT8_CHAINS = 16 };

/* --- f32 ------------------------------------------------------------------------------------------------------ */

INLINE vec vec_all(float value)
{
    return (vec){ vdupq_n_f32(value), vdupq_n_f32(value) };
}

INLINE vec vec_mul(vec a, vec b)
{
    return (vec){ vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high) };
}

/* sum + a b, rounded once */
INLINE vec vec_fma(vec sum, vec a, vec b)
{
    return (vec){ vfmaq_f32(sum.low, a.low, b.low), vfmaq_f32(sum.high, a.high, b.high) };
}

INLINE vec vec_add(vec a, vec b)
{
    return (vec){ vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high) };
}

INLINE vec vec_max(vec a, vec b)
{
    return (vec){ vmaxq_f32(a.low, b.low), vmaxq_f32(a.high, b.high) };
}

INLINE vec vec_abs(vec v)
{
    return (vec){ vabsq_f32(v.low), vabsq_f32(v.high) };
}

INLINE float vec_first(vec v)
{
    return vgetq_lane_f32(v.low, 0);
}

INLINE vec vec_load(const float *x)
{
    return (vec){ vld1q_f32(x), vld1q_f32(x + 4) };
}

INLINE vec vec_load_some(const float *x, int count)
{
    float room[8] = { 0 };

    memcpy(room, x, (size_t)count * sizeof *x);
    return vec_load(room);
}

INLINE void vec_store(float *out, vec v)
{
    vst1q_f32(out, v.low);
    vst1q_f32(out + 4, v.high);
}

INLINE void vec_store_some(float *out, vec v, int count)
{
    float room[8];

    vec_store(room, v);
    memcpy(out, room, (size_t)count * sizeof *out);
}

INLINE vec widen_bytes(int8x8_t values)
{
    int16x8_t half = vmovl_s8(values);

    return (vec){ vcvtq_f32_s32(vmovl_s16(vget_low_s16(half))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(half))) };
}

/* Widens the weights of a row from element k on. */
INLINE vec vec_weights(cv_weight_type type, const void *row, int k)
{
    uint16x8_t half;

    switch (type) {
    case CV_WEIGHT_F16:
        half = vld1q_u16((const uint16_t *)row + k);
        return (vec){ vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(half))),
                      vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(half))) };
    case CV_WEIGHT_BF16:
        half = vld1q_u16((const uint16_t *)row + k);
        return (vec){ vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(half), 16)),
                      vreinterpretq_f32_u32(vshll_n_u16(vget_high_u16(half), 16)) };
    case CV_WEIGHT_Q8:
        return widen_bytes(vld1_s8((const int8_t *)row + k));
    default:
        return vec_load((const float *)row + k);
    }
}

INLINE vec vec_weights_some(cv_weight_type type, const void *row, int k, int count)
{
    uint32_t room[8] = { 0 };

    memcpy(room, (const char *)row + cv_weight_row_bytes(type, (size_t)k), cv_weight_row_bytes(type, (size_t)count));
    return vec_weights(type, room, 0);
}

INLINE float half_to_float(uint16_t half)
{
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
}

/* Widens `count` f16 numbers, fewer than a vector has lanes; `out` has room for a whole vector. */
INLINE void widen_halves_some(float *out, const uint16_t *halves, int count)
{
    for (int i = 0; i < count; i++)
        out[i] = half_to_float(halves[i]);
}

/* Does nothing: no processor of this kind was measured, so only the hardware prefetches. */
INLINE void prefetch(const void *at)
{
    (void)at;
}

INLINE void prefetch_second(const void *at)
{
    (void)at;
}

/* out[r] = the sum of the lanes of sum[r], times scales[r] where there are scales; for r < R. */
INLINE void store_totals(float *out, const vec *sum, int R, const float *scales)
{
    EACH (r, R)
        out[r] = vaddvq_f32(vaddq_f32(sum[r].low, sum[r].high)) * (scales ? scales[r] : 1);
}

/* --- 8 bits --------------------------------------------------------------------------------------------------- */

INLINE ivec ivec_all(int32_t value)
{
    return vdupq_n_s32(value);
}

INLINE ivec ivec_add(ivec a, ivec b)
{
    return vaddq_s32(a, b);
}

INLINE int32_t ivec_first(ivec v)
{
    return vgetq_lane_s32(v, 0);
}

INLINE bytes bytes_load(const int8_t *from)
{
    return vld1q_s8(from);
}

INLINE bytes bytes_load_some(const int8_t *from, int count)
{
    int8_t room[16] = { 0 };

    memcpy(room, from, (size_t)count);
    return vld1q_s8(room);
}

INLINE bytes bytes_all(int8_t value)
{
    return vdupq_n_s8(value);
}

/* Puts the lanes of sums into bytes. */
INLINE bytes bytes_of(ivec v)
{
    return vreinterpretq_s8_s32(v);
}

INLINE bytes bytes_xor(bytes a, bytes b)
{
    return veorq_s8(a, b);
}

INLINE void bytes_store(int8_t *out, bytes v)
{
    vst1q_s8(out, v);
}

/* Adds the products of bytes to sums of four. */
INLINE ivec byte_products(ivec sum, bytes a, bytes b)
{
    return vdotq_s32(sum, a, b);
}

/* Both factors are signed, so nothing has to be prepared. */
#define Q8_PAIRS false /* whether preparing a row is so expensive that 2 rows by 4 entries beat 4 by 2 */
typedef bytes q8_weights;

INLINE q8_weights q8_prepare(bytes values)
{
    return values;
}

INLINE ivec q8_dot(ivec sum, q8_weights w, bytes x)
{
    return byte_products(sum, w, x);
}

/* out[r] = the sum of the lanes of sum[r], less `offset` (0 here), times scales[r] and `scale`. */
INLINE void q8_store_totals(float *out, const ivec *sum, int R, int32_t offset, const float *scales, float scale)
{
    (void)offset;
    EACH (r, R)
        out[r] = (float)vaddvq_s32(sum[r]) * (scales[r] * scale);
}

/* Rounds to nearest, ties to even, writes the values of the first `count` lanes and returns the sum of all lanes. */
INLINE int32_t quantize_lanes(int8_t *out, vec v, int count)
{
    int32x4_t low = vcvtnq_s32_f32(v.low), high = vcvtnq_s32_f32(v.high);
    int8_t room[8];

    vst1_s8(room, vqmovn_s16(vcombine_s16(vqmovn_s32(low), vqmovn_s32(high))));
    memcpy(out, room, (size_t)count);
    return vaddvq_s32(vaddq_s32(low, high));
}

/* --- 4 bits --------------------------------------------------------------------------------------------------- */

/* Nibbles minus 8, in the order of the inputs. */
typedef struct q4_weights {
    int8x16_t part[4];
} q4_weights;

INLINE q4_weights q4_load(const void *group)
{
    const uint8x16_t first = vld1q_u8(group), second = vld1q_u8((const uint8_t *)group + 16), fifteen = vdupq_n_u8(15);
    const int8x16_t eight = vdupq_n_s8(8);

    return (q4_weights){ { vsubq_s8(vreinterpretq_s8_u8(vandq_u8(first, fifteen)), eight),
                           vsubq_s8(vreinterpretq_s8_u8(vandq_u8(second, fifteen)), eight),
                           vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(first, 4)), eight),
                           vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(second, 4)), eight) } };
}

typedef struct q4_input {
    int8x16_t part[4];
} q4_input;

/* `sum` is the sum of the inputs, which is not needed here. */
INLINE q4_input q4_input_load(const int8_t *from, int32_t sum)
{
    (void)sum;
    return (q4_input){ { vld1q_s8(from), vld1q_s8(from + 16), vld1q_s8(from + 32), vld1q_s8(from + 48) } };
}

/* Sums over groups, before the lanes are added up. */
typedef float32x4_t q4_sum;

INLINE q4_sum q4_nothing(void)
{
    return vdupq_n_f32(0);
}

INLINE q4_sum q4_add(q4_sum sum, q4_weights w, q4_input x, float scale)
{
    ivec whole = ivec_all(0);

    UNROLL
    for (int i = 0; i < 4; i++)
        whole = byte_products(whole, w.part[i], x.part[i]);
    return vfmaq_n_f32(sum, vcvtq_f32_s32(whole), scale);
}

/* out[r] = the sum of the lanes of sum[r], times `scale`. */
INLINE void q4_store_totals(float *out, const q4_sum *sum, int R, float scale)
{
    EACH (r, R)
        out[r] = vaddvq_f32(sum[r]) * scale;
}

/* Widens weights 8 i .. 8 i + 7 of the group, without their scale. */
INLINE vec q4_widen(q4_weights w, int i)
{
    return widen_bytes(i & 1 ? vget_high_s8(w.part[i / 2]) : vget_low_s8(w.part[i / 2]));
}

#endif
