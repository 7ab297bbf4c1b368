/* rows.h - finished rows of codes, told to the caller and recalled from it, so that a run that was cut short goes on. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_ROWS_H
#define CV_FAMILY_COGVIDEO_STEPS_ROWS_H

#include <cogvideo/generate.h>

#include <stdbool.h>

/* True where the caller knows the row and all its codes are below `limit`; `codes` is undefined otherwise. */
static inline bool cv_row_recall(const cogvideo_callbacks *callbacks, const cogvideo_row *row, int limit, int32_t *codes)
{
    if (!callbacks || !callbacks->recall || !callbacks->recall(callbacks->user, row, codes))
        return false;
    for (int i = 0; i < row->count; i++)
        if (codes[i] < 0 || codes[i] >= limit)
            return false;
    return true;
}

/* Other than 0: stop. */
static inline int cv_row_tell(const cogvideo_callbacks *callbacks, const cogvideo_row *row, const int32_t *codes)
{
    return callbacks && callbacks->row ? callbacks->row(callbacks->user, row, codes) : 0;
}

#endif
