/* y4m.c - YUV4MPEG2: a header line, then per frame a line and the planes. 4:4:4, so that any size and every pixel's
 * colour survive; ITU-R BT.601 in the limited range, which is what readers take an untagged stream of this kind for:
 *   Y  =  16 + ( 65.481 R + 128.553 G +  24.966 B) / 255
 *   Cb = 128 + (-37.797 R -  74.203 G + 112.000 B) / 255
 *   Cr = 128 + (112.000 R -  93.786 G -  18.214 B) / 255 */
#include "media/sink.h"

#include "base/output.h"

typedef struct y4m {
    cv_output output;
    size_t pixels;   /* of a frame */
    uint8_t *planes; /* [3][pixels] */
} y4m;

static void y4m_close(void *state)
{
    y4m *s = state;

    cv_output_abandon(&s->output);
    cv_free(s->planes);
    cv_free(s);
}

static cogvideo_status y4m_open(void **state, const cv_sink_config *config, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer header = { 0 };
    y4m *s = NULL;
    int numerator, denominator;

    CV_NEW(s, 1, err);
    s->pixels = (size_t)config->width * (size_t)config->height;
    CV_NEW(s->planes, s->pixels * 3, err);
    cv_fps_fraction(config->fps, &numerator, &denominator);
    CV_TRY(cv_buffer_printf(&header, err, "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C444 XCOLORRANGE=LIMITED\n", config->width,
                            config->height, numerator, denominator));
    CV_TRY(cv_output_open(&s->output, config->path, err));
    CV_TRY(cv_output_write(&s->output, header.data, header.size, err));
    cv_buffer_free(&header);
    *state = s;
    return COGVIDEO_OK;
done:
    cv_buffer_free(&header);
    if (s)
        y4m_close(s);
    return status;
}

/* Converts by the formulas above in 16-bit fixed point, rounded. */
static cogvideo_status y4m_frame(void *state, const uint8_t *pixels, cogvideo_error *err)
{
    y4m *s = state;
    cogvideo_status status;

    for (size_t i = 0; i < s->pixels; i++) {
        int r = pixels[3 * i], g = pixels[3 * i + 1], b = pixels[3 * i + 2];

        s->planes[i] = (uint8_t)((16829 * r + 33039 * g + 6416 * b + (16 << 16) + 32768) >> 16);
        s->planes[s->pixels + i] = (uint8_t)((-9714 * r - 19070 * g + 28784 * b + (128 << 16) + 32768) >> 16);
        s->planes[2 * s->pixels + i] = (uint8_t)((28784 * r - 24103 * g - 4681 * b + (128 << 16) + 32768) >> 16);
    }
    CV_TRY(cv_output_write(&s->output, "FRAME\n", 6, err));
    CV_TRY(cv_output_write(&s->output, s->planes, s->pixels * 3, err));
done:
    return status;
}

static cogvideo_status y4m_commit(void *state, cogvideo_error *err)
{
    return cv_output_commit(&((y4m *)state)->output, err);
}

const cv_sink cv_y4m_sink = { y4m_open, y4m_frame, y4m_commit, y4m_close, NULL };
