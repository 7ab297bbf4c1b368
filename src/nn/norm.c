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

#define LANES 4

/* Sums in f64: a row is short beside the matrices around it, and the order of the sum hardly matters. */
void cv_layer_norm_stats(const float *x, int C, float eps, float *mean, float *scale)
{
    double sum[LANES] = { 0 }, squares[LANES] = { 0 }, average;
    int whole = C / LANES * LANES;

    for (int i = 0; i < whole; i += LANES)
        for (int j = 0; j < LANES; j++)
            sum[j] += (double)x[i + j];
    for (int i = whole; i < C; i++)
        sum[i - whole] += (double)x[i];
    average = ((sum[0] + sum[2]) + (sum[1] + sum[3])) / C;
    for (int i = 0; i < whole; i += LANES)
        for (int j = 0; j < LANES; j++)
            squares[j] += ((double)x[i + j] - average) * ((double)x[i + j] - average);
    for (int i = whole; i < C; i++)
        squares[i - whole] += ((double)x[i] - average) * ((double)x[i] - average);
    *mean = (float)average;
    *scale = (float)(1.0 / sqrt(((squares[0] + squares[2]) + (squares[1] + squares[3])) / C + (double)eps));
}

/* out = norm(x), or out += norm(x) */
static void normalise(const cv_exec *exec, const cv_layer_norm *norm, float *out, bool add, const float *x, int rows)
{
    int C = norm->C;

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (rows > 8)
    for (int r = 0; r < rows; r++) {
        const float *row = x + (size_t)r * (size_t)C;
        float *to = out + (size_t)r * (size_t)C;
        float mean, scale;

        cv_layer_norm_stats(row, C, norm->eps, &mean, &scale);
        if (add)
            for (int i = 0; i < C; i++)
                to[i] += (row[i] - mean) * scale * norm->weight[i] + norm->bias[i];
        else
            for (int i = 0; i < C; i++)
                to[i] = (row[i] - mean) * scale * norm->weight[i] + norm->bias[i];
    }
}

void cv_layer_norm_apply(const cv_exec *exec, const cv_layer_norm *norm, float *out, const float *x, int rows)
{
    normalise(exec, norm, out, false, x, rows);
}

void cv_layer_norm_add(const cv_exec *exec, const cv_layer_norm *norm, float *residual, const float *x, int rows)
{
    normalise(exec, norm, residual, true, x, rows);
}
