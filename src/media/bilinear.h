/* bilinear.h - resizing by bilinear interpolation without antialiasing, also where it shrinks: as the ICETK package
 * resizes pictures. Networks that were trained so read such pictures best. */
#ifndef CV_MEDIA_BILINEAR_H
#define CV_MEDIA_BILINEAR_H

/* out [out_height][out_width][channels] of in [height][width][channels]. */
void cv_bilinear(float *out, int out_height, int out_width, const float *in, int height, int width, int channels);

#endif
