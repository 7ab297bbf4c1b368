/* utf8.h - characters of UTF-8 text that may be broken. */
#ifndef CV_BASE_UTF8_H
#define CV_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Returns the bytes of the well-formed character at the start of `text`, 1 .. 4, or 0: overlong forms, surrogates,
 * numbers past U+10FFFF and truncated or stray bytes are not characters. `size` is at least 1. */
size_t cv_utf8_length(const char *text, size_t size);

/* Whether a terminal acts on the well-formed character at the start of `text`: C0, DEL or C1. */
bool cv_utf8_is_control(const char *text);

/* Returns the number of bytes of well-formed characters at the start of `text`: `size` where all of it is UTF-8. */
size_t cv_utf8_prefix(const char *text, size_t size);

/* Returns how many bytes of a text to quote, in whole characters: all, or about `limit` (at least 4) where it is
 * longer. */
size_t cv_utf8_excerpt(const char *text, size_t limit);

/* Returns the length of a UTF-8 byte order mark at the start: 3, or 0 where there is none. */
size_t cv_utf8_mark(const char *text, size_t size);
/* Returns the name that iconv has for the encoding ("UTF-16", "UTF-16LE", "UTF-32BE", ..) of a text that begins with
 * the byte order mark of another encoding than UTF-8, or with two ASCII characters in one; otherwise NULL. */
const char *cv_utf8_other(const char *text, size_t size);
/* The end of an error about such a text, after its name; takes the encoding twice. */
#define CV_UTF8_EXPECTED "is %s, UTF-8 was expected; 'iconv -f %s -t UTF-8' converts it"

/* Returns the length that the first byte announces, 1 .. 4, but at most `size`. Walks through normalized text, where
 * each stray continuation byte counts as a character. `size` is at least 1. */
size_t cv_utf8_step(const char *text, size_t size);

#endif
