/* gradient.h - backward passes checked by central differences: seeded numbers, a loss that is a seeded weighing of the
 * output, and each gradient against the slope of that loss. */
#ifndef TESTS_GRADIENT_H
#define TESTS_GRADIENT_H

#include "support/check.h"
#include "support/seeded.h"

/* x = seeded numbers in [-scale, scale). */
static inline void gradient_fill(float *x, size_t count, int seed, float scale)
{
    for (size_t i = 0; i < count; i++)
        x[i] = scale * seeded_unit(seed, "gradient", i);
}

/* sum of out * dout, in f64 */
static inline double gradient_loss(const float *out, const float *dout, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)out[i] * (double)dout[i];
    return sum;
}

/* For each i: moves x[i] up and down, asks `loss` both times, and compares the slope with gradient[i] to 1%, of at
 * least the mean size of the gradients. */
static inline void gradient_check(float *x, const float *gradient, size_t count, double (*loss)(void *), void *user)
{
    double mean = 0;

    for (size_t i = 0; i < count; i++)
        mean += fabs((double)gradient[i]) / (double)count;
    assert_true(mean > 0);
    for (size_t i = 0; i < count; i++) {
        float saved = x[i], up = saved + 0x1p-8f, down = saved - 0x1p-8f;
        double high, low, slope, size = fabs((double)gradient[i]);

        x[i] = up;
        high = loss(user);
        x[i] = down;
        low = loss(user);
        x[i] = saved;
        slope = (high - low) / ((double)up - (double)down);
        if (!(fabs(slope - (double)gradient[i]) <= 1e-2 * (size > mean ? size : mean)))
            fail_msg("element %zu: the gradient is %.6g, the slope is %.6g", i, (double)gradient[i], slope);
    }
}

#endif
