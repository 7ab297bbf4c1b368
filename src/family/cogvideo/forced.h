/* forced.h - the logits of every code of a clip given the true codes before it (teacher forcing), by one model or by two
 * side by side. */
#ifndef CV_FAMILY_COGVIDEO_FORCED_H
#define CV_FAMILY_COGVIDEO_FORCED_H

#include "family/cogvideo/family.h"

#include <cogvideo/generate.h>

#define CV_FORCED_MODELS 2

/* One place of the clip: each model's (guided) logits [image_codes] at temperature 1, and the code that stands there. */
typedef void cv_forced_see(void *user, int frame, int place, float *const logits[CV_FORCED_MODELS], int32_t code);

/* Whether options and clip can be walked with: first of all. */
cogvideo_status cv_forced_check(const cogvideo_model *model, const cogvideo_generate_options *options,
                                const cogvideo_tokens *clip, cogvideo_error *err);
/* Shows every place of the frames that `what` names; `count` models, 1 or 2, of one shape of network. */
cogvideo_status cv_forced_walk(const cogvideo_model *const models[CV_FORCED_MODELS], int count,
                               const cogvideo_generate_options *options, const cogvideo_score_options *what,
                               const cogvideo_tokens *clip, cv_forced_see *see, void *user, cogvideo_error *err);

#endif
