/* jpeg.h - the one door to libjpeg. */
#ifndef CV_MEDIA_JPEG_H
#define CV_MEDIA_JPEG_H

#include "media/picture.h"

/* Baseline, 4:4:4 from quality 90 on and 4:2:0 below; the comment as COM markers. */
cv_picture_encode cv_jpeg_encode;
/* Grey, colour or CMYK, baseline or progressive, turned as EXIF says. Where libjpeg warns that it invents data (cut, codes damaged) it
 * is an error here. */
cv_picture_decode cv_jpeg_decode;
/* Whether a JPEG file says that the pictures behind the first are parts of the same photograph: a gain map, a stereo view, a preview. */
bool cv_jpeg_has_parts(const unsigned char *data, size_t size);

#endif
