/* html_names.h - the named character references of HTML 5: "eacute" is U+00E9. */
#ifndef CV_TOKENIZER_HTML_NAMES_H
#define CV_TOKENIZER_HTML_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CV_HTML_NAME_LIMIT 31    /* bytes of the longest name */
#define CV_HTML_OLD_NAME_LIMIT 6 /* of the longest that needs no semicolon */

typedef struct cv_html_name {
    uint32_t codes[2]; /* the characters that it stands for */
    int count;         /* 1 or 2 */
    bool is_old;       /* it counts without a semicolon, too: it is older than that rule */
} cv_html_name;

/* Finds a name, without ampersand and semicolon; false where HTML has none. */
bool cv_html_name_find(cv_html_name *out, const char *name, size_t size);

#endif
