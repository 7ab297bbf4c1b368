/* icetk.h - how ICETK, the tokenizer of CogView2 and CogVideo, brings a picture to a size: the short side becomes the
 * wanted one and the long side follows, rounded down; bilinear between the two nearest pixels, also where that leaves
 * some out; then the centre, its place rounded half to even. The shape of a pixel does not count. */
#ifndef CV_MEDIA_ICETK_H
#define CV_MEDIA_ICETK_H

#include "base/status.h"

#include <stdint.h>

/* out [size][size][3] of pixels [height][width][3]: rounded to 8 bits, halves to even. Sizes are those of a frame
 * (media/frame.h). */
cogvideo_status cv_icetk_resize(uint8_t *out, int size, const uint8_t *pixels, int height, int width,
                                cogvideo_error *err);
/* out [3][size][size] of planes [3][height][width] of any numbers: not rounded, as ICETK leaves a picture of floats. */
cogvideo_status cv_icetk_resize_planes(float *out, int size, const float *planes, int height, int width,
                                       cogvideo_error *err);

#endif
