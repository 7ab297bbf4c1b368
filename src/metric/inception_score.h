/* inception_score.h - the Inception Score (Salimans et al., 2016) of class probabilities: e^(mean KL(p | q)), q the
 * mean of p over the rows. */
#ifndef CV_METRIC_INCEPTION_SCORE_H
#define CV_METRIC_INCEPTION_SCORE_H

#include "base/status.h"

#include <stdint.h>

typedef struct cv_inception_score {
    double mean, deviation; /* over splits; the deviation is the population's, 0 for one split */
} cv_inception_score;

/* probabilities [count][classes], taken in the order [count] (NULL = as they are), in 1 .. count splits: split i of s
 * holds rows i count / s up to (i + 1) count / s. A probability of 0 adds nothing, as its limit does. Rows need no sum
 * of 1. COGVIDEO_ERROR_ARGUMENT where a split would have no row, or a probability is negative or not finite. */
cogvideo_status cv_inception_score_of(const double *probabilities, int count, int classes, const int32_t *order,
                                      int splits, cv_inception_score *out, cogvideo_error *err);

#endif
