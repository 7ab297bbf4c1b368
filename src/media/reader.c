/* reader.c - pictures and videos from files, by what the files contain. */
#include "media/ffmpeg.h"
#include "media/jpeg.h"

#include "base/file.h"
#include "base/pattern.h"

#include <string.h>

typedef struct built_in {
    const char *magic;
    size_t length;
    cv_picture_decode *decode;
} built_in;

static const built_in built_ins[] = {
    { "\xff\xd8\xff", 3, cv_jpeg_decode },
    { "P6", 2, cv_ppm_decode },
};

static const built_in *find_built_in(const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < sizeof built_ins / sizeof *built_ins; i++)
        if (size >= built_ins[i].length && memcmp(data, built_ins[i].magic, built_ins[i].length) == 0)
            return &built_ins[i];
    return NULL;
}

/* Pictures of one format that follow each other (a .mjpeg file, a PPM stream); other bytes after them are ignored,
 * as viewers do. */
static cogvideo_status read_pictures(cv_frames *frames, const built_in *format, const cv_mapping *file, int most,
                                     const char *path, cogvideo_error *err)
{
    size_t at = 0, used = 0;

    for (int n = 0; n < most && find_built_in(file->data + at, file->size - at) == format; n++) {
        cogvideo_status status = format->decode(frames, file->data + at, file->size - at, &used, path, err);

        if (status != COGVIDEO_OK)
            return status;
        at += used;
    }
    return COGVIDEO_OK;
}

/* Adds at most `most` frames of one file. */
static cogvideo_status read_file(cv_frames *frames, int most, const char *path, cogvideo_error *err)
{
    cv_mapping file;
    const built_in *format;
    cogvideo_status status = cv_map_open(&file, path, err);

    if (status != COGVIDEO_OK)
        return status;
    format = find_built_in(file.data, file.size);
    if (file.size == 0)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is an empty file, a picture or a video was expected", path);
    else if (format)
        status = read_pictures(frames, format, &file, most, path, err);
    else
        status = cv_ffmpeg_read(frames, file.data, file.size, most, path, err);
    cv_map_close(&file);
    return status;
}

/* One frame of each of the numbered files, until a number is missing. */
static cogvideo_status read_numbered(cv_frames *frames, int most, const char *pattern, cogvideo_error *err)
{
    int first = 0, number;
    bool there = true;
    cogvideo_status status = COGVIDEO_OK;

    for (number = 0; there && number - first < most && status == COGVIDEO_OK; number++) {
        char *name;

        if ((status = cv_pattern_expand(&name, pattern, number, err)) != COGVIDEO_OK)
            return status;
        there = cv_path_exists(name);
        if (there)
            status = read_file(frames, 1, name, err);
        else if (number == 0)
            first = there = true;
        frames->video.fps = 0; /* of one file, not of the row of them */
        cv_free(name);
    }
    if (status == COGVIDEO_OK && frames->video.frames == 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: there is no file of number 0 or 1", pattern);
    return status;
}

static cogvideo_status read_all(cv_frames *frames, const char *path, int max_frames, cogvideo_error *err)
{
    int most = max_frames > 0 && max_frames < CV_MEDIA_MAX_FRAMES ? max_frames : CV_MEDIA_MAX_FRAMES;
    cogvideo_status status;

    if (cv_pattern_is(path) && !cv_path_exists(path))
        status = read_numbered(frames, most, path, err);
    else
        status = read_file(frames, most, path, err);
    return status == COGVIDEO_OK ? cv_frames_hand_on(frames, err) : status;
}

cogvideo_status cogvideo_video_read(cogvideo_video *out, const char *path, int max_frames, cogvideo_error *err)
{
    cv_frames frames = { 0 };
    cogvideo_status status = read_all(&frames, path, max_frames, err);

    if (status == COGVIDEO_OK)
        *out = frames.video;
    else
        cv_frames_free(&frames);
    return status;
}

cogvideo_status cogvideo_video_each(const char *path, int max_frames, cogvideo_frame_fn *take, void *user,
                                    cogvideo_error *err)
{
    cv_frames frames = { .take = take, .user = user };
    cogvideo_status status = read_all(&frames, path, max_frames, err);

    cv_frames_free(&frames);
    return status;
}
