/* ffmpeg_av.h - shared by the files ffmpeg_*.c; nothing else includes it. */
#ifndef CV_MEDIA_FFMPEG_AV_H
#define CV_MEDIA_FFMPEG_AV_H

#include "media/ffmpeg.h"

#include "media/ffmpeg_functions.h"

/* FFmpeg's functions: cv_av.av_read_frame(...). All are NULL until cv_ffmpeg_load has found them. */
extern cv_av_functions cv_av;
/* "path: doing: FFmpeg's words for `code`". */
cogvideo_status cv_av_fail(cogvideo_error *err, cogvideo_status status, const char *path, const char *doing, int code);
/* Returns the best available encoder for a container, or NULL. */
const AVCodec *cv_av_encoder(const char *container);

/* One encoder whose packets go into one container. */
typedef struct cv_av_stream {
    const cv_sink_config *config;
    AVFormatContext *format; /* whoever owns its pb opens and closes it */
    AVCodecContext *codec;
    AVFrame *frame; /* the frame to encode next, with its buffers */
    AVPacket *packet;
} cv_av_stream;

/* Sets up everything except `format->pb` and codec-specific options. */
cogvideo_status cv_av_stream_init(cv_av_stream *stream, const cv_sink_config *config, const char *url, int width,
                                  int height, enum AVPixelFormat pixels, cogvideo_error *err);
/* Opens the encoder, allocates the frame's buffers and writes the container's head. */
cogvideo_status cv_av_stream_start(cv_av_stream *stream, cogvideo_error *err);
/* Encodes `frame` as the next one or, with `end`, writes what the encoder still holds and the container's tail. */
cogvideo_status cv_av_stream_send(cv_av_stream *stream, bool end, cogvideo_error *err);
void cv_av_stream_free(cv_av_stream *stream);

struct SwsContext;

/* Passes decoded frames to the stream: converts colours, assigns times, applies the orientation. */
typedef struct cv_av_frames {
    cv_stream *out;
    AVFormatContext *format;
    AVStream *track;
    int still_turn; /* orientation of a picture that its file states but its decoder does not; 0 = none */
    bool timeless;  /* a single picture, for which FFmpeg invents a time */
    AVFrame *rgb;
    struct SwsContext *scaler;
    double origin;     /* time of the first frame, in ticks of the track */
    double time, step; /* of the last frame; step: until the next frame, as far as is known; -1 at first */
} cv_av_frames;

/* Converts a frame and passes it to the stream. */
cogvideo_status cv_av_hand_on(cv_av_frames *frames, AVFrame *in, bool gap, cogvideo_error *err);
/* Returns the rate that the track claims; 0 = none, or an impossible one. */
double cv_av_rate(const cv_av_frames *frames);
void cv_av_frames_free(cv_av_frames *frames);

#endif
