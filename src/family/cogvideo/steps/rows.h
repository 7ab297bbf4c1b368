/* rows.h - what is finished: rows of codes, kept by the caller and recalled from it, so that a run that was cut short goes on, and frames. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_ROWS_H
#define CV_FAMILY_COGVIDEO_STEPS_ROWS_H

#include "family/cogvideo/model/description.h"

#include <cogvideo/generate.h>

/* A row of codes of a frame. Where it stands is what journals know it by. */
typedef struct cv_code_row {
    cv_step_kind step;
    int round;      /* of interpolation, counted from the key frames; 0 elsewhere */
    int sample, frame;
    int row, count; /* from the top, and its codes */
} cv_code_row;

static inline cogvideo_unit cv_row_unit(const cv_code_row *row)
{
    return (cogvideo_unit){ cv_step_name(row->step), row->sample, (int64_t)row->round << 40 | (int64_t)row->frame << 16 | row->row };
}

/* True where the caller knows the row and all its codes are below `limit`; `codes` is undefined otherwise. */
static inline bool cv_row_recall(const cogvideo_callbacks *callbacks, const cv_code_row *row, int limit, int32_t *codes)
{
    const cogvideo_unit unit = cv_row_unit(row);

    if (!callbacks || !callbacks->recall ||
        !callbacks->recall(callbacks->user, &unit, codes, (size_t)row->count * sizeof *codes))
        return false;
    for (int i = 0; i < row->count; i++)
        if (codes[i] < 0 || codes[i] >= limit)
            return false;
    return true;
}

/* Other than 0: stop. */
static inline int cv_row_keep(const cogvideo_callbacks *callbacks, const cv_code_row *row, const int32_t *codes)
{
    const cogvideo_unit unit = cv_row_unit(row);

    return callbacks && callbacks->keep ? callbacks->keep(callbacks->user, &unit, codes, (size_t)row->count * sizeof *codes) : 0;
}

/* Frame `frame` of the clip is finished. Other than 0: stop. */
static inline int cv_frame_done(const cogvideo_callbacks *callbacks, const cogvideo_tokens *clip, int sample, int frame)
{
    const cogvideo_code_frame done = { sample, frame, clip->times[frame], clip->height, clip->width,
                                       clip->codes + (size_t)frame * cogvideo_tokens_per_frame(clip) };

    return callbacks->frame ? callbacks->frame(callbacks->user, &done) : 0;
}

#endif
