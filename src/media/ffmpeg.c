/* ffmpeg.c - encoders, and the stream from an encoder into a container. */
#include "media/ffmpeg_av.h"

#include <libavutil/log.h>
#include <libavutil/opt.h>

#include <string.h>

cogvideo_status cv_av_fail(cogvideo_error *err, cogvideo_status status, const char *path, const char *doing, int code)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";

    cv_av.av_strerror(code, text, sizeof text);
    return cv_fail(err, code == AVERROR(ENOMEM) ? COGVIDEO_ERROR_MEMORY : status, "%s: %s: %s", path, doing, text);
}

const AVCodec *cv_av_encoder(const char *container)
{
    static const struct {
        const char *container, *encoder;
    } choices[] = {
        { "mp4", "libx264" },     { "mp4", "mpeg4" },   { "matroska", "libx264" }, { "matroska", "mpeg4" },
        { "webm", "libvpx-vp9" }, { "webm", "libvpx" }, { "gif", "gif" },          { "png", "png" },
    };

    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (strcmp(choices[i].container, container) == 0) {
            const AVCodec *codec = cv_av.avcodec_find_encoder_by_name(choices[i].encoder);

            if (codec)
                return codec;
        }
    return NULL;
}

cogvideo_status cv_ffmpeg_check(const char *container, cogvideo_error *err)
{
    cogvideo_status status = cv_ffmpeg_load(err);

    if (status != COGVIDEO_OK)
        return status;
    /* PNG is only a codec: FFmpeg has no container for its files. */
    if (!cv_av_encoder(container) || (strcmp(container, "png") != 0 && !cv_av.av_guess_format(container, NULL, NULL)))
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                       "FFmpeg's libraries on this machine have no encoder for %s; install a libavcodec that has "
                       "(Debian: libavcodec-extra)",
                       container);
    return COGVIDEO_OK;
}

/* Sets CRF or quantizer scales of similar quality: 90 is good, 100 nearly lossless, 1 poor. */
static void set_quality(AVCodecContext *codec, int quality)
{
    const char *name = codec->codec->name;

    if (strcmp(name, "libx264") == 0) {
        cv_av.av_opt_set_int(codec->priv_data, "crf", 12 + (100 - quality) * 39 / 100, 0);
    } else if (strncmp(name, "libvpx", 6) == 0) {
        cv_av.av_opt_set_int(codec->priv_data, "crf", 15 + (100 - quality) * 45 / 100, 0);
        cv_av.av_opt_set(codec->priv_data, "deadline", "good", 0);
        cv_av.av_opt_set_int(codec->priv_data, "cpu-used", 3, 0);
        codec->bit_rate = strcmp(name, "libvpx") == 0 ? 50000000 : 0; /* VP8: a ceiling; VP9: 0 = by quality alone */
    } else if (strcmp(name, "mpeg4") == 0) {
        codec->flags |= AV_CODEC_FLAG_QSCALE;
        codec->global_quality = FF_QP2LAMBDA * (2 + (100 - quality) * 29 / 100);
    }
}

cogvideo_status cv_av_stream_init(cv_av_stream *stream, const cv_sink_config *config, const char *url, int width,
                                  int height, enum AVPixelFormat pixels, cogvideo_error *err)
{
    const AVCodec *encoder = cv_av_encoder(config->container);
    int numerator, denominator, code;

    stream->config = config;
    code = cv_av.avformat_alloc_output_context2(&stream->format, NULL, config->container, url);
    if (code < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_UNSUPPORTED, config->path, "FFmpeg cannot write this container", code);
    stream->codec = cv_av.avcodec_alloc_context3(encoder);
    stream->frame = cv_av.av_frame_alloc();
    stream->packet = cv_av.av_packet_alloc();
    if (!encoder || !stream->codec || !stream->frame || !stream->packet)
        return cv_av_fail(err, COGVIDEO_ERROR_MEMORY, config->path, "encoder", AVERROR(ENOMEM));
    cv_fps_fraction(config->fps, &numerator, &denominator);
    stream->codec->width = stream->frame->width = width;
    stream->codec->height = stream->frame->height = height;
    stream->codec->pix_fmt = pixels;
    stream->frame->format = pixels;
    stream->codec->time_base = (AVRational){ denominator, numerator };
    stream->codec->framerate = (AVRational){ numerator, denominator };
    stream->codec->sample_aspect_ratio = (AVRational){ 1, 1 };
    /* With one thread and without version strings and times, the same frames give the same bytes on every machine. */
    stream->codec->thread_count = 1;
    stream->codec->flags |= AV_CODEC_FLAG_BITEXACT;
    if (stream->format->oformat->flags & AVFMT_GLOBALHEADER)
        stream->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    set_quality(stream->codec, config->quality);
    if (config->comment && cv_av.av_dict_set(&stream->format->metadata, "comment", config->comment, 0) < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_MEMORY, config->path, "comment", AVERROR(ENOMEM));
    return COGVIDEO_OK;
}

cogvideo_status cv_av_stream_start(cv_av_stream *stream, cogvideo_error *err)
{
    const char *path = stream->config->path;
    AVStream *track;
    int code = cv_av.avcodec_open2(stream->codec, NULL, NULL);

    if (code < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_UNSUPPORTED, path, "FFmpeg's encoder cannot be started", code);
    if ((code = cv_av.av_frame_get_buffer(stream->frame, 0)) < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_MEMORY, path, "frame", code);
    if (!(track = cv_av.avformat_new_stream(stream->format, NULL)))
        return cv_av_fail(err, COGVIDEO_ERROR_MEMORY, path, "stream", AVERROR(ENOMEM));
    track->time_base = stream->codec->time_base;
    track->avg_frame_rate = stream->codec->framerate;
    track->sample_aspect_ratio = stream->codec->sample_aspect_ratio;
    if ((code = cv_av.avcodec_parameters_from_context(track->codecpar, stream->codec)) < 0 ||
        (code = cv_av.avformat_write_header(stream->format, NULL)) < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_IO, path, "cannot be written", code);
    stream->frame->pts = 0;
    stream->frame->quality = stream->codec->global_quality; /* MPEG-4 asks each frame for it */
    return COGVIDEO_OK;
}

/* Moves the packets that are ready from the encoder into the container. */
static int drain(cv_av_stream *stream)
{
    AVStream *track = stream->format->streams[0];
    int code;

    while ((code = cv_av.avcodec_receive_packet(stream->codec, stream->packet)) >= 0) {
        stream->packet->duration = 1;
        cv_av.av_packet_rescale_ts(stream->packet, stream->codec->time_base, track->time_base);
        stream->packet->stream_index = 0;
        if ((code = cv_av.av_interleaved_write_frame(stream->format, stream->packet)) < 0)
            return code;
        if (stream->format->pb->error < 0)
            return stream->format->pb->error;
    }
    return code == AVERROR(EAGAIN) || code == AVERROR_EOF ? 0 : code;
}

cogvideo_status cv_av_stream_send(cv_av_stream *stream, bool end, cogvideo_error *err)
{
    int code = cv_av.avcodec_send_frame(stream->codec, end ? NULL : stream->frame);

    if (code >= 0)
        code = drain(stream);
    if (code >= 0 && end) {
        code = cv_av.av_write_trailer(stream->format);
        cv_av.avio_flush(stream->format->pb);
        if (code >= 0)
            code = stream->format->pb->error;
    }
    if (code < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_IO, stream->config->path, "cannot be written", code);
    stream->frame->pts++;
    return COGVIDEO_OK;
}

void cv_av_stream_free(cv_av_stream *stream)
{
    cv_av.avcodec_free_context(&stream->codec);
    cv_av.av_frame_free(&stream->frame);
    cv_av.av_packet_free(&stream->packet);
    cv_av.avformat_free_context(stream->format);
    *stream = (cv_av_stream){ 0 };
}
