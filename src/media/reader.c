/* reader.c - reads pictures and videos by what the files contain, not by their names. */
#include "media/ffmpeg.h"
#include "media/input.h"
#include "media/jpeg.h"

#include "base/path.h"
#include "base/pattern.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define SAME_RATE 0.02 /* by how much the times of a video may differ from the rate that it claims */

typedef struct built_in {
    const char *magic;
    size_t length;
    cv_picture_decode *decode;
} built_in;

static const built_in built_ins[] = {
    { "\xff\xd8\xff", 3, cv_jpeg_decode },
    { "P6", 2, cv_ppm_decode },
};

cogvideo_status cogvideo_video_load(cogvideo_error *err)
{
    return cv_ffmpeg_load(err);
}

static const built_in *find_built_in(const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < sizeof built_ins / sizeof *built_ins; i++)
        if (size >= built_ins[i].length && memcmp(data, built_ins[i].magic, built_ins[i].length) == 0)
            return &built_ins[i];
    return NULL;
}

static bool has_ending(const char *path, const char *const *endings, size_t count)
{
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < count; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* Whether a JPEG file is one photograph, and what follows in it a part of that (a gain map, the other eye's view):
 * by its name, or else by its markers. */
static bool is_photograph(const char *path, const unsigned char *data, size_t size)
{
    static const char *const streams[] = { ".mjpeg", ".mjpg" }, *const photographs[] = { ".jpg", ".jpeg", ".jpe",
                                                                                         ".jfif", ".mpo" };

    if (has_ending(path, streams, sizeof streams / sizeof *streams))
        return false;
    return has_ending(path, photographs, sizeof photographs / sizeof *photographs) || cv_jpeg_has_parts(data, size);
}

/* Reads pictures of one format that follow each other (a .mjpeg file, a PPM stream); ignores other bytes after them,
 * as viewers do. */
static cogvideo_status read_pictures(cv_stream *stream, const built_in *format, cv_input *input, cogvideo_error *err)
{
    const unsigned char *data;
    size_t at = 0, used = 0, size;
    bool alone;
    cogvideo_status status = cv_input_all(input, &data, err);

    if (status != COGVIDEO_OK)
        return status;
    size = (size_t)input->size;
    alone = format->decode == cv_jpeg_decode && is_photograph(input->path, data, size);
    do {
        if ((status = format->decode(stream, data + at, size - at, &used, err)) != COGVIDEO_OK)
            return status;
        at += used;
    } while (!alone && !cv_stream_is_full(stream) && find_built_in(data + at, size - at) == format);
    return COGVIDEO_OK;
}

/* Reads the frames of one file. */
static cogvideo_status read_file(cv_stream *stream, const char *path, cogvideo_error *err)
{
    cv_input input;
    unsigned char head[16];
    const built_in *format;
    long got;
    cogvideo_status status = cv_input_open(&input, path, err);

    if (status != COGVIDEO_OK)
        return status;
    stream->name = input.name;
    got = cv_input_read(&input, 0, head, sizeof head);
    format = got > 0 ? find_built_in(head, (size_t)got) : NULL;
    if (got < 0)
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be read: %s", input.name, strerror((int)-got));
    else if (got == 0)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is empty; a picture or a video was expected", input.name);
    else if (format)
        status = read_pictures(stream, format, &input, err);
    else
        status = cv_ffmpeg_read(stream, &input, err);
    cv_input_close(&input);
    return status;
}

/* Reads one frame from each of the numbered files, until a number is missing. */
static cogvideo_status read_numbered(cv_stream *stream, const char *pattern, cogvideo_error *err)
{
    const int most = stream->options.max_frames;
    int number = 0;
    bool there = true;
    cogvideo_status status = COGVIDEO_OK;

    stream->timeless = true;
    for (; there && status == COGVIDEO_OK && (most == 0 || stream->frames < most); number++) {
        char *name;

        if ((status = cv_pattern_expand(&name, pattern, number, err)) != COGVIDEO_OK)
            return status;
        there = cv_path_exists(name);
        if (there) {
            stream->options.max_frames = stream->frames + 1;
            status = read_file(stream, name, err);
        } else if (number == 0) {
            there = true;
        }
        cv_free(name);
    }
    if (status == COGVIDEO_OK && stream->frames == 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: neither file 0 nor file 1 exists", pattern);
    return status;
}

static cogvideo_status read_all(cv_stream *stream, const char *path, cogvideo_error *err)
{
    cogvideo_status status =
        cv_pattern_is(path) && !cv_path_exists(path) ? read_numbered(stream, path, err) : read_file(stream, path, err);

    cv_stream_free(stream);
    return status;
}

cogvideo_status cogvideo_video_each(const char *path, const cogvideo_read_options *options, cogvideo_frame_fn *take,
                                    void *user, cogvideo_error *err)
{
    cv_stream stream = { .take = take, .user = user };

    if (options)
        stream.options = *options;
    return read_all(&stream, path, err);
}

/* --- all frames together -------------------------------------------------------------------------------------- */

typedef struct collection {
    cv_frames frames;
    const char *path;
    double last; /* time of the last frame */
    /* an error of the receiver, such as out of memory, with its sentence; the reader itself only says that it was
     * stopped */
    cogvideo_status status;
    cogvideo_error why;
} collection;

static int collect(void *user, const cogvideo_frame *frame)
{
    collection *c = user;
    cogvideo_video *video = &c->frames.video;
    uint8_t *pixels;

    if (video->frames > 0 && (frame->width != video->width || frame->height != video->height))
        c->status = cv_fail(&c->why, COGVIDEO_ERROR_FORMAT,
                            "%s: frame %d is %d x %d pixels, the first is %d x %d; all frames must have the same "
                            "size: ffmpeg -i IN -vf scale=%d:%d OUT resizes them",
                            c->path, frame->index, frame->width, frame->height, video->width, video->height,
                            video->width, video->height);
    else if ((c->status = cv_frames_add(&c->frames, frame->width, frame->height, &pixels, c->path, &c->why)) ==
             COGVIDEO_OK)
        memcpy(pixels, frame->pixels, cv_frame_bytes(frame->width, frame->height));
    video->aspect = frame->aspect;
    c->last = frame->time;
    return c->status != COGVIDEO_OK;
}

/* Returns the frames per second that the file claims, if its times agree; otherwise those of its times. */
static double mean_rate(double claimed, const collection *c)
{
    const int steps = c->frames.video.frames - 1;
    const double mean = steps > 0 && c->last > 0 ? steps / c->last : 0;

    if (c->last < 0)
        return 0;
    return mean > 0 && mean <= CV_MEDIA_MAX_FPS && fabs(claimed - mean) > SAME_RATE * mean ? mean : claimed;
}

cogvideo_status cogvideo_video_read(cogvideo_video *out, const char *path, const cogvideo_read_options *options,
                                    cogvideo_error *err)
{
    collection c = { .path = path };
    cv_stream stream = { .take = collect, .user = &c };
    cogvideo_status status;

    if (options)
        stream.options = *options;
    status = read_all(&stream, path, err);
    if (c.status != COGVIDEO_OK)
        status = cv_fail(err, c.status, "%s", c.why.message);
    c.frames.video.fps = mean_rate(stream.fps, &c);
    if (status == COGVIDEO_OK)
        *out = c.frames.video;
    else
        cv_frames_free(&c.frames);
    return status;
}
