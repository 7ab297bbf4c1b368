#include "media/picture.h"

#include "base/output.h"
#include "media/jpeg.h"

const cv_frame_facts cv_plain_picture = { .time = -1 };

cogvideo_status cv_picture_write(const char *path, cv_picture_encode *encode, const cv_picture *picture,
                                 cogvideo_error *err)
{
    cv_buffer bytes = { 0 };
    cv_output output = { 0 };
    cogvideo_status status;

    CV_TRY(encode(&bytes, picture, err));
    CV_TRY(cv_output_open(&output, path, err));
    CV_TRY(cv_output_write(&output, bytes.data, bytes.size, err));
    status = cv_output_commit(&output, err);
done:
    cv_output_abandon(&output);
    cv_buffer_free(&bytes);
    return status;
}

cogvideo_status cogvideo_video_jpeg(const cogvideo_video *video, int frame, int quality, unsigned char **bytes,
                                    size_t *size, cogvideo_error *err)
{
    cv_picture picture = { .width = video->width, .height = video->height, .quality = quality ? quality : 90 };
    cv_buffer made = { 0 };
    cogvideo_status status;

    *bytes = NULL;
    if (frame < 0 || frame >= video->frames)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the video has %d frames, numbered from 0; frame %d does not exist", video->frames, frame);
    if (picture.quality < 1 || picture.quality > 100)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the quality of a picture must be 1 to 100, not %d", quality);
    picture.pixels = video->pixels + (size_t)frame * (size_t)video->height * (size_t)video->width * 3;
    CV_TRY(cv_jpeg_encode(&made, &picture, err));
    *bytes = (unsigned char *)made.data;
    *size = made.size;
    return COGVIDEO_OK;
done:
    cv_buffer_free(&made);
    return status;
}
