/* file.h - reads whole files up to a limit; writes files beside their place and renames them when they are complete;
 * locks and syncs where the file system can. map.h maps files. */
#ifndef CV_BASE_FILE_H
#define CV_BASE_FILE_H

#include "base/map.h"
#include "base/mem.h"

#include <stdio.h>

/* Reads the whole of `path` ("-" is standard input), NUL-terminated, into `out`; more than `limit` bytes is an
 * error. */
cogvideo_status cv_file_read(cv_buffer *out, const char *path, size_t limit, cogvideo_error *err);

/* Returns a phrase that says what a file with these first bytes is ("an HTML page", "a gzip archive", "an empty
 * file"), or NULL where it is not recognized. */
const char *cv_file_kind(const void *data, size_t size);

/* A file that appears under its name only when it is complete: it is written to "path.partial" and then renamed.
 * Until then its partial file is locked, except on SMB: a second run that would write it fails. A path of "-" writes
 * to standard output. */
typedef struct cv_output {
    FILE *stream;
    char *path, *partial; /* partial is NULL for standard output */
} cv_output;

/* Checks whether `path` may be written, before hours are spent: its folder must be writable, no other run may be
 * writing it, and neither the file nor its partial file may exist, unless `force` and they are regular files. "-" is
 * always allowed. */
cogvideo_status cv_output_check(const char *path, bool force, cogvideo_error *err);
/* Fails if the file exists, unless `force`. */
cogvideo_status cv_output_check_new(const char *path, bool force, cogvideo_error *err);

cogvideo_status cv_output_open(cv_output *out, const char *path, cogvideo_error *err);
cogvideo_status cv_output_write(cv_output *out, const void *data, size_t size, cogvideo_error *err);
/* Brings to the disk what was written so far. Where several files belong together, that is done with all of them before
 * the first is committed, for what may fail yet is little. */
cogvideo_status cv_output_sync(cv_output *out, cogvideo_error *err);
/* Flushes to the disk and renames; removes the partial file on failure. `out` is empty afterwards in either case. */
cogvideo_status cv_output_commit(cv_output *out, cogvideo_error *err);
/* Closes and removes the partial file; does nothing to an empty `out`, so it may follow a commit. */
void cv_output_abandon(cv_output *out);
/* Closes the file and keeps what was written so far under the partial name. */
void cv_output_keep_partial(cv_output *out);

/* Copies a regular file, which appears under its name when it is complete. */
cogvideo_status cv_file_copy(const char *to, const char *from, cogvideo_error *err);

/* Removes a file; a missing file is not an error. */
cogvideo_status cv_file_remove(const char *path, cogvideo_error *err);

/* Flushes a file to the disk; returns false, with errno set, where that fails. File systems that cannot sync (FUSE
 * and network ones: EINVAL, EOPNOTSUPP, ENOSYS) count as success; EROFS does not: the file system failed and went
 * read-only. */
bool cv_file_sync(int file);

/* Locks an open file (flock) until it is closed; signals do not interrupt the wait. */
typedef enum cv_lock {
    CV_LOCK_HELD,
    CV_LOCK_NONE,  /* the file system has no locks: nobody can be kept out */
    CV_LOCK_BUSY,  /* somebody else has it, in this process or another; only without `wait` */
    CV_LOCK_FAILED /* errno says why */
} cv_lock;
cv_lock cv_file_lock(int file, bool wait);

/* Opens a file, which is made where it is missing, with the flags of open(2) for access; locks it, without waiting; and
 * makes sure that it still has its name: a run that ends between the two renames or removes what was opened, so that
 * what is written would be lost or change its result. *out is negative where the file cannot be opened; otherwise the
 * caller closes it, also without a lock. */
cv_lock cv_file_open_locked(int *out, const char *path, int flags);

/* Locks a folder against others who lock it, too, in this process or another, until it is unlocked or the process
 * ends; *out is negative while no lock is held. Without `wait` it is an error that another has the lock. On a file
 * system without locks this succeeds without a lock. */
cogvideo_status cv_folder_lock(int *out, const char *folder, bool wait, cogvideo_error *err);
void cv_folder_unlock(int *lock);

/* "dir/name" in fresh memory, or NULL with err set. */
char *cv_path_join(const char *dir, const char *name, cogvideo_error *err);
/* Returns the folder of a file or folder, in fresh memory, or NULL with err set. */
char *cv_path_folder(const char *path, cogvideo_error *err);
/* Returns the part of a path after its last slash, a pointer into `path`. */
const char *cv_path_name(const char *path);
/* Whether a path has this ending, in upper or lower case, after something else. */
bool cv_path_ends_in(const char *path, const char *ending);
bool cv_path_is_dir(const char *path);
bool cv_path_is_regular(const char *path);
bool cv_path_exists(const char *path);
/* Returns the size of a file in bytes; 0 where there is none. */
uint64_t cv_file_bytes(const char *path);

#endif
