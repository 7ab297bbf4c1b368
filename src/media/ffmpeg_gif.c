/* ffmpeg_gif.c - GIF with one palette. Frames are kept, because the palette is made of all of them. FFmpeg cannot
 * write comments to GIF, so it writes into memory, and the comment extension is inserted here. */
#include "media/ffmpeg_av.h"
#include "media/held.h"
#include "media/palette.h"

#include "base/output.h"

#include <libavutil/mem.h>

#include <math.h>
#include <string.h>

#define MAX_FPS 50.0 /* browsers play a delay of 1/100 s as 1/10 s */

/* Writes the palette indices of frame `number`. The last index is transparent: the encoder uses it for unchanged
 * pixels. */
static cogvideo_status fill(AVFrame *frame, const cv_held *s, const cv_palette *palette, int number,
                            cogvideo_error *err)
{
    const uint8_t *pixel = s->frames.video.pixels + (size_t)number * cv_frame_bytes(frame->width, frame->height);
    int code = cv_av.av_frame_make_writable(frame);
    uint32_t colours[256] = { 0 };

    if (code < 0)
        return cv_av_fail(err, COGVIDEO_ERROR_MEMORY, s->config->path, "frame", code);
    for (int i = 0; i < 255; i++) {
        const uint8_t *c = palette->colours[i];

        colours[i] = 0xff000000u | (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
    }
    memcpy(frame->data[1], colours, sizeof colours);
    for (int y = 0; y < frame->height; y++)
        for (int x = 0; x < frame->width; x++, pixel += 3)
            frame->data[0][(ptrdiff_t)y * frame->linesize[0] + x] = palette->index[cv_palette_cell(pixel)];
    return COGVIDEO_OK;
}

/* Whether a frame is dropped because the clip has more frames per second than a GIF can play. */
static bool is_too_fast(double fps, int number)
{
    return fps > MAX_FPS && number > 0 && floor(number * MAX_FPS / fps) == floor((number - 1) * MAX_FPS / fps);
}

/* Encodes all frames as a GIF in memory that FFmpeg allocated. */
static cogvideo_status encode(const cv_held *s, const cv_palette *palette, uint8_t **bytes, int *size,
                              cogvideo_error *err)
{
    cv_sink_config config = *s->config;
    cv_av_stream stream = { 0 };
    int code;
    cogvideo_status status;

    if ((status = cv_ffmpeg_load(err)) != COGVIDEO_OK)
        return status; /* nothing of FFmpeg can be called, not even to free */
    config.fps = fmin(config.fps, MAX_FPS);
    CV_TRY(cv_av_stream_init(&stream, &config, NULL, s->config->width, s->config->height, AV_PIX_FMT_PAL8, err));
    if ((code = cv_av.avio_open_dyn_buf(&stream.format->pb)) < 0) {
        status = cv_av_fail(err, COGVIDEO_ERROR_MEMORY, s->config->path, "memory", code);
        goto done;
    }
    CV_TRY(cv_av_stream_start(&stream, err));
    for (int i = 0; i < s->frames.video.frames; i++) {
        if (is_too_fast(s->config->fps, i))
            continue;
        CV_TRY(fill(stream.frame, s, palette, i, err));
        CV_TRY(cv_av_stream_send(&stream, false, err));
    }
    status = cv_av_stream_send(&stream, true, err);
done:
    if (stream.format && stream.format->pb) {
        *size = cv_av.avio_close_dyn_buf(stream.format->pb, bytes);
        stream.format->pb = NULL;
    }
    cv_av_stream_free(&stream);
    return status;
}

/* Writes a comment extension: 21 FE, pieces of up to 255 bytes, each after its length, 00. */
static cogvideo_status write_comment(cv_output *output, const char *comment, cogvideo_error *err)
{
    size_t left = strlen(comment);
    cogvideo_status status;

    CV_TRY(cv_output_write(output, "\x21\xfe", 2, err));
    while (left > 0) {
        uint8_t piece = (uint8_t)(left < 255 ? left : 255);

        CV_TRY(cv_output_write(output, &piece, 1, err));
        CV_TRY(cv_output_write(output, comment, piece, err));
        comment += piece;
        left -= piece;
    }
    CV_TRY(cv_output_write(output, "", 1, err));
done:
    return status;
}

static cogvideo_status gif_commit(void *state, cogvideo_error *err)
{
    const cv_held *s = state;
    cv_palette *palette = NULL;
    uint8_t *bytes = NULL;
    int size = 0;
    size_t head = 13; /* signature and screen; the palette follows if the screen's flags say so */
    cv_output output = { 0 };
    cogvideo_status status;

    CV_NEW(palette, 1, err);
    CV_TRY(cv_palette_make(palette, &s->frames.video, err));
    CV_TRY(encode(s, palette, &bytes, &size, err));
    if (size < 13 || !bytes) {
        status = cv_fail(err, COGVIDEO_ERROR_MEMORY, "%s: FFmpeg returned no GIF", s->config->path);
        goto done;
    }
    if (bytes[10] & 0x80)
        head += (size_t)3 << ((bytes[10] & 7) + 1);
    CV_TRY(cv_output_open(&output, s->config->path, err));
    CV_TRY(cv_output_write(&output, bytes, head, err));
    if (s->config->comment)
        CV_TRY(write_comment(&output, s->config->comment, err));
    CV_TRY(cv_output_write(&output, bytes + head, (size_t)size - head, err));
    status = cv_output_commit(&output, err);
done:
    cv_output_abandon(&output);
    if (bytes)
        cv_av.av_free(bytes);
    cv_free(palette);
    return status;
}

const cv_sink cv_gif_sink = { cv_held_open, cv_held_frame, gif_commit, cv_held_close, cv_held_plan };
