/* pattern.h - numbered file names such as "frame-%04d.ppm". They are parsed and expanded here and never passed to
 * printf.
 *
 * A number is %d or %0Nd (N = 1 .. 9). Every other % is an ordinary character: one in a folder's name, one without
 * digits and a d behind it ("50% off.mp4"), and a bare %d that begins a word ("100%done.mp4"). In a name with a
 * number, %% stands for one ordinary %. */
#ifndef CV_BASE_PATTERN_H
#define CV_BASE_PATTERN_H

#include "base/mem.h"

/* Whether the file name part of `path` has a number, also when it has several or one of an unsupported form ("%4d"). */
bool cv_pattern_is(const char *path);
/* COGVIDEO_ERROR_ARGUMENT unless the name has exactly one number, in one of the two supported forms. */
cogvideo_status cv_pattern_check(const char *path, cogvideo_error *err);
/* Finds where the number begins and one past its end; returns false where cv_pattern_check would fail. */
bool cv_pattern_find(const char *path, size_t *start, size_t *end);
/* Puts number `number` into the name, in fresh memory; a negative number leaves the number out. Includes the checks
 * of cv_pattern_check. */
cogvideo_status cv_pattern_expand(char **out, const char *path, int number, cogvideo_error *err);

/* Sets *bytes to the sizes of all files that bear the name with any number, and returns how many there are. */
size_t cv_pattern_files(const char *path, uint64_t *bytes);
/* The path without its ending and without a pattern, in fresh memory: "out/clip.mp4" and "out/clip-%04d.jpg" give
 * "out/clip". */
cogvideo_status cv_pattern_stem(char **out, const char *path, cogvideo_error *err);

#endif
