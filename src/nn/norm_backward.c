#include "nn/norm.h"

#include <string.h>

/* Rows whose parameter gradients are summed together; the sums of blocks are then added in order. */
#define ROWS 64

size_t cv_layer_norm_backward_scratch(int rows, int C)
{
    return ((size_t)rows + ROWS - 1) / ROWS * 2 * (size_t)C * sizeof(float);
}

void cv_layer_norm_backward(const cv_exec *exec, const cv_layer_norm *norm, const cv_layer_norm *grad, float *dx,
                            bool add, const float *dy, const float *x, int rows, cv_arena *arena)
{
    int C = norm->C, blocks = (rows + ROWS - 1) / ROWS;
    size_t mark = cv_arena_mark(arena);
    float *parts = grad ? cv_arena_take(arena, (size_t)blocks * 2 * (size_t)C, sizeof *parts) : NULL;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int block = 0; block < blocks; block++) {
        int last = (block + 1) * ROWS < rows ? (block + 1) * ROWS : rows;
        float *dweight = NULL, *dbias = NULL;

        if (grad) {
            dweight = parts + (size_t)block * 2 * (size_t)C;
            dbias = grad->bias ? dweight + C : NULL;
            memset(dweight, 0, 2 * (size_t)C * sizeof *dweight);
        }
        for (int r = block * ROWS; r < last; r++) {
            const float *row = x + (size_t)r * (size_t)C, *from = dy + (size_t)r * (size_t)C;
            cv_norm_row n = { .weight = norm->weight, .bias = norm->bias, .C = C };

            exec->kernels.norm_stats(row, C, norm->eps, &n.mean, &n.scale);
            if (grad)
                exec->kernels.norm_row_gradients(dweight, dbias, from, row, &n);
            if (dx)
                exec->kernels.norm_row_backward(dx + (size_t)r * (size_t)C, add, from, row, &n);
        }
    }
    for (int block = 0; grad && block < blocks; block++)
        for (int i = 0; i < C; i++) {
            ((float *)grad->weight)[i] += parts[(size_t)block * 2 * (size_t)C + (size_t)i];
            if (grad->bias)
                ((float *)grad->bias)[i] += parts[((size_t)block * 2 + 1) * (size_t)C + (size_t)i];
        }
    cv_arena_rewind(arena, mark);
}
