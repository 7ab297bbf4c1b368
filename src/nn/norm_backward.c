#include "nn/norm.h"

#include <string.h>

/* Rows whose parameter gradients are summed together; the sums of blocks are then added in order. */
#define ROWS 64
#define LANES 4

size_t cv_layer_norm_backward_scratch(int rows, int C)
{
    return ((size_t)rows + ROWS - 1) / ROWS * 2 * (size_t)C * sizeof(float);
}

/* *sum = sum of g, *dot = sum of g * n, for g = dy * weight and n the normalised row. */
static void row_sums(const cv_layer_norm *norm, const float *dy, const float *x, float mean, float scale, float *sum,
                     float *dot)
{
    double s[LANES] = { 0 }, d[LANES] = { 0 };

    for (int i = 0; i < norm->C; i += LANES)
        for (int j = 0; j < LANES && i + j < norm->C; j++) {
            float g = dy[i + j] * norm->weight[i + j];

            s[j] += (double)g;
            d[j] += (double)(g * ((x[i + j] - mean) * scale));
        }
    *sum = (float)((s[0] + s[2]) + (s[1] + s[3]));
    *dot = (float)((d[0] + d[2]) + (d[1] + d[3]));
}

/* With n = (x - mean) * scale: dx = scale * (g - mean of g - n * mean of g n) */
static void row_dx(const cv_layer_norm *norm, float *dx, bool add, const float *dy, const float *x, float mean,
                   float scale)
{
    float sum, dot;

    row_sums(norm, dy, x, mean, scale, &sum, &dot);
    sum /= (float)norm->C;
    dot /= (float)norm->C;
    for (int i = 0; i < norm->C; i++) {
        float value = scale * (dy[i] * norm->weight[i] - sum - (x[i] - mean) * scale * dot);

        dx[i] = add ? dx[i] + value : value;
    }
}

void cv_layer_norm_backward(const cv_exec *exec, const cv_layer_norm *norm, const cv_layer_norm *grad, float *dx,
                            bool add, const float *dy, const float *x, int rows, void *scratch)
{
    int C = norm->C, blocks = (rows + ROWS - 1) / ROWS;
    float *parts = grad ? scratch : NULL;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int block = 0; block < blocks; block++) {
        int last = (block + 1) * ROWS < rows ? (block + 1) * ROWS : rows;
        float *dweight = NULL, *dbias = NULL;

        if (grad) {
            dweight = parts + (size_t)block * 2 * (size_t)C;
            dbias = dweight + C;
            memset(dweight, 0, 2 * (size_t)C * sizeof *dweight);
        }
        for (int r = block * ROWS; r < last; r++) {
            const float *row = x + (size_t)r * (size_t)C, *from = dy + (size_t)r * (size_t)C;
            float mean, scale;

            cv_layer_norm_stats(row, C, norm->eps, &mean, &scale);
            for (int i = 0; grad && i < C; i++) {
                dweight[i] += from[i] * ((row[i] - mean) * scale);
                dbias[i] += from[i];
            }
            if (dx)
                row_dx(norm, dx + (size_t)r * (size_t)C, add, from, row, mean, scale);
        }
    }
    for (int block = 0; grad && block < blocks; block++)
        for (int i = 0; i < C; i++) {
            ((float *)grad->weight)[i] += parts[(size_t)block * 2 * (size_t)C + (size_t)i];
            ((float *)grad->bias)[i] += parts[((size_t)block * 2 + 1) * (size_t)C + (size_t)i];
        }
}
