/* lock.h - locks files and folders against other runs, where the file system can. */
#ifndef CV_BASE_LOCK_H
#define CV_BASE_LOCK_H

#include "base/status.h"

#include <stdbool.h>

/* Locks an open file (flock) until it is closed; signals do not interrupt the wait. */
typedef enum cv_lock {
    CV_LOCK_HELD,
    CV_LOCK_NONE,  /* the file system has no locks: nobody can be kept out */
    CV_LOCK_BUSY,  /* somebody else has it, in this process or another; only without `wait` */
    CV_LOCK_FAILED /* errno says why */
} cv_lock;
cv_lock cv_file_lock(int file, bool wait);
void cv_file_unlock(int file);

/* Whether the lock of one descriptor keeps all others from the bytes of the file, as on SMB: also those by which a
 * library writes the same file. */
bool cv_file_locks_are_mandatory(int file);

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

#endif
