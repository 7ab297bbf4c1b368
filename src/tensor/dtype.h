/* dtype.h - the number formats a tensor may have, their safetensors names, and conversion to and from f32. */
#ifndef CV_TENSOR_DTYPE_H
#define CV_TENSOR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cv_dtype {
    CV_F32,
    CV_F16,
    CV_BF16,
    CV_F64,
    CV_I64,
    CV_I32,
    CV_I8,
    CV_U8,
    CV_I16,
    CV_U16,
    CV_U32,
    CV_U64,
    CV_BOOL,
    CV_F8_E5M2,
    CV_F8_E4M3,
    CV_OTHER, /* a type that is newer than this list */
    CV_DTYPE_COUNT,
} cv_dtype;

size_t cv_dtype_size(cv_dtype dtype); /* of an element, in bytes; 1 for CV_OTHER */
/* Returns "F32", "BF16", ... as a safetensors header has it; "an unknown type" for CV_OTHER. */
const char *cv_dtype_name(cv_dtype dtype);
/* Returns false for an unknown name. Case is ignored, so "f16" on a command line works, too. */
bool cv_dtype_parse(cv_dtype *out, const char *name);
/* Whether it is f32, f16 or bf16, the types that an unquantized weight may have. */
bool cv_dtype_is_real(cv_dtype dtype);

float cv_f16_to_f32(uint16_t half);
uint16_t cv_f32_to_f16(float value); /* to nearest, ties to even; too large becomes infinity */
float cv_bf16_to_f32(uint16_t bits);
uint16_t cv_f32_to_bf16(float value);

/* Returns the index of the first of `count` numbers in a real dtype that is NaN or infinite, or `count`. `in` may be
 * unaligned. */
size_t cv_dtype_not_finite(cv_dtype dtype, const void *in, size_t count);
/* Returns false where one of these finite numbers would become infinite in that dtype. */
bool cv_dtype_holds(cv_dtype dtype, const float *values, size_t count);
/* Converts `count` numbers between f32 and a real dtype. Source and destination may be unaligned and must not
 * overlap. */
void cv_to_f32(float *out, const void *in, cv_dtype dtype, size_t count);
void cv_from_f32(void *out, cv_dtype dtype, const float *in, size_t count);

#endif
