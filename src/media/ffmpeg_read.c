/* ffmpeg_read.c - reads any known kind of video or picture. All input goes through callbacks: FFmpeg itself opens no
 * file and no address. */
#include "media/ffmpeg_av.h"

#include "media/exif.h"
#include "media/h264.h"

#include <libavutil/opt.h>

#include <string.h>

#define IO_BUFFER 32768
#define MAX_STREAMS 64
#define MAX_DAMAGES 1000   /* damaged places in a file before reading gives up */
#define LATE_PACKETS 10000 /* in a container without a head, the video stream must begin within this many packets */
#define MAX_RETRIES 1000   /* how often in a row a demuxer may ask to be called again */
#define STRICT (AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE)
#define REORDERED 4 /* frames that wait to be reordered, in streams that do not say how many */

/* Containers that hold their frames themselves (no playlists). Most have a head that lists every stream, so that the
 * limits can be set before anything is decoded; in the last three streams appear as they come (`headless`). */
static const char *const containers =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,yuv4mpegpipe,ivf,ogg,asf,h264,hevc,m4v,mpegvideo,"
    "png_pipe,bmp_pipe,webp_pipe,tiff_pipe,qoi_pipe,pam_pipe,pbm_pipe,pgm_pipe,ppm_pipe,jpeg_pipe,j2k_pipe,"
    "mpegts,mpeg,flv";
static const char *const headless[] = { "mpegts", "mpeg", "flv" };

typedef struct reader {
    const cv_input *input;
    uint64_t at; /* offset in the input */
    AVIOContext *io;
    AVFormatContext *format;
    AVCodecContext *codec; /* NULL until the video stream is known */
    AVPacket *packet;
    AVFrame *frame;
    cv_av_frames frames;
    cv_stream *out;
    int track;             /* the video stream */
    bool stopped;          /* the caller wants no more frames */
    bool waiting;          /* for a key frame, after damage */
    bool resumed;          /* decoding resumed at the last key frame, after damage */
    bool open;             /* frames may refer to frames before the key frame at which reading began or resumed */
    int keys;              /* key frames since the beginning or the last damage, counted up to 2 */
    bool gap;              /* the next frame follows damage */
    int64_t key;           /* timestamp of the last key frame */
    int before, damages;   /* frames of other files; damaged places */
    cogvideo_error damage; /* the last one */
    cogvideo_error *err;
} reader;

static int is_stopped(void *user)
{
    reader *r = user;
    const cogvideo_read_options *options = &r->out->options;

    r->stopped = r->stopped || (options->poll && options->poll(options->user) != 0);
    return r->stopped;
}

static int read_input(void *user, uint8_t *out, int size)
{
    reader *r = user;
    long got = is_stopped(r) ? AVERROR_EXIT : cv_input_read(r->input, r->at, out, (size_t)size);

    if (got <= 0)
        return got < 0 ? (int)got : AVERROR_EOF;
    r->at += (uint64_t)got;
    return (int)got;
}

static int64_t seek_input(void *user, int64_t offset, int whence)
{
    reader *r = user;

    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return (int64_t)r->input->size;
    if (whence == SEEK_CUR)
        offset += (int64_t)r->at;
    else if (whence == SEEK_END)
        offset += (int64_t)r->input->size;
    if (offset < 0 || (uint64_t)offset > r->input->size)
        return AVERROR(EINVAL);
    r->at = (uint64_t)offset;
    return offset;
}

static int refuse_open(AVFormatContext *format, AVIOContext **pb, const char *url, int flags, AVDictionary **options)
{
    (void)format, (void)pb, (void)url, (void)flags, (void)options;
    return AVERROR(EACCES);
}

static cogvideo_status fail_code(reader *r, const char *doing, int code)
{
    if (r->stopped)
        return cv_fail(r->err, COGVIDEO_ERROR_CANCELLED, "reading was stopped after %d frames", r->out->frames);
    return cv_av_fail(r->err, COGVIDEO_ERROR_FORMAT, r->input->name, doing, code);
}

static void reader_free(reader *r)
{
    cv_av.avcodec_free_context(&r->codec);
    cv_av.avformat_close_input(&r->format);
    if (r->io)
        cv_av.av_freep(&r->io->buffer);
    cv_av.avio_context_free(&r->io);
    cv_av.av_packet_free(&r->packet);
    cv_av.av_frame_free(&r->frame);
    cv_av_frames_free(&r->frames);
}

static cogvideo_status allocate(reader *r)
{
    uint8_t *buffer = cv_av.av_malloc(IO_BUFFER);

    if (buffer && !(r->io = cv_av.avio_alloc_context(buffer, IO_BUFFER, 0, r, read_input, NULL, seek_input)))
        cv_av.av_free(buffer);
    r->format = cv_av.avformat_alloc_context();
    r->packet = cv_av.av_packet_alloc();
    r->frame = cv_av.av_frame_alloc();
    if (!r->io || !r->format || !r->packet || !r->frame)
        return fail_code(r, "FFmpeg", AVERROR(ENOMEM));
    r->format->pb = r->io;
    r->format->io_open = refuse_open;
    r->format->interrupt_callback = (AVIOInterruptCB){ is_stopped, r };
    r->format->max_streams = MAX_STREAMS;
    r->format->protocol_whitelist = cv_av.av_strdup("none");
    r->format->format_whitelist = cv_av.av_strdup(containers);
    if (!r->format->protocol_whitelist || !r->format->format_whitelist)
        return fail_code(r, "FFmpeg", AVERROR(ENOMEM));
    return COGVIDEO_OK;
}

/* Finds the streams; the decoders that FFmpeg runs for that have the same limits. */
static int find_streams(AVFormatContext *format)
{
    AVDictionary *options[MAX_STREAMS] = { NULL };
    unsigned count = format->nb_streams < MAX_STREAMS ? format->nb_streams : MAX_STREAMS;
    int code = 0;

    for (unsigned i = 0; i < count && code >= 0; i++) {
        code = cv_av.av_dict_set_int(&options[i], "max_pixels", CV_MEDIA_MAX_PIXELS, 0);
        if (code >= 0)
            code = cv_av.av_dict_set(&options[i], "threads", "1", 0);
    }
    if (code >= 0)
        code = cv_av.avformat_find_stream_info(format, options);
    for (unsigned i = 0; i < count; i++)
        cv_av.av_dict_free(&options[i]);
    return code;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

/* Returns the number of frames, as far as the container tells. */
static int expected_frames(const reader *r)
{
    const AVStream *track = r->frames.track;
    const double seconds = track->duration > 0 ? (double)track->duration * av_q2d(track->time_base)
                                               : (double)r->format->duration / AV_TIME_BASE;
    /* not the highest possible rate */
    const double rate = track->avg_frame_rate.den > 0 ? av_q2d(track->avg_frame_rate) : 0;
    const double count = r->frames.timeless ? 1 : track->nb_frames > 0 ? (double)track->nb_frames : seconds * rate;

    return count >= 1 && count <= CV_MEDIA_MAX_FRAMES ? (int)count : 0;
}

static bool is_headless(const reader *r)
{
    for (size_t i = 0; i < sizeof headless / sizeof *headless; i++)
        if (strcmp(r->format->iformat->name, headless[i]) == 0)
            return true;
    return false;
}

static cogvideo_status open_decoder(reader *r, const AVCodec *decoder)
{
    AVStream *track = r->format->streams[r->track];
    int code;

    r->frames.out = r->out;
    r->frames.step = -1;
    r->frames.format = r->format;
    r->frames.track = track;
    /* Demuxers for single pictures are named so. */
    r->frames.timeless = strstr(r->format->iformat->name, "_pipe") != NULL;
    r->out->fps = cv_av_rate(&r->frames);
    r->out->expected = expected_frames(r);
    if (!(r->codec = cv_av.avcodec_alloc_context3(decoder)))
        return fail_code(r, "FFmpeg", AVERROR(ENOMEM));
    if ((code = cv_av.avcodec_parameters_to_context(r->codec, track->codecpar)) < 0)
        return fail_code(r, "cannot be decoded", code);
    r->codec->pkt_timebase = track->time_base;
    r->codec->thread_count = 1;
    r->codec->max_pixels = CV_MEDIA_MAX_PIXELS;
    r->codec->err_recognition = STRICT;
    if (is_headless(r))
        r->codec->has_b_frames = REORDERED;
    if ((code = cv_av.avcodec_open2(r->codec, decoder, NULL)) < 0)
        return fail_code(r, "cannot be decoded", code);
    return COGVIDEO_OK;
}

/* Opens a container whose head lists its streams. */
static cogvideo_status open_track(reader *r)
{
    const AVCodec *decoder = NULL;
    int code = find_streams(r->format);

    if (code < 0)
        return fail_code(r, "its contents cannot be identified", code);
    r->track = cv_av.av_find_best_stream(r->format, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (r->track < 0)
        return fail_code(r, "contains no picture that can be decoded", r->track);
    return open_decoder(r, decoder);
}

/* Opens a container whose streams appear as they come. FFmpeg would decode some of them, without the limits, to find
 * out what they hold; instead, the first packet of a video stream selects the stream, and a decoder with the limits
 * does the rest. */
static cogvideo_status open_late(reader *r)
{
    const AVCodecParameters *parameters = r->format->streams[r->packet->stream_index]->codecpar;
    const AVCodec *decoder =
        parameters->codec_type == AVMEDIA_TYPE_VIDEO ? cv_av.avcodec_find_decoder(parameters->codec_id) : NULL;

    r->track = r->packet->stream_index;
    return decoder ? open_decoder(r, decoder) : COGVIDEO_OK;
}

/* Whether these libraries can read a kind when the file is complete. */
static bool is_known(const char *kind)
{
    static const char *const known[] = { "MP4", "Matroska", "AVI video", "MPEG", "FLV", "GIF", "PNG" };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(kind, known[i]))
            return true;
    return false;
}

/* Explains why a file cannot be read: it is not a picture or video, or of a kind that these libraries do not know,
 * or its head is missing (MP4: the index, which recorders write last). */
static cogvideo_status refuse(reader *r, int code)
{
    const char *kind = cv_input_kind(r->input);
    char text[300];

    if (!kind || r->stopped)
        return fail_code(r, "is not a picture or video that can be read", code);
    if (is_known(kind)) {
        snprintf(text, sizeof text, "is %s whose head is missing or damaged%s", kind,
                 strstr(kind, "MP4") ? " (the index, moov, which is missing in an interrupted recording)" : "");
        return fail_code(r, text, code);
    }
    snprintf(text, sizeof text,
             "is %s; a picture or video that the installed FFmpeg libraries can read was expected, such as JPEG, PNG, "
             "GIF, MP4 or MKV",
             kind);
    return fail_code(r, text, code);
}

static cogvideo_status open_container(reader *r)
{
    int code = cv_av.avformat_open_input(&r->format, NULL, NULL, NULL);

    if (code < 0)
        return refuse(r, code);
    return is_headless(r) ? COGVIDEO_OK : open_track(r);
}

/* Makes the demuxer skip all other streams, also those that appeared since. */
static void discard_others(reader *r)
{
    for (unsigned i = 0; i < r->format->nb_streams; i++)
        if ((int)i != r->track)
            r->format->streams[i]->discard = AVDISCARD_ALL;
}

/* Finds the orientation of a single picture where its file states it but FFmpeg's decoder does not. */
static cogvideo_status find_turn(reader *r, cv_input *input)
{
    const unsigned char *bytes;
    cogvideo_status status;

    if (!r->codec || !r->frames.timeless)
        return COGVIDEO_OK;
    if ((status = cv_input_all(input, &bytes, r->err)) == COGVIDEO_OK)
        r->frames.still_turn = cv_exif_in_file(bytes, (size_t)input->size);
    return status;
}

/* --- damage --------------------------------------------------------------------------------------------------- */

/* Whether a packet comes after a key frame but is shown before it: such frames also refer to frames before the key
 * frame, and nothing refers to them. */
static bool is_leading(const reader *r, int64_t stamp)
{
    return r->key != AV_NOPTS_VALUE && stamp != AV_NOPTS_VALUE && stamp < r->key;
}

/* Records damage; fails where there is too much of it. */
static cogvideo_status note_damage(reader *r, int code)
{
    if (r->stopped || code == AVERROR(ENOMEM) || ++r->damages > MAX_DAMAGES)
        return fail_code(r, "is cut or damaged", code);
    r->gap = true;
    cv_av_fail(&r->damage, COGVIDEO_ERROR_FORMAT, r->input->name, "is cut or damaged", code);
    return COGVIDEO_OK;
}

/* Skips a damaged packet. It costs all frames up to the next key frame, from which on all is intact again; a leading
 * frame costs only itself. */
static cogvideo_status skip_damage(reader *r, int code)
{
    if (!is_leading(r, r->packet->pts)) {
        r->waiting = true;
        cv_av.avcodec_flush_buffers(r->codec);
    }
    return note_damage(r, code);
}

/* Whether a packet cannot be decoded after damage: all up to a key frame, and the leading frames of that key frame. */
static bool is_lost(reader *r)
{
    const AVPacket *packet = r->packet;

    if (packet->flags & AV_PKT_FLAG_KEY && !(packet->flags & AV_PKT_FLAG_CORRUPT)) {
        r->resumed = r->waiting;
        r->keys = r->waiting ? 1 : r->keys + (r->keys < 2);
        r->open =
            r->keys == 1 && r->codec->codec_id == AV_CODEC_ID_H264 &&
            !cv_h264_is_idr(packet->data, (size_t)packet->size, r->codec->extradata, (size_t)r->codec->extradata_size);
        r->waiting = false;
        r->key = packet->pts;
    }
    return r->waiting || (r->resumed && is_leading(r, packet->pts));
}

/* Logs the damage once frames follow again. */
static void report_damage(const reader *r, double before)
{
    const cogvideo_log *log = &r->out->options.log;

    if (r->out->frames == r->before + 1)
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: begins with incomplete frames, which are skipped", r->input->name);
    else
        cv_log(log, COGVIDEO_LOG_WARNING,
               "%s: is damaged after %.3f seconds (frame %d); everything up to %.3f seconds is skipped", r->input->name,
               before, r->out->frames - 2, r->frames.time);
}

/* --- decoding ------------------------------------------------------------------------------------------------- */

/* Passes on the frames that the decoder has ready. *code is the last result: AVERROR(EAGAIN) or AVERROR_EOF where
 * all is well. */
static cogvideo_status take_frames(reader *r, int *code)
{
    cogvideo_status status = COGVIDEO_OK;

    *code = 0;
    while (status == COGVIDEO_OK && !cv_stream_is_full(r->out) &&
           (*code = cv_av.avcodec_receive_frame(r->codec, r->frame)) >= 0) {
        const double before = r->frames.time;

        if ((r->frame->flags & AV_FRAME_FLAG_CORRUPT) || r->frame->decode_error_flags) {
            *code = AVERROR_INVALIDDATA;
            if (!is_leading(r, r->frame->pts))
                break;
            status = note_damage(r, *code);
            continue;
        }
        status = cv_av_hand_on(&r->frames, r->frame, r->gap && r->out->frames > r->before, r->err);
        if (status == COGVIDEO_OK && r->gap)
            report_damage(r, before);
        r->gap = false;
    }
    cv_av.av_frame_unref(r->frame);
    return status;
}

/* Chooses how strictly the decoder treats errors. For TIFF, a tag that FFmpeg does not know would be an error. For
 * H.264 that begins at a key frame which is not an IDR, each missing frame would be one; frames that depend on them
 * are still recognized by their flags. */
static int strictness(const reader *r)
{
    return r->codec->codec_id == AV_CODEC_ID_TIFF || r->open ? STRICT & ~AV_EF_EXPLODE : STRICT;
}

/* A packet that its container marks as damaged never reaches the decoder, which still holds frames of intact
 * packets. */
static cogvideo_status skip_packet(reader *r)
{
    int code = is_leading(r, r->packet->pts) ? AVERROR_EOF : cv_av.avcodec_send_packet(r->codec, NULL);
    cogvideo_status status = code < 0 ? COGVIDEO_OK : take_frames(r, &code);

    return status == COGVIDEO_OK ? skip_damage(r, AVERROR_INVALIDDATA) : status;
}

/* Decodes a packet of the video stream. */
static cogvideo_status decode(reader *r)
{
    int code;
    cogvideo_status status;

    if (r->packet->flags & AV_PKT_FLAG_CORRUPT)
        return skip_packet(r);
    r->codec->err_recognition = strictness(r);
    code = cv_av.avcodec_send_packet(r->codec, r->packet);
    if (code >= 0 && (status = take_frames(r, &code)) != COGVIDEO_OK)
        return status;
    return code < 0 && code != AVERROR(EAGAIN) && code != AVERROR_EOF ? skip_damage(r, code) : COGVIDEO_OK;
}

/* Only FFmpeg's decoder tells WebP from animated WebP; where it cannot read the latter, it reports damage. */
static bool is_animation(const reader *r)
{
    const char *kind = cv_input_kind(r->input);

    return kind && strstr(kind, "animated");
}

/* Decodes what the decoder still holds at the end. */
static cogvideo_status drain(reader *r)
{
    int code = r->waiting ? 0 : cv_av.avcodec_send_packet(r->codec, NULL);
    cogvideo_status status = COGVIDEO_OK;

    if (code >= 0 && !r->waiting)
        status = take_frames(r, &code);
    if (status == COGVIDEO_OK && code < 0 && code != AVERROR_EOF && !cv_stream_is_full(r->out))
        return fail_code(r, "is cut or damaged", code);
    if (status == COGVIDEO_OK && r->out->frames == r->before && r->damages > 0 && is_animation(r))
        return refuse(r, AVERROR_PATCHWELCOME);
    if (status == COGVIDEO_OK && (r->waiting || (r->out->frames == r->before && r->damages > 0)))
        return cv_fail(r->err, r->damage.status, "%s", r->damage.message);
    return status;
}

/* Reads the next packet. A demuxer that searches for the next frame after damage asks to be called again. */
static int next_packet(reader *r)
{
    int code = AVERROR(EAGAIN);

    for (int i = 0; i < MAX_RETRIES && code == AVERROR(EAGAIN) && !is_stopped(r); i++)
        code = cv_av.av_read_frame(r->format, r->packet);
    return r->stopped ? AVERROR_EXIT : code;
}

static cogvideo_status decode_all(reader *r)
{
    int packets = 0, code = 0;
    cogvideo_status status = COGVIDEO_OK;

    while (status == COGVIDEO_OK && !cv_stream_is_full(r->out)) {
        if ((code = next_packet(r)) < 0)
            break;
        if (!r->codec && (status = open_late(r)) == COGVIDEO_OK && !r->codec && ++packets > LATE_PACKETS)
            code = AVERROR_STREAM_NOT_FOUND;
        if (r->codec)
            discard_others(r);
        if (status == COGVIDEO_OK && r->codec && r->packet->stream_index == r->track && !is_lost(r))
            status = decode(r);
        cv_av.av_packet_unref(r->packet);
        if (code < 0)
            break;
    }
    if (status != COGVIDEO_OK || cv_stream_is_full(r->out))
        return status;
    if (r->stopped || (code < 0 && code != AVERROR_EOF))
        return fail_code(r, r->codec ? "cannot be read further" : "contains no picture that can be decoded", code);
    return r->codec ? drain(r) : fail_code(r, "contains no picture that can be decoded", AVERROR_STREAM_NOT_FOUND);
}

cogvideo_status cv_ffmpeg_read(cv_stream *stream, cv_input *input, cogvideo_error *err)
{
    reader r = { .input = input, .out = stream, .key = AV_NOPTS_VALUE, .before = stream->frames, .err = err };
    cogvideo_status status;

    if ((status = cv_ffmpeg_load(err)) != COGVIDEO_OK)
        return cv_fail_prefix(err, status, input->name); /* nothing of FFmpeg can be called, not even to free */
    CV_TRY(allocate(&r));
    CV_TRY(open_container(&r));
    CV_TRY(find_turn(&r, input));
    CV_TRY(decode_all(&r));
    if (stream->frames == r.before)
        status = fail_code(&r, "contains no complete picture", AVERROR_INVALIDDATA);
done:
    reader_free(&r);
    return status;
}
