#include "nn/rms_norm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Partial sums, in f64 and in a fixed order. */
#define LANES 8
/* Rows whose parameter gradients are summed together; the sums of blocks are then added in order. */
#define ROWS 64

cogvideo_status cv_rms_norm_bind(cv_rms_norm *out, cv_store *store, const char *name, int C, float eps,
                                 cogvideo_error *err)
{
    cogvideo_status status;
    char full[256];

    *out = (cv_rms_norm){ .C = C, .eps = eps };
    snprintf(full, sizeof full, "%s.weight", name);
    CV_TRY(cv_store_claim_vector(store, &out->weight, full, (size_t)C, err));
done:
    return status;
}

/* sum of a * b * c; c NULL = ones. */
static double sum_of_products(const float *a, const float *b, const float *c, int count)
{
    double part[LANES] = { 0 };
    int i = 0;

    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            part[j] += (double)a[i + j] * (double)b[i + j] * (c ? (double)c[i + j] : 1.0);
    for (int j = 0; i + j < count; j++)
        part[j] += (double)a[i + j] * (double)b[i + j] * (c ? (double)c[i + j] : 1.0);
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

/* 1 / sqrt(mean(x^2) + eps) */
static double scale_of(const cv_rms_norm *norm, const float *row)
{
    return 1.0 / sqrt(sum_of_products(row, row, NULL, norm->C) / norm->C + (double)norm->eps);
}

void cv_rms_norm_apply(const cv_exec *exec, const cv_rms_norm *norm, float *out, const float *x, int rows)
{
    const int C = norm->C;

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (rows > 8)
    for (int r = 0; r < rows; r++) {
        const float *row = x + (size_t)r * (size_t)C;
        const float scale = (float)scale_of(norm, row);
        float *to = out + (size_t)r * (size_t)C;

        for (int i = 0; i < C; i++)
            to[i] = row[i] * scale * norm->weight[i];
    }
}

/* --- backward ------------------------------------------------------------------------------------------------- */

size_t cv_rms_norm_backward_scratch(int rows, int C)
{
    return ((size_t)rows + ROWS - 1) / ROWS * (size_t)C * sizeof(float);
}

/* With s = 1 / sqrt(mean(x^2) + eps): dx = s g dy - s^3 x mean(g dy x), and g's part is s x dy. dweight or dx may be
 * NULL. */
static void row_backward(const cv_rms_norm *norm, float *dweight, float *dx, bool add, const float *dy, const float *x)
{
    const int C = norm->C;
    const double s = scale_of(norm, x);
    const float scale = (float)s;
    const float back = dx ? (float)(s * s * s * sum_of_products(dy, x, norm->weight, C) / C) : 0;

    for (int i = 0; dweight && i < C; i++)
        dweight[i] += dy[i] * x[i] * scale;
    for (int i = 0; dx && i < C; i++) {
        const float d = norm->weight[i] * dy[i] * scale - x[i] * back;

        dx[i] = add ? dx[i] + d : d;
    }
}

void cv_rms_norm_backward(const cv_exec *exec, const cv_rms_norm *norm, const cv_rms_norm *grad, float *dx, bool add,
                          const float *dy, const float *x, int rows, cv_arena *arena)
{
    const int C = norm->C, blocks = (rows + ROWS - 1) / ROWS;
    const size_t mark = cv_arena_mark(arena);
    float *parts = grad ? cv_arena_take(arena, (size_t)blocks * (size_t)C, sizeof *parts) : NULL;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int block = 0; block < blocks; block++) {
        const int last = (block + 1) * ROWS < rows ? (block + 1) * ROWS : rows;
        float *dweight = grad ? parts + (size_t)block * (size_t)C : NULL;

        if (dweight)
            memset(dweight, 0, (size_t)C * sizeof *dweight);
        for (int r = block * ROWS; r < last; r++) {
            const size_t at = (size_t)r * (size_t)C;

            row_backward(norm, dweight, dx ? dx + at : NULL, add, dy + at, x + at);
        }
    }
    for (int block = 0; grad && block < blocks; block++)
        for (int i = 0; i < C; i++)
            ((float *)grad->weight)[i] += parts[(size_t)block * (size_t)C + (size_t)i];
    cv_arena_rewind(arena, mark);
}
