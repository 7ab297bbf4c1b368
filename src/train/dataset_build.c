/* A dataset from ordinary videos: every source is read, taken apart into clips at one rate, cropped and resized. */
#include "train/dataset.h"
#include "train/sources.h"

#include "base/file.h"

#include <cogvideo/video.h>
#include <math.h>
#include <string.h>

typedef struct build {
    cv_dataset_writer *writer;
    int size, frames;
    double fps;
    size_t frame_bytes;
    uint8_t *pixels; /* of one clip */
    const cogvideo_log *log;
} build;

/* One frame of any size into one of the dataset's. */
static cogvideo_status fit_frame(const build *b, const cogvideo_video *video, int frame, uint8_t *out,
                                 cogvideo_error *err)
{
    cogvideo_video one = *video, fitted = { 0 };
    cogvideo_status status;

    one.frames = 1;
    one.pixels = video->pixels + (size_t)frame * (size_t)video->width * (size_t)video->height * 3;
    status = cogvideo_video_fit(&fitted, &one, b->size, b->size, err);
    if (status == COGVIDEO_OK)
        memcpy(out, fitted.pixels, b->frame_bytes);
    cogvideo_video_free(&fitted);
    return status;
}

static cogvideo_status tell_short(const build *b, const char *path, long long frames)
{
    cv_log(b->log, COGVIDEO_LOG_WARNING, "%s: is left out: it has %lld frames at %g per second, a clip needs %d", path,
           frames, b->fps, b->frames);
    return COGVIDEO_OK;
}

/* Frame k of the clips is the video's frame nearest to k / fps seconds. */
static cogvideo_status add_video(build *b, const cv_source *source, cogvideo_error *err)
{
    cogvideo_video video = { 0 };
    double rate;
    long long frames;
    cogvideo_status status;

    CV_TRY(cogvideo_video_read(&video, source->path, 0, err));
    rate = video.fps > 0 ? video.fps : b->fps;
    frames = (long long)floor((video.frames - 1) * b->fps / rate + 1e-6) + 1;
    if (frames < b->frames)
        status = tell_short(b, source->path, frames);
    for (long long first = 0; first + b->frames <= frames; first += b->frames) {
        for (int k = 0; k < b->frames; k++) {
            double at = floor((double)(first + k) * rate / b->fps + 0.5);

            CV_TRY(fit_frame(b, &video, at < video.frames ? (int)at : video.frames - 1,
                             b->pixels + (size_t)k * b->frame_bytes, err));
        }
        CV_TRY(cv_dataset_writer_clip(b->writer, b->pixels, b->frames, source->caption, source->path, err));
    }
fail:
    cogvideo_video_free(&video);
    return status;
}

/* The pictures in a folder, one frame each; the caption's own file is not one. */
static cogvideo_status add_pictures(build *b, const cv_source *source, cogvideo_error *err)
{
    char **names = NULL;
    size_t count = 0;
    int filled = 0, clips = 0;
    cogvideo_status status;

    CV_TRY(cv_folder_names(&names, &count, source->path, err));
    for (size_t i = 0; i < count; i++) {
        cogvideo_video picture = { 0 };
        char *path;

        if (cv_name_ends(names[i], ".txt"))
            continue;
        if (!(path = cv_path_join(source->path, names[i], err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto fail;
        }
        status = cogvideo_video_read(&picture, path, 1, err);
        if (status == COGVIDEO_OK)
            status = fit_frame(b, &picture, 0, b->pixels + (size_t)filled * b->frame_bytes, err);
        cogvideo_video_free(&picture);
        cv_free(path);
        if (status != COGVIDEO_OK)
            goto fail;
        if (++filled == b->frames) {
            CV_TRY(cv_dataset_writer_clip(b->writer, b->pixels, b->frames, source->caption, source->path, err));
            filled = 0;
            clips++;
        }
    }
    if (clips == 0)
        status = tell_short(b, source->path, filled);
fail:
    cv_folder_names_free(&names, count);
    return status;
}

/* A source that cannot be read costs a warning; what concerns the dataset itself ends the run. */
static cogvideo_status add_source(build *b, const cv_source *source, cogvideo_error *err)
{
    cogvideo_error why;
    cogvideo_status status = cv_path_is_dir(source->path) ? add_pictures(b, source, &why) : add_video(b, source, &why);

    if (status == COGVIDEO_ERROR_FORMAT || status == COGVIDEO_ERROR_UNSUPPORTED ||
        (status == COGVIDEO_ERROR_IO && strstr(why.message, source->path)) ||
        (status == COGVIDEO_ERROR_ARGUMENT && strstr(why.message, source->path))) {
        cv_log(b->log, COGVIDEO_LOG_WARNING, "left out: %s", why.message);
        return COGVIDEO_OK;
    }
    if (status != COGVIDEO_OK && err)
        *err = why;
    return status;
}

cogvideo_status cogvideo_dataset_build(const char *source, const char *output, const cogvideo_build_options *options,
                                       const cogvideo_dataset_callbacks *callbacks, cogvideo_error *err)
{
    static const cogvideo_log silent = { NULL, NULL };
    cv_sources sources = { 0 };
    build b = { .size = options->size ? options->size : 160, .frames = options->frames ? options->frames : 33,
                .fps = options->fps > 0 ? options->fps : 8, .log = callbacks ? &callbacks->log : &silent };
    size_t bytes;
    cogvideo_status status;

    if (b.frames < 1 || b.frames > CV_DATASET_MAX_FRAMES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a clip has from 1 to %d frames, not %d", CV_DATASET_MAX_FRAMES,
                       b.frames);
    CV_TRY(cv_sources_find(&sources, source, b.log, err));
    CV_TRY(cv_dataset_writer_open(&b.writer, output, b.size, b.fps, options->overwrite != 0, err));
    b.frame_bytes = (size_t)b.size * (size_t)b.size * 3;
    if (!cv_size_mul(b.frame_bytes, (size_t)b.frames, &bytes) || !(b.pixels = cv_alloc(bytes, 1, err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto fail;
    }
    for (size_t i = 0; i < sources.count; i++) {
        CV_TRY(add_source(&b, &sources.items[i], err));
        CV_TRY(cv_dataset_progress(callbacks, (long long)i + 1, (long long)sources.count, err));
    }
    CV_TRY(cv_dataset_writer_commit(&b.writer, err));
fail:
    cv_dataset_writer_abandon(&b.writer);
    cv_sources_free(&sources);
    cv_free(b.pixels);
    return status;
}
