/* dense.h - a linear layer on one vector, as the last layers of a network of convolutions are. */
#ifndef CV_FAMILY_METRICS_NETWORK_DENSE_H
#define CV_FAMILY_METRICS_NETWORK_DENSE_H

#include "nn/linear.h"

#include <stdbool.h>

/* out [N] = x [K] W^T + b, then max(0, .) where `relu`. Scratch from `arena` is given back; a measuring arena computes
 * nothing. */
void cv_dense(const cv_exec *exec, const cv_linear *linear, float *out, const float *x, bool relu, cv_arena *arena);

#endif
