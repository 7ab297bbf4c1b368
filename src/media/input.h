/* input.h - the bytes of a picture or a video: a regular file, or what came through a pipe, in memory. They are read
 * by calls and not mapped, so that hours of video take no memory. */
#ifndef CV_MEDIA_INPUT_H
#define CV_MEDIA_INPUT_H

#include "base/map.h"
#include "base/mem.h"

#define CV_INPUT_MAX_PIPE ((size_t)1 << 30) /* bytes that a pipe may give */

typedef struct cv_input {
    const char *path, *name; /* the name starts errors: "standard input" for "-" */
    int fd;                  /* of a regular file; negative if `memory` has all bytes */
    cv_buffer memory;
    cv_mapping mapping; /* made by cv_input_all */
    uint64_t size;
} cv_input;

/* "-" is standard input. `path` outlives the input. */
cogvideo_status cv_input_open(cv_input *out, const char *path, cogvideo_error *err);
void cv_input_close(cv_input *input);

/* Copies up to `size` bytes from `at` on; returns how many there were, 0 at the end, or a negative errno. */
long cv_input_read(const cv_input *input, uint64_t at, void *out, size_t size);
/* Returns the kind of the file by cv_file_kind; NULL where it is not recognized. */
const char *cv_input_kind(const cv_input *input);
/* Returns the whole input in one piece, valid until the input is closed. */
cogvideo_status cv_input_all(cv_input *input, const unsigned char **bytes, cogvideo_error *err);

#endif
