/* palette.h - chooses a few colours for all of a clip by median cut. P. Heckbert, "Color image quantization for
 * frame buffer display", SIGGRAPH 1982. */
#ifndef CV_MEDIA_PALETTE_H
#define CV_MEDIA_PALETTE_H

#include "media/frame.h"

#define CV_PALETTE_CELLS 32768 /* colours of 5 bits per channel */

typedef struct cv_palette {
    int count;                       /* 1 .. 255 */
    uint8_t colours[255][3];         /* each is the mean of the pixels that it replaces */
    uint8_t index[CV_PALETTE_CELLS]; /* the nearest colour of each cell that occurs */
} cv_palette;

static inline int cv_palette_cell(const uint8_t *pixel)
{
    return (pixel[0] >> 3) << 10 | (pixel[1] >> 3) << 5 | pixel[2] >> 3;
}

/* Makes a palette for all frames of `video`. */
cogvideo_status cv_palette_make(cv_palette *palette, const cogvideo_video *video, cogvideo_error *err);

#endif
