#include "family/cogvideo/steps/mask.h"

#define MOST_PIXELS 16384 /* on a side */

/* In f32, as the original samples its masks: it decides which pixel a code at a fraction reads. */
static int pixel_of(int place, int grid, int pixels)
{
    return (int)((float)place * ((float)pixels / (float)grid));
}

cogvideo_status cv_mask_read(const cogvideo_generate_options *options, int grid, uint8_t *mask, int *count,
                             cogvideo_error *err)
{
    const int height = options->mask_height, width = options->mask_width;
    int masked = 0;

    if (options->mask && (height < 1 || width < 1 || height > MOST_PIXELS || width > MOST_PIXELS))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the mask has %dx%d places, 1 to %d on a side were expected",
                       width, height, MOST_PIXELS);
    for (int row = 0; row < grid; row++)
        for (int column = 0; column < grid; column++) {
            const size_t at = options->mask ? (size_t)pixel_of(row, grid, height) * (size_t)width +
                                                  (size_t)pixel_of(column, grid, width)
                                            : 0;

            masked += mask[row * grid + column] = !options->mask || options->mask[at] != 0;
        }
    if (masked == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the mask marks none of the picture's %dx%d codes: mark what is to be drawn anew, at least as "
                       "large as a code",
                       grid, grid);
    *count = masked;
    return COGVIDEO_OK;
}
