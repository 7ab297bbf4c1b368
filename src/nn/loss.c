#include "nn/loss.h"

#include "kernels/fast_math.h"

#include <math.h>
#include <string.h>

#define LANES 8

static float maximum(const float *x, int count)
{
    float best[LANES];
    int i = 0;

    for (int j = 0; j < LANES; j++)
        best[j] = x[0];
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            best[j] = x[i + j] > best[j] ? x[i + j] : best[j];
    for (; i < count; i++)
        best[0] = x[i] > best[0] ? x[i] : best[0];
    for (int j = 1; j < LANES; j++)
        best[0] = best[j] > best[0] ? best[j] : best[0];
    return best[0];
}

/* x = e^(x - best); returns the sum in f64. */
static double exponentials(float *x, float best, int count)
{
    double sum[LANES] = { 0 };
    int i = 0;

    for (int k = 0; k < count; k++)
        x[k] = cv_fast_exp(x[k] - best);
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            sum[j] += (double)x[i + j];
    for (; i < count; i++)
        sum[0] += (double)x[i];
    for (int j = 1; j < LANES; j++)
        sum[0] += sum[j];
    return sum[0];
}

static double row_loss(float *logits, int label, float scale, int V)
{
    float best = maximum(logits, V), factor;
    double target = (double)logits[label] - (double)best, sum = exponentials(logits, best, V);

    factor = (float)((double)scale / sum);
    for (int i = 0; i < V; i++)
        logits[i] *= factor;
    /* Where p is near 1, p - 1 computed from the sum of the others would be more exact, but the gradient is
     * negligible there. */
    logits[label] -= scale;
    return log(sum) - target;
}

void cv_cross_entropy(const cv_exec *exec, float *logits, double *losses, const int32_t *labels, const float *scale,
                      int rows, int V)
{
#pragma omp parallel for num_threads(exec->threads) schedule(dynamic, 4)
    for (int r = 0; r < rows; r++) {
        float *row = logits + (size_t)r * (size_t)V;

        if (labels[r] >= 0) {
            losses[r] = row_loss(row, labels[r], scale[r], V);
        } else {
            losses[r] = 0;
            memset(row, 0, (size_t)V * sizeof *row);
        }
    }
}

/* Copies `size` columns of rows that are `stride` apart. */
static void copy_columns(float *out, size_t out_stride, const float *in, size_t stride, int rows, int size)
{
    for (int r = 0; r < rows; r++)
        memcpy(out + (size_t)r * out_stride, in + (size_t)r * stride, (size_t)size * sizeof *out);
}

void cv_cross_entropy_heads(const cv_exec *exec, float *logits, double *losses, const int32_t *labels, const int *sizes,
                            int heads, int rows, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    size_t stride = 0, largest = 0;
    float *own, *scale;
    double *row_losses;
    int32_t *answers;

    for (int h = 0; h < heads; h++) {
        stride += (size_t)sizes[h];
        largest = (size_t)sizes[h] > largest ? (size_t)sizes[h] : largest;
    }
    own = cv_arena_take(arena, (size_t)rows * largest, sizeof *own);
    scale = cv_arena_take(arena, (size_t)rows, sizeof *scale);
    row_losses = cv_arena_take(arena, (size_t)rows, sizeof *row_losses);
    answers = cv_arena_take(arena, (size_t)rows, sizeof *answers);
    for (int h = 0; arena->base && h < heads; h++) {
        copy_columns(own, (size_t)sizes[h], logits, stride, rows, sizes[h]);
        for (int r = 0; r < rows; r++) {
            answers[r] = labels[r * heads + h];
            scale[r] = 1.0f / (float)rows;
        }
        cv_cross_entropy(exec, own, row_losses, answers, scale, rows, sizes[h]);
        copy_columns(logits, stride, own, (size_t)sizes[h], rows, sizes[h]);
        losses[h] = 0;
        for (int r = 0; r < rows; r++)
            losses[h] += row_losses[r] / rows;
        logits += sizes[h];
    }
    cv_arena_rewind(arena, mark);
}
