/* networks.h - the tensors of whole networks, as lists of seeded tensors: one function per network. */
#ifndef TESTS_NETWORKS_H
#define TESTS_NETWORKS_H

#include "support/seeded.h"

/* The image tokenizer: an encoder of widths channels * (1, 2, 4), decoders for rates 16, 8 and 4. */
void networks_image_tokenizer(seeded_list *list, int seed, int channels, int latent, int codes);

/* The trunk's "transformer.*"; the MLP is 4 * hidden wide. */
void networks_trunk(seeded_list *list, int seed, int layers, int hidden, int vocabulary, int positions);
/* "mixins.*" that a stage of the video network and the upscaler both have; `extra_positions` rows. */
void networks_plus(seeded_list *list, int seed, int layers, int hidden, int extra_positions);
/* All of a stage's "mixins.*". */
void networks_stage(seeded_list *list, int seed, int layers, int hidden, int extra_positions);
/* A whole upscaler: trunk and mixins of one seed. */
void networks_upscaler(seeded_list *list, int seed, int layers, int hidden, int vocabulary, int positions,
                       int extra_positions);
/* A whole refiner: trunk and extra positions of one seed. */
void networks_refiner(seeded_list *list, int seed, int layers, int hidden, int vocabulary, int positions,
                      int extra_positions);

#endif
