/* mjpeg.c - JPEG pictures one after another in one file; the first has the comment. */
#include "media/jpeg.h"
#include "media/sink.h"

#include "base/output.h"

typedef struct mjpeg {
    cv_output output;
    cv_picture picture;
} mjpeg;

static void mjpeg_close(void *state)
{
    mjpeg *s = state;

    cv_output_abandon(&s->output);
    cv_free(s);
}

static cogvideo_status mjpeg_open(void **state, const cv_sink_config *config, cogvideo_error *err)
{
    cogvideo_status status;
    mjpeg *s = NULL;

    CV_NEW(s, 1, err);
    s->picture = (cv_picture){ NULL, config->width, config->height, config->quality, config->comment };
    CV_TRY(cv_output_open(&s->output, config->path, err));
    *state = s;
    return COGVIDEO_OK;
done:
    cv_free(s);
    return status;
}

static cogvideo_status mjpeg_frame(void *state, const uint8_t *pixels, cogvideo_error *err)
{
    mjpeg *s = state;
    cv_buffer bytes = { 0 };
    cogvideo_status status;

    s->picture.pixels = pixels;
    CV_TRY(cv_jpeg_encode(&bytes, &s->picture, err));
    CV_TRY(cv_output_write(&s->output, bytes.data, bytes.size, err));
    s->picture.comment = NULL;
done:
    cv_buffer_free(&bytes);
    return status;
}

static cogvideo_status mjpeg_commit(void *state, cogvideo_error *err)
{
    return cv_output_commit(&((mjpeg *)state)->output, err);
}

const cv_sink cv_mjpeg_sink = { mjpeg_open, mjpeg_frame, mjpeg_commit, mjpeg_close, NULL };
