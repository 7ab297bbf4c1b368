/* activation.h - pointwise functions. */
#ifndef CV_NN_ACTIVATION_H
#define CV_NN_ACTIVATION_H

#include "nn/exec.h"

/* GELU in the tanh form (Hendrycks and Gimpel, 2016), in place: 0.5 y (1 + tanh(sqrt(2/pi) (y + 0.044715 y^3))) */
void cv_gelu(const cv_exec *exec, float *x, size_t count);
/* dx = dy * gelu'(x), x as it was before the activation; dx may be dy or x. */
void cv_gelu_backward(const cv_exec *exec, float *dx, const float *dy, const float *x, size_t count);

#endif
