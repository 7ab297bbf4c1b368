/* winograd.h - a 3x3 convolution of stride 1 with 16 multiplications for each 2x2 pixels instead of 36.
 * Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, F(2x2, 3x3): a tile of 4x4 pixels and the
 * kernel go to a space where the convolution is 16 products, which for all channels together are 16 matrix products. */
#ifndef CV_NN_WINOGRAD_H
#define CV_NN_WINOGRAD_H

#include "base/arena.h"
#include "nn/exec.h"

/* y [out][height][width] = bias + weight [out][in][3][3] * x [in][height][width], with zeros around x, or y += that
 * where `add`. Takes scratch from `arena` and gives it back; does nothing else on a measuring arena. The tiles are
 * split into blocks by shape alone, so the result does not depend on the number of threads. */
void cv_winograd(const cv_exec *exec, float *y, const float *weight, const float *bias, const float *x, int out, int in,
                 int height, int width, bool add, cv_arena *arena);

#endif
