/* mask.h - the mask of a run's options, on the grid of a step: which codes are drawn anew. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_MASK_H
#define CV_FAMILY_COGVIDEO_STEPS_MASK_H

#include "family/cogvideo/steps/photo.h"

/* mask [grid * grid]: 1 where a code of the window (cv_photo_window) is drawn anew, and how many of them are. Without a
 * mask in the options that are all. An error where the mask names none. */
cogvideo_status cv_mask_read(const cv_cogvideo *model, const cogvideo_generate_options *options, int grid,
                             uint8_t *mask, int *count, cogvideo_error *err);

#endif
