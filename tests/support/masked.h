/* masked.h - the masked transformer and the critics of Phenaki's goldens, over weights that follow from their names. */
#ifndef TESTS_MASKED_H
#define TESTS_MASKED_H

#include "family/phenaki/network/masked.h"

enum { MASKED_SEED = 111, UNCONDITIONAL_SEED, TOKEN_CRITIC_SEED, SELF_CRITIC_SEED };

/* The sizes of all of them; the token critic has one layer. */
cv_masked_config masked_golden_config(bool critic);
/* Seeded weights in memory of what `config` binds; with `self` of a self critic as well. */
cv_store *masked_store(const cv_masked_config *config, bool self, int seed);
/* The network over seeded weights, which the caller closes before the store. */
cv_masked *masked_seeded(const cv_masked_config *config, int seed, cv_store **store);
/* A self critic's "to_pred" alone. */
cv_self_critic masked_self_critic(int width, int seed, cv_store **store);

#endif
