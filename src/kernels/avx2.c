/* avx2.c - the kernels for AVX2 + FMA + F16C. This file is compiled with those flags and called only where the
 * processor has them. */
#include "kernels/vec.h"

#include "kernels/limits_body.h"
#include "kernels/linear_f32_body.h"
#include "kernels/linear_q8_body.h"
#include "kernels/mix_body.h"
#include "kernels/panel_body.h"
#include "kernels/product_body.h"
#include "kernels/rows_body.h"

/* --- linear, inputs in f32 ------------------------------------------------------------------------------------ */

/* Four rows at once keep four streams from memory busy. From a batch of four on the time goes into arithmetic, and a
 * tile of three rows by four entries does the most of it for what it loads and widens; it fills the sixteen
 * registers. */
INLINE void linear_f32(cv_weight_type type, float *out, size_t out_stride, const float *x, size_t x_stride,
                       const cv_weight *w, int B)
{
    if (B >= 4)
        f32_matrix(type, 3, out, out_stride, x, x_stride, w, B);
    else
        f32_matrix(type, 4, out, out_stride, x, x_stride, w, B);
}

enum { Q4_BATCH = 8 }; /* entries for which a group is widened only once */

static void linear_f32_wq4_row(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *row,
                               int B)
{
    const char *groups = row->data;
    const uint16_t *scales = row->scales;
    vec sum[Q4_BATCH];

    for (int b = 0; b < B; b++)
        sum[b] = vec_all(0);
    for (int g = 0; g < row->K / CV_Q4_GROUP; g++) {
        const q4_weights group = q4_load(groups + g * (CV_Q4_GROUP / 2));
        const vec scale = vec_all(half_to_float(scales[g]));

        UNROLL
        for (int i = 0; i < CV_Q4_GROUP / LANES; i++) {
            vec w = vec_mul(q4_widen(group, i), scale);

            for (int b = 0; b < B; b++)
                sum[b] = vec_fma(sum[b], w, vec_load(x + (size_t)b * x_stride + g * CV_Q4_GROUP + LANES * i));
        }
    }
    for (int b = 0; b < B; b++)
        out[(size_t)b * out_stride] = vec_total(sum[b]);
}

static void linear_f32_wq4(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)
{
    for (int n = 0; n < w->N; n++) {
        cv_weight row = cv_weight_rows(w, n, 1);

        for (int b = 0; b < B; b += Q4_BATCH)
            linear_f32_wq4_row(out + n + (size_t)b * out_stride, out_stride, x + (size_t)b * x_stride, x_stride, &row,
                               B - b < Q4_BATCH ? B - b : Q4_BATCH);
    }
}

/* --- linear, inputs in 8 bits --------------------------------------------------------------------------------- */

static void linear_q8_wq8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    q8_matrix(out, out_stride, x, NULL, w, B, false);
}

void cv_kernels_avx2(cv_kernels *table)
{
    cv_loops_avx2(table);
    set_linear_f32(table);
    table->linear_f32[CV_WEIGHT_Q4] = linear_f32_wq4;
    table->outruns_blas[CV_WEIGHT_F16] = true;
    set_linear_q8(table);
    set_mix(table);
    set_panel(table);
    set_product(table);
    set_rows(table);
    set_limits(table);
}
