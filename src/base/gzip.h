/* gzip.h - unpacks gzip files (RFC 1952), by zlib. */
#ifndef CV_BASE_GZIP_H
#define CV_BASE_GZIP_H

#include "base/mem.h"

/* Whether these first bytes of a file are those of gzip. */
bool cv_gzip_is(const void *data, size_t size);

/* Appends what `size` bytes of a gzip file unpack to; several members follow each other, as gzip joins them, and zero
 * bytes behind the last are padding. Errors begin with `path`: a file that is damaged or cut short (checksums are
 * verified), more than `limit` bytes. */
cogvideo_status cv_gzip_unpack(cv_buffer *out, const void *data, size_t size, size_t limit, const char *path,
                               cogvideo_error *err);

#endif
