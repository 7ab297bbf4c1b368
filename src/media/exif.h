/* exif.h - reads the orientation of a picture from its EXIF data, and nothing else. */
#ifndef CV_MEDIA_EXIF_H
#define CV_MEDIA_EXIF_H

#include <stddef.h>

/* Returns the orientation (turn.h) in EXIF data, which begin with a TIFF header; CV_TURN_NONE where they have none. */
int cv_exif_orientation(const unsigned char *data, size_t size);
/* The same for a whole PNG, WebP or TIFF file; CV_TURN_NONE for any other. */
int cv_exif_in_file(const unsigned char *data, size_t size);

#endif
