/* utf8.h - characters of UTF-8 text that may be broken. */
#ifndef CV_BASE_UTF8_H
#define CV_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed character at the start of `text`, 1 .. 4, or 0: overlong forms, surrogates, numbers past
 * U+10FFFF and cut or stray bytes are no characters. `size` is at least 1. */
size_t cv_utf8_length(const char *text, size_t size);

/* Whether a terminal acts on the well-formed character at the start of `text`: C0, DEL or C1. */
bool cv_utf8_is_control(const char *text);

/* Bytes of well-formed characters at the start of `text`: `size` where all of it is UTF-8. */
size_t cv_utf8_prefix(const char *text, size_t size);

/* Bytes of the byte order mark that some editors put before UTF-8: 3, or 0 where there is none. */
size_t cv_utf8_mark(const char *text, size_t size);
/* The encoding of a text that begins with the mark of another one, or with two ASCII characters in such: "UTF-16", "UTF-16LE", "UTF-32BE",
 * .. as iconv calls it. NULL of all else. */
const char *cv_utf8_other(const char *text, size_t size);
/* What errors say of such a text, behind its name; the encoding goes in twice. */
#define CV_UTF8_EXPECTED "is %s, UTF-8 was expected; 'iconv -f %s -t UTF-8' converts it"

/* Bytes that the first byte alone promises, 1 .. 4, but never more than `size`: the step of a text that was
 * normalised, where stray continuation bytes count as characters of one byte. `size` is at least 1. */
size_t cv_utf8_step(const char *text, size_t size);

#endif
