/* text.h - the text tokenizer: text to ids and back, equal to the SentencePiece library id by id. */
#ifndef CV_TOKENIZER_TEXT_H
#define CV_TOKENIZER_TEXT_H

#include "base/mem.h"

#define CV_TEXT_LIMIT ((size_t)16 << 20) /* bytes of a text to encode, ids of a list to decode */

/* Read-only once open: many threads may use it at the same time. */
typedef struct cv_text cv_text;

/* What ICETK, the tokenizer of CogView2 and CogVideo, has behind the pieces of its model: <start_of_image>,
 * <start_of_english>, <start_of_chinese>, and NULL. */
#define CV_ICETK_APPENDED 3
extern const char *const cv_icetk_appended[CV_ICETK_APPENDED + 1];

/* Opens a SentencePiece unigram `.model` file, whose first piece gets the id `first_id` (0 or more). The texts of
 * `appended`, a list up to NULL, or NULL for none, become ordinary pieces of score 0 after its last one. Errors name
 * the file: see cv_spm_open and cv_normalizer_open. */
cogvideo_status cv_text_open(cv_text **out, const char *path, int first_id, const char *const *appended,
                             cogvideo_error *err);
void cv_text_close(cv_text **text);

/* The same tokenizer with some pieces discouraged: they score as badly as in ICETK, so that a text is segmented without
 * them wherever it can be; user-defined pieces are matched first as before. Pieces are given by name, and by number
 * from 0 on, without the first id. What was discouraged in `text` stays so. `text` must outlive *out. A name or number
 * that is no piece's is COGVIDEO_ERROR_ARGUMENT. */
cogvideo_status cv_text_discourage(cv_text **out, const cv_text *text, const char *const *names, size_t name_count,
                                   const int32_t *numbers, size_t number_count, cogvideo_error *err);

/* Returns the number of pieces, including the appended ones. */
int cv_text_pieces(const cv_text *text);
/* Returns the id of the first of them; the others follow. */
int32_t cv_text_first_id(const cv_text *text);
/* Returns the id of a piece, such as "<pad>", or -1 where the model has no piece of that name. */
int32_t cv_text_id(const cv_text *text, const char *piece);
/* Returns the id of the piece that stands for unknown characters. */
int32_t cv_text_unknown_id(const cv_text *text);
/* Returns the piece of an id, owned by `text`; NULL where the id is none of a piece. */
const char *cv_text_piece(const cv_text *text, int32_t id);

/* Returns the ids of `size` bytes of UTF-8 (broken bytes become U+FFFD, NUL bytes are characters). Line breaks
 * become spaces, or "<n>" each if `keep_line_breaks`. *ids is fresh memory (cv_free), not NULL even if *count is 0.
 * A text of more than CV_TEXT_LIMIT bytes is COGVIDEO_ERROR_ARGUMENT. */
cogvideo_status cv_text_encode(const cv_text *text, const char *bytes, size_t size, bool keep_line_breaks,
                               int32_t **ids, size_t *count, cogvideo_error *err);

/* Appends to `out` the parts of a text that no piece of the model covers, separated by ", ": each becomes <unk>. */
cogvideo_status cv_text_unknown(const cv_text *text, const char *bytes, size_t size, cv_buffer *out,
                                cogvideo_error *err);

/* Returns the text of `count` ids, NUL-terminated in fresh memory (cv_free). "<n>" becomes a line break, the unknown
 * piece what the model says (by default U+2047 between spaces), control pieces nothing. An id that is not a piece,
 * or a text of more than 64 MB, is COGVIDEO_ERROR_ARGUMENT. */
cogvideo_status cv_text_decode(const cv_text *text, const int32_t *ids, size_t count, char **out, cogvideo_error *err);

#endif
