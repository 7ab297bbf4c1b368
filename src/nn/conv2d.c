#include "nn/conv2d.h"

#include "base/parallel.h"
#include "nn/blas.h"
#include "nn/unfold.h"
#include "nn/winograd.h"

#include <stdio.h>

cogvideo_status cv_conv2d_bind(cv_conv2d *out, cv_store *store, const char *name, int in, int channels, int kernel,
                               int stride, cogvideo_error *err)
{
    cogvideo_status status;
    const cv_tensor *tensor;
    size_t shape[4] = { (size_t)channels, (size_t)in, (size_t)kernel, (size_t)kernel };
    char full[256];

    snprintf(full, sizeof full, "%s.weight", name);
    CV_TRY(cv_store_claim(store, &tensor, full, 4, shape, err));
    *out = (cv_conv2d){ .weight = tensor->data,
                        .dtype = tensor->dtype,
                        .in = in,
                        .out = channels,
                        .kernel = kernel,
                        .stride = stride };
    snprintf(full, sizeof full, "%s.bias", name);
    CV_TRY(cv_store_claim_vector(store, &out->bias, full, (size_t)channels, err));
done:
    return status;
}

static void start_block(const cv_conv2d *conv, float *out, int pixels, int count, bool add)
{
    for (int c = 0; c < conv->out; c++) {
        float *to = out + (size_t)c * (size_t)pixels, bias = conv->bias[c];

        if (add) {
            for (int i = 0; i < count; i++)
                to[i] += bias;
        } else {
            for (int i = 0; i < count; i++)
                to[i] = bias;
        }
    }
}

static void widen(const cv_exec *exec, const cv_conv2d *conv, float *wide, int K)
{
    const cv_weight weight = { .data = conv->weight, .type = (cv_weight_type)conv->dtype, .N = conv->out, .K = K };

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < conv->out; c++) {
        cv_weight row = cv_weight_rows(&weight, c, 1);

        exec->kernels.widen[weight.type](wide + (size_t)c * (size_t)K, &row);
    }
}

/* The convolution by Winograd's algorithm. */
static cv_winograd winograd_of(const cv_conv2d *conv, const float *weight, int height, int width, bool add)
{
    return (cv_winograd){ .weight = weight,
                          .bias = conv->bias,
                          .in = conv->in,
                          .out = conv->out,
                          .taps = 1,
                          .places = { { 1, height, width }, { 1, height, width }, { 0, 1, 1 } },
                          .add = add };
}

/* Whether it gains. */
static bool suits_winograd(const cv_conv2d *conv, const cv_places *places)
{
    const cv_window window = { .kernel = { 1, conv->kernel, conv->kernel },
                               .stride = { 1, conv->stride, conv->stride } };

    return cv_winograd_suits(&window, places, conv->in, conv->out);
}

/* Multiplies the pixels that the kernel sees by the weights. */
static void product(const cv_exec *exec, const cv_conv2d *conv, const float *weight, float *out, const float *x,
                    int height, int width, bool add, cv_arena *arena)
{
    int K = conv->in * conv->kernel * conv->kernel;
    int pixels = (height / conv->stride) * (width / conv->stride);
    int blocks = (pixels + cv_unfold_block(K) - 1) / cv_unfold_block(K);
    size_t unfolded = conv->kernel == 1 ? 0 : (size_t)K * (size_t)cv_unfold_block(K);
    float *columns = cv_arena_take(arena, (size_t)exec->threads * unfolded, sizeof *columns);

    if (!arena->base)
        return;
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int block = 0; block < blocks; block++) {
        int first = (int)((long long)pixels * block / blocks);
        int count = (int)((long long)pixels * (block + 1) / blocks) - first;
        float *mine = columns + (size_t)cv_thread_index() * unfolded;

        start_block(conv, out + first, pixels, count, add);
        if (conv->kernel == 1) {
            cv_blas_matmul_nn(out + first, pixels, weight, K, x + first, pixels, conv->out, count, K, 1.0f);
        } else {
            cv_unfold(mine, x, conv->in, height, width, conv->stride, first, count);
            cv_blas_matmul_nn(out + first, pixels, weight, K, mine, count, conv->out, count, K, 1.0f);
        }
    }
}

void cv_conv2d_apply(const cv_exec *exec, const cv_conv2d *conv, float *out, const float *x, int height, int width,
                     bool add, cv_arena *arena)
{
    int K = conv->in * conv->kernel * conv->kernel;
    size_t mark = cv_arena_mark(arena);
    float *wide = cv_arena_take(arena, conv->dtype == CV_F32 ? 0 : (size_t)conv->out * (size_t)K, sizeof *wide);
    const float *weight = conv->dtype == CV_F32 ? conv->weight : wide;
    const cv_winograd winograd = winograd_of(conv, weight, height, width, add);

    if (arena->base && conv->dtype != CV_F32)
        widen(exec, conv, wide, K);
    if (suits_winograd(conv, &winograd.places))
        cv_winograd_apply(exec, &winograd, out, x, arena);
    else
        product(exec, conv, weight, out, x, height, width, add, arena);
    cv_arena_rewind(arena, mark);
}
