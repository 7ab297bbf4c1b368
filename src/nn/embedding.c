#include "nn/embedding.h"

/* Columns per block: a cache line of floats, so that no two threads write to one in an aligned table. */
#define COLUMNS 16

void cv_embedding_backward(const cv_exec *exec, float *table, const float *dx, size_t dx_stride, const int32_t *ids,
                           int rows, int C)
{
    int blocks = (C + COLUMNS - 1) / COLUMNS;

    /* The same id may stand in many rows, so threads share the columns, not the rows. */
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int block = 0; block < blocks; block++) {
        int first = block * COLUMNS, last = first + COLUMNS < C ? first + COLUMNS : C;

        for (int r = 0; r < rows; r++) {
            if (ids[r] < 0)
                continue;
            for (int i = first; i < last; i++)
                table[(size_t)ids[r] * (size_t)C + (size_t)i] += dx[(size_t)r * dx_stride + (size_t)i];
        }
    }
}
