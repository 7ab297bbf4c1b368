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

size_t cv_weight_row_bytes(cv_weight_type type, size_t K)
{
    return type == CV_WEIGHT_Q8 ? K : type == CV_WEIGHT_Q4 ? K / 2 : K * cv_dtype_size((cv_dtype)type);
}

size_t cv_weight_scale_bytes(cv_weight_type type, size_t K)
{
    return type == CV_WEIGHT_Q8 ? sizeof(float) : type == CV_WEIGHT_Q4 ? K / CV_Q4_GROUP * sizeof(uint16_t) : 0;
}

cv_weight cv_weight_rows(const cv_weight *weight, int first, int count)
{
    cv_weight rows = *weight;

    rows.N = count;
    rows.data = (const char *)weight->data + (size_t)first * cv_weight_row_bytes(weight->type, (size_t)weight->K);
    if (weight->scales)
        rows.scales = (const char *)weight->scales + (size_t)first * cv_weight_scale_bytes(weight->type, (size_t)weight->K);
    return rows;
}

/* --- numbers ---------------------------------------------------------------------------------------- */

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

static void narrow_q8(int8_t *out, float *scale, const float *row, size_t K)
{
    float most = 0, by;

    for (size_t k = 0; k < K; k++)
        most = fmaxf(most, fabsf(row[k]));
    *scale = most / 127;
    by = *scale > 0 ? 127 / most : 0;
    for (size_t k = 0; k < K; k++)
        out[k] = (int8_t)lrintf(row[k] * by);
}

static int nibble(float value, float by)
{
    long rounded = lrintf(value * by);

    return (int)(rounded < -8 ? -8 : rounded > 7 ? 7 : rounded) + 8;
}

/* The extreme of the group becomes -8 exactly, so that all sixteen values are of use; its sign goes into the scale. */
static void narrow_q4(uint8_t *out, uint16_t *scales, const float *row, size_t K)
{
    for (; K > 0; K -= CV_Q4_GROUP, row += CV_Q4_GROUP, out += CV_Q4_GROUP / 2, scales++) {
        float extreme = 0, scale;

        for (int k = 0; k < CV_Q4_GROUP; k++)
            extreme = fabsf(row[k]) > fabsf(extreme) ? row[k] : extreme;
        *scales = cv_f32_to_f16(extreme / -8);
        scale = cv_f16_to_f32(*scales);
        for (int j = 0; j < CV_Q4_GROUP / 2; j++) {
            float by = scale != 0 ? 1 / scale : 0;

            out[j] = (uint8_t)(nibble(row[j], by) | nibble(row[j + CV_Q4_GROUP / 2], by) << 4);
        }
    }
}

void cv_weight_narrow(void *data, void *scales, cv_weight_type type, const float *row, size_t K)
{
    if (type == CV_WEIGHT_Q8)
        narrow_q8(data, scales, row, K);
    else if (type == CV_WEIGHT_Q4)
        narrow_q4(data, scales, row, K);
    else
        cv_from_f32(data, (cv_dtype)type, row, K);
}
