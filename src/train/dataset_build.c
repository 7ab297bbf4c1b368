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
    uint8_t *pixels;          /* of one clip */
    const cogvideo_log *log;
    const cv_source *source;
    long long taken;          /* frames of the source that went into clips, the one under way included */
    int filled;               /* of the clip under way */
    cogvideo_status status;   /* of the dataset's own files, apart from the source's */
    cogvideo_error *err;
} build;

/* One more frame of the clip under way, which is written when it is whole. */
static cogvideo_status add_frame(build *b, const cogvideo_video *frame)
{
    cogvideo_video fitted = { 0 };
    cogvideo_status status = cogvideo_video_fit(&fitted, frame, b->size, b->size, b->err);

    if (status != COGVIDEO_OK)
        return status;
    memcpy(b->pixels + (size_t)b->filled * b->frame_bytes, fitted.pixels, b->frame_bytes);
    cogvideo_video_free(&fitted);
    b->taken++;
    if (++b->filled < b->frames)
        return COGVIDEO_OK;
    b->filled = 0;
    return cv_dataset_writer_clip(b->writer, b->pixels, b->frames, b->source->caption, b->source->path, b->err);
}

/* Frame k of the clips is the video's frame nearest to k / fps seconds. */
static int take_frame(void *user, const cogvideo_video *frame, int index)
{
    build *b = user;
    double rate = frame->fps > 0 ? frame->fps : b->fps;

    while (b->status == COGVIDEO_OK && (long long)floor((double)b->taken * rate / b->fps + 0.5) == index)
        b->status = add_frame(b, frame);
    return b->status != COGVIDEO_OK;
}

/* The pictures in a folder, one frame each; other files that lie there are passed over. */
static cogvideo_status read_pictures(build *b, cogvideo_error *why)
{
    char **names = NULL;
    size_t count = 0;
    cogvideo_status status = cv_folder_names(&names, &count, b->source->path, why);

    for (size_t i = 0; i < count && status == COGVIDEO_OK && b->status == COGVIDEO_OK; i++) {
        cogvideo_video picture = { 0 };
        char *path;

        if (cv_name_ends(names[i], ".txt"))
            continue;
        if (!(path = cv_path_join(b->source->path, names[i], why)))
            status = COGVIDEO_ERROR_MEMORY;
        else if ((status = cogvideo_video_read(&picture, path, 1, why)) == COGVIDEO_OK)
            b->status = add_frame(b, &picture);
        else if (status != COGVIDEO_ERROR_MEMORY) {
            cv_log(b->log, COGVIDEO_LOG_WARNING, "passed over: %s", why->message);
            status = COGVIDEO_OK;
        }
        cogvideo_video_free(&picture);
        cv_free(path);
    }
    cv_folder_names_free(&names, count);
    return status;
}

/* A source that cannot be read costs a warning, and so do frames too few; what concerns the dataset itself ends the run, and so does
 * a want of memory, for which no source is to blame. */
static cogvideo_status add_source(build *b, const cv_source *source)
{
    cogvideo_error why;
    cogvideo_status status;

    b->source = source;
    b->taken = b->filled = 0;
    status = cv_path_is_dir(source->path) ? read_pictures(b, &why)
                                          : cogvideo_video_each(source->path, 0, take_frame, b, &why);
    if (b->status != COGVIDEO_OK)
        return b->status;
    if (status == COGVIDEO_ERROR_MEMORY)
        return cv_fail(b->err, status, "%s", why.message);
    if (status != COGVIDEO_OK && b->taken < b->frames)
        cv_log(b->log, COGVIDEO_LOG_WARNING, "left out: %s", why.message);
    else if (status != COGVIDEO_OK)
        cv_log(b->log, COGVIDEO_LOG_WARNING, "cut off after %lld frames: %s", b->taken, why.message);
    else if (b->taken < b->frames)
        cv_log(b->log, COGVIDEO_LOG_WARNING, "%s: is left out: it has %lld frames at %g per second, a clip needs %d",
               source->path, b->taken, b->fps, b->frames);
    return COGVIDEO_OK;
}

cogvideo_status cogvideo_dataset_build(const char *source, const char *output, const cogvideo_build_options *options,
                                       const cogvideo_dataset_callbacks *callbacks, cogvideo_error *err)
{
    static const cogvideo_log silent = { NULL, NULL };
    cv_sources sources = { 0 };
    build b = { .size = options->size ? options->size : 160, .frames = options->frames ? options->frames : 33,
                .fps = options->fps > 0 ? options->fps : 8, .log = callbacks ? &callbacks->log : &silent, .err = err };
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
        CV_TRY(add_source(&b, &sources.items[i]));
        CV_TRY(cv_dataset_progress(callbacks, (long long)i + 1, (long long)sources.count, err));
    }
    CV_TRY(cv_dataset_writer_commit(&b.writer, err));
fail:
    cv_dataset_writer_abandon(&b.writer);
    cv_sources_free(&sources);
    cv_free(b.pixels);
    return status;
}
