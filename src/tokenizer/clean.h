/* clean.h - cleans a text as CLIP's tokenizer does before it looks for words: ftfy.fix_text without its repair of
 * mojibake, html.unescape twice, white space, lower case. */
#ifndef CV_TOKENIZER_CLEAN_H
#define CV_TOKENIZER_CLEAN_H

#include "base/mem.h"

/* Appends the clean form of `size` bytes (not NULL; broken UTF-8 becomes U+FFFD): no white space at its ends, one space
 * where there was some within. A text that is still changing after many rounds, such as a chain of thousands of
 * "amp;", is COGVIDEO_ERROR_ARGUMENT. */
cogvideo_status cv_clean(cv_buffer *out, const char *text, size_t size, cogvideo_error *err);

#endif
