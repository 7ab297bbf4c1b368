/* frames.h - frames of a dataset as a model sees them. */
#ifndef CV_FAMILY_COGVIDEO_TRAIN_FRAMES_H
#define CV_FAMILY_COGVIDEO_TRAIN_FRAMES_H

#include "family/cogvideo/model/model.h"

#include <cogvideo/dataset.h>
#include <cogvideo/video.h>

/* How many frames of such a dataset lie from one of the model's frames to the next where these take `seconds`
 * altogether. */
cogvideo_status cv_frames_apart(const cv_cogvideo *model, const cogvideo_dataset_info *info, double seconds, int *out,
                                cogvideo_error *err);

/* `count` frames of such a dataset in the model's size, and their codes. `fitted` may be NULL. */
cogvideo_status cv_frames_encode(const cv_cogvideo *model, const cogvideo_dataset_info *info,
                                 const uint8_t *const *frames, int count, cogvideo_video *fitted,
                                 cogvideo_tokens *codes, cogvideo_error *err);

#endif
