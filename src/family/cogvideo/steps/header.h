/* header.h - how a clip was made, as the JSON object of its token stream's header. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_HEADER_H
#define CV_FAMILY_COGVIDEO_STEPS_HEADER_H

#include "base/json.h"
#include "family/cogvideo/model/model.h"

#include <cogvideo/generate.h>

/* A JSON object that begins as a copy of an earlier clip's header (NULL: empty). */
cogvideo_status cv_header_begin(cv_json **out, const cv_cogvideo *model, const cogvideo_generate_options *options,
                                const char *earlier, cogvideo_error *err);
/* Makes it the header of a clip; frees it, also after an error. */
cogvideo_status cv_header_end(cv_json **header, cogvideo_tokens *clip, cogvideo_error *err);
/* The same for clips [samples], each of which tells of its own sample. */
cogvideo_status cv_header_end_samples(cv_json **header, cogvideo_tokens *clips,
                                      const cogvideo_generate_options *options, cogvideo_error *err);

#endif
