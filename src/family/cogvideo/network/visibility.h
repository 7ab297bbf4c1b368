/* visibility.h - which places of which frames a place of a frame sees, as runs of the frame caches.
 *
 * README.md of this folder has the whole network. Text is seen by all (the caller adds it), the base channel is
 * spatial, the plus channel temporal. Stage 1 sees earlier frames whole; stage 2 sees a window of each.
 *
 * Two rules, and both must be reproduced. *Given* frames of stage 2 come in one pass without causality, and in
 * shifted layers the frame is rolled before it is cut into windows, so a border window joins opposite edges.
 * *Generated* places come one by one, and their windows are cut off at the borders. */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_VISIBILITY_H
#define CV_FAMILY_COGVIDEO_NETWORK_VISIBILITY_H

#include "family/cogvideo/network/config.h"
#include "nn/attention.h"

typedef enum cv_stage_kind {
    CV_STAGE_SEQUENTIAL = 1,  /* stage 1: key frames in time order */
    CV_STAGE_INTERPOLATE = 2, /* stage 2: known frames, then those between them */
} cv_stage_kind;

/* A place of a frame. */
typedef struct cv_place {
    int slot;       /* frame slot in the sequence */
    int index;      /* 0 .. L-1, row by row; the output here predicts code `index` */
    bool generated; /* appended by a step, rather than given and passed as a whole */
} cv_place;

/* The slot's place in time: stage 2's known slots stand at even times, the generated ones between. */
int cv_slot_time(const cv_cogvideo_config *config, cv_stage_kind kind, int slot);

/* Base channel: its own frame, so far or (a given frame of stage 2) whole. One run, counted from the frame's first
 * place. */
cv_key_run cv_base_run(const cv_cogvideo_config *config, cv_stage_kind kind, cv_place place);

/* Most runs that cv_plus_runs can give. */
int cv_plus_max_runs(const cv_cogvideo_config *config, cv_stage_kind kind);
/* Most keys of frames that a place can see in either channel. */
int cv_visible_max(const cv_cogvideo_config *config);

/* Plus channel in a layer of this parity (odd layers of stage 2 are shifted by half a window): runs over all frames'
 * places, slot s beginning at s * L. Returns their number, at least 1. */
int cv_plus_runs(const cv_cogvideo_config *config, cv_stage_kind kind, int odd_layer, cv_place place, cv_key_run *runs);

#endif
