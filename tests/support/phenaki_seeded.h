/* phenaki_seeded.h - weights of Phenaki's networks as a function of their names: seeded.h's numbers with kinds of their
 * own, and codebooks of unit rows. */
#ifndef TESTS_PHENAKI_SEEDED_H
#define TESTS_PHENAKI_SEEDED_H

#include "tensor/store.h"

/* `count` values of a tensor from element `first` on. The name is that of the original's file, without the prefix of
 * the network. `embed_avg` and `embed` have whole rows of the last dimension. */
void phenaki_seeded_values(int seed, const char *name, int rank, const size_t *shape, size_t first, size_t count,
                           float *out);
/* Fills those tensors of a store in memory whose names begin with `prefix`, which is no part of the name that is
 * seeded; "" = all. */
void phenaki_seeded_fill(cv_store *store, const char *prefix, int seed);

#endif
