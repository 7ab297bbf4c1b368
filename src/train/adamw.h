/* adamw.h - Adam with decoupled weight decay (Loshchilov and Hutter, 2019), over whole stores of tensors. */
#ifndef CV_TRAIN_ADAMW_H
#define CV_TRAIN_ADAMW_H

#include "nn/exec.h"
#include "tensor/store.h"

typedef struct cv_adamw {
    double rate, beta1, beta2, epsilon, weight_decay;
} cv_adamw;

/* The norm of all gradients together; sums in a fixed order. */
double cv_gradient_norm(cv_store *const *gradients, int count);

/* One update, `step` counted from 0, of every tensor of `weights`; the other stores have the same tensors. Gradients are
 * multiplied by `scale` first. Only tensors of two or more dimensions decay. */
void cv_adamw_update(const cv_exec *exec, const cv_adamw *options, int step, double scale, cv_store *weights,
                     cv_store *gradients, cv_store *first, cv_store *second);

#endif
