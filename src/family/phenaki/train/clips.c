#include "family/phenaki/train/clips.h"

static cogvideo_status open_one(cv_clips *clips, const char *folder, int height, int width, int frames,
                                cogvideo_error *err)
{
    cogvideo_dataset_info *info = &clips->info[clips->count];
    cogvideo_dataset_clip clip;
    cogvideo_status status;

    CV_TRY(cogvideo_dataset_open(&clips->data[clips->count], folder, err));
    cogvideo_dataset_get_info(clips->data[clips->count++], info);
    if (info->size != height || info->size != width)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%s: has frames of %dx%d pixels, the model %dx%d: make the dataset anew with '--size'", folder,
                       info->size, info->size, width, height);
    for (int i = 0; i < info->clips; i++) {
        CV_TRY(cogvideo_dataset_get_clip(clips->data[clips->count - 1], i, &clip, err));
        if (clip.frames < frames)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "%s: clip %d has %d frames, but %d are taken of each: set 'frames' in the recipe, or make "
                           "longer clips",
                           folder, i, clip.frames, frames);
    }
done:
    return status;
}

cogvideo_status cv_clips_open(cv_clips *out, const char *const *folders, int count, int height, int width, int frames,
                              cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    if (count < 1 || count > CV_CLIP_DATASETS)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "1 to %d datasets are needed, not %d", CV_CLIP_DATASETS, count);
    for (int i = 0; i < count; i++)
        CV_TRY(open_one(out, folders[i], height, width, frames, err));
done:
    return status;
}

void cv_clips_close(cv_clips *clips)
{
    for (int i = 0; i < clips->count; i++)
        cogvideo_dataset_close(&clips->data[i]);
    clips->count = 0;
}

void cv_clip_pixels(const cogvideo_dataset_clip *clip, int side, int first, int frames, float *pixels)
{
    const size_t plane = (size_t)side * (size_t)side;
    const uint8_t *from = clip->pixels + (size_t)first * plane * 3;

    for (size_t f = 0; f < (size_t)frames; f++)
        for (size_t i = 0; i < plane; i++)
            for (size_t c = 0; c < 3; c++)
                pixels[(c * (size_t)frames + f) * plane + i] = (float)from[(f * plane + i) * 3 + c] / 255;
}

void cv_clips_pixels(const cv_clips *clips, int data, int clip, int first, int frames, float *pixels)
{
    cogvideo_dataset_clip found;

    if (cogvideo_dataset_get_clip(clips->data[data], clip, &found, NULL) == COGVIDEO_OK) /* always, below the count */
        cv_clip_pixels(&found, clips->info[data].size, first, frames, pixels);
}

void cv_clips_draw(const cv_clips *clips, int data, const uint32_t bits[4], int frames, float *pixels)
{
    const int clip = (int)(bits[0] % (uint32_t)clips->info[data].clips);
    cogvideo_dataset_clip found;

    if (cogvideo_dataset_get_clip(clips->data[data], clip, &found, NULL) == COGVIDEO_OK)
        cv_clip_pixels(&found, clips->info[data].size, (int)(bits[1] % (uint32_t)(found.frames - frames + 1)), frames,
                       pixels);
}
