/* rms_norm.h - norm by the root of the mean square (Zhang and Sennrich, 2019): g x / sqrt(mean(x^2) + eps). No mean is
 * subtracted and nothing is added. */
#ifndef CV_NN_RMS_NORM_H
#define CV_NN_RMS_NORM_H

#include "base/arena.h"
#include "nn/exec.h"
#include "tensor/store.h"

typedef struct cv_rms_norm {
    const float *weight; /* [C], in the store */
    int C;
    float eps;
} cv_rms_norm;

/* Claims "NAME.weight". */
cogvideo_status cv_rms_norm_bind(cv_rms_norm *out, cv_store *store, const char *name, int C, float eps,
                                 cogvideo_error *err);

/* out [rows, C] = norm(x [rows, C]); out may be x. */
void cv_rms_norm_apply(const cv_exec *exec, const cv_rms_norm *norm, float *out, const float *x, int rows);

/* Returns the bytes that the function below takes from its arena. */
size_t cv_rms_norm_backward_scratch(int rows, int C);
/* As cv_layer_norm_backward. */
void cv_rms_norm_backward(const cv_exec *exec, const cv_rms_norm *norm, const cv_rms_norm *grad, float *dx, bool add,
                          const float *dy, const float *x, int rows, cv_arena *arena);

#endif
