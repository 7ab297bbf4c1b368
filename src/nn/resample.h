/* resample.h - makes planes [C][H][W] twice or half as large on each side, or turns patches into positions. */
#ifndef CV_NN_RESAMPLE_H
#define CV_NN_RESAMPLE_H

#include "nn/exec.h"

/* out [C][2H][2W]: repeats every pixel in a square of four. */
void cv_upsample_nearest(const cv_exec *exec, float *out, const float *x, int C, int height, int width);
/* out [C][H / 2][W / 2]: averages squares of four pixels; drops an odd last row or column. */
void cv_average_pool(const cv_exec *exec, float *out, const float *x, int C, int height, int width);
/* out [C * side * side][H / side][W / side]: a square patch of pixels becomes the channels of one position. What
 * `side` does not divide is cut off. */
void cv_patches(const cv_exec *exec, float *out, const float *x, int C, int height, int width, int side);
/* out [C][H][W] from such positions, the inverse. `side` divides both sides. */
void cv_unpatch(const cv_exec *exec, float *out, const float *x, int C, int height, int width, int side);

/* Their transposes: dx [C][H][W] += dL/dx from dy, the gradient of the larger or smaller planes. */
void cv_upsample_nearest_backward(const cv_exec *exec, float *dx, const float *dy, int C, int height, int width);
void cv_average_pool_backward(const cv_exec *exec, float *dx, const float *dy, int C, int height, int width);
void cv_patches_backward(const cv_exec *exec, float *dx, const float *dy, int C, int height, int width, int side);

#endif
