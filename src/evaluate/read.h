/* read.h - reads the chosen frames of a set's clips. */
#ifndef CV_EVALUATE_READ_H
#define CV_EVALUATE_READ_H

#include "evaluate/frames.h"
#include "evaluate/set.h"

/* What reading needs to know. */
typedef struct cv_reading {
    const cv_set *set;
    const cv_protocol *protocol;
    cv_side side;
    const cogvideo_model *model; /* decodes codes, and is the tokenizer of real clips; may be NULL */
    int (*poll)(void *user);     /* other than 0: stop with COGVIDEO_ERROR_CANCELLED; may be NULL */
    void *user;
} cv_reading;

/* Clip `which` of an item. *left_out: the clip is too short, or its file is damaged, and `why` is the sentence about
 * it; nothing is in `out` then. */
cogvideo_status cv_read_clip(const cv_reading *reading, const cv_item *item, int which, cv_chosen *out, bool *left_out,
                             cogvideo_error *why, cogvideo_error *err);

#endif
