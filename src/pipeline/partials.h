/* partials.h - the finished frames of a run that goes on, each in a token stream beside the one that it becomes:
 * "clip.jsonl.partial". */
#ifndef CV_PIPELINE_PARTIALS_H
#define CV_PIPELINE_PARTIALS_H

#include "base/status.h"

#include <cogvideo/generate.h>

#include <stdbool.h>

typedef struct cv_partials {
    cogvideo_token_writer *writers[COGVIDEO_MAX_SAMPLES];
    const char *paths[COGVIDEO_MAX_SAMPLES];
    int frames[COGVIDEO_MAX_SAMPLES];
    int count, first_sample; /* writers[i] is of sample first_sample + i */
} cv_partials;

/* Opens a partial file for `path`; nothing is kept for "-". `header` has the fields of a clip but no frames. */
cogvideo_status cv_partials_add(cv_partials *partials, const char *path, const cogvideo_tokens *header,
                                cogvideo_error *err);
cogvideo_status cv_partials_frame(cv_partials *partials, const cogvideo_code_frame *frame, cogvideo_error *err);
/* Removes the partial files of a step that went well, or keeps those with frames and says so. */
void cv_partials_close(cv_partials *partials, bool keep, const cogvideo_log *log);

#endif
