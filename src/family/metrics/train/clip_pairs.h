/* clip_pairs.h - which clips and captions stand together in a batch of metric-clip.
 *
 * In a batch of random captions colour and background tell nearly all pairs apart, and nothing else is learned. So a
 * batch is made of families of four: a combination, and three that differ from it in one attribute each, motion among
 * them. */
#ifndef CV_FAMILY_METRICS_TRAIN_CLIP_PAIRS_H
#define CV_FAMILY_METRICS_TRAIN_CLIP_PAIRS_H

#include "family/metrics/train/clips.h"

#define CV_CLIP_FAMILY 4

typedef struct cv_clip_pairs cv_clip_pairs;

typedef struct cv_clip_pair {
    int combination, clip;
    cv_shapes_language language;
} cv_clip_pair;

/* Of a dataset, in which there are combinations enough for a batch; both arguments outlive it. */
cogvideo_status cv_clip_pairs_open(cv_clip_pairs **out, const cv_shapes *world, const cv_shapes_clips *clips, int batch,
                                   cogvideo_error *err);
void cv_clip_pairs_close(cv_clip_pairs **pairs);
/* Batch `index`, a function of the seed and the index alone: all combinations differ. */
void cv_clip_pairs_draw(cv_clip_pairs *pairs, uint64_t seed, uint64_t index, cv_clip_pair *out);

#endif
