/* nearest.h - finds the nearest row of a codebook. */
#ifndef CV_NN_NEAREST_H
#define CV_NN_NEAREST_H

#include "base/arena.h"
#include "nn/exec.h"

/* The squared distance of two vectors, in f64. */
static inline double cv_squared_distance(const float *a, const float *b, int count)
{
    double sum = 0;

    for (int i = 0; i < count; i++) {
        double d = (double)a[i] - (double)b[i];

        sum += d * d;
    }
    return sum;
}

/* out[i], for `rows` rows of x [rows, K], is the row of the codebook [N, K] with the least squared distance: the
 * first one on ties. Matrix products find the candidates; distances in f64 decide between those that rounding could
 * have swapped. Takes scratch from `arena` and gives it back; does nothing else on a measuring arena. Rows that are
 * not finite get a valid but arbitrary code. */
void cv_nearest(const cv_exec *exec, int32_t *out, const float *x, int rows, const cv_weight *codebook,
                cv_arena *arena);

#endif
