#include "pipeline/video_file.h"

#include "base/path.h"

static cogvideo_status open_file(cv_video_file *file, const cogvideo_picture *picture, cogvideo_error *err)
{
    cogvideo_write_options write = file->run->write;

    /* PPM is for simple readers, many of which stumble over a comment in its header. */
    write.comment = file->run->no_metadata || cv_path_ends_in(file->path, ".ppm") ? NULL : file->header;
    return cogvideo_video_writer_open(&file->writer, file->path, picture->width, picture->height, picture->fps, &write,
                                      err);
}

int cv_video_file_picture(void *user, const cogvideo_picture *picture)
{
    cv_video_file *file = user;
    cogvideo_status status = COGVIDEO_OK;

    if (!file->writer)
        CV_TRY(open_file(file, picture, &file->why));
    file->last = *picture;
    CV_TRY(cogvideo_video_writer_frame(file->writer, picture->pixels, &file->why));
done:
    return status != COGVIDEO_OK;
}

cogvideo_status cv_video_file_end(cv_video_file *file, cogvideo_status status, cogvideo_error *err)
{
    const cogvideo_picture *last = &file->last;

    if (status == COGVIDEO_ERROR_CANCELLED && file->why.status != COGVIDEO_OK) {
        status = file->why.status;
        if (err)
            *err = file->why;
    }
    CV_TRY(status);
    CV_TRY(cogvideo_video_writer_commit(&file->writer, err));
    cv_log(&file->model->log, COGVIDEO_LOG_INFO, "%s: %d frame%s of %dx%d pixels", file->path, last->count,
           last->count == 1 ? "" : "s", last->width, last->height);
done:
    cogvideo_video_writer_abandon(&file->writer);
    return status;
}

cogvideo_status cogvideo_decode_file(const cogvideo_model *model, const cogvideo_tokens *clip,
                                     const cogvideo_run_options *run, const cogvideo_callbacks *callbacks,
                                     const char *path, cogvideo_error *err)
{
    cv_video_file file = { .model = model, .run = run, .header = clip->header, .path = path };
    cogvideo_decode_options decode = run->decode;
    cogvideo_status status;

    if (callbacks)
        decode.callbacks = *callbacks;
    status = cogvideo_decode_each(model, &decode, clip, cv_video_file_picture, &file, err);
    return cv_video_file_end(&file, status, err);
}
