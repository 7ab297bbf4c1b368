/* avx512.c - the linear kernels for AVX-512 with its byte dot product (VNNI). This file is compiled with those flags
 * and called only where the processor has them. The other kernels come from avx2.c. */
#include "kernels/vec.h"

#include "kernels/limits_body.h"
#include "kernels/linear_f32_body.h"
#include "kernels/linear_q8_body.h"
#include "kernels/mix_body.h"
#include "kernels/panel_body.h"
#include "kernels/product_body.h"

/* --- linear, inputs in f32 ------------------------------------------------------------------------------------ */

INLINE void linear_f32(cv_weight_type type, float *out, size_t out_stride, const float *x, size_t x_stride,
                       const cv_weight *w, int B)
{
    f32_matrix(type, 4, out, out_stride, x, x_stride, w, B);
}

/* --- linear, inputs in 8 bits --------------------------------------------------------------------------------- */

enum { ENTRIES = 16 }; /* of a batch, for which each weight is read once */

/* Computes 128 times the sum of each of `count` inputs: the excess of q8_dot. */
static void q8_offsets(int32_t *offsets, const cv_q8_rows *x, int count, int K)
{
    for (int b = 0; b < count; b++) {
        const int32_t *sums = x->sums + (size_t)b * x->sum_stride;

        offsets[b] = 0;
        for (int g = 0; g < (K + CV_Q4_GROUP - 1) / CV_Q4_GROUP; g++)
            offsets[b] += 128 * sums[g];
    }
}

static void linear_q8_wq8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    int32_t offsets[ENTRIES];

    for (int from = 0; from < B; from += ENTRIES) {
        const int count = B - from < ENTRIES ? B - from : ENTRIES;
        const cv_q8_rows entries = { x->values + (size_t)from * x->stride, x->scales + from,
                                     x->sums + (size_t)from * x->sum_stride, x->stride, x->sum_stride };

        q8_offsets(offsets, &entries, count, w->K);
        q8_matrix(out + (size_t)from * out_stride, out_stride, &entries, offsets, w, count, from > 0);
    }
}

void cv_avx512_linear_q8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    linear_q8_wq8(out, out_stride, x, w, B);
}

void cv_kernels_avx512(cv_kernels *table)
{
    cv_loops_avx512(table);
    set_linear_f32(table);
    table->outruns_blas[CV_WEIGHT_BF16] = table->outruns_blas[CV_WEIGHT_Q8] = true; /* as that of f16 does */
    set_linear_q8(table);
    set_mix(table);
    set_panel(table);
    set_product(table);
    set_limits(table);
}
