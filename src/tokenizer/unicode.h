/* unicode.h - the only user of libutf8proc: categories, lower case and normalization forms of Unicode text, equal to
 * Python's.
 *
 * Texts are well-formed UTF-8 (cv_unicode_repair makes them so), may hold NUL characters, and all functions take time
 * in proportion to their length, whatever they hold. */
#ifndef CV_TOKENIZER_UNICODE_H
#define CV_TOKENIZER_UNICODE_H

#include "base/mem.h"

#define CV_UNICODE_BYTES 4        /* bytes of the longest character */
#define CV_UNICODE_BROKEN 0xfffdu /* stands for bytes that are no UTF-8 */

/* Appends a text as UTF-8, with each longest start of a character that breaks off as one U+FFFD. This is what Unicode
 * recommends, and what Python's errors="replace" does. */
cogvideo_status cv_unicode_repair(cv_buffer *out, const char *text, size_t size, cogvideo_error *err);

/* Returns the first character of a text of at least 1 byte, and its length in bytes. */
uint32_t cv_unicode_first(const char *text, size_t *length);
/* Appends one character, which is no surrogate. */
cogvideo_status cv_unicode_append(cv_buffer *out, uint32_t code, cogvideo_error *err);

/* The general categories L*, N* and Nd. */
bool cv_unicode_is_letter(uint32_t code);
bool cv_unicode_is_number(uint32_t code);
bool cv_unicode_is_digit(uint32_t code);
/* The property White_Space. */
bool cv_unicode_is_space(uint32_t code);

/* Appends the lower case of a text as Python's str.lower makes it: U+0130 becomes two characters, and a capital sigma
 * at the end of a word becomes the final one. */
cogvideo_status cv_unicode_lower(cv_buffer *out, const char *text, size_t size, cogvideo_error *err);
/* Returns the one character that Unicode has as the capital of another, or that itself. */
uint32_t cv_unicode_upper(uint32_t code);

/* Appends the composed normalization form of a text: canonical (NFC), or compatible (NFKC). */
cogvideo_status cv_unicode_nfc(cv_buffer *out, const char *text, size_t size, cogvideo_error *err);
cogvideo_status cv_unicode_nfkc(cv_buffer *out, const char *text, size_t size, cogvideo_error *err);

#endif
