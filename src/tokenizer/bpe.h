/* bpe.h - the text tokenizer of CLIP: byte pairs. Texts are cleaned (clean.h), split into words, and each word into
 * tokens, equal to OpenAI's and open_clip's id by id. */
#ifndef CV_TOKENIZER_BPE_H
#define CV_TOKENIZER_BPE_H

#include "base/mem.h"

#define CV_BPE_TEXT_LIMIT ((size_t)1 << 20) /* bytes of a text to encode */
#define CV_BPE_IDS_LIMIT ((size_t)16 << 20) /* ids of a list to decode; cleaning may make a text longer */

/* How the tokens before and behind a text are named. A text that holds such a name has that token there. */
typedef enum cv_bpe_names {
    CV_BPE_OPENAI,    /* <|startoftext|>, <|endoftext|> */
    CV_BPE_OPEN_CLIP, /* <start_of_text>, <end_of_text> */
} cv_bpe_names;

/* Read-only once open: many threads may use it at the same time. */
typedef struct cv_bpe cv_bpe;

/* Opens a vocabulary file: see cv_bpe_vocabulary_open. */
cogvideo_status cv_bpe_open(cv_bpe **out, const char *path, cv_bpe_names names, cogvideo_error *err);
void cv_bpe_close(cv_bpe **bpe);

/* Returns the number of ids, which a model's token embedding has rows for: 49408 of CLIP's own vocabulary. The last
 * two are those of the start and of the end. */
int cv_bpe_ids(const cv_bpe *bpe);
int32_t cv_bpe_start(const cv_bpe *bpe);
int32_t cv_bpe_end(const cv_bpe *bpe);
/* Returns the SHA-256 of the file in hexadecimal digits, owned by `bpe`. */
const char *cv_bpe_sha256(const cv_bpe *bpe);

/* Returns the ids of `size` bytes of text (not NULL), without start and end. *ids is fresh memory (cv_free), not NULL
 * even if *count is 0. Errors: a text of more than CV_BPE_TEXT_LIMIT bytes, and those of cv_clean. */
cogvideo_status cv_bpe_encode(const cv_bpe *bpe, const char *text, size_t size, int32_t **ids, size_t *count,
                              cogvideo_error *err);

/* Writes the row that CLIP takes of a text: start, words, end, then zeros up to `context` (2 or more) ids. *count (may
 * be NULL) is the number of ids before the zeros. A text that needs more is COGVIDEO_ERROR_ARGUMENT, or, with `cut`,
 * ends after context - 1 ids with that of the end. */
cogvideo_status cv_bpe_row(const cv_bpe *bpe, const char *text, size_t size, bool cut, int32_t *row, size_t context,
                           size_t *count, cogvideo_error *err);

/* Returns the text of `count` ids, in fresh memory (cv_free) with a NUL behind its *size bytes: a space behind each
 * word, and U+FFFD for what is no UTF-8. An id that is none, more than CV_BPE_IDS_LIMIT of them, or a text of more
 * than 64 MB is COGVIDEO_ERROR_ARGUMENT. */
cogvideo_status cv_bpe_decode(const cv_bpe *bpe, const int32_t *ids, size_t count, char **text, size_t *size,
                              cogvideo_error *err);

#endif
