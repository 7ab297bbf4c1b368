/* rows.h - rows of codes as the units of work that are kept and recalled. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_ROWS_H
#define CV_FAMILY_COGVIDEO_STEPS_ROWS_H

#include "family/cogvideo/model/description.h"
#include "family/work.h"

/* A row of codes of a frame. Where it stands is what journals know it by. */
typedef struct cv_code_row {
    cv_step_kind step;
    int round; /* of interpolation, counted from the key frames; 0 elsewhere */
    int sample, frame;
    int candidate;  /* of the frame, from 0 */
    int row, count; /* from the top, and its codes */
} cv_code_row;

static inline cogvideo_unit cv_row_unit(const cv_code_row *row)
{
    return (cogvideo_unit){ cv_step_name(row->step), row->sample,
                            (int64_t)row->candidate << 48 | (int64_t)row->round << 40 | (int64_t)row->frame << 16 |
                                row->row };
}

/* As cv_codes_recall and cv_codes_keep. */
static inline bool cv_row_recall(const cogvideo_callbacks *callbacks, const cv_code_row *row, int limit, int32_t *codes)
{
    const cogvideo_unit unit = cv_row_unit(row);

    return cv_codes_recall(callbacks, &unit, codes, row->count, limit);
}

static inline int cv_row_keep(const cogvideo_callbacks *callbacks, const cv_code_row *row, const int32_t *codes)
{
    const cogvideo_unit unit = cv_row_unit(row);

    return cv_codes_keep(callbacks, &unit, codes, row->count);
}

#endif
