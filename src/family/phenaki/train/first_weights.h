/* first_weights.h - weights of Phenaki's networks before the first step. */
#ifndef CV_FAMILY_PHENAKI_TRAIN_FIRST_WEIGHTS_H
#define CV_FAMILY_PHENAKI_TRAIN_FIRST_WEIGHTS_H

#include "family/phenaki/network/cvivit.h"
#include "model/t5/t5.h"

/* Matrices as PyTorch's, but normal: of deviation 1 / sqrt(3 times what goes in); those that end a sublayer are much
 * smaller, which learns faster: the same steps of a tokenizer end 1.7 dB higher. The codebook starts later. */
void cv_first_cvivit(cv_store *store, const cv_cvivit_config *config, uint64_t seed);

/* The same of a masked transformer or a critic; `embeddings` is the deviation of the vectors of codes and places. */
void cv_first_masked(cv_store *store, double embeddings, uint64_t seed);
/* Those of T5. */
void cv_first_t5(cv_store *store, const cv_t5_config *config, uint64_t seed);

#endif
