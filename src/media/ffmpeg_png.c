/* ffmpeg_png.c - PNG pictures. FFmpeg's encoder cannot write texts, so the comment's chunk is inserted here. */
#include "media/ffmpeg_av.h"

#include <libavutil/crc.h>

#include <string.h>

#define HEAD 33 /* bytes of the signature and the IHDR chunk, which is always first */

static void store_32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Appends an iTXt chunk: keyword, 0, not compressed (0, 0), no language (0), no translated keyword (0), the text in
 * UTF-8. */
static cogvideo_status append_text(cv_buffer *out, const char *comment, cogvideo_error *err)
{
    static const char head[] = "iTXtComment\0\0\0\0"; /* the literal's own 0 follows */
    size_t start = out->size, length = strlen(comment);
    uint8_t number[4];
    cogvideo_status status;

    if (length > 1 << 24)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a comment of %zu bytes is too long for a picture", length);
    store_32(number, (uint32_t)(sizeof head - 4 + length));
    CV_TRY(cv_buffer_append(out, number, 4, err));
    CV_TRY(cv_buffer_append(out, head, sizeof head, err));
    CV_TRY(cv_buffer_append(out, comment, length, err));
    store_32(number, ~cv_av.av_crc(cv_av.av_crc_get_table(AV_CRC_32_IEEE_LE), ~0u,
                                   (const uint8_t *)out->data + start + 4, sizeof head + length));
    CV_TRY(cv_buffer_append(out, number, 4, err));
done:
    return status;
}

/* Encodes the picture as one packet. */
static int encode(AVCodecContext *codec, AVFrame *frame, AVPacket *packet, const cv_picture *picture)
{
    int code;

    codec->width = frame->width = picture->width;
    codec->height = frame->height = picture->height;
    codec->pix_fmt = AV_PIX_FMT_RGB24;
    frame->format = AV_PIX_FMT_RGB24;
    codec->time_base = (AVRational){ 1, 1 };
    codec->thread_count = 1;
    codec->flags |= AV_CODEC_FLAG_BITEXACT;
    if ((code = cv_av.avcodec_open2(codec, NULL, NULL)) < 0 || (code = cv_av.av_frame_get_buffer(frame, 0)) < 0)
        return code;
    for (int y = 0; y < picture->height; y++)
        memcpy(frame->data[0] + (ptrdiff_t)y * frame->linesize[0],
               picture->pixels + (size_t)y * (size_t)picture->width * 3, (size_t)picture->width * 3);
    if ((code = cv_av.avcodec_send_frame(codec, frame)) < 0 || (code = cv_av.avcodec_send_frame(codec, NULL)) < 0)
        return code;
    return cv_av.avcodec_receive_packet(codec, packet);
}

cogvideo_status cv_png_encode(cv_buffer *out, const cv_picture *picture, cogvideo_error *err)
{
    cogvideo_status status = cv_ffmpeg_load(err);
    const AVCodec *encoder;
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
    int code = AVERROR(ENOMEM);

    if (status != COGVIDEO_OK)
        return status;
    frame = cv_av.av_frame_alloc();
    packet = cv_av.av_packet_alloc();
    encoder = cv_av_encoder("png");
    codec = encoder ? cv_av.avcodec_alloc_context3(encoder) : NULL;
    if (codec && frame && packet)
        code = encode(codec, frame, packet, picture);
    if (code >= 0 && packet->size < HEAD)
        code = AVERROR_BUG;
    if (code < 0) {
        status = cv_av_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "PNG", "the picture cannot be encoded", code);
        goto done;
    }
    CV_TRY(cv_buffer_append(out, packet->data, HEAD, err));
    if (picture->comment)
        CV_TRY(append_text(out, picture->comment, err));
    status = cv_buffer_append(out, packet->data + HEAD, (size_t)packet->size - HEAD, err);
done:
    cv_av.avcodec_free_context(&codec);
    cv_av.av_frame_free(&frame);
    cv_av.av_packet_free(&packet);
    return status;
}
