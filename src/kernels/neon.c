/* neon.c - the kernels for 64-bit ARM with the byte dot product. This file is compiled with that flag and called
 * only where the processor has it. */
#include "kernels/vec.h"

#include "kernels/limits_body.h"
#include "kernels/linear_f32_body.h"
#include "kernels/linear_q8_body.h"
#include "kernels/mix_body.h"
#include "kernels/panel_body.h"
#include "kernels/product_body.h"
#include "kernels/rows_body.h"

INLINE void linear_f32(cv_weight_type type, float *out, size_t out_stride, const float *x, size_t x_stride,
                       const cv_weight *w, int B)
{
    f32_matrix(type, 4, out, out_stride, x, x_stride, w, B);
}

static void linear_q8_wq8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    q8_matrix(out, out_stride, x, NULL, w, B, false);
}

void cv_kernels_neon(cv_kernels *table)
{
    set_linear_f32(table);
    set_linear_q8(table);
    set_mix(table);
    set_panel(table);
    set_product(table);
    set_rows(table);
    set_limits(table);
}
