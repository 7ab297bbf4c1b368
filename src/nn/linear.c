#include "nn/linear.h"

#include "base/parallel.h"
#include "nn/blas.h"

#include <stdio.h>

/* Weight rows per block: enough for BLAS to run near its speed, few enough for a widened panel to stay in cache. */
#define BLOCK 128

cogvideo_status cv_linear_bind(cv_linear *out, cv_store *store, const char *name, int N, int K, bool bias,
                               cogvideo_error *err)
{
    cogvideo_status status;
    const cv_tensor *tensor;
    size_t shape[2] = { (size_t)N, (size_t)K };
    char full[256];

    snprintf(full, sizeof full, "%s.weight", name);
    CV_TRY(cv_store_claim(store, &tensor, full, 2, shape, err));
    *out = (cv_linear){ .weight = tensor->data, .dtype = tensor->dtype, .N = N, .K = K };
    if (bias) {
        snprintf(full, sizeof full, "%s.bias", name);
        CV_TRY(cv_store_claim_vector(store, &out->bias, full, (size_t)N, err));
    }
fail:
    return status;
}

static const void *weight_row(const cv_linear *linear, int n)
{
    return (const char *)linear->weight + (size_t)n * (size_t)linear->K * cv_dtype_size(linear->dtype);
}

static void add_bias(const cv_linear *linear, float *out, size_t out_stride, int first, int count, int rows)
{
    if (!linear->bias)
        return;
    for (int r = 0; r < rows; r++)
        for (int n = first; n < first + count; n++)
            out[(size_t)r * out_stride + (size_t)n] += linear->bias[n];
}

void cv_linear_step(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, const float *x,
                    size_t x_stride, int rows)
{
    cv_linear_fn *kernel = exec->kernels.linear[linear->dtype];
    int blocks = (linear->N + BLOCK - 1) / BLOCK;
    double work = (double)linear->N * linear->K * rows;

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (work > CV_PARALLEL_WORK)
    for (int block = 0; block < blocks; block++) {
        int first = block * BLOCK;
        int count = linear->N - first < BLOCK ? linear->N - first : BLOCK;

        kernel(out + first, out_stride, x, x_stride, weight_row(linear, first), count, linear->K, rows);
        add_bias(linear, out, out_stride, first, count, rows);
    }
}

size_t cv_linear_scratch(const cv_exec *exec, int max_K)
{
    return (size_t)exec->threads * BLOCK * (size_t)max_K * sizeof(float);
}

void cv_linear_rows(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, const float *x,
                    size_t x_stride, int rows, void *scratch)
{
    int blocks = (linear->N + BLOCK - 1) / BLOCK, K = linear->K;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int block = 0; block < blocks; block++) {
        int first = block * BLOCK;
        int count = linear->N - first < BLOCK ? linear->N - first : BLOCK;
        const float *panel = weight_row(linear, first);

        if (linear->dtype != CV_F32) {
            float *wide = (float *)scratch + (size_t)cv_thread_index() * BLOCK * (size_t)K;

            cv_to_f32(wide, panel, linear->dtype, (size_t)count * (size_t)K);
            panel = wide;
        }
        cv_blas_matmul_nt(out + first, (int)out_stride, x, (int)x_stride, panel, K, rows, count, K, 0.0f);
        add_bias(linear, out, out_stride, first, count, rows);
    }
}
