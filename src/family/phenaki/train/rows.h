/* rows.h - a file of training rows of boxes, mapped: int32 text ids (-1 behind them), then the codes of a box in the
 * order time, row, column; beside it "ROWS.json" says how many of each. Every id is checked once, at opening. */
#ifndef CV_FAMILY_PHENAKI_TRAIN_ROWS_H
#define CV_FAMILY_PHENAKI_TRAIN_ROWS_H

#include "family/phenaki/model/model.h"
#include "train/rows_file.h"

#define CV_BOX_ROWS_PAD (-1)

typedef struct cv_box_rows {
    cv_rows_file file; /* values [count][text_places + T h w] */
    int text_places, T, h, w;
    int context; /* latent frames at the beginning that are of what came before: 0 .. T - 1 */
} cv_box_rows;

/* Rows for a network of `codes` codes and texts of ids below `vocabulary`; 0 = no text is read. */
cogvideo_status cv_box_rows_open(cv_box_rows *out, const char *path, int codes, int vocabulary, cogvideo_error *err);
void cv_box_rows_close(cv_box_rows *rows);

/* The ids of a row's text; *count of them. */
const int32_t *cv_box_rows_text(const cv_box_rows *rows, size_t row, int *count);
/* The codes of a row, [T][h][w]. */
const int32_t *cv_box_rows_codes(const cv_box_rows *rows, size_t row);

/* cv_tokenizers_hash of the tensors that decide what a code stands for. */
cogvideo_status cv_box_tokenizers(char out[CV_TOKENIZERS_HASH], const cv_phenaki *model, cogvideo_error *err);

#endif
