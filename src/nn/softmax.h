/* softmax.h - the softmax of one row of scores. */
#ifndef CV_NN_SOFTMAX_H
#define CV_NN_SOFTMAX_H

/* scores [count], at least one, become exp(score) / sum of all, in place. The sum in f64 keeps long rows exact. */
void cv_softmax(float *scores, int count);

#endif
