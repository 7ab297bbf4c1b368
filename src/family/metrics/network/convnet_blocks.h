/* convnet_blocks.h - the shapes of a block's results; for the files that walk through a table. */
#ifndef CV_FAMILY_METRICS_NETWORK_CONVNET_BLOCKS_H
#define CV_FAMILY_METRICS_NETWORK_CONVNET_BLOCKS_H

#include "family/metrics/network/convnet.h"

#define CV_CONVNET_NAME 128

/* Volumes without numbers. */
typedef struct cv_convnet_shape {
    cv_volume steps[CV_CONVNET_STEPS]; /* results of the steps */
    cv_volume result;                  /* of the block: channels of all that joins, the last step's size */
    int units;
    bool fits; /* false: some window is larger than its volume */
} cv_convnet_shape;

/* The shapes of a block whose units have these widths, for what enters it. */
cv_convnet_shape cv_convnet_shape_of(const cv_convnet_block *block, const int *widths, const cv_volume *in);
/* What step `s` reads: one of `results`, or what enters the block. */
static inline const cv_volume *cv_convnet_source(const cv_convnet_block *block, int s, const cv_volume *results,
                                                 const cv_volume *in)
{
    return block->steps[s].back > 0 ? &results[s - block->steps[s].back] : in;
}
/* "BLOCK.STEP", or the block's name alone where it is one step or `step` is NULL; then `tail`. */
void cv_convnet_name(char out[CV_CONVNET_NAME], const cv_convnet_block *block, const cv_convnet_step *step,
                     const char *tail);

#endif
