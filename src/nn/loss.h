/* loss.h - cross-entropy of rows of logits. */
#ifndef CV_NN_LOSS_H
#define CV_NN_LOSS_H

#include "nn/exec.h"

/* losses[r] = log(sum of e^logits[r]) - logits[r][labels[r]], in f64; then the row of logits [rows, V] becomes its
 * gradient, (softmax - onehot) * scale[r]. A row whose label is negative has loss 0 and gradient 0; labels are < V. */
void cv_cross_entropy(const cv_exec *exec, float *logits, double *losses, const int32_t *labels, const float *scale,
                      int rows, int V);

#endif
