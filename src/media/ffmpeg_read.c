/* ffmpeg_read.c - any known video or picture, from memory: FFmpeg opens no file and no address itself. */
#include "media/ffmpeg_av.h"

#include <libavutil/opt.h>
#include <libswscale/swscale.h>

#include <string.h>

#define IO_BUFFER 32768
#define MAX_STREAMS 64

/* Containers that hold their pictures themselves (no playlists), and whose head names every stream, so that the limits
 * can be set before anything is decoded. */
static const char *const containers =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,yuv4mpegpipe,ivf,ogg,asf,h264,hevc,m4v,mpegvideo,"
    "png_pipe,bmp_pipe,webp_pipe,tiff_pipe,qoi_pipe,pam_pipe,pbm_pipe,pgm_pipe,ppm_pipe,jpeg_pipe,j2k_pipe";

typedef struct memory {
    const unsigned char *data;
    size_t size, at;
} memory;

static int read_memory(void *user, uint8_t *out, int size)
{
    memory *m = user;
    size_t left = m->size - m->at, count = left < (size_t)size ? left : (size_t)size;

    if (count == 0)
        return AVERROR_EOF;
    memcpy(out, m->data + m->at, count);
    m->at += count;
    return (int)count;
}

static int64_t seek_memory(void *user, int64_t offset, int whence)
{
    memory *m = user;

    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return (int64_t)m->size;
    if (whence == SEEK_CUR)
        offset += (int64_t)m->at;
    else if (whence == SEEK_END)
        offset += (int64_t)m->size;
    if (offset < 0 || (uint64_t)offset > m->size)
        return AVERROR(EINVAL);
    m->at = (size_t)offset;
    return offset;
}

static int refuse_open(AVFormatContext *format, AVIOContext **pb, const char *url, int flags, AVDictionary **options)
{
    (void)format, (void)pb, (void)url, (void)flags, (void)options;
    return AVERROR(EACCES);
}

typedef struct reader {
    memory memory;
    AVIOContext *io;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame, *rgb;
    struct SwsContext *scaler;
    cv_frames *frames;
    int track, left; /* the video stream; frames still wanted */
    const char *path;
    cogvideo_error *err;
} reader;

static cogvideo_status fail_code(reader *r, const char *doing, int code)
{
    return cv_av_fail(r->err, COGVIDEO_ERROR_FORMAT, r->path, doing, code);
}

static void reader_free(reader *r)
{
    avcodec_free_context(&r->codec);
    avformat_close_input(&r->format);
    if (r->io)
        av_freep(&r->io->buffer);
    avio_context_free(&r->io);
    av_packet_free(&r->packet);
    av_frame_free(&r->frame);
    av_frame_free(&r->rgb);
    sws_freeContext(r->scaler);
}

static cogvideo_status allocate(reader *r)
{
    uint8_t *buffer = av_malloc(IO_BUFFER);

    if (buffer && !(r->io = avio_alloc_context(buffer, IO_BUFFER, 0, &r->memory, read_memory, NULL, seek_memory)))
        av_free(buffer);
    r->format = avformat_alloc_context();
    r->packet = av_packet_alloc();
    r->frame = av_frame_alloc();
    r->rgb = av_frame_alloc();
    if (!r->io || !r->format || !r->packet || !r->frame || !r->rgb)
        return fail_code(r, "FFmpeg", AVERROR(ENOMEM));
    r->format->pb = r->io;
    r->format->io_open = refuse_open;
    r->format->max_streams = MAX_STREAMS;
    r->format->protocol_whitelist = av_strdup("none");
    r->format->format_whitelist = av_strdup(containers);
    if (!r->format->protocol_whitelist || !r->format->format_whitelist)
        return fail_code(r, "FFmpeg", AVERROR(ENOMEM));
    return COGVIDEO_OK;
}

/* What stream info is found with: the decoders that run for it have our limits. */
static int find_streams(AVFormatContext *format)
{
    AVDictionary *options[MAX_STREAMS] = { NULL };
    unsigned count = format->nb_streams < MAX_STREAMS ? format->nb_streams : MAX_STREAMS;
    int code = 0;

    for (unsigned i = 0; i < count && code >= 0; i++) {
        code = av_dict_set_int(&options[i], "max_pixels", CV_MEDIA_MAX_PIXELS, 0);
        if (code >= 0)
            code = av_dict_set(&options[i], "threads", "1", 0);
    }
    if (code >= 0)
        code = avformat_find_stream_info(format, options);
    for (unsigned i = 0; i < count; i++)
        av_dict_free(&options[i]);
    return code;
}

static cogvideo_status open_decoder(reader *r)
{
    const AVCodec *decoder = NULL;
    int code = avformat_open_input(&r->format, NULL, NULL, NULL);

    if (code < 0)
        return fail_code(r, "is neither a picture nor a video that can be read", code);
    if ((code = find_streams(r->format)) < 0)
        return fail_code(r, "what it holds cannot be made out", code);
    r->track = av_find_best_stream(r->format, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (r->track < 0)
        return fail_code(r, "has no picture that can be decoded", r->track);
    for (unsigned i = 0; i < r->format->nb_streams; i++)
        if ((int)i != r->track)
            r->format->streams[i]->discard = AVDISCARD_ALL;
    if (!(r->codec = avcodec_alloc_context3(decoder)))
        return fail_code(r, "FFmpeg", AVERROR(ENOMEM));
    if ((code = avcodec_parameters_to_context(r->codec, r->format->streams[r->track]->codecpar)) < 0)
        return fail_code(r, "cannot be decoded", code);
    r->codec->thread_count = 1;
    r->codec->max_pixels = CV_MEDIA_MAX_PIXELS;
    r->codec->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
    if ((code = avcodec_open2(r->codec, decoder, NULL)) < 0)
        return fail_code(r, "cannot be decoded", code);
    return COGVIDEO_OK;
}

/* The decoded frame as RGB, added to the list. Transparency is left out. */
static cogvideo_status add_frame(reader *r)
{
    const AVFrame *in = r->frame;
    int stride = in->width * 3, code = 0;
    uint8_t *pixels;
    cogvideo_status status = cv_frames_add_claimed(r->frames, in->width, in->height, &pixels, r->path, r->err);

    if (status != COGVIDEO_OK)
        return status;
    r->scaler = sws_getCachedContext(r->scaler, in->width, in->height, in->format, in->width, in->height,
                                     AV_PIX_FMT_RGB24,
                                     SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT, NULL, NULL,
                                     NULL);
    if (!r->scaler)
        return fail_code(r, "its colours cannot be converted", AVERROR(EINVAL));
    sws_setColorspaceDetails(r->scaler, sws_getCoefficients(in->colorspace), in->color_range == AVCOL_RANGE_JPEG,
                             sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
    /* By way of a frame of FFmpeg's own, whose rows have the room past their end that the scaler may write to. */
    if (!r->rgb->data[0]) {
        r->rgb->width = in->width;
        r->rgb->height = in->height;
        r->rgb->format = AV_PIX_FMT_RGB24;
        code = av_frame_get_buffer(r->rgb, 0);
    }
    if (code >= 0)
        code = sws_scale(r->scaler, (const uint8_t *const *)in->data, in->linesize, 0, in->height, r->rgb->data,
                         r->rgb->linesize);
    if (code < 0)
        return fail_code(r, "its colours cannot be converted", code);
    for (int y = 0; y < in->height; y++)
        memcpy(pixels + (size_t)y * (size_t)stride, r->rgb->data[0] + (ptrdiff_t)y * r->rgb->linesize[0],
               (size_t)stride);
    return COGVIDEO_OK;
}

/* Takes what the decoder has ready. *ended when it has nothing more to come. */
static cogvideo_status take_frames(reader *r, bool *ended)
{
    int code = 0;

    while (r->left > 0 && (code = avcodec_receive_frame(r->codec, r->frame)) >= 0) {
        cogvideo_status status;

        if ((r->frame->flags & AV_FRAME_FLAG_CORRUPT) || r->frame->decode_error_flags)
            return fail_code(r, "is damaged", AVERROR_INVALIDDATA);
        status = add_frame(r);
        av_frame_unref(r->frame);
        if (status != COGVIDEO_OK)
            return status;
        r->left--;
    }
    *ended = r->left == 0 || code == AVERROR_EOF;
    if (code < 0 && code != AVERROR(EAGAIN) && code != AVERROR_EOF)
        return fail_code(r, "is cut or damaged", code);
    return COGVIDEO_OK;
}

static cogvideo_status decode_all(reader *r)
{
    bool ended = false;

    while (!ended) {
        cogvideo_status status;
        int code = av_read_frame(r->format, r->packet);
        bool end = code == AVERROR_EOF;

        if (code < 0 && !end)
            return fail_code(r, "cannot be read on", code);
        if (end || r->packet->stream_index == r->track) {
            if (!end && (r->packet->flags & AV_PKT_FLAG_CORRUPT))
                return fail_code(r, "is cut or damaged", AVERROR_INVALIDDATA);
            code = avcodec_send_packet(r->codec, end ? NULL : r->packet);
            if (code < 0 && code != AVERROR_EOF)
                return fail_code(r, "is cut or damaged", code);
            if ((status = take_frames(r, &ended)) != COGVIDEO_OK)
                return status;
        }
        av_packet_unref(r->packet);
        if (end)
            break;
    }
    return COGVIDEO_OK;
}

/* Single pictures come from demuxers whose names say so; FFmpeg gives them an invented rate. */
static double frame_rate(const reader *r)
{
    AVStream *stream = r->format->streams[r->track];
    AVRational rate = av_guess_frame_rate(r->format, stream, NULL);
    double fps = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;

    return strstr(r->format->iformat->name, "_pipe") || fps > CV_MEDIA_MAX_FPS ? 0 : fps;
}

cogvideo_status cv_ffmpeg_read(cv_frames *frames, const unsigned char *data, size_t size, int max_frames,
                               const char *path, cogvideo_error *err)
{
    reader r = { .memory = { data, size, 0 }, .frames = frames, .left = max_frames, .path = path, .err = err };
    int before = frames->video.frames;
    cogvideo_status status;

    cv_av_silence();
    CV_TRY(allocate(&r));
    CV_TRY(open_decoder(&r));
    frames->video.fps = frame_rate(&r);
    CV_TRY(decode_all(&r));
    if (frames->video.frames == before)
        status = fail_code(&r, "holds no whole picture", AVERROR_INVALIDDATA);
fail:
    reader_free(&r);
    return status;
}
