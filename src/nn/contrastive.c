#include "nn/contrastive.h"

#include "nn/blas.h"

#include <math.h>

/* So that a row of zeros has no direction, but a gradient that is finite. */
#define SMALLEST_NORM 1e-12

/* out [rows, width] = x over its norms [rows]. */
static void normalize(double *out, double *norms, const float *x, int rows, int width)
{
    for (int r = 0; r < rows; r++) {
        size_t first = (size_t)r * (size_t)width;
        double sum = 0;

        for (int i = 0; i < width; i++)
            sum += (double)x[first + (size_t)i] * (double)x[first + (size_t)i];
        norms[r] = fmax(sqrt(sum), SMALLEST_NORM);
        for (int i = 0; i < width; i++)
            out[first + (size_t)i] = (double)x[first + (size_t)i] / norms[r];
    }
}

/* The gradient of x from d [rows, width], that of y = x / |x|: (d - y (y . d)) / |x|. */
static void normalize_backward(float *dx, const double *d, const double *y, const double *norms, int rows, int width)
{
    for (int r = 0; r < rows; r++) {
        size_t first = (size_t)r * (size_t)width;
        double dot = 0;

        for (int i = 0; i < width; i++)
            dot += y[first + (size_t)i] * d[first + (size_t)i];
        for (int i = 0; i < width; i++)
            dx[first + (size_t)i] = (float)((d[first + (size_t)i] - y[first + (size_t)i] * dot) / norms[r]);
    }
}

/* The share of row i's target that is at row j. */
static double target(const cv_contrastive *pairs, const int *alike, int i, int j)
{
    bool same = pairs->group ? pairs->group[i] == pairs->group[j] : i == j;

    return same ? 1.0 / alike[i] : 0;
}

/* Adds to G the gradient of the mean cross-entropies' mean by the logits of line i, softmax - target over
 * 2 rows, and returns line i's part of the loss. Logits of a line are `step` apart: lines are rows, or columns. */
static double line_loss(double *G, const cv_contrastive *pairs, const double *logits, const int *alike, int i,
                        size_t step)
{
    const int count = pairs->rows;
    double best = logits[0], sum = 0, loss = 0;

    for (int j = 1; j < count; j++)
        best = fmax(best, logits[(size_t)j * step]);
    for (int j = 0; j < count; j++)
        sum += exp(logits[(size_t)j * step] - best);
    for (int j = 0; j < count; j++) {
        double logit = logits[(size_t)j * step] - best, wanted = target(pairs, alike, i, j);

        loss += wanted * (log(sum) - logit);
        G[(size_t)j * step] += (exp(logit) / sum - wanted) / (2 * count);
    }
    return loss / (2 * count);
}

double cv_contrastive_loss(const cv_contrastive *pairs, const cv_contrastive_gradients *gradients, cv_arena *arena)
{
    const int rows = pairs->rows, width = pairs->width;
    const size_t all = (size_t)rows * (size_t)width, square = (size_t)rows * (size_t)rows;
    const size_t mark = cv_arena_mark(arena);
    const double scale = exp((double)pairs->logit_scale);
    double *image = cv_arena_take(arena, all, sizeof *image), *text = cv_arena_take(arena, all, sizeof *text);
    double *image_norms = cv_arena_take(arena, (size_t)rows, sizeof *image_norms);
    double *text_norms = cv_arena_take(arena, (size_t)rows, sizeof *text_norms);
    double *logits = cv_arena_take(arena, square, sizeof *logits), *G = cv_arena_take(arena, square, sizeof *G);
    double *d = cv_arena_take(arena, all, sizeof *d);
    int *alike = cv_arena_take(arena, (size_t)rows, sizeof *alike);
    double loss = 0, d_scale = 0;

    if (!arena->base)
        goto done;
    normalize(image, image_norms, pairs->image, rows, width);
    normalize(text, text_norms, pairs->text, rows, width);
    cv_blas_matmul_nt_f64(logits, image, text, rows, rows, width);
    for (size_t i = 0; i < square; i++) {
        logits[i] *= scale;
        G[i] = 0;
    }
    for (int i = 0; i < rows; i++) {
        alike[i] = pairs->group ? 0 : 1;
        for (int j = 0; pairs->group && j < rows; j++)
            alike[i] += pairs->group[i] == pairs->group[j];
    }
    for (int i = 0; i < rows; i++) {
        size_t row = (size_t)i * (size_t)rows;

        loss += line_loss(G + row, pairs, logits + row, alike, i, 1);
        loss += line_loss(G + i, pairs, logits + i, alike, i, (size_t)rows);
    }
    for (size_t i = 0; i < square; i++) {
        d_scale += G[i] * logits[i];
        G[i] *= scale;
    }
    if (gradients->logit_scale)
        *gradients->logit_scale += (float)d_scale;
    if (gradients->image) {
        cv_blas_matmul_nn_f64(d, G, text, rows, width, rows);
        normalize_backward(gradients->image, d, image, image_norms, rows, width);
    }
    if (gradients->text) {
        cv_blas_matmul_tn_f64(d, G, image, rows, width, rows);
        normalize_backward(gradients->text, d, text, text_norms, rows, width);
    }
done:
    cv_arena_rewind(arena, mark);
    return loss;
}
