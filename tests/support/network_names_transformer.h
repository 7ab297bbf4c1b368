/* network_names_transformer.h - the tensors of the transformers, as seeded lists: names and shapes of the original. */
#ifndef TESTS_NETWORK_NAMES_TRANSFORMER_H
#define TESTS_NETWORK_NAMES_TRANSFORMER_H

#include "support/seeded.h"

/* "transformer.*"; the MLP is 4 * hidden wide. */
void networks_trunk(seeded_list *list, int seed, int layers, int hidden, int vocabulary, int positions);
/* "mixins.*" that a stage of the video network and the upscaler both have; `extra_positions` rows. */
void networks_plus(seeded_list *list, int seed, int layers, int hidden, int extra_positions);
/* A whole upscaler: trunk and mixins of one seed. */
void networks_upscaler(seeded_list *list, int seed, int layers, int hidden, int vocabulary, int positions,
                       int extra_positions);

#endif
