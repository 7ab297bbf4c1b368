/* softmax.h - probabilities of logits in f64, as goldens were computed. */
#ifndef TEST_SOFTMAX_H
#define TEST_SOFTMAX_H

#include <math.h>
#include <stddef.h>

/* Rows of both are [classes]. */
static inline void softmax_f64(double *out, const float *logits, int count, int classes)
{
    for (int r = 0; r < count; r++) {
        const float *row = logits + (size_t)r * (size_t)classes;
        double *p = out + (size_t)r * (size_t)classes, best = (double)row[0], sum = 0;

        for (int c = 1; c < classes; c++)
            best = (double)row[c] > best ? (double)row[c] : best;
        for (int c = 0; c < classes; c++)
            sum += p[c] = exp((double)row[c] - best);
        for (int c = 0; c < classes; c++)
            p[c] /= sum;
    }
}

/* log sum exp(logits [n]) */
static inline double softmax_log_sum_exp(const float *logits, int n)
{
    double best = (double)logits[0], sum = 0;

    for (int i = 1; i < n; i++)
        best = fmax(best, (double)logits[i]);
    for (int i = 0; i < n; i++)
        sum += exp((double)logits[i] - best);
    return best + log(sum);
}

#endif
