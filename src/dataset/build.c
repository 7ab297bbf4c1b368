/* A dataset from ordinary videos: every source is read, taken apart into clips at one rate, cropped and resized. */
#include "dataset/dataset.h"
#include "dataset/sources.h"

#include "base/path.h"
#include "media/sampler.h"

#include <string.h>
#include <sys/stat.h>

typedef struct build {
    cv_dataset_writer *writer;
    cv_sampler sampler;
    int frames; /* of a clip */
    size_t frame_bytes;
    uint8_t *pixels;  /* of one clip */
    uint8_t *picture; /* of one file in a folder of pictures, fitted */
    int held;         /* frames of that file, 2 = more than one */
    const cogvideo_dataset_callbacks *callbacks;
    cogvideo_log log;
    const cv_sources *sources;
    size_t at;              /* the source under way */
    long long taken;        /* pictures of the source that went into clips, the one under way included */
    int filled;             /* of the clip under way */
    bool full;              /* the source has given all that one may */
    cogvideo_status status; /* of the dataset's own files, apart from the source's */
    cogvideo_error *err;
} build;

/* Whether the caller wants to stop, which is asked while a source is read and not only between two. */
static cogvideo_status poll(const build *b)
{
    return cv_dataset_progress(b->callbacks, "videos", (long long)b->at, (long long)b->sources->count, b->err);
}

static int poll_read(void *user)
{
    build *b = user;

    if (b->status == COGVIDEO_OK)
        b->status = poll(b);
    return b->status != COGVIDEO_OK;
}

/* One more picture of the clip under way, which is written when it is whole; an error without words where the source is
 * full. */
static cogvideo_status add_picture(void *user, const uint8_t *pixels, cogvideo_error *err)
{
    build *b = user;
    const cv_captioned_video *source = &b->sources->items[b->at];
    cogvideo_status status = poll(b);

    if (status != COGVIDEO_OK)
        return status;
    b->full = b->taken >= CV_MEDIA_MAX_FRAMES;
    if (b->full)
        return COGVIDEO_ERROR_FORMAT;
    memcpy(b->pixels + (size_t)b->filled * b->frame_bytes, pixels, b->frame_bytes);
    b->taken++;
    if (++b->filled < b->frames)
        return COGVIDEO_OK;
    b->filled = 0;
    return cv_dataset_writer_clip(b->writer,
                                  &(cogvideo_dataset_clip){ .frames = b->frames,
                                                            .caption = source->caption,
                                                            .source = source->path,
                                                            .pixels = b->pixels },
                                  err);
}

/* A clip has no hole: behind damage a new one begins. */
static cogvideo_status begin_anew(build *b)
{
    const cogvideo_status status = cv_sampler_end(&b->sampler, b->err);

    if (status == COGVIDEO_OK && b->filled > 0)
        cv_log(&b->log, COGVIDEO_LOG_WARNING,
               "%s: a new clip begins behind the damage; the %d frames of the last one are left out",
               b->sources->items[b->at].path, b->filled);
    b->taken -= b->filled;
    b->filled = 0;
    return status;
}

static int take_frame(void *user, const cogvideo_frame *frame)
{
    build *b = user;

    if (frame->gap)
        b->status = begin_anew(b);
    if (b->status == COGVIDEO_OK)
        b->status = cv_sampler_frame(&b->sampler, frame, b->err);
    return b->status != COGVIDEO_OK;
}

/* A pipe that lies in somebody's folder would be waited for without end. */
static cogvideo_status check_kind(const char *path, cogvideo_error *why)
{
    struct stat info;

    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return cv_fail(why, COGVIDEO_ERROR_IO, "%s: a regular file is needed here, this is a pipe or a device", path);
    return COGVIDEO_OK;
}

/* A picture in a folder, held until it is known that its file has no other. */
static int take_picture(void *user, const cogvideo_frame *frame)
{
    build *b = user;

    b->held = frame->index + 1;
    if (b->held == 1)
        b->status = cogvideo_frame_fit(b->picture, frame, b->sampler.size, b->sampler.size, b->err);
    return b->status != COGVIDEO_OK;
}

/* A file in a folder of pictures: one picture, whatever time it has in its file. A video is no picture. */
static cogvideo_status read_picture(build *b, const char *path, cogvideo_error *why)
{
    const cogvideo_read_options options = { .max_frames = 2, .log = b->log, .poll = poll_read, .user = b };
    cogvideo_status status;

    CV_TRY(check_kind(path, why));
    CV_TRY(cogvideo_video_each(path, &options, take_picture, b, why));
    if (b->held > 1)
        return cv_fail(
            why, COGVIDEO_ERROR_FORMAT,
            "%s: is a video, and each file in a folder of pictures is one frame; put videos into one folder, "
            "each with its caption beside it, or name them in a .csv file",
            path);
    b->status = add_picture(b, b->picture, b->err);
done:
    return status;
}

/* The pictures in a folder, one frame each; other files that lie there are passed over. */
static cogvideo_status read_pictures(build *b, const char *folder, cogvideo_error *why)
{
    char **names = NULL;
    size_t count = 0;
    cogvideo_status status = cv_folder_names(&names, &count, folder, why);

    for (size_t i = 0; i < count && status == COGVIDEO_OK && b->status == COGVIDEO_OK; i++) {
        char *path;

        if (cv_name_ends(names[i], ".txt"))
            continue;
        if (!(path = cv_path_join(folder, names[i], why)))
            status = COGVIDEO_ERROR_MEMORY;
        else
            status = read_picture(b, path, why);
        if (status != COGVIDEO_OK && status != COGVIDEO_ERROR_MEMORY && b->status == COGVIDEO_OK) {
            cv_log(&b->log, COGVIDEO_LOG_WARNING, "passed over: %s", why->message);
            status = COGVIDEO_OK;
        }
        cv_free(path);
    }
    cv_folder_names_free(&names, count);
    return status;
}

static cogvideo_status read_video(build *b, const char *path, cogvideo_error *why)
{
    const cogvideo_read_options options = { .log = b->log, .poll = poll_read, .user = b };
    cogvideo_status status = check_kind(path, why);

    if (status == COGVIDEO_OK)
        status = cogvideo_video_each(path, &options, take_frame, b, why);
    if (b->status == COGVIDEO_OK)
        b->status = cv_sampler_end(&b->sampler, b->err);
    return status;
}

/* A source that cannot be read costs a warning, and so do frames too few; what concerns the dataset itself ends the
 * run, and so does a want of memory, for which no source is to blame. */
static cogvideo_status add_source(build *b)
{
    const char *path = b->sources->items[b->at].path;
    cogvideo_error why;
    cogvideo_status status;

    b->taken = b->filled = 0;
    cv_sampler_reset(&b->sampler);
    status = cv_path_is_dir(path) ? read_pictures(b, path, &why) : read_video(b, path, &why);
    if (b->full) { /* the source's fault, not the dataset's */
        status = cv_fail(&why, COGVIDEO_ERROR_FORMAT,
                         "%s: gives more than %d pictures at %g per second, the most that are taken of one "
                         "video; cut it in two, or choose a lower rate",
                         path, CV_MEDIA_MAX_FRAMES, b->sampler.fps);
        b->status = COGVIDEO_OK;
        b->full = false;
    }
    if (b->status != COGVIDEO_OK)
        return b->status;
    if (status == COGVIDEO_ERROR_MEMORY)
        return cv_fail(b->err, status, "%s", why.message);
    if (status != COGVIDEO_OK && b->taken < b->frames)
        cv_log(&b->log, COGVIDEO_LOG_WARNING, "left out: %s", why.message);
    else if (status != COGVIDEO_OK)
        cv_log(&b->log, COGVIDEO_LOG_WARNING, "cut off after %lld frames: %s", b->taken, why.message);
    else if (b->taken < b->frames)
        cv_log(&b->log, COGVIDEO_LOG_WARNING, "%s: is left out: it has %lld frames at %g per second, a clip needs %d",
               path, b->taken, b->sampler.fps, b->frames);
    return COGVIDEO_OK;
}

cogvideo_status cogvideo_dataset_build(const char *source, const char *output, const cogvideo_build_options *options,
                                       const cogvideo_dataset_callbacks *callbacks, cogvideo_error *err)
{
    cv_sources sources = { 0 };
    build b = { .frames = options->frames ? options->frames : 33,
                .callbacks = callbacks,
                .sources = &sources,
                .err = err };
    size_t bytes;
    cogvideo_status status;

    if (callbacks)
        b.log = callbacks->log;
    b.sampler = (cv_sampler){ .fps = options->fps > 0 ? options->fps : 8,
                              .size = options->size ? options->size : 160,
                              .take = add_picture,
                              .user = &b };
    if (b.frames < 1 || b.frames > CV_DATASET_MAX_FRAMES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a clip has from 1 to %d frames, not %d", CV_DATASET_MAX_FRAMES,
                       b.frames);
    CV_TRY(cv_sources_find(&sources, source, &b.log, err));
    CV_TRY(cv_dataset_writer_open(&b.writer, output,
                                  &(cogvideo_dataset_info){ .size = b.sampler.size, .fps = b.sampler.fps },
                                  options->force != 0, err));
    b.frame_bytes = (size_t)b.sampler.size * (size_t)b.sampler.size * 3;
    if (!cv_size_mul(b.frame_bytes, (size_t)b.frames, &bytes) || !(b.pixels = cv_alloc(bytes, 1, err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    CV_NEW(b.picture, b.frame_bytes, err);
    for (b.at = 0; b.at < sources.count; b.at++)
        CV_TRY(add_source(&b));
    CV_TRY(poll(&b));
    CV_TRY(cv_dataset_writer_commit(&b.writer, err));
done:
    cv_dataset_writer_abandon(&b.writer);
    cv_sources_free(&sources);
    cv_sampler_free(&b.sampler);
    cv_free(b.pixels);
    cv_free(b.picture);
    return status;
}
