/* ffmpeg_av.h - what the ffmpeg_*.c files share; included by nothing else. */
#ifndef CV_MEDIA_FFMPEG_AV_H
#define CV_MEDIA_FFMPEG_AV_H

#include "media/ffmpeg.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

/* FFmpeg writes to standard error unless it is told not to. Called before any other use of it. */
void cv_av_silence(void);
/* "path: doing: FFmpeg's words for `code`". */
cogvideo_status cv_av_fail(cogvideo_error *err, cogvideo_status status, const char *path, const char *doing, int code);
/* The best encoder there is for a container, or NULL. */
const AVCodec *cv_av_encoder(const char *container);

/* One encoder whose packets go into one container. */
typedef struct cv_av_stream {
    const cv_sink_config *config;
    AVFormatContext *format; /* its pb is the owner's to open and close */
    AVCodecContext *codec;
    AVFrame *frame;          /* what is encoded next, with its buffers */
    AVPacket *packet;
} cv_av_stream;

/* Sets up all but `format->pb` and the options of one codec or another. */
cogvideo_status cv_av_stream_init(cv_av_stream *stream, const cv_sink_config *config, const char *url, int width,
                                  int height, enum AVPixelFormat pixels, cogvideo_error *err);
/* Opens the encoder, makes the frame's buffers and writes the container's head. */
cogvideo_status cv_av_stream_start(cv_av_stream *stream, cogvideo_error *err);
/* Encodes `frame` as the next one, or with `end` what the encoder still holds and the container's tail. */
cogvideo_status cv_av_stream_send(cv_av_stream *stream, bool end, cogvideo_error *err);
void cv_av_stream_free(cv_av_stream *stream);

struct SwsContext;

/* Decoded frames on their way to the stream: colours, times, and how they lie. */
typedef struct cv_av_frames {
    cv_stream *out;
    AVFormatContext *format;
    AVStream *track;
    int still_turn;          /* of a picture whose file says how it lies, though its decoder does not; 0 = none */
    bool timeless;           /* a picture, to which FFmpeg gives an invented time */
    AVFrame *rgb;
    struct SwsContext *scaler;
    double origin;           /* the first frame's time, in ticks of the track */
    double time, step;       /* of the last frame; until the next, as far as is known: begins as -1 */
} cv_av_frames;

/* Converts, and hands on. */
cogvideo_status cv_av_hand_on(cv_av_frames *frames, AVFrame *in, bool gap, cogvideo_error *err);
/* The rate that the track claims; 0 = none, or none that is possible. */
double cv_av_rate(const cv_av_frames *frames);
void cv_av_frames_free(cv_av_frames *frames);

#endif
