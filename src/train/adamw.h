/* adamw.h - Adam with decoupled weight decay (Loshchilov and Hutter, 2019). */
#ifndef CV_TRAIN_ADAMW_H
#define CV_TRAIN_ADAMW_H

#include "nn/exec.h"
#include "tensor/store.h"

typedef struct cv_adamw {
    double rate, beta1, beta2, epsilon, weight_decay;
} cv_adamw;

/* One update of `weights`, `step` counted from 0; the other tensors, in memory too, have its shape. The gradient is
 * multiplied by `scale` first. Only tensors of two or more dimensions decay. */
void cv_adamw_update(const cv_exec *exec, const cv_adamw *options, int step, double scale, const cv_tensor *weights,
                     const cv_tensor *gradient, const cv_tensor *first, const cv_tensor *second);

#endif
