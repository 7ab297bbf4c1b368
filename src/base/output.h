/* output.h - files that are written beside their place and get their name when they are complete. */
#ifndef CV_BASE_OUTPUT_H
#define CV_BASE_OUTPUT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>

/* A file that appears under its name only when it is complete: it is written to "path.partial" and then renamed.
 * Until then its partial file is locked where the file system has locks, except on SMB: a second run that would write
 * it fails. A path of "-" writes to standard output. */
typedef struct cv_output {
    FILE *stream;
    char *path, *partial; /* partial is NULL for standard output */
} cv_output;

/* Checks whether `path` may be written, before hours are spent: its folder must be writable, no other run may be
 * writing it, and neither the file nor its partial file may exist, unless `force` and they are regular files. "-" is
 * always allowed. */
cogvideo_status cv_output_check(const char *path, bool force, cogvideo_error *err);
/* Checks that the folder of `path` can be written to, and that no folder, device or pipe has that name. */
cogvideo_status cv_output_check_place(const char *path, cogvideo_error *err);
/* Fails if the file exists, unless `force`. */
cogvideo_status cv_output_check_new(const char *path, bool force, cogvideo_error *err);

cogvideo_status cv_output_open(cv_output *out, const char *path, cogvideo_error *err);
cogvideo_status cv_output_write(cv_output *out, const void *data, size_t size, cogvideo_error *err);
/* Hands what was written so far to the system, for those who read it already. */
cogvideo_status cv_output_flush(cv_output *out, cogvideo_error *err);
/* Brings to the disk what was written so far. Where several files belong together, that is done with all of them before
 * the first is committed, for what may fail yet is little. */
cogvideo_status cv_output_sync(cv_output *out, cogvideo_error *err);
/* Flushes to the disk and renames; removes the partial file on failure, but not one that is complete and cannot be
 * renamed. `out` is empty afterwards in any case. */
cogvideo_status cv_output_commit(cv_output *out, cogvideo_error *err);
/* Closes and removes the partial file; does nothing to an empty `out`, so it may follow a commit. */
void cv_output_abandon(cv_output *out);
/* Closes the file and keeps what was written so far under the partial name. */
void cv_output_keep_partial(cv_output *out);

/* Copies a regular file, which appears under its name when it is complete. */
cogvideo_status cv_output_copy(const char *to, const char *from, cogvideo_error *err);

#endif
