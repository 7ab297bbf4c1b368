/* token_names.h - the names of all ids of ICETK, of codes as of pieces: "<image_7>" is code 7. */
#ifndef CV_TOKENIZER_TOKEN_NAMES_H
#define CV_TOKENIZER_TOKEN_NAMES_H

#include "tokenizer/text.h"

#define CV_TOKEN_NAME 24 /* bytes of a code's name */

/* Returns the id of a name. "<image_N>" with digits alone is N, even where the codes are fewer; any other name is its
 * piece's, and one that no piece has, the empty one too, that of unknown characters. -1 where N is no possible id.
 * Where ids of pieces begin at 0 there are no codes, and only pieces have names. */
int32_t cv_token_find(const cv_text *text, const char *name);
/* Returns the name of an id, in `room` or owned by `text`; NULL where it is none of a code or piece. */
const char *cv_token_name(const cv_text *text, int32_t id, char room[CV_TOKEN_NAME]);

#endif
