#include "family/cogvideo/steps/mask.h"

/* In f32, as the original samples its masks: it decides which pixel a code at a fraction reads. */
static int pixel_of(int place, int grid, int pixels)
{
    return (int)((float)place * ((float)pixels / (float)grid));
}

cogvideo_status cv_mask_read(const cv_cogvideo *model, const cogvideo_generate_options *options, int grid,
                             uint8_t *mask, int *count, cogvideo_error *err)
{
    cogvideo_status status;
    cv_photo_part window;
    int masked = 0;

    CV_TRY(cv_photo_window(model, options, &window, err));
    for (int row = 0; row < grid; row++)
        for (int column = 0; column < grid; column++) {
            const int y = window.row + pixel_of(row, grid, window.height),
                      x = window.column + pixel_of(column, grid, window.width);

            masked += mask[row * grid + column] =
                !options->mask || options->mask[(size_t)y * (size_t)options->mask_width + (size_t)x] != 0;
        }
    if (masked == 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the mask marks none of the %dx%d codes: each is looked up at its upper left corner, so mark at "
                       "least as much as a code covers",
                       grid, grid);
    *count = masked;
done:
    return status;
}
