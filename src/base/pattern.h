/* pattern.h - numbered file names: "frame-%04d.ppm". Never handed to printf: parsed and expanded here.
 *
 * A number is %d or %0Nd (N = 1 .. 9). Every other % is only a character: one in a folder's name, one that no digits and d follow
 * ("50% off.mp4"), and a bare %d that begins a word ("100%done.mp4"). In a name that has a number, %% stands for one % that begins none. */
#ifndef CV_BASE_PATTERN_H
#define CV_BASE_PATTERN_H

#include "base/mem.h"

/* Whether the file name part of `path` has a number, be it one too many or of a form that is not accepted ("%4d"). */
bool cv_pattern_is(const char *path);
/* COGVIDEO_ERROR_ARGUMENT unless it has exactly one, of the two accepted forms. */
cogvideo_status cv_pattern_check(const char *path, cogvideo_error *err);
/* Where that one begins, and one past its end; false where cv_pattern_check would fail. */
bool cv_pattern_find(const char *path, size_t *start, size_t *end);
/* The name of number `number` in fresh memory, or the name without its number where that is negative; the checks of cv_pattern_check
 * included. */
cogvideo_status cv_pattern_expand(char **out, const char *path, int number, cogvideo_error *err);

/* The path without its ending and without a pattern, in fresh memory: "out/clip.mp4" and "out/clip-%04d.jpg" give "out/clip". */
cogvideo_status cv_pattern_stem(char **out, const char *path, cogvideo_error *err);

#endif
