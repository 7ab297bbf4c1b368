/* norm.h - layer normalisation over the last dimension, affine. */
#ifndef CV_NN_NORM_H
#define CV_NN_NORM_H

#include "nn/exec.h"
#include "tensor/store.h"

typedef struct cv_layer_norm {
    const float *weight, *bias; /* [C], in the store */
    int C;
    float eps;
} cv_layer_norm;

/* Claims "NAME.weight" and "NAME.bias". */
cogvideo_status cv_layer_norm_bind(cv_layer_norm *out, cv_store *store, const char *name, int C, float eps,
                                   cogvideo_error *err);

/* out [rows, C] = norm(x [rows, C]); out may be x. */
void cv_layer_norm_apply(const cv_exec *exec, const cv_layer_norm *norm, float *out, const float *x, int rows);
/* residual [rows, C] += norm(x [rows, C]) */
void cv_layer_norm_add(const cv_exec *exec, const cv_layer_norm *norm, float *residual, const float *x, int rows);

#endif
