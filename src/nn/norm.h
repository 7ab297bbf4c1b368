/* norm.h - layer normalization over the last dimension, affine. */
#ifndef CV_NN_NORM_H
#define CV_NN_NORM_H

#include "base/arena.h"
#include "nn/exec.h"
#include "tensor/store.h"

typedef struct cv_layer_norm {
    const float *weight, *bias; /* [C], in the store; bias NULL = none */
    int C;
    float eps;
} cv_layer_norm;

/* Claims "NAME.weight" and "NAME.bias". */
cogvideo_status cv_layer_norm_bind(cv_layer_norm *out, cv_store *store, const char *name, int C, float eps,
                                   cogvideo_error *err);

/* The same without a bias: claims the weight by its whole name. */
cogvideo_status cv_layer_norm_bind_weight(cv_layer_norm *out, cv_store *store, const char *weight, int C, float eps,
                                          cogvideo_error *err);

/* out [rows, C] = norm(x [rows, C]); out may be x. */
void cv_layer_norm_apply(const cv_exec *exec, const cv_layer_norm *norm, float *out, const float *x, int rows);
/* residual [rows, C] += norm(x [rows, C]) */
void cv_layer_norm_add(const cv_exec *exec, const cv_layer_norm *norm, float *residual, const float *x, int rows);

/* --- backward: norm_backward.c -------------------------------------------------------------------------------- */

/* Returns the bytes that the backward pass of `rows` rows takes from its arena. */
size_t cv_layer_norm_backward_scratch(int rows, int C);
/* For y = norm(x [rows, C]) and the gradient dy [rows, C] of y; cv_layer_norm_add passes dy on to its residual
 * unchanged. grad: the same norm bound to a store of gradients, which are added to; NULL = frozen. dx [rows, C] is
 * added to if `add`, else set, and may then be dy or x; NULL = not wanted. */
void cv_layer_norm_backward(const cv_exec *exec, const cv_layer_norm *norm, const cv_layer_norm *grad, float *dx,
                            bool add, const float *dy, const float *x, int rows, cv_arena *arena);

#endif
