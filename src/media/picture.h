/* picture.h - encodes and decodes a single picture, and writes one to a file. */
#ifndef CV_MEDIA_PICTURE_H
#define CV_MEDIA_PICTURE_H

#include "media/stream.h"

typedef struct cv_picture {
    const uint8_t *pixels; /* [height][width][3] */
    int width, height;
    int quality;         /* 1 .. 100, for lossy formats */
    const char *comment; /* UTF-8, kept where the format supports it; NULL = none */
} cv_picture;

/* Appends the picture as a complete file of its format. */
typedef cogvideo_status cv_picture_encode(cv_buffer *out, const cv_picture *picture, cogvideo_error *err);

/* Passes on the picture at the start of `data`; *used becomes its length in bytes. */
typedef cogvideo_status cv_picture_decode(cv_stream *stream, const unsigned char *data, size_t size, size_t *used,
                                          cogvideo_error *err);
/* The properties of a picture whose format states no others. */
extern const cv_frame_facts cv_plain_picture;

/* PPM (P6, 8 bits). Read: comments, any maxval up to 255 (scaled to 255). Written: the comment as "# " lines. */
cv_picture_encode cv_ppm_encode;
cv_picture_decode cv_ppm_decode;

/* Encodes a picture and writes it to `path`, which appears when it is complete. */
cogvideo_status cv_picture_write(const char *path, cv_picture_encode *encode, const cv_picture *picture,
                                 cogvideo_error *err);

#endif
