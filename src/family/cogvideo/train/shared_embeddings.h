/* shared_embeddings.h - what the embeddings of image codes share while the trunk is trained. With a codebook of pairs
 * of colours (train/colour_pairs.h) that of a code is the sum of its pattern's and its colours':
 *
 *     table[code] = patterns[pattern of code] + pairs[colours of code]
 *
 * The table also gives the logits, so a pattern that is learned in one pair is known in all. The table is what a model
 * has in the end; what it is the sum of is only in checkpoints. */
#ifndef CV_FAMILY_COGVIDEO_TRAIN_SHARED_EMBEDDINGS_H
#define CV_FAMILY_COGVIDEO_TRAIN_SHARED_EMBEDDINGS_H

#include "tensor/store.h"
#include "train/colour_pairs.h"

/* Weights or their gradients. */
typedef struct cv_shared_embeddings {
    cv_colour_pairs codes;
    int width;
    float *patterns; /* [patterns + 1][width]: the last is that of codes of one colour */
    float *pairs;    /* [pairs + colours + 1][width]: one of each colour; the last is that of codes without use */
} cv_shared_embeddings;

/* Claims "patterns" and "pairs" of a store in memory, or of one that is planned. */
cogvideo_status cv_shared_embeddings_bind(cv_shared_embeddings *out, cv_store *store, const cv_colour_pairs *codes,
                                          int width, cogvideo_error *err);

/* Sets patterns and pairs by a table [codes][width]: exactly, but for rounding, where that is their sum. */
void cv_shared_embeddings_split(const cv_shared_embeddings *shared, const float *table);

/* The table becomes their sum. Returns the largest change of a number of it. */
double cv_shared_embeddings_join(const cv_shared_embeddings *shared, float *table);

/* Adds the gradients of a table to theirs, and clears it. */
void cv_shared_embeddings_gather(const cv_shared_embeddings *shared, float *table);

#endif
