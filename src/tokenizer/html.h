/* html.h - replaces the character references of HTML in a text: "&lt;" by "<", "&#233;" and "&eacute;" by U+00E9.
 *
 * Texts are well-formed UTF-8. Names are those of HTML 5. */
#ifndef CV_TOKENIZER_HTML_H
#define CV_TOKENIZER_HTML_H

#include "base/mem.h"

/* Appends a text as Python's html.unescape makes it, which follows HTML 5: a number needs no semicolon, nor do the
 * names of HTML 3 ("&copy 2020"); numbers of characters that HTML does not allow become nothing, U+FFFD, or what
 * Windows-1252 has there. */
cogvideo_status cv_html_unescape(cv_buffer *out, const char *text, size_t size, cogvideo_error *err);

/* Appends a text as ftfy's unescape_html makes it: only references that end in a semicolon and have at most 24 letters
 * and digits; names that were written in capitals ("&EACUTE;") give capitals. A semicolon itself stays as it is. */
cogvideo_status cv_html_unescape_whole(cv_buffer *out, const char *text, size_t size, cogvideo_error *err);

/* Returns what Windows-1252 has at U+0080 .. U+009F, and any other character, or one of its five gaps, as it is. */
uint32_t cv_windows_1252(uint32_t code);

#endif
