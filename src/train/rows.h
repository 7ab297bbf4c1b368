/* rows.h - a file of training rows, mapped: int32 text ids (pads behind), then frames of codes in time order; beside it
 * "ROWS.json" says how many of each. Every id is checked once, at opening. */
#ifndef CV_TRAIN_ROWS_H
#define CV_TRAIN_ROWS_H

#include "base/file.h"

typedef struct cv_rows {
    char *path;
    cv_mapping file;
    const int32_t *values; /* [count][text_places + frames * places] */
    size_t count;
    int text_places, frames, places;
    int32_t pad;
} cv_rows;

/* Rows for a network of `places` codes a frame; codes below image_codes, text ids below the vocabulary. */
cogvideo_status cv_rows_open(cv_rows *out, const char *path, int places, int image_codes, int vocabulary,
                             cogvideo_error *err);
void cv_rows_close(cv_rows *rows);

/* The text of a row without its pads, into `ids` [text_places]; their number. */
int cv_rows_text(const cv_rows *rows, size_t row, int32_t *ids);
/* The codes of a frame, [places]. */
const int32_t *cv_rows_frame(const cv_rows *rows, size_t row, int frame);

#endif
