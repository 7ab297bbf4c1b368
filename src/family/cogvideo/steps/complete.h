/* complete.h - what else there is to know of completion (complete.c) before it runs. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_COMPLETE_H
#define CV_FAMILY_COGVIDEO_STEPS_COMPLETE_H

#include "family/cogvideo/model/model.h"

#include <cogvideo/generate.h>

/* The mask of the options on the grid of first frames, as cv_mask_read gives it; an error, too, where there is none or
 * where it leaves nothing of the picture. */
cogvideo_status cv_complete_mask(const cv_cogvideo *model, const cogvideo_generate_options *options, uint8_t *mask,
                                 int *count, cogvideo_error *err);
/* Whether it is given codes, of a picture of grid x grid (0 = none), or a picture in the options. */
cogvideo_status cv_complete_check(const cv_cogvideo *model, const cogvideo_generate_options *options, int grid,
                                  cogvideo_error *err);

/* Bytes that it allocates, with a text of so many tokens. */
void cv_complete_bytes(const cv_cogvideo *model, const cv_stage *stage, int text, int samples, int lookahead,
                       uint64_t *caches, uint64_t *scratch);

#endif
