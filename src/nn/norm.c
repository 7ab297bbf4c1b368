#include "nn/norm.h"

#include <math.h>
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
fail:
    return status;
}

/* Sums in f64: a row is short beside the matrices around it, and the order of the sum no longer matters. */
static void row_stats(const float *x, int C, float eps, float *mean, float *scale)
{
    double sum = 0, squares = 0, average;

    for (int i = 0; i < C; i++)
        sum += (double)x[i];
    average = sum / C;
    for (int i = 0; i < C; i++) {
        double d = (double)x[i] - average;

        squares += d * d;
    }
    *mean = (float)average;
    *scale = (float)(1.0 / sqrt(squares / C + (double)eps));
}

void cv_layer_norm_apply(const cv_exec *exec, const cv_layer_norm *norm, float *out, const float *x, int rows)
{
    int C = norm->C;

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (rows > 8)
    for (int r = 0; r < rows; r++) {
        const float *row = x + (size_t)r * (size_t)C;
        float *to = out + (size_t)r * (size_t)C;
        float mean, scale;

        row_stats(row, C, norm->eps, &mean, &scale);
        for (int i = 0; i < C; i++)
            to[i] = (row[i] - mean) * scale * norm->weight[i] + norm->bias[i];
    }
}

void cv_layer_norm_add(const cv_exec *exec, const cv_layer_norm *norm, float *residual, const float *x, int rows)
{
    int C = norm->C;

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (rows > 8)
    for (int r = 0; r < rows; r++) {
        const float *row = x + (size_t)r * (size_t)C;
        float *to = residual + (size_t)r * (size_t)C;
        float mean, scale;

        row_stats(row, C, norm->eps, &mean, &scale);
        for (int i = 0; i < C; i++)
            to[i] += (row[i] - mean) * scale * norm->weight[i] + norm->bias[i];
    }
}
