/* coglm_rows.h - the rows that CogLM learns from: what goes in, who sees whom, what is to be predicted. A row is a text
 * alone, of which spans are predicted, or texts and a picture: the picture under a text, or the texts and holes of the
 * picture under the rest of it. All that is random is given.
 *
 * The elements of a row come in such an order that each sees one run or two of them (coglm.h). */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_COGLM_ROWS_H
#define CV_FAMILY_COGVIDEO_NETWORK_COGLM_ROWS_H

#include "family/cogvideo/network/coglm.h"

/* A row as elements; all arrays are the caller's, as long as the row. */
typedef struct cv_coglm_example {
    cv_element *elements;
    int32_t *labels; /* the id that follows an element in the row; of the last its own */
    uint8_t *loss;   /* 1: the label is to be predicted */
    int *places;     /* which place of the row an element is; NULL = not wanted */
    int count;
    int used; /* elements that matter: those behind them have no loss, and none of these sees one of them */
} cv_coglm_example;

/* --- text ----------------------------------------------------------------------------------------------------- */

/* Returns how many of the drawn lengths of spans are kept: from the first on, while their sum is at most `share` of a
 * row of `places`. A length of 0 becomes 1. */
int cv_coglm_keep_spans(int32_t *lengths, int count, int places, double share);

/* Text alone: position 0 and on. Span i is lengths[i] + 1 places, of which all but the last are predicted; it begins
 * at starts[i] and as many places later as the spans before it are long. Starts are different, rising, and at most
 * places - 1 - the sum of all lengths. What is outside of the spans, up to the last one, is seen by all and sees
 * itself; the rest sees that and all places up to its own. */
void cv_coglm_lay_text(cv_coglm_example *out, const int32_t *ids, int places, const int32_t *lengths,
                       const int32_t *starts, int spans);

/* --- texts and a picture -------------------------------------------------------------------------------------- */

#define CV_COGLM_TEXTS 2

typedef struct cv_picture_row {
    const int32_t *ids; /* [text_places + L]: texts, each with at least one pad behind it, then codes */
    int text_places;
    int32_t pad;
} cv_picture_row;

/* Returns the number of texts, at most CV_COGLM_TEXTS, and which places are theirs. */
int cv_coglm_texts(const cv_picture_row *row, cv_key_run texts[CV_COGLM_TEXTS]);

/* The picture under one of the texts, as in generation: <start_of_image> takes the last text place. Positions of the
 * text are 0 and on, of the picture frame_position and on, of all else 0. */
void cv_coglm_lay_picture(cv_coglm_example *out, const cv_cogvideo_config *config, const cv_picture_row *row,
                          cv_key_run text);

/* A rectangle of codes; all but its last column are followed by a code of the hole. */
typedef struct cv_coglm_hole {
    int row, column, rows, columns;
} cv_coglm_hole;

/* The texts, each behind the id that starts it (starts[i] of text i), under the whole picture; and the codes in holes,
 * row by row, under those in none and the holes so far. The codes that are predicted are those to the right of a code
 * in the same hole. Codes keep the positions that they have in generation, pads have 0. */
void cv_coglm_lay_texts(cv_coglm_example *out, const cv_cogvideo_config *config, const cv_picture_row *row,
                        const int32_t starts[CV_COGLM_TEXTS], const cv_coglm_hole *holes, int hole_count);

/* The picture with holes behind one of the texts, as completion lays it out (cv_completion_lay): what is drawn then is
 * predicted. CogLM was not trained so; a small model that shall complete is better for it. mask [L] is 1 where a code
 * is predicted; places [1 + L] is room to work in. */
void cv_coglm_lay_completion(cv_coglm_example *out, const cv_cogvideo_config *config, const cv_picture_row *row,
                             cv_key_run text, const uint8_t *mask, int *places);

#endif
