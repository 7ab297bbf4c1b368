/* limits_body.h - measures the processor's own limits with independent chains of sums. */
#ifndef CV_KERNELS_LIMITS_BODY_H
#define CV_KERNELS_LIMITS_BODY_H

#include "kernels/vec.h"

static double peak_f32(long rounds, float *sink)
{
    vec sums[PEAK_F32_CHAINS], x = vec_all(*sink), y = vec_all(0.5f);

    UNROLL
    for (int i = 0; i < PEAK_F32_CHAINS; i++)
        sums[i] = vec_all((float)i);
    for (long round = 0; round < rounds; round++)
        UNROLL
    for (int i = 0; i < PEAK_F32_CHAINS; i++)
        sums[i] = vec_fma(x, sums[i], y);
    UNROLL
    for (int i = 1; i < PEAK_F32_CHAINS; i++)
        sums[0] = vec_add(sums[0], sums[i]);
    *sink += vec_first(sums[0]);
    return 2.0 * LANES * PEAK_F32_CHAINS * (double)rounds;
}

/* Each sum is also a factor; otherwise a compiler would move the product out of the loop. */
static double peak_int8(long rounds, float *sink)
{
    ivec sums[PEAK_INT8_CHAINS];
    const bytes x = bytes_all((int8_t)*sink);

    UNROLL
    for (int i = 0; i < PEAK_INT8_CHAINS; i++)
        sums[i] = ivec_all(i);
    for (long round = 0; round < rounds; round++)
        UNROLL
    for (int i = 0; i < PEAK_INT8_CHAINS; i++)
        sums[i] = byte_products(sums[i], x, bytes_of(sums[i]));
    UNROLL
    for (int i = 1; i < PEAK_INT8_CHAINS; i++)
        sums[0] = ivec_add(sums[0], sums[i]);
    *sink += (float)ivec_first(sums[0]);
    return 2.0 * BYTES * PEAK_INT8_CHAINS * (double)rounds;
}

static void set_limits(cv_kernels *table)
{
    table->peak_f32 = peak_f32;
    table->peak_int8 = peak_int8;
}

#endif
