#include "nn/norm.h"

#include <stdio.h>

cogvideo_status cv_layer_norm_bind(cv_layer_norm *out, cv_store *store, const char *name, int C, float eps,
                                   cogvideo_error *err)
{
    cogvideo_status status;
    char full[256];

    *out = (cv_layer_norm){ .C = C, .eps = eps };
    snprintf(full, sizeof full, "%s.weight", name);
    CV_TRY(cv_store_claim_vector(store, &out->weight, full, (size_t)C, err));
    snprintf(full, sizeof full, "%s.bias", name);
    CV_TRY(cv_store_claim_vector(store, &out->bias, full, (size_t)C, err));
done:
    return status;
}

cogvideo_status cv_layer_norm_bind_weight(cv_layer_norm *out, cv_store *store, const char *weight, int C, float eps,
                                          cogvideo_error *err)
{
    *out = (cv_layer_norm){ .C = C, .eps = eps };
    return cv_store_claim_vector(store, &out->weight, weight, (size_t)C, err);
}

/* out = norm(x), or out += norm(x) */
static void normalize(const cv_exec *exec, const cv_layer_norm *norm, float *out, bool add, const float *x, int rows)
{
    int C = norm->C;

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (rows > 8)
    for (int r = 0; r < rows; r++) {
        const float *row = x + (size_t)r * (size_t)C;
        cv_norm_row n = { .weight = norm->weight, .bias = norm->bias, .C = C };

        exec->kernels.norm_stats(row, C, norm->eps, &n.mean, &n.scale);
        exec->kernels.norm_row(out + (size_t)r * (size_t)C, add, row, &n);
    }
}

void cv_layer_norm_apply(const cv_exec *exec, const cv_layer_norm *norm, float *out, const float *x, int rows)
{
    normalize(exec, norm, out, false, x, rows);
}

void cv_layer_norm_add(const cv_exec *exec, const cv_layer_norm *norm, float *residual, const float *x, int rows)
{
    normalize(exec, norm, residual, true, x, rows);
}
