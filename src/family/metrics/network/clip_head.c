#include "family/metrics/network/clip_network.h"

#include "nn/blas.h"

#include <math.h>
#include <string.h>

cogvideo_status cv_clip_head_bind(cv_clip_head *out, cv_store *store, const char *norm, const char *projection, int D,
                                  int E, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_layer_norm_bind(&out->norm, store, norm, D, CV_CLIP_EPSILON, err));
    CV_TRY(cv_store_claim_weight(store, &out->projection, projection, D, E, err));
done:
    return status;
}

/* The weights lie as [in, out], so a row of the result is a mix of their rows. */
void cv_clip_multiply(const cv_exec *exec, const cv_weight *weight, float *out, const float *x, int rows)
{
    const size_t D = (size_t)weight->N, E = (size_t)weight->K;

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (rows > 8)
    for (int r = 0; r < rows; r++) {
        float *to = out + (size_t)r * E;

        memset(to, 0, E * sizeof *to);
        exec->kernels.mix[weight->type](to, x + (size_t)r * D, weight);
    }
}

void cv_clip_multiply_backward(const cv_weight *weight, const cv_weight *dweight, float *dx, const float *dout,
                               const float *x, int rows)
{
    const int D = weight->N, E = weight->K;

    cv_blas_matmul_tn((float *)dweight->data, E, x, D, dout, E, D, E, rows, 1.0f);
    if (dx)
        cv_blas_matmul_nt(dx, D, dout, E, weight->data, E, rows, D, E, 0.0f);
}

void cv_clip_head_run(const cv_exec *exec, const cv_clip_head *head, float *out, float *normed, const float *x,
                      int rows)
{
    cv_layer_norm_apply(exec, &head->norm, normed, x, rows);
    cv_clip_multiply(exec, &head->projection, out, normed, rows);
}

void cv_clip_head_backward(const cv_exec *exec, const cv_clip_head *head, const cv_clip_head *grad, float *dx,
                           const float *dout, const float *normed, const float *x, int rows, cv_arena *arena)
{
    cv_clip_multiply_backward(&head->projection, &grad->projection, dx, dout, normed, rows);
    cv_layer_norm_backward(exec, &head->norm, &grad->norm, dx, false, dx, x, rows, arena);
}

void cv_clip_unit(float *rows, int count, int E)
{
    for (int r = 0; r < count; r++) {
        float *row = rows + (size_t)r * (size_t)E;
        double sum = 0, scale;

        for (int e = 0; e < E; e++)
            sum += (double)row[e] * (double)row[e];
        scale = 1 / sqrt(sum);
        for (int e = 0; e < E; e++)
            row[e] = (float)((double)row[e] * scale);
    }
}

void cv_clip_sum_items(float *to, const float *x, int items, int rows, int width)
{
    const size_t count = (size_t)rows * (size_t)width;

    for (int item = 0; item < items; item++)
        for (size_t i = 0; i < count; i++)
            to[i] += x[(size_t)item * count + i];
}
