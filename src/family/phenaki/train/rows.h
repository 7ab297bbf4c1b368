/* rows.h - a file of training rows of boxes, mapped: int32 text ids (-1 behind them), then the codes of a box in the
 * order time, row, column; beside it "ROWS.json" says how many of each. Every id is checked once, at opening. */
#ifndef CV_FAMILY_PHENAKI_TRAIN_ROWS_H
#define CV_FAMILY_PHENAKI_TRAIN_ROWS_H

#include "base/file.h"
#include "family/phenaki/model/model.h"

#include <cogvideo/dataset.h>

#define CV_BOX_ROWS_FORMAT "cogvideo-rows"
#define CV_BOX_ROWS_VERSION 1
#define CV_BOX_ROWS_PAD (-1)
#define CV_BOX_TOKENIZERS 17 /* characters of the number for both tokenizers, with the NUL */

typedef struct cv_box_rows {
    char *path;
    cv_mapping file;
    const int32_t *values; /* [count][text_places + T h w] */
    size_t count;
    int text_places, T, h, w;
    char tokenizers[CV_BOX_TOKENIZERS]; /* that made it; empty where that is not known */
} cv_box_rows;

/* Rows for a network of `codes` codes and texts of ids below `vocabulary`; 0 = no text is read. */
cogvideo_status cv_box_rows_open(cv_box_rows *out, const char *path, int codes, int vocabulary, cogvideo_error *err);
void cv_box_rows_close(cv_box_rows *rows);

/* The ids of a row's text; *count of them. */
const int32_t *cv_box_rows_text(const cv_box_rows *rows, size_t row, int *count);
/* The codes of a row, [T][h][w]. */
const int32_t *cv_box_rows_codes(const cv_box_rows *rows, size_t row);

/* A number for a model's codes and text model, by which rows are known that were made with others; empty where the
 * model lacks one of them. */
cogvideo_status cv_box_tokenizers(char out[CV_BOX_TOKENIZERS], const cv_phenaki *model, cogvideo_error *err);

#endif
