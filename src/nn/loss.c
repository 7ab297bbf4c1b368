#include "nn/loss.h"

#include "kernels/fast_math.h"

#include <math.h>

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
