/* group_norm.h - group normalisation of planes [C][H][W] (Wu and He, 2018), affine, with an optional swish after it. */
#ifndef CV_NN_GROUP_NORM_H
#define CV_NN_GROUP_NORM_H

#include "nn/exec.h"
#include "tensor/store.h"

typedef struct cv_group_norm {
    const float *weight, *bias; /* [C], in the store */
    int C, groups;        /* C is a multiple of groups */
    float eps;
    bool per_place;       /* each place by its own channels alone: what stands elsewhere in the picture changes nothing */
} cv_group_norm;

/* Claims "NAME.weight" and "NAME.bias". The norm is not per place. */
cogvideo_status cv_group_norm_bind(cv_group_norm *out, cv_store *store, const char *name, int C, int groups, float eps,
                                   cogvideo_error *err);

/* out [C][pixels] = norm(x [C][pixels]), then y * sigmoid(y) where `swish`; out may be x. */
void cv_group_norm_apply(const cv_exec *exec, const cv_group_norm *norm, float *out, const float *x, size_t pixels,
                         bool swish);

/* Of the `count` numbers of one group: their mean and 1 / sqrt(variance + eps). */
void cv_group_norm_stats(const cv_group_norm *norm, const float *x, size_t count, double *mean, double *scale);

/* The same of each of `count` places, at most CV_GROUP_NORM_PLACES, over the channels of one group: x is its first channel's,
 * the next stand `pixels` further on. */
#define CV_GROUP_NORM_PLACES 64
void cv_group_norm_place_stats(const cv_group_norm *norm, const float *x, size_t pixels, int count, float *mean, float *scale);

/* From dy = dL/d(out): dx += dL/dx and, into `grad` (NULL: frozen), which lies in a store in memory, += the gradients
 * of weight and bias. `dy` is used up. */
void cv_group_norm_backward(const cv_exec *exec, const cv_group_norm *norm, const cv_group_norm *grad, float *dx,
                            float *dy, const float *x, size_t pixels, bool swish);

#endif
