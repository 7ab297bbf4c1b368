/* shuffle.h - the orders that numpy's RandomState(seed) makes, which published scores shuffle their rows by. */
#ifndef CV_METRIC_SHUFFLE_H
#define CV_METRIC_SHUFFLE_H

#include <stdint.h>

/* order [count] = RandomState(seed).permutation(count): MT19937, masked draws with rejection. */
void cv_numpy_permutation(int32_t *order, int count, uint32_t seed);

#endif
