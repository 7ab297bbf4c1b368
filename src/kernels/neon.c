/* neon.c - the kernels for 64-bit ARM with the byte dot product. Built with that flag; called only where the processor has it. */
#include "kernels/vec.h"

#include "kernels/limits_body.h"
#include "kernels/linear_f32_body.h"
#include "kernels/linear_q8_body.h"
#include "kernels/mix_body.h"
#include "kernels/rows_body.h"

INLINE void linear_f32(cv_weight_type type, float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)
{
    f32_matrix(type, out, out_stride, x, x_stride, w, B, false);
}

static void linear_q8_wq8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    q8_matrix(out, out_stride, x, NULL, w, B);
}

void cv_kernels_neon(cv_kernels *table)
{
    table->linear_f32[CV_WEIGHT_F32] = linear_f32_wf32;
    table->linear_f32[CV_WEIGHT_F16] = linear_f32_wf16;
    table->linear_f32[CV_WEIGHT_BF16] = linear_f32_wbf16;
    table->linear_f32[CV_WEIGHT_Q8] = linear_f32_wq8;
    table->linear_q8[CV_WEIGHT_Q8] = linear_q8_wq8;
    table->linear_q8[CV_WEIGHT_Q4] = linear_q8_wq4;
    table->quantize = quantize;
    table->widen[CV_WEIGHT_F16] = widen_wf16;
    table->widen[CV_WEIGHT_BF16] = widen_wbf16;
    table->widen[CV_WEIGHT_Q8] = widen_wq8;
    table->widen[CV_WEIGHT_Q4] = widen_wq4;
    table->mix[CV_WEIGHT_F32] = mix_wf32;
    table->mix[CV_WEIGHT_F16] = mix_wf16;
    table->mix[CV_WEIGHT_Q8] = mix_wq8;
    table->spread = spread;
    table->read = read_all;
    table->peak_f32 = peak_f32;
    table->peak_int8 = peak_int8;
}
