#include "media/picture.h"

#include "base/file.h"

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
fail:
    cv_output_abandon(&output);
    cv_buffer_free(&bytes);
    return status;
}
