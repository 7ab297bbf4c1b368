#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CIFS_MAGIC 0xFF534D42u
#define SMB2_MAGIC 0xFE534D42u

cv_lock cv_file_lock(int file, bool wait)
{
    while (flock(file, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR)
            continue;
        if (errno == EWOULDBLOCK)
            return CV_LOCK_BUSY;
        return errno == ENOLCK || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS ? CV_LOCK_NONE
                                                                                            : CV_LOCK_FAILED;
    }
    return CV_LOCK_HELD;
}

void cv_file_unlock(int file)
{
    flock(file, LOCK_UN);
}

bool cv_file_locks_are_mandatory(int file)
{
    struct statfs system;

    return fstatfs(file, &system) == 0 &&
           ((uint32_t)system.f_type == CIFS_MAGIC || (uint32_t)system.f_type == SMB2_MAGIC);
}

cv_lock cv_file_open_locked(int *out, const char *path, int flags)
{
    struct stat opened, named;

    for (;; close(*out)) {
        cv_lock lock;

        /* O_NOFOLLOW: do not write through a link that somebody planted under that name. */
        *out = open(path, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (*out < 0)
            return CV_LOCK_FAILED;
        lock = cv_file_lock(*out, false);
        if (lock == CV_LOCK_BUSY || lock == CV_LOCK_FAILED)
            return lock;
        if (fstat(*out, &opened) != 0)
            return CV_LOCK_FAILED;
        if (lstat(path, &named) == 0) {
            if (opened.st_dev == named.st_dev && opened.st_ino == named.st_ino)
                return lock;
        } else if (errno != ENOENT) {
            return CV_LOCK_FAILED;
        }
    }
}

cogvideo_status cv_folder_lock(int *out, const char *folder, bool wait, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_lock lock;

    *out = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: the folder cannot be opened: %s", folder, strerror(errno));
    lock = cv_file_lock(*out, wait);
    if (lock == CV_LOCK_BUSY)
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "%s: another run is using this folder; wait until it ends, or choose another folder", folder);
    else if (lock == CV_LOCK_FAILED)
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: the folder cannot be locked: %s", folder, strerror(errno));
    if (status != COGVIDEO_OK)
        cv_folder_unlock(out);
    return status;
}

void cv_folder_unlock(int *lock)
{
    if (*lock >= 0)
        close(*lock);
    *lock = -1;
}
