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

/* The slope of `loss` in *x, from x's own value moved up and down by `step`. */
static inline double gradient_slope(float *x, float step, double (*loss)(void *), void *user)
{
    float saved = *x, up = saved + step, down = saved - step;
    double high, low;

    *x = up;
    high = loss(user);
    *x = down;
    low = loss(user);
    *x = saved;
    return (high - low) / ((double)up - (double)down);
}

/* Compares each gradient with the slope of `loss` in x[i], to 1%, of at least the mean size of the gradients. Rounding
 * in f32 spoils a slope of a small step and curvature that of a large one, so either may agree. */
static inline void gradient_check(float *x, const float *gradient, size_t count, double (*loss)(void *), void *user)
{
    double mean = 0;

    for (size_t i = 0; i < count; i++)
        mean += fabs((double)gradient[i]) / (double)count;
    assert_true(mean > 0);
    for (size_t i = 0; i < count; i++) {
        double size = fabs((double)gradient[i]), bound = 1e-2 * (size > mean ? size : mean);
        double slope = gradient_slope(&x[i], 0x1p-8f, loss, user);

        if (!(fabs(slope - (double)gradient[i]) <= bound))
            slope = gradient_slope(&x[i], 0x1p-6f, loss, user);
        if (!(fabs(slope - (double)gradient[i]) <= bound))
            fail_msg("element %zu: the gradient is %.6g, the slope is %.6g", i, (double)gradient[i], slope);
    }
}

#endif
