/* file_kind.h - says what kind of file something is, by its first bytes. */
#ifndef CV_BASE_FILE_KIND_H
#define CV_BASE_FILE_KIND_H

#include <stddef.h>

/* Returns a phrase that says what a file with these first bytes is ("an HTML page", "a gzip archive", "an empty
 * file"), or NULL where it is not recognized. */
const char *cv_file_kind(const void *data, size_t size);

#endif
