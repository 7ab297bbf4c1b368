/* first_weights.h - weights of Phenaki's networks before the first step. */
#ifndef CV_FAMILY_PHENAKI_TRAIN_FIRST_WEIGHTS_H
#define CV_FAMILY_PHENAKI_TRAIN_FIRST_WEIGHTS_H

#include "family/phenaki/network/cvivit.h"

/* Matrices as PyTorch's, but normal: of deviation 1 / sqrt(3 times what goes in). The codebook starts later. */
void cv_first_cvivit(cv_store *store, const cv_cvivit_config *config, uint64_t seed);

#endif
