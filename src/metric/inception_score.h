/* inception_score.h - the Inception Score (Salimans et al., 2016) of class probabilities. */
#ifndef CV_METRIC_INCEPTION_SCORE_H
#define CV_METRIC_INCEPTION_SCORE_H

#include "base/status.h"

#include <stdint.h>

typedef struct cv_inception_score {
    double mean, deviation; /* over splits; the deviation is the population's */
} cv_inception_score;

/* probabilities [count][classes] in f64, taken in the order [count] (NULL = as they are), in `splits` parts. */
cogvideo_status cv_inception_score_of(const double *probabilities, int count, int classes, const int32_t *order,
                                      int splits, cv_inception_score *out, cogvideo_error *err);
/* Softmax in f64 of logits [count][classes]. */
void cv_softmax_f64(double *out, const float *logits, int count, int classes);

#endif
