/* networks.h - the tensors of whole networks, as lists of seeded tensors: one function per network. */
#ifndef TESTS_NETWORKS_H
#define TESTS_NETWORKS_H

#include "support/seeded.h"

/* The image tokenizer: an encoder of widths channels * (1, 2, 4), decoders for rates 16, 8 and 4. */
void networks_image_tokenizer(seeded_list *list, int seed, int channels, int latent, int codes);

#endif
