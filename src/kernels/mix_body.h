/* mix_body.h - weighted sums of rows. */
#ifndef CV_KERNELS_MIX_BODY_H
#define CV_KERNELS_MIX_BODY_H

#include "kernels/vec.h"

/* Mixes columns from k on: V vectors, or, where not `whole`, the first `count` lanes of one vector. Each lane adds
 * the rows in order, so V does not change the result; several vectors hide each other's latency. */
INLINE void mix_columns(cv_weight_type type, bool whole, int V, float *out, const float *weights, const cv_weight *w,
                        int k, int count)
{
    const size_t row_bytes = cv_weight_row_bytes(type, (size_t)w->K);
    const float *scales = w->scales;
    const char *row = w->data;
    vec sum[4];

    EACH (i, V)
        sum[i] = whole ? vec_load(out + k + LANES * i) : vec_load_some(out + k, count);
    for (int n = 0; n < w->N; n++, row += row_bytes) {
        vec weight = vec_all(scales ? weights[n] * scales[n] : weights[n]);

        EACH (i, V)
            sum[i] = vec_fma(sum[i], weight,
                             whole ? vec_weights(type, row, k + LANES * i) : vec_weights_some(type, row, k, count));
    }
    EACH (i, V) {
        if (whole)
            vec_store(out + k + LANES * i, sum[i]);
        else
            vec_store_some(out + k, sum[i], count);
    }
}

INLINE void mix(cv_weight_type type, float *out, const float *weights, const cv_weight *w)
{
    int k = 0;

    for (; k + 4 * LANES <= w->K; k += 4 * LANES)
        mix_columns(type, true, 4, out, weights, w, k, LANES);
    for (; k + 2 * LANES <= w->K; k += 2 * LANES)
        mix_columns(type, true, 2, out, weights, w, k, LANES);
    for (; k + LANES <= w->K; k += LANES)
        mix_columns(type, true, 1, out, weights, w, k, LANES);
    if (k < w->K)
        mix_columns(type, false, 1, out, weights, w, k, w->K - k);
}

static void mix_wf32(float *out, const float *weights, const cv_weight *w)
{
    mix(CV_WEIGHT_F32, out, weights, w);
}

static void mix_wf16(float *out, const float *weights, const cv_weight *w)
{
    mix(CV_WEIGHT_F16, out, weights, w);
}

static void mix_wq8(float *out, const float *weights, const cv_weight *w)
{
    mix(CV_WEIGHT_Q8, out, weights, w);
}

static void set_mix(cv_kernels *table)
{
    table->mix[CV_WEIGHT_F32] = mix_wf32;
    table->mix[CV_WEIGHT_F16] = mix_wf16;
    table->mix[CV_WEIGHT_Q8] = mix_wq8;
}

#endif
