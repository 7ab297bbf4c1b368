/* ffmpeg_video.c - MP4, WebM and Matroska. */
#include "media/ffmpeg_av.h"

#include "base/output.h"

#include <libavutil/opt.h>
#include <libswscale/swscale.h>

#include <string.h>

/* Rounds up to an even number: in yuv420p 2 x 2 pixels share one colour. */
static int even(int size)
{
    return size + (size & 1);
}

typedef struct video {
    cv_output output; /* the partial file, to which FFmpeg writes by name */
    cv_av_stream stream;
    struct SwsContext *scaler;
    uint8_t *padded; /* a frame with even sides */
} video;

static void video_close(void *state)
{
    video *s = state;

    if (s->stream.format)
        cv_av.avio_closep(&s->stream.format->pb);
    cv_av_stream_free(&s->stream);
    cv_av.sws_freeContext(s->scaler);
    cv_output_abandon(&s->output);
    cv_free(s->padded);
    cv_free(s);
}

/* Sets up the conversion of RGB to BT.601 in the limited range, which the encoder states in the file. */
static cogvideo_status set_colours(video *s, int width, int height, cogvideo_error *err)
{
    const int *bt601 = cv_av.sws_getCoefficients(SWS_CS_ITU601);
    AVCodecContext *codec = s->stream.codec;

    s->scaler =
        cv_av.sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height, AV_PIX_FMT_YUV420P,
                             SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP | SWS_BITEXACT, NULL, NULL, NULL);
    if (!s->scaler)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "out of memory: colours cannot be converted");
    cv_av.sws_setColorspaceDetails(s->scaler, bt601, 1, bt601, 0, 0, 1 << 16, 1 << 16);
    codec->colorspace = AVCOL_SPC_SMPTE170M;
    codec->color_range = AVCOL_RANGE_MPEG;
    codec->color_primaries = AVCOL_PRI_BT709;
    codec->color_trc = AVCOL_TRC_IEC61966_2_1;
    return COGVIDEO_OK;
}

static cogvideo_status video_open(void **state, const cv_sink_config *config, cogvideo_error *err)
{
    int width = even(config->width), height = even(config->height), code;
    bool is_mp4 = strcmp(config->container, "mp4") == 0;
    cv_buffer url = { 0 };
    cogvideo_status status;
    video *s = NULL;

    if ((status = cv_ffmpeg_load(err)) != COGVIDEO_OK)
        return status; /* nothing of FFmpeg can be called, not even to free */
    CV_NEW(s, 1, err);
    CV_NEW(s->padded, cv_frame_bytes(width, height) + AV_INPUT_BUFFER_PADDING_SIZE, err);
    CV_TRY(cv_output_open(&s->output, config->path, err));
    /* "file:", so that a name with a colon is not taken for a protocol. */
    CV_TRY(cv_buffer_printf(&url, err, "file:%s", s->output.partial));
    CV_TRY(cv_av_stream_init(&s->stream, config, url.data, width, height, AV_PIX_FMT_YUV420P, err));
    if (is_mp4)
        cv_av.av_opt_set(s->stream.format->priv_data, "movflags", "faststart", 0);
    else
        s->stream.format->flags |= AVFMT_FLAG_BITEXACT; /* otherwise Matroska's ids are random */
    CV_TRY(set_colours(s, width, height, err));
    code = cv_av.avio_open(&s->stream.format->pb, url.data, AVIO_FLAG_WRITE);
    if (code < 0) {
        status = cv_av_fail(err, COGVIDEO_ERROR_IO, config->path, "cannot be written", code);
        goto done;
    }
    CV_TRY(cv_av_stream_start(&s->stream, err));
    cv_buffer_free(&url);
    *state = s;
    return COGVIDEO_OK;
done:
    cv_buffer_free(&url);
    if (s)
        video_close(s);
    return status;
}

/* Copies a frame into `padded` and repeats its last column and row where the sides are odd. */
static void pad(video *s, const uint8_t *pixels)
{
    const cv_sink_config *config = s->stream.config;
    size_t from = (size_t)config->width * 3, to = (size_t)even(config->width) * 3;

    for (int y = 0; y < even(config->height); y++) {
        uint8_t *row = s->padded + (size_t)y * to;

        memcpy(row, pixels + (size_t)(y < config->height ? y : config->height - 1) * from, from);
        if (to > from)
            memcpy(row + from, row + from - 3, 3);
    }
}

static cogvideo_status video_frame(void *state, const uint8_t *pixels, cogvideo_error *err)
{
    video *s = state;
    AVFrame *frame = s->stream.frame;
    const uint8_t *planes[4] = { s->padded };
    int strides[4] = { frame->width * 3 };
    int code = cv_av.av_frame_make_writable(frame);

    if (code < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_MEMORY, s->stream.config->path, "frame", code);
    pad(s, pixels);
    cv_av.sws_scale(s->scaler, planes, strides, 0, frame->height, frame->data, frame->linesize);
    return cv_av_stream_send(&s->stream, false, err);
}

static cogvideo_status video_commit(void *state, cogvideo_error *err)
{
    video *s = state;
    cogvideo_status status = cv_av_stream_send(&s->stream, true, err);
    int code = cv_av.avio_closep(&s->stream.format->pb);

    if (status != COGVIDEO_OK)
        return status;
    if (code < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_IO, s->stream.config->path, "cannot be written", code);
    return cv_output_commit(&s->output, err);
}

/* A rough estimate: H.264 and VP9 look at some 50 frames at once, each kept in several forms. */
#define ENCODER_BYTES 300 /* per pixel of a frame */

static cogvideo_status video_plan(const cv_sink_config *config, int frames, uint64_t *bytes, cogvideo_error *err)
{
    (void)frames, (void)err;
    *bytes = (uint64_t)config->width * (uint64_t)config->height * ENCODER_BYTES;
    return COGVIDEO_OK;
}

const cv_sink cv_ffmpeg_sink = { video_open, video_frame, video_commit, video_close, video_plan };
