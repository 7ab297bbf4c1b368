/* normalize.h - prepares text for the pieces of a SentencePiece model: replaces characters by the model's character
 * map, folds spaces, puts a space before the text, writes spaces as U+2581. */
#ifndef CV_TOKENIZER_NORMALIZE_H
#define CV_TOKENIZER_NORMALIZE_H

#include "tokenizer/trie.h"

#define CV_NORMALIZED_LIMIT ((size_t)64 << 20) /* bytes; U+FDFA alone grows from 3 bytes to 33 */

/* The character map is a double array of 32-bit units, little-endian (a Darts-clone trie), whose leaves are offsets
 * of NUL-terminated replacements in the bytes behind it. */
typedef struct cv_normalizer {
    const cv_spm *spm;
    const unsigned char *units;
    size_t unit_count; /* 0: there is no map */
    const char *replacements;
    size_t replacements_size; /* the last byte is NUL */
    cv_trie whole;            /* pieces that are never changed: user-defined ones */
} cv_normalizer;

/* `spm` must outlive `out`. A map whose sizes contradict each other is COGVIDEO_ERROR_FORMAT. */
cogvideo_status cv_normalizer_open(cv_normalizer *out, const cv_spm *spm, cogvideo_error *err);
void cv_normalizer_close(cv_normalizer *normalizer);

/* Appends the normalized text to the empty buffer `out`, with each byte of broken UTF-8 as U+FFFD. Errors: a map
 * that leads outside itself (COGVIDEO_ERROR_FORMAT), a text that grows past CV_NORMALIZED_LIMIT
 * (COGVIDEO_ERROR_ARGUMENT); `out` then holds a part. The caller frees it in any case. */
cogvideo_status cv_normalize(const cv_normalizer *normalizer, const char *text, size_t size, cv_buffer *out,
                             cogvideo_error *err);

#endif
