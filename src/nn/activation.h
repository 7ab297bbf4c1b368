/* activation.h - pointwise functions. */
#ifndef CV_NN_ACTIVATION_H
#define CV_NN_ACTIVATION_H

#include "nn/exec.h"

/* x = gelu(x), in place, in one of its forms (kernels/kernels.h). */
void cv_gelu(const cv_exec *exec, cv_gelu_form form, float *x, size_t count);
/* dx = dy * gelu'(x), x as it was before the activation; dx may be dy or x. */
void cv_gelu_backward(const cv_exec *exec, cv_gelu_form form, float *dx, const float *dy, const float *x, size_t count);

#endif
