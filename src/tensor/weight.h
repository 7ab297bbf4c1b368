/* weight.h - a matrix of weights as it lies in a file: f32, f16, bf16, or quantized to 8 or 4 bits.
 *
 *     q8   I8 [N, K] and scales F32 [N]:            weight = scale[n] * value
 *     q4   U8 [N, K / 2] and scales F16 [N, K / 64]: weight = scale[n][k / 64] * (nibble - 8)
 *
 * In a group of 64 q4 weights, byte j holds weight j in its low nibble and weight j + 32 in its high one. The scales of
 * "NAME" are the tensor "NAME_scale" of the same file. */
#ifndef CV_TENSOR_WEIGHT_H
#define CV_TENSOR_WEIGHT_H

#include "tensor/dtype.h"

/* The first three are the dtypes of the same names. */
typedef enum cv_weight_type {
    CV_WEIGHT_F32 = CV_F32,
    CV_WEIGHT_F16 = CV_F16,
    CV_WEIGHT_BF16 = CV_BF16,
    CV_WEIGHT_Q8,
    CV_WEIGHT_Q4,
    CV_WEIGHT_TYPES,
} cv_weight_type;

#define CV_Q4_GROUP 64

/* A view: what it points to belongs to the store. */
typedef struct cv_weight {
    const void *data;   /* [N] rows of cv_weight_row_bytes */
    const void *scales; /* q8 and q4; otherwise NULL */
    cv_weight_type type;
    int N, K;
} cv_weight;

/* "f32", "f16", "bf16", "q8", "q4". */
const char *cv_weight_type_name(cv_weight_type type);
/* Returns false for an unknown name. */
bool cv_weight_type_parse(cv_weight_type *out, const char *name);
/* Whether rows of K numbers can have this type: q4 needs whole groups. */
bool cv_weight_type_fits(cv_weight_type type, size_t K);
/* Returns false where one of these finite numbers is too large for the type, or for its scales. */
bool cv_weight_type_holds(cv_weight_type type, const float *values, size_t count);

/* Bytes of a row, and of its scales. */
static inline size_t cv_weight_row_bytes(cv_weight_type type, size_t K)
{
    return type == CV_WEIGHT_F32 ? 4 * K : type == CV_WEIGHT_Q8 ? K : type == CV_WEIGHT_Q4 ? K / 2 : 2 * K;
}

static inline size_t cv_weight_scale_bytes(cv_weight_type type, size_t K)
{
    return type == CV_WEIGHT_Q8 ? sizeof(float) : type == CV_WEIGHT_Q4 ? K / CV_Q4_GROUP * sizeof(uint16_t) : 0;
}

/* Returns rows first .. first + count - 1 as a matrix. */
static inline cv_weight cv_weight_rows(const cv_weight *weight, int first, int count)
{
    cv_weight rows = *weight;

    rows.N = count;
    rows.data = (const char *)weight->data + (size_t)first * cv_weight_row_bytes(weight->type, (size_t)weight->K);
    if (weight->scales)
        rows.scales =
            (const char *)weight->scales + (size_t)first * cv_weight_scale_bytes(weight->type, (size_t)weight->K);
    return rows;
}

/* Converts one row to f32. */
void cv_weight_widen(float *out, const cv_weight *weight, int row);
/* Writes a row of K numbers into `data` and `scales`, which have room for the bytes above. Each scale is the largest
 * magnitude over 127 (q8), or the one of least squared error of those tried (q4); values are rounded to nearest,
 * ties to even. A q8 row that contains NaN or an infinity is NaN as a whole. */
void cv_weight_narrow(void *data, void *scales, cv_weight_type type, const float *row, size_t K);
/* The two halves of cv_weight_narrow: the scales alone, and the values under them. */
void cv_weight_scales(void *scales, cv_weight_type type, const float *row, size_t K);
void cv_weight_values(void *data, const void *scales, cv_weight_type type, const float *row, size_t K);

#endif
