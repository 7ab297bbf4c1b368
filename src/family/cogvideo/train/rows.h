/* rows.h - a file of training rows, mapped: int32 text ids (pads behind), then frames of codes in time order; beside it
 * "ROWS.json" says how many of each. Every id is checked once, at opening. */
#ifndef CV_FAMILY_COGVIDEO_TRAIN_ROWS_H
#define CV_FAMILY_COGVIDEO_TRAIN_ROWS_H

#include "base/file.h"
#include "family/cogvideo/train/tokenizers.h"

#include <cogvideo/dataset.h>

#define CV_ROWS_FORMAT "cogvideo-rows"
#define CV_ROWS_VERSION 1

typedef struct cv_frame_rows {
    char *path;
    cv_mapping file;
    const int32_t *values; /* [count][text_places + frames * places] */
    size_t count;
    cogvideo_rows_kind kind;
    int text_places, frames, places;
    int32_t pad;
    char tokenizers[CV_TOKENIZERS_HASH]; /* that made it; empty where that is not known */
} cv_frame_rows;

/* "image", "stage1" or "stage2". */
const char *cv_frame_rows_kind_name(cogvideo_rows_kind kind);

/* Rows for a network of grid x grid codes a frame; codes below image_codes, text ids below the vocabulary, at least
 * one. */
cogvideo_status cv_frame_rows_open(cv_frame_rows *out, const char *path, int grid, int image_codes, int vocabulary,
                                   cogvideo_error *err);
void cv_frame_rows_close(cv_frame_rows *rows);

/* The text of a row without its pads, into `ids` [text_places]; their number. */
int cv_frame_rows_text(const cv_frame_rows *rows, size_t row, int32_t *ids);
/* The codes of a frame, [places]. */
const int32_t *cv_frame_rows_frame(const cv_frame_rows *rows, size_t row, int frame);

#endif
