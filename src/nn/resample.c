#include "nn/resample.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

void cv_upsample_nearest(const cv_exec *exec, float *out, const float *x, int C, int height, int width)
{
    size_t rows = (size_t)C * (size_t)height, row_size = 2 * (size_t)width;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (size_t row = 0; row < rows; row++) {
        const float *from = x + row * (size_t)width;
        float *to = out + 2 * row * row_size;

        for (int i = 0; i < width; i++)
            to[2 * i] = to[2 * i + 1] = from[i];
        memcpy(to + row_size, to, row_size * sizeof *to);
    }
}

void cv_average_pool(const cv_exec *exec, float *out, const float *x, int C, int height, int width)
{
    int rows = height / 2, columns = width / 2;

#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(2)
    for (int c = 0; c < C; c++)
        for (int row = 0; row < rows; row++) {
            const float *from = x + ((size_t)c * (size_t)height + 2 * (size_t)row) * (size_t)width;
            float *to = out + ((size_t)c * (size_t)rows + (size_t)row) * (size_t)columns;

            for (int i = 0; i < columns; i++)
                to[i] = (from[2 * i] + from[2 * i + 1] + from[width + 2 * i] + from[width + 2 * i + 1]) * 0.25f;
        }
}

void cv_patches(const cv_exec *exec, float *out, const float *x, int C, int height, int width, int side)
{
    int rows = height / side, columns = width / side, inner = side * side;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int plane = 0; plane < C * inner; plane++) {
        const float *from =
            x + ((size_t)(plane / inner) * (size_t)height + (size_t)(plane % inner / side)) * (size_t)width;
        float *to = out + (size_t)plane * (size_t)rows * (size_t)columns;

        for (int row = 0; row < rows; row++)
            for (int i = 0; i < columns; i++)
                to[row * columns + i] =
                    from[(size_t)row * (size_t)side * (size_t)width + (size_t)(i * side + plane % side)];
    }
}

/* Sets every pixel of [C][H][W] to the value of its patch's position, or adds that value where `add`. */
static void spread(const cv_exec *exec, float *out, const float *x, int C, int height, int width, int side, bool add)
{
    int rows = height / side, columns = width / side, inner = side * side;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int plane = 0; plane < C * inner; plane++) {
        const float *from = x + (size_t)plane * (size_t)rows * (size_t)columns;
        float *to = out + ((size_t)(plane / inner) * (size_t)height + (size_t)(plane % inner / side)) * (size_t)width;

        for (int row = 0; row < rows; row++)
            for (int i = 0; i < columns; i++) {
                float *pixel = to + (size_t)row * (size_t)side * (size_t)width + (size_t)(i * side + plane % side);

                *pixel = from[row * columns + i] + (add ? *pixel : 0);
            }
    }
}

void cv_unpatch(const cv_exec *exec, float *out, const float *x, int C, int height, int width, int side)
{
    spread(exec, out, x, C, height, width, side, false);
}

void cv_patches_backward(const cv_exec *exec, float *dx, const float *dy, int C, int height, int width, int side)
{
    spread(exec, dx, dy, C, height, width, side, true);
}

void cv_upsample_nearest_backward(const cv_exec *exec, float *dx, const float *dy, int C, int height, int width)
{
    size_t rows = (size_t)C * (size_t)height, row_size = 2 * (size_t)width;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (size_t row = 0; row < rows; row++) {
        const float *from = dy + 2 * row * row_size;
        float *to = dx + row * (size_t)width;

        for (size_t i = 0; i < (size_t)width; i++)
            to[i] += from[2 * i] + from[2 * i + 1] + from[row_size + 2 * i] + from[row_size + 2 * i + 1];
    }
}

void cv_average_pool_backward(const cv_exec *exec, float *dx, const float *dy, int C, int height, int width)
{
    int rows = height / 2, columns = width / 2;

#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(2)
    for (int c = 0; c < C; c++)
        for (int row = 0; row < rows; row++) {
            const float *from = dy + ((size_t)c * (size_t)rows + (size_t)row) * (size_t)columns;
            float *to = dx + ((size_t)c * (size_t)height + 2 * (size_t)row) * (size_t)width;

            for (int i = 0; i < columns; i++) {
                float d = from[i] * 0.25f;

                to[2 * i] += d;
                to[2 * i + 1] += d;
                to[width + 2 * i] += d;
                to[width + 2 * i + 1] += d;
            }
        }
}
