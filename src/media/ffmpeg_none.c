/* ffmpeg_none.c - replaces ffmpeg_*.c in a build without FFmpeg's libraries. */
#include "media/ffmpeg.h"

#define WITHOUT_FFMPEG                                                                                     \
    "this build has no FFmpeg; install libavformat-dev, libavcodec-dev, libavutil-dev and libswscale-dev " \
    "and build again with -Dffmpeg=enabled"

static cogvideo_status missing(const char *what, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "%s needs FFmpeg's libraries, and " WITHOUT_FFMPEG, what);
}

cogvideo_status cv_ffmpeg_load(cogvideo_error *err)
{
    return missing("a video", err);
}

cogvideo_status cv_ffmpeg_check(const char *container, cogvideo_error *err)
{
    return missing(container, err);
}

static cogvideo_status none_open(void **state, const cv_sink_config *config, cogvideo_error *err)
{
    (void)state;
    return missing(config->container, err);
}

static cogvideo_status none_frame(void *state, const uint8_t *pixels, cogvideo_error *err)
{
    (void)state, (void)pixels;
    return missing("a video", err);
}

static cogvideo_status none_commit(void *state, cogvideo_error *err)
{
    (void)state;
    return missing("a video", err);
}

const cv_sink cv_ffmpeg_sink = { none_open, none_frame, none_commit, cv_free, NULL };
const cv_sink cv_gif_sink = { none_open, none_frame, none_commit, cv_free, NULL };

cogvideo_status cv_png_encode(cv_buffer *out, const cv_picture *picture, cogvideo_error *err)
{
    (void)out, (void)picture;
    return missing("png", err);
}

cogvideo_status cv_ffmpeg_read(cv_stream *stream, cv_input *input, cogvideo_error *err)
{
    const char *kind = cv_input_kind(input);

    (void)stream;
    return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                   "%s: is %s%snot JPEG or PPM; other formats need FFmpeg's libraries, and " WITHOUT_FFMPEG,
                   input->name, kind ? kind : "", kind ? ", " : "");
}
