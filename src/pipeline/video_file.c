#include "pipeline/video_file.h"

#include "base/file.h"

cogvideo_status cv_video_file_write(const cogvideo_model *model, const cogvideo_run_options *run,
                                    const cogvideo_video *video, const char *header, const char *path,
                                    cogvideo_error *err)
{
    cogvideo_write_options write = run->write;
    cogvideo_status status;

    /* PPM is for simple readers, many of which stumble over a comment in its header. */
    write.comment = run->no_metadata || cv_path_ends_in(path, ".ppm") ? NULL : header;
    CV_TRY(cogvideo_video_write(video, path, &write, err));
    cv_log(&model->log, COGVIDEO_LOG_INFO, "%s: %d frame%s of %dx%d pixels", path, video->frames,
           video->frames == 1 ? "" : "s", video->width, video->height);
done:
    return status;
}

cogvideo_status cogvideo_decode_file(const cogvideo_model *model, const cogvideo_tokens *clip,
                                     const cogvideo_run_options *run, const cogvideo_callbacks *callbacks,
                                     const char *path, cogvideo_error *err)
{
    cogvideo_decode_options decode = run->decode;
    cogvideo_video video = { 0 };
    cogvideo_status status;

    if (callbacks)
        decode.callbacks = *callbacks;
    CV_TRY(cogvideo_decode(model, &decode, clip, &video, err));
    CV_TRY(cv_video_file_write(model, run, &video, clip->header, path, err));
done:
    cogvideo_video_free(&video);
    return status;
}
