/* group_norm.h - group normalization of planes [C][H][W] (Wu and He, 2018), affine, with an optional swish after it. */
#ifndef CV_NN_GROUP_NORM_H
#define CV_NN_GROUP_NORM_H

#include "nn/exec.h"
#include "tensor/store.h"

typedef struct cv_group_norm {
    const float *weight, *bias; /* [C], in the store */
    int C, groups;              /* C is a multiple of groups */
    float eps;
    /* each position is normalized over its own channels alone, so that other positions of the image do not matter */
    bool per_position;
} cv_group_norm;

/* Claims "NAME.weight" and "NAME.bias". The norm is not per position. */
cogvideo_status cv_group_norm_bind(cv_group_norm *out, cv_store *store, const char *name, int C, int groups, float eps,
                                   cogvideo_error *err);

/* out [C][pixels] = norm(x [C][pixels]), then y * sigmoid(y) where `swish`; out may be x. */
void cv_group_norm_apply(const cv_exec *exec, const cv_group_norm *norm, float *out, const float *x, size_t pixels,
                         bool swish);

/* Computes the mean and 1 / sqrt(variance + eps) of the `count` numbers of one group. */
void cv_group_norm_stats(const cv_group_norm *norm, const float *x, size_t count, double *mean, double *scale);

/* The same for each of `count` positions, at most CV_GROUP_NORM_POSITIONS, over the channels of one group: x points to
 * its first channel, and the others follow `pixels` apart. */
#define CV_GROUP_NORM_POSITIONS 64
void cv_group_norm_place_stats(const cv_group_norm *norm, const float *x, size_t pixels, int count, float *mean,
                               float *scale);

/* From dy = dL/d(out): dx += dL/dx and, into `grad` (NULL: frozen), which lies in a store in memory, += the
 * gradients of weight and bias. Overwrites `dy`. */
void cv_group_norm_backward(const cv_exec *exec, const cv_group_norm *norm, const cv_group_norm *grad, float *dx,
                            float *dy, const float *x, size_t pixels, bool swish);

#endif
