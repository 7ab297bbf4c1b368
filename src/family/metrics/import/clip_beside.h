/* clip_beside.h - what the tensors of a CLIP do not tell stands in a config beside its file. */
#ifndef CV_FAMILY_METRICS_IMPORT_CLIP_BESIDE_H
#define CV_FAMILY_METRICS_IMPORT_CLIP_BESIDE_H

#include "family/metrics/network/clip.h"

#include <cogvideo/common.h>

/* Fills gelu, heads, mean and deviation. `act` is the user's word, "quick" or "gelu", which is believed; NULL = none.
 * `openai`: an archive of OpenAI, which has no config. Otherwise the config is config.json (`hugging_face`) or
 * open_clip_config.json in the folder of `path`; without it and without `act` the form of GELU is not known, an error.
 */
cogvideo_status cv_clip_beside(cv_clip_config *out, const char *path, bool openai, bool hugging_face, const char *act,
                               const cogvideo_log *log, cogvideo_error *err);

#endif
