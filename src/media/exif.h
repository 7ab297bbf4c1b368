/* exif.h - how a picture lies, as its EXIF data have it. Of all else in them nothing is read. */
#ifndef CV_MEDIA_EXIF_H
#define CV_MEDIA_EXIF_H

#include <stddef.h>

/* The orientation (turn.h) in EXIF data, which begin with a TIFF header; CV_TURN_NONE where they do not tell. */
int cv_exif_orientation(const unsigned char *data, size_t size);
/* The same of a whole PNG, WebP or TIFF file; CV_TURN_NONE of any other. */
int cv_exif_in_file(const unsigned char *data, size_t size);

#endif
