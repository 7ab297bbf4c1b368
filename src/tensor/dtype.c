#include "tensor/dtype.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[CV_DTYPE_COUNT] = {
    [CV_F32] = { "F32", 4 },         [CV_F16] = { "F16", 2 },
    [CV_BF16] = { "BF16", 2 },       [CV_F64] = { "F64", 8 },
    [CV_I64] = { "I64", 8 },         [CV_I32] = { "I32", 4 },
    [CV_I8] = { "I8", 1 },           [CV_U8] = { "U8", 1 },
    [CV_I16] = { "I16", 2 },         [CV_U16] = { "U16", 2 },
    [CV_U32] = { "U32", 4 },         [CV_U64] = { "U64", 8 },
    [CV_BOOL] = { "BOOL", 1 },       [CV_F8_E5M2] = { "F8_E5M2", 1 },
    [CV_F8_E4M3] = { "F8_E4M3", 1 }, [CV_OTHER] = { "an unknown type", 1 },
};

size_t cv_dtype_size(cv_dtype dtype)
{
    return dtypes[dtype].size;
}

const char *cv_dtype_name(cv_dtype dtype)
{
    return dtypes[dtype].name;
}

bool cv_dtype_parse(cv_dtype *out, const char *name)
{
    for (int i = 0; i < CV_OTHER; i++)
        if (strcasecmp(dtypes[i].name, name) == 0) {
            *out = (cv_dtype)i;
            return true;
        }
    return false;
}

bool cv_dtype_is_real(cv_dtype dtype)
{
    return dtype == CV_F32 || dtype == CV_F16 || dtype == CV_BF16;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

float cv_f16_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = (half >> 10) & 31, fraction = half & 0x3ff;

    if (exponent == 31)
        return float_of(sign | 0x7f800000 | fraction << 13);
    if (exponent != 0)
        return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    /* zero and subnormals: fraction * 2^-24, exact in f32 */
    return float_of(sign | bits_of((float)fraction * 0x1p-24f));
}

uint16_t cv_f32_to_f16(float value)
{
    uint32_t bits = bits_of(value), magnitude = bits & 0x7fffffff;
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t rounded;

    if (magnitude > 0x7f800000)
        return sign | 0x7e00;
    if (magnitude >= 0x477ff000) /* 65520 and above round to infinity */
        return sign | 0x7c00;
    if (magnitude < 0x38800000) { /* below 2^-14: adding 0.5 lets the FPU round to a multiple of 2^-24 */
        float shifted = float_of(magnitude) + 0.5f;

        return sign | (uint16_t)(bits_of(shifted) - 0x3f000000);
    }
    rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return sign | (uint16_t)((rounded - 0x38000000) >> 13);
}

float cv_bf16_to_f32(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

uint16_t cv_f32_to_bf16(float value)
{
    uint32_t bits = bits_of(value);

    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* A number is NaN or infinite where all bits of its exponent are set. A loop without an early exit becomes vector
 * code. */
static bool all_finite_16(const unsigned char *bytes, size_t count, uint16_t exponent)
{
    unsigned bad = 0;

    for (size_t i = 0; i < count; i++) {
        uint16_t bits;

        memcpy(&bits, bytes + 2 * i, sizeof bits);
        bad |= (bits & exponent) == exponent;
    }
    return !bad;
}

static bool all_finite_32(const unsigned char *bytes, size_t count)
{
    unsigned bad = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, bytes + 4 * i, sizeof bits);
        bad |= (bits & 0x7f800000) == 0x7f800000;
    }
    return !bad;
}

static bool all_finite(cv_dtype dtype, const unsigned char *bytes, size_t count)
{
    return dtype == CV_F32 ? all_finite_32(bytes, count)
                           : all_finite_16(bytes, count, dtype == CV_F16 ? 0x7c00 : 0x7f80);
}

size_t cv_dtype_not_finite(cv_dtype dtype, const void *in, size_t count)
{
    enum { BLOCK = 4096 };
    const size_t width = cv_dtype_size(dtype);
    const unsigned char *bytes = in;

    for (size_t at = 0; at < count; at += BLOCK) {
        if (all_finite(dtype, bytes + at * width, count - at < BLOCK ? count - at : BLOCK))
            continue;
        while (all_finite(dtype, bytes + at * width, 1))
            at++;
        return at;
    }
    return count;
}

bool cv_dtype_holds(cv_dtype dtype, const float *values, size_t count)
{
    /* numbers from here on round to infinity */
    const float limit = dtype == CV_F16 ? 65520.0f : float_of(0x7f7f8000);

    if (dtype == CV_F32)
        return true;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]) && fabsf(values[i]) >= limit)
            return false;
    return true;
}

void cv_to_f32(float *out, const void *in, cv_dtype dtype, size_t count)
{
    const unsigned char *bytes = in;
    uint16_t half;

    if (dtype == CV_F32) {
        memcpy(out, in, count * sizeof *out);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(&half, bytes + 2 * i, 2);
        out[i] = dtype == CV_F16 ? cv_f16_to_f32(half) : cv_bf16_to_f32(half);
    }
}

void cv_from_f32(void *out, cv_dtype dtype, const float *in, size_t count)
{
    unsigned char *bytes = out;
    uint16_t half;

    if (dtype == CV_F32) {
        memcpy(out, in, count * sizeof *in);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        half = dtype == CV_F16 ? cv_f32_to_f16(in[i]) : cv_f32_to_bf16(in[i]);
        memcpy(bytes + 2 * i, &half, 2);
    }
}
