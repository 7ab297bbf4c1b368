/* path.h - takes paths apart and puts them together; what is at a path. */
#ifndef CV_BASE_PATH_H
#define CV_BASE_PATH_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

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
uint64_t cv_path_bytes(const char *path);

#endif
