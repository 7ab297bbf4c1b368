/* clip.h - clips for tests: made, compared, and the bytes of the files that were written of them. */
#ifndef TESTS_CLIP_H
#define TESTS_CLIP_H

#include "base/mem.h"

#include <cogvideo/tokens.h>
#include <cogvideo/video.h>

/* Smooth frames at 8 fps: red rises to the right, green downwards, blue with time, each from 40 to 200. */
cogvideo_video clip_make(int width, int height, int frames);
/* The mean and the largest difference of the pixels of `a` from those of `b` at their places; `b` may be larger. */
double clip_mean_difference(const cogvideo_video *a, const cogvideo_video *b);
int clip_difference(const cogvideo_video *a, const cogvideo_video *b);
/* Writes to "TEMP/name", reads that back, and gives the largest difference; sizes must be equal. */
int clip_round_trip(const cogvideo_video *video, const char *name, const cogvideo_write_options *options);
/* The whole of the file "TEMP/name". */
cv_buffer clip_bytes(const char *name);

/* Writes codes [frames][grid * grid] to the token stream "TEMP/name", a frame a second. */
void clip_save_codes(const char *name, const int32_t *codes, int grid, int frames);
/* Reads one, which must be of that shape. */
cogvideo_tokens clip_load_codes(const char *name, int grid, int frames);

/* Puts bytes into a file of the test's folder, before byte `at`. */
void clip_insert(const char *name, size_t at, const void *bytes, size_t size);

#endif
