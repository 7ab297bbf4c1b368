#include "family/cogvideo/train/frames.h"

#include <math.h>
#include <string.h>

cogvideo_status cv_frames_apart(const cv_cogvideo *model, const cogvideo_dataset_info *info, double seconds, int *out,
                                cogvideo_error *err)
{
    const int between = model->description.network.frames - 1;
    double apart = info->fps * seconds / (between > 0 ? between : 1);

    if (apart < 1 - 1e-6 || apart > 1e6 || fabs(apart - round(apart)) > 1e-6)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the model wants %d frames in %g seconds; in a dataset of %g frames a second they are %g frames "
                       "apart, which must be a whole number: build the dataset with another fps, such as %g",
                       between + 1, seconds, info->fps, apart,
                       between / model->description.durations[model->description.duration_count - 1]);
    *out = (int)round(apart);
    return COGVIDEO_OK;
}

cogvideo_status cv_frames_encode(const cv_cogvideo *model, const cogvideo_dataset_info *info,
                                 const uint8_t *const *frames, int count, cogvideo_video *fitted,
                                 cogvideo_tokens *codes, cogvideo_error *err)
{
    const int rate = model->description.rate, side = model->description.network.grid * rate;
    const size_t size = (size_t)info->size * (size_t)info->size * 3;
    cogvideo_video video = { 0 }, small = { 0 };
    cogvideo_status status;

    CV_TRY(cogvideo_video_alloc(&video, info->size, info->size, count, info->fps, err));
    for (int i = 0; i < count; i++)
        memcpy(video.pixels + (size_t)i * size, frames[i], size);
    CV_TRY(cogvideo_video_fit(&small, &video, side, side, err));
    CV_TRY(cogvideo_encode(&model->head, &small, rate, NULL, codes, err));
    if (fitted) {
        *fitted = small;
        small = (cogvideo_video){ 0 };
    }
done:
    cogvideo_video_free(&small);
    cogvideo_video_free(&video);
    return status;
}
