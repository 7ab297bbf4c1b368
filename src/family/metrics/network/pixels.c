#include "family/metrics/network/pixels.h"

void cv_pixels_volume(const cv_volume *out, const float *pixels, float scale, float offset)
{
    const size_t plane = (size_t)out->size[1] * (size_t)out->size[2], frames = (size_t)out->size[0];

    for (size_t t = 0; t < frames; t++)
        for (size_t c = 0; c < 3; c++) {
            float *to = out->x + (c * frames + t) * plane;
            const float *from = pixels + (t * 3 + c) * plane;

            for (size_t i = 0; i < plane; i++)
                to[i] = from[i] * scale + offset;
        }
}
