/* pattern.h - numbered file names: "frame-%04d.ppm". Never handed to printf: parsed and expanded here. */
#ifndef CV_MEDIA_PATTERN_H
#define CV_MEDIA_PATTERN_H

#include "base/mem.h"

/* Whether the file name part of `path` has a '%'; one in a folder's name is only a character. */
bool cv_pattern_is(const char *path);
/* COGVIDEO_ERROR_ARGUMENT unless the file name has exactly one %d or %0Nd (N = 1 .. 9) and no other '%'. */
cogvideo_status cv_pattern_check(const char *path, cogvideo_error *err);
/* The name of number `number` (>= 0) in fresh memory; the checks of cv_pattern_check included. */
cogvideo_status cv_pattern_expand(char **out, const char *path, int number, cogvideo_error *err);

#endif
