/* writer.c - chooses the sink for a path; the public writer on top of the sinks. */
#include "media/ffmpeg.h"
#include "media/jpeg.h"

#include "base/output.h"
#include "base/pattern.h"

#include <string.h>
#include <strings.h>

#define DEFAULT_FPS 8.0
#define DEFAULT_QUALITY 90

/* A supported file name ending: for pictures (`encode`; numbered or as a contact sheet) or for a whole clip
 * (`sink`). */
typedef struct ending {
    const char *extension, *container;
    bool needs_ffmpeg;
    cv_picture_encode *encode;
    const cv_sink *sink;
} ending;

static const ending endings[] = {
    { "jpg", NULL, false, cv_jpeg_encode, NULL },       { "jpeg", NULL, false, cv_jpeg_encode, NULL },
    { "ppm", NULL, false, cv_ppm_encode, NULL },        { "png", "png", true, cv_png_encode, NULL },
    { "y4m", NULL, false, NULL, &cv_y4m_sink },         { "mjpeg", NULL, false, NULL, &cv_mjpeg_sink },
    { "mp4", "mp4", true, NULL, &cv_ffmpeg_sink },      { "webm", "webm", true, NULL, &cv_ffmpeg_sink },
    { "mkv", "matroska", true, NULL, &cv_ffmpeg_sink }, { "gif", "gif", true, NULL, &cv_gif_sink },
};

#define SUPPORTED                                                                                                  \
    "supported: .mp4 .webm .mkv .gif .y4m .mjpeg for a video, .jpg .png .ppm for pictures (frame-%%04d.jpg) or a " \
    "contact sheet, - for Y4M to standard output"

static bool is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* The last dot of the file name and what follows it; "" without a dot. */
static const char *ending_of(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && !strchr(dot, '/') ? dot : "";
}

/* Looks up the ending of a name, in upper or lower case. */
static const ending *find_ending(const char *path)
{
    const char *text = is_stdout(path) ? ".y4m" : ending_of(path);
    const char *extension = *text ? text + 1 : text;

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(extension, endings[i].extension) == 0)
            return &endings[i];
    return NULL;
}

cogvideo_status cogvideo_video_check_path(const char *path, cogvideo_error *err)
{
    const ending *found = find_ending(path);
    cogvideo_status status;

    if (is_stdout(path))
        return COGVIDEO_OK;
    if (!found && *ending_of(path))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: unknown output format '%.40s'; " SUPPORTED, path,
                       ending_of(path));
    if (!found)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: has no ending, which selects the output format; " SUPPORTED,
                       path);
    if (cv_pattern_is(path)) {
        if (!found->encode)
            return cv_fail(
                err, COGVIDEO_ERROR_ARGUMENT,
                "%s: numbered names (%%d, %%04d) are for pictures (.jpg .png .ppm); a .%s file holds all frames, so "
                "its name must not have a number",
                path, found->extension);
        CV_TRY(cv_pattern_check(path, err));
    }
    if (found->needs_ffmpeg)
        CV_TRY(cv_ffmpeg_check(found->container, err));
    status = cv_output_check_place(path, err);
done:
    return status;
}

cogvideo_status cogvideo_video_check_new(const char *path, int force, cogvideo_error *err)
{
    cogvideo_status status;
    uint64_t bytes;

    CV_TRY(cogvideo_video_check_path(path, err));
    if (is_stdout(path))
        return COGVIDEO_OK;
    if (!cv_pattern_is(path)) {
        CV_TRY(cv_output_check(path, true, err)); /* of a video, what a killed run left may be replaced */
        return cv_output_check_new(path, force, err);
    }
    if (!force && cv_pattern_files(path, &bytes) > 0)
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: pictures of that name already exist; use --force to replace them",
                         path);
done:
    return status;
}

struct cogvideo_video_writer {
    cv_sink_config config;
    const cv_sink *sink;
    void *state; /* NULL before the sink is open */
    char *path, *comment;
    int frames;
    bool failed; /* a frame was lost, so nothing may be committed any more */
};

static cogvideo_status set_config(cogvideo_video_writer *w, const char *path, int width, int height, double fps,
                                  const cogvideo_write_options *options, cogvideo_error *err)
{
    const ending *found = find_ending(path);
    cv_sink_config *config = &w->config;

    if (options && (options->quality < 0 || options->quality > 100 || options->columns < 0))
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "quality %d or columns %d are out of range: quality is 1 .. 100 and columns 1 or more; 0 means the default",
            options->quality, options->columns);
    if (options && options->fps != 0)
        fps = options->fps;
    if (!(fps >= 0 && fps <= CV_MEDIA_MAX_FPS))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%g frames per second are out of range: at most %g are supported",
                       fps, CV_MEDIA_MAX_FPS);
    if (!(w->path = cv_strdup(path, err)))
        return COGVIDEO_ERROR_MEMORY;
    if (options && options->comment && options->comment[0] && !(w->comment = cv_strdup(options->comment, err)))
        return COGVIDEO_ERROR_MEMORY;
    *config = (cv_sink_config){ w->path, found->container, found->encode, width, height, fps, DEFAULT_QUALITY,
                                0,       w->comment };
    if (fps == 0)
        config->fps = DEFAULT_FPS;
    if (options && options->quality > 0)
        config->quality = options->quality;
    if (options)
        config->columns = options->columns;
    w->sink = found->sink ? found->sink : cv_pattern_is(path) ? &cv_numbered_sink : &cv_sheet_sink;
    return COGVIDEO_OK;
}

cogvideo_status cogvideo_video_writer_open(cogvideo_video_writer **out, const char *path, int width, int height,
                                           double fps, const cogvideo_write_options *options, cogvideo_error *err)
{
    cogvideo_video_writer *w = NULL;
    cogvideo_status status;

    CV_TRY(cv_frame_check_size(width, height, err));
    CV_TRY(cogvideo_video_check_path(path, err));
    CV_NEW(w, 1, err);
    CV_TRY(set_config(w, path, width, height, fps, options, err));
    CV_TRY(w->sink->open(&w->state, &w->config, err));
    *out = w;
    return COGVIDEO_OK;
done:
    cogvideo_video_writer_abandon(&w);
    return status;
}

cogvideo_status cogvideo_video_writer_frame(cogvideo_video_writer *writer, const uint8_t *pixels, cogvideo_error *err)
{
    cogvideo_status status;

    if (writer->failed)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: an earlier frame could not be written", writer->path);
    status = writer->sink->frame(writer->state, pixels, err);
    writer->failed = status != COGVIDEO_OK;
    writer->frames++;
    return status;
}

cogvideo_status cogvideo_video_writer_commit(cogvideo_video_writer **writer, cogvideo_error *err)
{
    cogvideo_video_writer *w = *writer;
    cogvideo_status status;

    if (w->failed)
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: an earlier frame could not be written", w->path);
    else if (w->frames == 0)
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: no frame was written", w->path);
    else
        status = w->sink->commit(w->state, err);
    cogvideo_video_writer_abandon(writer);
    return status;
}

void cogvideo_video_writer_abandon(cogvideo_video_writer **writer)
{
    cogvideo_video_writer *w = writer ? *writer : NULL;

    if (!w)
        return;
    if (w->state)
        w->sink->close(w->state);
    cv_free(w->path);
    cv_free(w->comment);
    cv_free(w);
    *writer = NULL;
}

cogvideo_status cogvideo_video_plan(const char *path, int width, int height, int frames,
                                    const cogvideo_write_options *options, uint64_t *bytes, cogvideo_error *err)
{
    cogvideo_video_writer *writer = NULL;
    uint64_t held = 0;
    cogvideo_status status;

    if (frames < 1 || frames > CV_MEDIA_MAX_FRAMES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: %d frames were requested; 1 to %d are supported", path,
                       frames, CV_MEDIA_MAX_FRAMES);
    CV_TRY(is_stdout(path) ? cv_frame_check_size(width, height, err)
                           : cogvideo_video_writer_open(&writer, path, width, height, 0, options, err));
    if (writer && writer->sink->plan)
        CV_TRY(writer->sink->plan(&writer->config, frames, &held, err));
    *bytes = held;
done:
    cogvideo_video_writer_abandon(&writer);
    return status;
}

cogvideo_status cogvideo_video_write(const cogvideo_video *video, const char *path,
                                     const cogvideo_write_options *options, cogvideo_error *err)
{
    cogvideo_video_writer *writer = NULL;
    cogvideo_status status;

    CV_TRY(cv_video_check(video, err));
    CV_TRY(cogvideo_video_writer_open(&writer, path, video->width, video->height, video->fps, options, err));
    for (int f = 0; f < video->frames; f++)
        CV_TRY(cogvideo_video_writer_frame(writer,
                                           video->pixels + (size_t)f * cv_frame_bytes(video->width, video->height),
                                           err));
    status = cogvideo_video_writer_commit(&writer, err);
done:
    cogvideo_video_writer_abandon(&writer);
    return status;
}
