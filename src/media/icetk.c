#include "media/icetk.h"

#include "media/frame.h"
#include "media/scale.h"

#include <math.h>

cogvideo_status cv_icetk_resize(uint8_t *out, int size, const uint8_t *pixels, int height, int width,
                                cogvideo_error *err)
{
    const size_t count = (size_t)size * (size_t)size;
    cogvideo_status status;
    float *planes = NULL;

    CV_TRY(cv_frame_check_size(size, size, err));
    CV_NEW(planes, 3 * count, err);
    CV_TRY(cv_scale_to_square(planes, size, pixels, height, width, CV_SCALE_TORCH_BILINEAR, CV_CROP_SHORT_EVEN, err));
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            out[3 * i + c] = (uint8_t)lrintf(planes[c * count + i]);
done:
    cv_free(planes);
    return status;
}

cogvideo_status cv_icetk_resize_planes(float *out, int size, const float *planes, int height, int width,
                                       cogvideo_error *err)
{
    return cv_scale_planes_to_square(out, size, planes, height, width, CV_SCALE_TORCH_BILINEAR, CV_CROP_SHORT_EVEN,
                                     err);
}

cogvideo_status cogvideo_frame_resize(uint8_t *pixels, const cogvideo_frame *in, int width, int height,
                                      cogvideo_resize how, cogvideo_error *err)
{
    if (how != COGVIDEO_RESIZE_ICETK)
        return cogvideo_frame_fit(pixels, in, width, height, err);
    if (width != height)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "ICETK makes squares only, not frames of %d x %d pixels; resize those by area", width, height);
    return cv_icetk_resize(pixels, width, in->pixels, in->height, in->width, err);
}
