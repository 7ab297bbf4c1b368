/* ffmpeg_frame.c - converts decoded frames: their colours, their times and their orientation. */
#include "media/ffmpeg_av.h"

#include "media/turn.h"

#include <libswscale/swscale.h>

#include <math.h>
#include <string.h>

#define JITTER 1.0          /* seconds by which a time may go back without being from another clock */
#define BROADCAST_STEP 10.0 /* in broadcasts a longer gap than this many seconds means that the clock was reset */
#define LONGEST_STEP \
    3600.0 /* seconds that a frame is shown at most: more is a damaged time, which would fill a disk with one picture */

double cv_av_rate(const cv_av_frames *f)
{
    AVRational rate = cv_av.av_guess_frame_rate(f->format, f->track, NULL);
    double fps = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;

    return f->timeless || fps > CV_MEDIA_MAX_FPS ? 0 : fps;
}

/* --- time ----------------------------------------------------------------------------------------------------- */

/* Converts ticks of the track's clock to seconds. Dividing makes 42 ticks of 1/1000 exactly 0.042; multiplying would
 * not. */
static double seconds(const cv_av_frames *f, double ticks)
{
    return ticks * f->track->time_base.num / f->track->time_base.den;
}

static double frame_duration(const cv_av_frames *f, const AVFrame *in)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    const double duration = seconds(f, (double)in->duration);
#else
    const double duration = seconds(f, (double)in->pkt_duration);
#endif
    return duration > 0 && isfinite(duration) ? duration : 0;
}

/* Returns seconds since the first frame, never decreasing: a frame without a time, or with one of another clock,
 * comes a step after the last. After damage (`gap`) any step back means another clock, as where two recordings were
 * joined. */
static double frame_time(cv_av_frames *f, const AVFrame *in, bool gap)
{
    const double ticks = (double)in->best_effort_timestamp, next = f->time + f->step;
    const double longest = f->format->iformat->flags & AVFMT_TS_DISCONT ? BROADCAST_STEP : LONGEST_STEP;
    const bool known = in->best_effort_timestamp != AV_NOPTS_VALUE;
    double time;

    if (f->step < 0) { /* the first frame */
        f->origin = known ? ticks : 0;
        return 0;
    }
    if (!known)
        return next;
    time = seconds(f, ticks - f->origin);
    if (time < f->time - (gap ? 0 : JITTER) || time > next + longest) {
        f->origin = ticks - next * f->track->time_base.den / f->track->time_base.num;
        time = next;
    }
    return time > f->time ? time : f->time;
}

/* Returns how long until the next frame, as far as is known. */
static double frame_step(const cv_av_frames *f, double time, double duration)
{
    const double rate = cv_av_rate(f);

    if (duration > 0)
        return duration;
    if (time > f->time)
        return time - f->time;
    return f->step > 0 ? f->step : rate > 0 ? 1 / rate : 0;
}

/* --- orientation
 * ------------------------------------------------------------------------------------------------------ */

static const int32_t *track_matrix(const AVStream *track)
{
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    const AVPacketSideData *side =
        cv_av.av_packet_side_data_get(track->codecpar->coded_side_data, track->codecpar->nb_coded_side_data,
                                      AV_PKT_DATA_DISPLAYMATRIX);

    return side && side->size >= 9 * sizeof(int32_t) ? (const int32_t *)side->data : NULL;
#else
    size_t size = 0;
    const uint8_t *data = cv_av.av_stream_get_side_data(track, AV_PKT_DATA_DISPLAYMATRIX, &size);

    return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)data : NULL;
#endif
}

/* The frame's own orientation takes precedence over its track's. */
static int orientation(const cv_av_frames *f, const AVFrame *in)
{
    const AVFrameSideData *side = cv_av.av_frame_get_side_data(in, AV_FRAME_DATA_DISPLAYMATRIX);
    const int32_t *m = side && side->size >= 9 * sizeof(int32_t) ? (const int32_t *)side->data : track_matrix(f->track);

    return m ? cv_turn_of_matrix(m[0], m[1], m[3], m[4]) : f->still_turn;
}

/* --- colours -------------------------------------------------------------------------------------------------- */

static int make_rgb(cv_av_frames *f, int width, int height)
{
    if (!f->rgb && !(f->rgb = cv_av.av_frame_alloc()))
        return AVERROR(ENOMEM);
    if (f->rgb->width == width && f->rgb->height == height)
        return 0;
    cv_av.av_frame_unref(f->rgb);
    f->rgb->width = width;
    f->rgb->height = height;
    f->rgb->format = AV_PIX_FMT_RGB24;
    return cv_av.av_frame_get_buffer(f->rgb, 0);
}

/* Converts through a frame of FFmpeg's own, whose rows have the padding that the scaler may write to. */
static cogvideo_status convert(cv_av_frames *f, const AVFrame *in, uint8_t *pixels, cogvideo_error *err)
{
    const size_t stride = (size_t)in->width * 3;
    int code = make_rgb(f, in->width, in->height);

    if (code < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_FORMAT, f->out->name, "its colours cannot be converted", code);
    f->scaler =
        cv_av.sws_getCachedContext(f->scaler, in->width, in->height, in->format, in->width, in->height,
                                   AV_PIX_FMT_RGB24, SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT,
                                   NULL, NULL, NULL);
    if (!f->scaler)
        return cv_av_fail(err, COGVIDEO_ERROR_FORMAT, f->out->name, "its colours cannot be converted", AVERROR(EINVAL));
    cv_av.sws_setColorspaceDetails(f->scaler, cv_av.sws_getCoefficients(in->colorspace),
                                   in->color_range == AVCOL_RANGE_JPEG, cv_av.sws_getCoefficients(SWS_CS_DEFAULT), 1, 0,
                                   1 << 16, 1 << 16);
    code = cv_av.sws_scale(f->scaler, (const uint8_t *const *)in->data, in->linesize, 0, in->height, f->rgb->data,
                           f->rgb->linesize);
    if (code < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_FORMAT, f->out->name, "its colours cannot be converted", code);
    for (int y = 0; y < in->height; y++)
        memcpy(pixels + (size_t)y * stride, f->rgb->data[0] + (ptrdiff_t)y * f->rgb->linesize[0], stride);
    return COGVIDEO_OK;
}

cogvideo_status cv_av_hand_on(cv_av_frames *f, AVFrame *in, bool gap, cogvideo_error *err)
{
    const AVRational shape = cv_av.av_guess_sample_aspect_ratio(f->format, f->track, in);
    cv_frame_facts facts = { .orientation = orientation(f, in),
                             .aspect = shape.num > 0 && shape.den > 0 ? av_q2d(shape) : 1,
                             .time = -1,
                             .gap = gap };
    uint8_t *pixels;
    cogvideo_status status;

    CV_TRY(cv_stream_room(f->out, in->width, in->height, &pixels, err));
    CV_TRY(convert(f, in, pixels, err));
    if (!f->timeless) {
        facts.time = frame_time(f, in, gap);
        facts.duration = frame_duration(f, in);
        f->step = frame_step(f, facts.time, facts.duration);
        f->time = facts.time;
    }
    status = cv_stream_hand_on(f->out, &facts, err);
done:
    return status;
}

void cv_av_frames_free(cv_av_frames *f)
{
    cv_av.av_frame_free(&f->rgb);
    cv_av.sws_freeContext(f->scaler);
    f->scaler = NULL;
}
