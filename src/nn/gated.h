/* gated.h - gated linear units with GELU (Shazeer, "GLU variants improve transformer", 2020): value * gelu(gate). */
#ifndef CV_NN_GATED_H
#define CV_NN_GATED_H

#include "nn/exec.h"

/* out [rows][width] = value * gelu(gate). Rows of value and gate lie `stride` numbers apart, so that both may be halves
 * of what one layer gives; out may be value or gate where the stride is the width. */
void cv_gated_gelu(const cv_exec *exec, cv_gelu_form form, float *out, const float *value, const float *gate,
                   size_t stride, int width, int rows);
/* Sets dvalue and dgate, laid out as value and gate, from dy [rows][width] and the inputs; each may be its own input.
 * */
void cv_gated_gelu_backward(const cv_exec *exec, cv_gelu_form form, float *dvalue, float *dgate, const float *dy,
                            const float *value, const float *gate, size_t stride, int width, int rows);

#endif
