/* map.h - maps files for reading, and finds the file that an address belongs to. */
#ifndef CV_BASE_MAP_H
#define CV_BASE_MAP_H

#include "base/status.h"

#include <stdbool.h>

/* A regular file, mapped read-only, or read into memory where its file system cannot map files. If the file is
 * truncated while it is mapped, reading what was cut off raises SIGBUS, as with any mapping; the caller takes that
 * risk. */
typedef struct cv_mapping {
    const unsigned char *data; /* NULL for an empty file */
    size_t size;
    bool read; /* the data was read into memory */
} cv_mapping;

cogvideo_status cv_map_open(cv_mapping *out, const char *path, cogvideo_error *err);
void cv_map_close(cv_mapping *mapping);
/* Reads the whole file and keeps it in memory as long as it is open; returns false where the system does not allow
 * so much. */
bool cv_map_lock(const cv_mapping *mapping);

/* Returns the path (or the end of a long one) of the file that is mapped at an address; NULL where none is, or where
 * more files were open at once than are remembered. Async-signal-safe. */
const char *cv_map_name(const void *address);

#endif
