/* loss.h - cross-entropy of rows of logits. */
#ifndef CV_NN_LOSS_H
#define CV_NN_LOSS_H

#include "base/arena.h"
#include "nn/exec.h"

/* losses[r] = log(sum of e^logits[r]) - logits[r][labels[r]], in f64; then the row of logits [rows, V] becomes its
 * gradient, (softmax - onehot) * scale[r]. A row whose label is negative has loss 0 and gradient 0; labels are < V. */
void cv_cross_entropy(const cv_exec *exec, float *logits, double *losses, const int32_t *labels, const float *scale,
                      int rows, int V);

/* The sum of the mean losses of several questions, whose logits follow one another in each row: sizes[h] of question h,
 * whose answers are labels[r * heads + h]. losses[h] = the mean over rows; logits [rows, sum of sizes] become the
 * gradient of the sum of these means. */
void cv_cross_entropy_heads(const cv_exec *exec, float *logits, double *losses, const int32_t *labels, const int *sizes,
                            int heads, int rows, cv_arena *arena);

#endif
