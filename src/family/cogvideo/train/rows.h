/* rows.h - a file of training rows, mapped: int32 text ids (pads behind), then frames of codes in time order; beside it
 * "ROWS.json" says how many of each. Every id is checked once, at opening. */
#ifndef CV_FAMILY_COGVIDEO_TRAIN_ROWS_H
#define CV_FAMILY_COGVIDEO_TRAIN_ROWS_H

#include "train/rows_file.h"

/* The tensor that decides what a code stands for. */
#define CV_CODEBOOK "quantize.embed.weight"

/* cv_tokenizers_hash of that. */
cogvideo_status cv_frame_tokenizers(char out[CV_TOKENIZERS_HASH], const cogvideo_model *model, cogvideo_error *err);

typedef struct cv_frame_rows {
    cv_rows_file file; /* values [count][text_places + frames * places] */
    int text_places, frames, places;
    int32_t pad;
} cv_frame_rows;

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
