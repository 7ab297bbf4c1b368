/* init.h - weights before the first step, as a function of a seed and their names. */
#ifndef CV_TRAIN_INIT_H
#define CV_TRAIN_INIT_H

#include "tensor/store.h"

typedef enum cv_init_kind {
    CV_INIT_CONSTANT,
    CV_INIT_NORMAL, /* of standard deviation `value` */
    CV_INIT_FAN_IN, /* normal, of standard deviation value / sqrt(numbers that one output is made of) */
} cv_init_kind;

/* What tensors whose name matches start as; a '*' in the pattern stands for any text. */
typedef struct cv_init_rule {
    const char *pattern;
    cv_init_kind kind;
    float value;
} cv_init_rule;

/* Sets every tensor of a store in memory by the first of `rules` that fits its name, then by the house's own: norms 1,
 * biases 0, embeddings normal 0.02, all else by fan-in with value 1. Values depend on the seed,
 * the name and the place in the tensor only. */
void cv_init_store(cv_store *store, uint64_t seed, const cv_init_rule *rules, size_t count);

/* Four normal numbers of mean 0 and deviation 1 for a place in a stream. */
void cv_init_normals(float out[4], uint64_t seed, uint64_t stream, uint64_t place);

#endif
