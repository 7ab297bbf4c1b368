#include "media/bilinear.h"

#include <math.h>
#include <stddef.h>

/* The two input places that an output place lies between, and the share of the second. */
typedef struct between {
    int first, second;
    float share;
} between;

/* In f32, as the original computes it: x = max(0, (i + 0.5) * in / out - 0.5). */
static between between_of(int i, int out, int in)
{
    const float x = fmaxf(0, ((float)i + 0.5f) * ((float)in / (float)out) - 0.5f);
    const int first = (int)x < in - 1 ? (int)x : in - 1;

    return (between){ first, first + 1 < in ? first + 1 : first, x - (float)first };
}

void cv_bilinear(float *out, int out_height, int out_width, const float *in, int height, int width, int channels)
{
    for (int row = 0; row < out_height; row++) {
        const between y = between_of(row, out_height, height);
        const float *above = in + (size_t)y.first * (size_t)width * (size_t)channels,
                    *below = in + (size_t)y.second * (size_t)width * (size_t)channels;

        for (int column = 0; column < out_width; column++) {
            const between x = between_of(column, out_width, width);

            for (int c = 0; c < channels; c++) {
                const int left = x.first * channels + c, right = x.second * channels + c;
                const float top = (1 - x.share) * above[left] + x.share * above[right],
                            bottom = (1 - x.share) * below[left] + x.share * below[right];

                *out++ = (1 - y.share) * top + y.share * bottom;
            }
        }
    }
}
