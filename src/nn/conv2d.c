#include "nn/conv2d.h"

#include "base/parallel.h"
#include "nn/blas.h"
#include "nn/linear.h"

#include <stdio.h>
#include <string.h>

/* Floats of one unfolded block of pixels: few enough to stay in a core's cache, unless that makes the block so small
 * that packing the weights costs more than it saves. */
#define BLOCK_FLOATS (1 << 18)
#define MIN_BLOCK 64
#define MAX_BLOCK 512

cogvideo_status cv_conv2d_bind(cv_conv2d *out, cv_store *store, const char *name, int in, int channels, int kernel,
                               int stride, cogvideo_error *err)
{
    cogvideo_status status;
    const cv_tensor *tensor;
    size_t shape[4] = { (size_t)channels, (size_t)in, (size_t)kernel, (size_t)kernel };
    char full[256];

    snprintf(full, sizeof full, "%s.weight", name);
    CV_TRY(cv_store_claim(store, &tensor, full, 4, shape, err));
    *out = (cv_conv2d){ .weight = tensor->data, .dtype = tensor->dtype, .in = in, .out = channels, .kernel = kernel,
                        .stride = stride };
    snprintf(full, sizeof full, "%s.bias", name);
    CV_TRY(cv_store_claim_vector(store, &out->bias, full, (size_t)channels, err));
fail:
    return status;
}

/* `count` numbers of a row of a plane, `stride` apart, from column x of row y on; zeros outside the plane. */
static void copy_row(float *to, const float *plane, int height, int width, int y, int x, int stride, int count)
{
    const float *row;
    int i = 0;

    if (y < 0 || y >= height) {
        memset(to, 0, (size_t)count * sizeof *to);
        return;
    }
    row = plane + (size_t)y * (size_t)width;
    for (; i < count && x + i * stride < 0; i++)
        to[i] = 0;
    if (stride == 1) {
        int inside = count < width - x ? count : width - x;

        if (inside > i) {
            memcpy(to + i, row + x + i, (size_t)(inside - i) * sizeof *to);
            i = inside;
        }
    }
    for (; i < count && x + i * stride < width; i++)
        to[i] = row[x + i * stride];
    for (; i < count; i++)
        to[i] = 0;
}

/* columns [in * 9][count]: what each tap of a 3x3 kernel sees at output pixels first .. first + count - 1. */
static void unfold(const cv_conv2d *conv, float *columns, const float *x, int height, int width, int first, int count)
{
    int out_width = width / conv->stride, pad = conv->stride == 1 ? 1 : 0;

    for (int c = 0; c < conv->in; c++) {
        const float *plane = x + (size_t)c * (size_t)height * (size_t)width;

        for (int tap = 0; tap < 9; tap++, columns += count) {
            int row = first / out_width, column = first % out_width;

            for (int done = 0; done < count; row++, column = 0) {
                int run = out_width - column < count - done ? out_width - column : count - done;

                copy_row(columns + done, plane, height, width, row * conv->stride - pad + tap / 3,
                         column * conv->stride - pad + tap % 3, conv->stride, run);
                done += run;
            }
        }
    }
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
    size_t row = (size_t)K * cv_dtype_size(conv->dtype);

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < conv->out; c++)
        cv_to_f32(wide + (size_t)c * (size_t)K, (const char *)conv->weight + (size_t)c * row, conv->dtype, (size_t)K);
}

static int block_size(int K)
{
    int size = BLOCK_FLOATS / K / 16 * 16;

    return size < MIN_BLOCK ? MIN_BLOCK : size > MAX_BLOCK ? MAX_BLOCK : size;
}

void cv_conv2d_apply(const cv_exec *exec, const cv_conv2d *conv, float *out, const float *x, int height, int width,
                     bool add, cv_arena *arena)
{
    int K = conv->in * conv->kernel * conv->kernel;
    int pixels = (height / conv->stride) * (width / conv->stride);
    int blocks = (pixels + block_size(K) - 1) / block_size(K);
    size_t mark = cv_arena_mark(arena), unfolded = conv->kernel == 1 ? 0 : (size_t)K * (size_t)block_size(K);
    float *wide = cv_arena_take(arena, conv->dtype == CV_F32 ? 0 : (size_t)conv->out * (size_t)K, sizeof *wide);
    float *columns = cv_arena_take(arena, (size_t)exec->threads * unfolded, sizeof *columns);
    const float *weight = conv->dtype == CV_F32 ? conv->weight : wide;

    cv_arena_rewind(arena, mark);
    if (!arena->base)
        return;
    if (conv->dtype != CV_F32)
        widen(exec, conv, wide, K);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int block = 0; block < blocks; block++) {
        int first = (int)((long long)pixels * block / blocks);
        int count = (int)((long long)pixels * (block + 1) / blocks) - first;
        float *mine = columns + (size_t)cv_thread_index() * unfolded;

        start_block(conv, out + first, pixels, count, add);
        if (conv->kernel == 1) {
            cv_blas_matmul_nn(out + first, pixels, weight, K, x + first, pixels, conv->out, count, K, 1.0f);
        } else {
            unfold(conv, mine, x, height, width, first, count);
            cv_blas_matmul_nn(out + first, pixels, weight, K, mine, count, conv->out, count, K, 1.0f);
        }
    }
}
