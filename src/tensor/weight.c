#include "tensor/weight.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const char *const names[CV_WEIGHT_TYPES] = { "f32", "f16", "bf16", "q8", "q4" };

const char *cv_weight_type_name(cv_weight_type type)
{
    return names[type];
}

bool cv_weight_type_parse(cv_weight_type *out, const char *name)
{
    for (int type = 0; type < CV_WEIGHT_TYPES; type++)
        if (strcasecmp(names[type], name) == 0) {
            *out = (cv_weight_type)type;
            return true;
        }
    return false;
}

bool cv_weight_type_fits(cv_weight_type type, size_t K)
{
    return type != CV_WEIGHT_Q4 || K % CV_Q4_GROUP == 0;
}

bool cv_weight_type_holds(cv_weight_type type, const float *values, size_t count)
{
    const float most = 8 * 65504.0f; /* a q4 weight is at most 8 times its scale, which is f16 */

    if (type < CV_WEIGHT_Q8)
        return cv_dtype_holds((cv_dtype)type, values, count);
    for (size_t i = 0; type == CV_WEIGHT_Q4 && i < count; i++)
        if (fabsf(values[i]) > most)
            return false;
    return true;
}

/* --- numbers -------------------------------------------------------------------------------------------------- */

static void widen_q4(float *out, const uint8_t *bytes, const uint16_t *scales, int K)
{
    for (int g = 0; g < K / CV_Q4_GROUP; g++, out += CV_Q4_GROUP, bytes += CV_Q4_GROUP / 2) {
        float scale = cv_f16_to_f32(scales[g]);

        for (int j = 0; j < CV_Q4_GROUP / 2; j++) {
            out[j] = scale * (float)((bytes[j] & 15) - 8);
            out[j + CV_Q4_GROUP / 2] = scale * (float)((bytes[j] >> 4) - 8);
        }
    }
}

void cv_weight_widen(float *out, const cv_weight *weight, int row)
{
    cv_weight one = cv_weight_rows(weight, row, 1);
    const int8_t *values = one.data;
    const float *scale = one.scales;

    switch (weight->type) {
    case CV_WEIGHT_Q8:
        for (int k = 0; k < one.K; k++)
            out[k] = *scale * (float)values[k];
        return;
    case CV_WEIGHT_Q4:
        widen_q4(out, one.data, one.scales, one.K);
        return;
    default:
        cv_to_f32(out, one.data, (cv_dtype)weight->type, (size_t)one.K);
    }
}

static float largest(const float *row, size_t K)
{
    float most = 0;

    for (size_t k = 0; k < K; k++)
        most = fmaxf(most, fabsf(row[k]));
    return most;
}

static void values_q8(int8_t *out, const float *scale, const float *row, size_t K)
{
    float by = *scale > 0 ? 127 / largest(row, K) : 0;

    for (size_t k = 0; k < K; k++)
        out[k] = (int8_t)lrintf(row[k] * by);
}

static int nearest_q4(float value, float by)
{
    long rounded = lrintf(value * by);

    return (int)(rounded < -8 ? -8 : rounded > 7 ? 7 : rounded);
}

/* Returns the squared error of a group under a scale; *better becomes the least-squares scale for the values that it
 * gives. */
static float error_q4(const float *row, float scale, float *better)
{
    float by = 1 / scale, error = 0, product = 0, square = 0;

    for (int k = 0; k < CV_Q4_GROUP; k++) {
        float value = (float)nearest_q4(row[k], by), d = row[k] - scale * value;

        error += d * d;
        product += row[k] * value;
        square += value * value;
    }
    *better = square > 0 ? product / square : scale;
    return error;
}

/* The sixteen values are not symmetric about zero, so the scale may have either sign, and clipping the extremes a
 * little can help the others. This tries the scales that put the largest magnitude at 6.5 to 9.5, and the
 * least-squares scale that follows from each. */
static float scale_q4(const float *row)
{
    float most = largest(row, CV_Q4_GROUP), least = INFINITY, best = 0, better, unused;

    if (cv_f16_to_f32(cv_f32_to_f16(most / 8)) == 0)
        return 0;
    for (int step = -12; step <= 12; step++) {
        float tried[2], error;

        if (step == 0)
            continue;
        tried[0] = copysignf(most / (6.5f + 0.25f * (float)(step < 0 ? -step : step)), (float)step);
        error_q4(row, tried[0], &better);
        tried[1] = better;
        for (int i = 0; i < 2; i++) {
            float scale = cv_f16_to_f32(cv_f32_to_f16(tried[i]));

            if (scale != 0 && (error = error_q4(row, scale, &unused)) < least) {
                least = error;
                best = scale;
            }
        }
    }
    return best;
}

static void values_q4(uint8_t *out, const uint16_t *scales, const float *row, size_t K)
{
    for (; K > 0; K -= CV_Q4_GROUP, row += CV_Q4_GROUP, out += CV_Q4_GROUP / 2, scales++) {
        float scale = cv_f16_to_f32(*scales), by = scale != 0 ? 1 / scale : 0;

        for (int j = 0; j < CV_Q4_GROUP / 2; j++)
            out[j] = (uint8_t)((nearest_q4(row[j], by) + 8) | (nearest_q4(row[j + CV_Q4_GROUP / 2], by) + 8) << 4);
    }
}

void cv_weight_scales(void *scales, cv_weight_type type, const float *row, size_t K)
{
    if (type == CV_WEIGHT_Q8)
        *(float *)scales = cv_dtype_not_finite(CV_F32, row, K) < K ? NAN : largest(row, K) / 127;
    else if (type == CV_WEIGHT_Q4)
        for (size_t g = 0; g < K / CV_Q4_GROUP; g++)
            ((uint16_t *)scales)[g] = cv_f32_to_f16(scale_q4(row + g * CV_Q4_GROUP));
}

void cv_weight_values(void *data, const void *scales, cv_weight_type type, const float *row, size_t K)
{
    if (type == CV_WEIGHT_Q8)
        values_q8(data, scales, row, K);
    else if (type == CV_WEIGHT_Q4)
        values_q4(data, scales, row, K);
    else
        cv_from_f32(data, (cv_dtype)type, row, K);
}

void cv_weight_narrow(void *data, void *scales, cv_weight_type type, const float *row, size_t K)
{
    cv_weight_scales(scales, type, row, K);
    cv_weight_values(data, scales, type, row, K);
}
