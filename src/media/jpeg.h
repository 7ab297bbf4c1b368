/* jpeg.h - the one door to libjpeg. */
#ifndef CV_MEDIA_JPEG_H
#define CV_MEDIA_JPEG_H

#include "media/picture.h"

/* Baseline, 4:4:4 from quality 90 on and 4:2:0 below; the comment as COM markers. */
cv_picture_encode cv_jpeg_encode;
/* Grey or colour, baseline or progressive. What libjpeg only warns of (data cut, codes damaged) is an error here.
 * Rotation tags are not applied. */
cv_picture_decode cv_jpeg_decode;

#endif
