/* batch_norm.h - batch normalization (Ioffe and Szegedy, 2015) of [B][C][places]: with the running statistics, folded
 * into the convolution before it, to use a network; with those of the batch, to train it. */
#ifndef CV_NN_BATCH_NORM_H
#define CV_NN_BATCH_NORM_H

#include "nn/conv3d.h"

typedef struct cv_batch_norm {
    const float *weight, *bias;   /* [C], in the store; weight NULL = ones */
    const float *mean, *variance; /* [C], running */
    int C;
    float eps;
} cv_batch_norm;

/* Claims "NAME.weight" where `scaled`, "NAME.bias", "NAME.running_mean" and "NAME.running_var". */
cogvideo_status cv_batch_norm_bind(cv_batch_norm *out, cv_store *store, const char *name, int C, float eps, bool scaled,
                                   cogvideo_error *err);

/* conv becomes norm(conv(x)): weight [out * in * kernel] and bias [out] are the caller's, are filled, and conv points
 * to them afterwards. */
void cv_batch_norm_fold(const cv_batch_norm *norm, cv_conv3d *conv, float *weight, float *bias);

/* --- training ------------------------------------------------------------------------------------------------- */

/* out [B][C][places] = norm(x) by the statistics of the batch, then max(0, .) where `relu`; out may be x. saved_mean
 * and saved_scale [C] become mean and 1 / sqrt(variance + eps), for the backward pass. The running statistics become
 * (1 - momentum) running + momentum batch, the variance there with divisor n - 1; they lie in a store in memory, but
 * for momentum 0, which leaves them. Sums are f64, in a fixed order. */
void cv_batch_norm_train(const cv_exec *exec, const cv_batch_norm *norm, float *out, const float *x, int B, int places,
                         bool relu, float momentum, float *saved_mean, float *saved_scale);
/* From dy = dL/d(out) and x of the forward pass: dx = dL/dx (may be dy) and, into weight and bias of `grad` (NULL:
 * frozen), which lie in a store in memory, += their gradients. relu as in the forward pass, whose `out` is then read,
 * too. */
void cv_batch_norm_backward(const cv_exec *exec, const cv_batch_norm *norm, const cv_batch_norm *grad, float *dx,
                            const float *dy, const float *x, const float *out, int B, int places, bool relu,
                            const float *saved_mean, const float *saved_scale);

#endif
