/* picture.h - one picture to and from bytes: what each picture format offers, and writing one to a file. */
#ifndef CV_MEDIA_PICTURE_H
#define CV_MEDIA_PICTURE_H

#include "media/stream.h"

typedef struct cv_picture {
    const uint8_t *pixels; /* [height][width][3] */
    int width, height;
    int quality;           /* 1 .. 100, for formats that lose something */
    const char *comment;   /* UTF-8, kept where the format has room; NULL = none */
} cv_picture;

/* Appends the picture as a whole file of its format. */
typedef cogvideo_status cv_picture_encode(cv_buffer *out, const cv_picture *picture, cogvideo_error *err);

/* Hands on the picture that `data` begins with, and says how many bytes it took. */
typedef cogvideo_status cv_picture_decode(cv_stream *stream, const unsigned char *data, size_t size, size_t *used,
                                          cogvideo_error *err);
/* What is known of a picture that says no more of itself. */
extern const cv_frame_facts cv_plain_picture;

/* PPM (P6, 8 bits). Read: comments, any maxval up to 255 (scaled to 255). Written: the comment as "# " lines. */
cv_picture_encode cv_ppm_encode;
cv_picture_decode cv_ppm_decode;

/* Encodes a picture and writes it to `path`, which appears when it is whole. */
cogvideo_status cv_picture_write(const char *path, cv_picture_encode *encode, const cv_picture *picture,
                                 cogvideo_error *err);

#endif
