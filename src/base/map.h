/* map.h - files mapped for reading, and whose mapping an address belongs to. */
#ifndef CV_BASE_MAP_H
#define CV_BASE_MAP_H

#include "base/status.h"

#include <stdbool.h>

/* A regular file, mapped read-only, or read into memory where its file system maps none. Truncating the file while it is mapped is the
 * caller's risk, as with any mapping: what was cut off raises SIGBUS. */
typedef struct cv_mapping {
    const unsigned char *data; /* NULL for an empty file */
    size_t size;
    bool read; /* it is in memory */
} cv_mapping;

cogvideo_status cv_map_open(cv_mapping *out, const char *path, cogvideo_error *err);
void cv_map_close(cv_mapping *mapping);
/* Reads it all, and keeps it in memory as long as it is open; false where the system does not allow so much. */
bool cv_map_lock(const cv_mapping *mapping);

/* The file that is mapped at an address, by its path or the end of a long one; NULL where none is, or more were open at once than are
 * remembered. May be called in a signal handler. */
const char *cv_map_name(const void *address);

#endif
