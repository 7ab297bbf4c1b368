/* file.h - reads, removes and syncs files; map.h maps them, output.h writes them. */
#ifndef CV_BASE_FILE_H
#define CV_BASE_FILE_H

#include "base/mem.h"

#include <stdbool.h>

/* Reads the whole of `path` ("-" is standard input), NUL-terminated, into `out`; more than `limit` bytes is an
 * error. */
cogvideo_status cv_file_read(cv_buffer *out, const char *path, size_t limit, cogvideo_error *err);

/* Removes a file; a missing file is not an error. */
cogvideo_status cv_file_remove(const char *path, cogvideo_error *err);

/* Flushes a file to the disk; returns false, with errno set, where that fails. File systems that cannot sync (FUSE
 * and network ones: EINVAL, EOPNOTSUPP, ENOSYS) count as success; EROFS does not: the file system failed and went
 * read-only. */
bool cv_file_sync(int file);

#endif
