/* jpeg.h - the only user of libjpeg. */
#ifndef CV_MEDIA_JPEG_H
#define CV_MEDIA_JPEG_H

#include "media/picture.h"

/* Writes baseline JPEG, 4:4:4 from quality 90 on and 4:2:0 below, with the comment in COM markers. */
cv_picture_encode cv_jpeg_encode;
/* Reads grey, colour or CMYK, baseline or progressive, turned as EXIF says. What libjpeg would fill in with a
 * warning (a cut file, damaged codes) is an error. */
cv_picture_decode cv_jpeg_decode;
/* Whether a JPEG file says that the pictures after the first are parts of the same photograph: a gain map, a stereo
 * view, a preview. */
bool cv_jpeg_has_parts(const unsigned char *data, size_t size);

#endif
