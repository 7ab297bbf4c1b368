#include "train/muon.h"

#include "nn/blas.h"

#include <math.h>

#define STEPS 5
/* Of x (LINEAR + CUBIC A + QUINTIC A^2) with A = x^T x: Jordan's, steep at 0, at the price of values that end around 1,
 * not at it. */
#define LINEAR 3.4445f
#define CUBIC (-4.7750f)
#define QUINTIC 2.0315f

static size_t smaller(int rows, int columns)
{
    return (size_t)(rows < columns ? rows : columns);
}

size_t cv_muon_scratch(int rows, int columns)
{
    return 2 * smaller(rows, columns) * smaller(rows, columns) + 2 * (size_t)rows * (size_t)columns;
}

static float norm_of(const float *x, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return (float)sqrt(sum);
}

void cv_muon_orthogonalise(float *x, int rows, int columns, float *scratch)
{
    const size_t count = (size_t)rows * (size_t)columns, square = smaller(rows, columns) * smaller(rows, columns);
    const int n = (int)smaller(rows, columns);
    float *product = scratch, *polynomial = product + square, *next = polynomial + square;
    const float norm = norm_of(x, count) + 1e-30f;

    for (size_t i = 0; i < count; i++)
        x[i] /= norm;
    for (int step = 0; step < STEPS; step++) {
        if (rows <= columns)
            cv_blas_matmul_nt(product, n, x, columns, x, columns, n, n, columns, 0);
        else
            cv_blas_matmul_tn(product, n, x, columns, x, columns, n, n, rows, 0);
        cv_blas_matmul_nn(polynomial, n, product, n, product, n, n, n, n, 0);
        for (size_t i = 0; i < square; i++)
            polynomial[i] = CUBIC * product[i] + QUINTIC * polynomial[i];
        if (rows <= columns)
            cv_blas_matmul_nn(next, columns, polynomial, n, x, columns, n, columns, n, 0);
        else
            cv_blas_matmul_nn(next, columns, x, columns, polynomial, n, rows, n, n, 0);
        for (size_t i = 0; i < count; i++)
            x[i] = LINEAR * x[i] + next[i];
    }
}

void cv_muon_update(const cv_muon *options, double scale, float *w, const float *g, float *m, int rows, int columns,
                    float *scratch)
{
    const size_t count = (size_t)rows * (size_t)columns;
    const float momentum = (float)options->momentum, factor = (float)scale;
    const float keep = (float)(1 - options->rate * options->weight_decay);
    const float by = (float)(options->rate * sqrt(rows > columns ? (double)rows / columns : 1));
    float *update = scratch, *rest = scratch + count;

    for (size_t i = 0; i < count; i++) {
        float gradient = g[i] * factor;

        m[i] = momentum * m[i] + (1 - momentum) * gradient;
        update[i] = momentum * m[i] + (1 - momentum) * gradient;
    }
    cv_muon_orthogonalise(update, rows, columns, rest);
    for (size_t i = 0; i < count; i++)
        w[i] = keep * w[i] - by * update[i];
}
