/* rng.h - random numbers as a pure function of a seed and a counter: Philox 4x32-10. J. Salmon et al., "Parallel
 * random numbers: as easy as 1, 2, 3", SC 2011. There is no state, so neither the order of draws nor the batch nor
 * the number of threads can change a value. */
#ifndef CV_BASE_RNG_H
#define CV_BASE_RNG_H

#include <stdint.h>

/* Four 32-bit values for this counter under this key. */
void cv_rng_block(uint32_t out[4], uint64_t seed, const uint32_t counter[4]);

/* A double in [0, 1) with 53 bits, from two 32-bit values. */
double cv_rng_unit(uint32_t high, uint32_t low);

#endif
