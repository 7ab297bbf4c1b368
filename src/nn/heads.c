#include "nn/heads.h"

#include <string.h>

void cv_heads_store(const cv_exec *exec, float *memory, size_t head_stride, int first, const float *x,
                    size_t x_stride, int rows, int H, int D)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (rows > 8)
    for (int r = 0; r < rows; r++)
        for (int head = 0; head < H; head++)
            memcpy(memory + (size_t)head * head_stride + ((size_t)first + (size_t)r) * (size_t)D,
                   x + (size_t)r * x_stride + (size_t)head * (size_t)D, (size_t)D * sizeof *x);
}

void cv_rows_copy(const cv_exec *exec, float *out, const float *x, size_t x_stride, int rows, int C)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (rows > 8)
    for (int r = 0; r < rows; r++)
        memcpy(out + (size_t)r * (size_t)C, x + (size_t)r * x_stride, (size_t)C * sizeof *x);
}
