/* shuffle.h - the orders that numpy's RandomState(seed) makes, which published scores shuffle their rows by. */
#ifndef CV_METRIC_SHUFFLE_H
#define CV_METRIC_SHUFFLE_H

#include <stdint.h>

/* order [count] = RandomState(seed).permutation(count), which is also the order that RandomState(seed).shuffle brings
 * `count` rows into. */
void cv_numpy_permutation(int32_t *order, int count, uint32_t seed);

#endif
