/* colour_pairs.h - a codebook in which colour and pattern are apart. A patch has one colour, or a pattern of two. Every
 * pair of colours has the same patterns, so that what a network learns of a pattern in one pair holds in all others
 * (family/cogvideo/train/shared_embeddings.h).
 *
 * Two colours for each patch are the idea of block truncation coding (Delp and Mitchell, 1979). */
#ifndef CV_TRAIN_COLOUR_PAIRS_H
#define CV_TRAIN_COLOUR_PAIRS_H

#include "train/codebook.h"

/* The order of the codes: first those of one colour; then, pair by pair, its patterns; those that are left over at the
 * end are never used. */
typedef struct cv_colour_pairs {
    int codes;   /* of the codebook */
    int colours; /* codes of one colour */
    int count;   /* pairs of these colours; 0: the codebook has no such order */
} cv_colour_pairs;

/* How many patterns each pair has. */
static inline int cv_colour_pairs_patterns(const cv_colour_pairs *pairs)
{
    return (pairs->codes - pairs->colours) / pairs->count;
}

/* Sets the codes by `rows` vectors z [rows][3 * pixels], patches as the encoder returns them, channel by channel. The
 * colours are the centres of k-means over the patches of nearly one colour, or over all where those do not have as
 * many; the pairs, those whose mixtures most of the other patches are; the patterns, centres over each pixel's share of
 * a pair's second colour. The first colour, the ground, is the one that fills more patches. Returns how many colours
 * differ: fewer than asked for where the patches have no more, and then some codes mean the same. Scratch is taken from
 * `arena` and given back; on a measuring arena nothing else happens. */
int cv_colour_pairs_start(const cv_exec *exec, const cv_codebook *codebook, const cv_colour_pairs *pairs,
                          const float *z, int rows, uint64_t seed, cv_arena *arena);

#endif
