#include "family/metrics/train/clips.h"

#include <string.h>

/* The combination that a clip's labels name; -1 where it has none, or its caption is not what the world says of it. */
static int find(const cv_shapes *world, const cogvideo_dataset_clip *clip)
{
    char caption[CV_SHAPES_CAPTION];
    cv_shapes_combination c;
    int index;

    if (clip->label_count != CV_SHAPES_ATTRIBUTES)
        return -1;
    for (int a = 0; a < CV_SHAPES_ATTRIBUTES; a++)
        *cv_shapes_value(&c, a) = clip->labels[a];
    index = cv_shapes_index(world, c);
    for (int language = 0; language < CV_SHAPES_LANGUAGES && index >= 0; language++) {
        cv_shapes_caption(world, index, (cv_shapes_language)language, caption);
        if (strcmp(caption, clip->caption) == 0)
            return index;
    }
    return -1;
}

cogvideo_status cv_shapes_clips_open(cv_shapes_clips *out, const cv_shapes *world, const char *folder,
                                     cogvideo_error *err)
{
    cogvideo_status status;

    *out = (cv_shapes_clips){ 0 };
    CV_TRY(cogvideo_dataset_open(&out->dataset, folder, err));
    cogvideo_dataset_get_info(out->dataset, &out->info);
    if (out->info.context > 0) {
        status =
            cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                    "%s: its clips begin with %d frames of another motion, of which their labels say nothing: make "
                    "them without --context",
                    folder, out->info.context);
        goto done;
    }
    if (out->info.poses) {
        status =
            cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                    "%s: its frames are pictures of poses, which make no clips: make them without --poses", folder);
        goto done;
    }
    CV_NEW(out->combinations, out->info.clips, err);
    for (int i = 0; i < out->info.clips; i++) {
        cogvideo_dataset_clip clip;

        CV_TRY(cogvideo_dataset_get_clip(out->dataset, i, &clip, err));
        out->combinations[i] = find(world, &clip);
        if (out->combinations[i] < 0) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                             "%s: clip %d, '%.100s', has no labels of the shapes world as it is now: metrics of that "
                             "world learn from what 'cogvideo dataset shapes' makes",
                             folder, i, clip.caption);
            goto done;
        }
    }
done:
    return status;
}

void cv_shapes_clips_close(cv_shapes_clips *clips)
{
    cogvideo_dataset_close(&clips->dataset);
    cv_free(clips->combinations);
    clips->combinations = NULL;
}

cogvideo_status cv_shapes_clips_planes(const cv_shapes_clips *clips, int index, int frames, int side, float *planes,
                                       cogvideo_error *err)
{
    const size_t plane = (size_t)side * (size_t)side;
    cogvideo_status status;
    cogvideo_dataset_clip clip;
    int step;

    CV_TRY(cogvideo_dataset_get_clip(clips->dataset, index, &clip, err));
    if (clip.frames < frames || clips->info.size != side)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "clip %d has %d frames of %dx%d pixels; %d or more of %dx%d were expected", index, clip.frames,
                       clips->info.size, clips->info.size, frames, side, side);
    step = frames > 1 ? (clip.frames - 1) / (frames - 1) : 1;
    for (size_t f = 0; f < (size_t)frames; f++) {
        const uint8_t *from = clip.pixels + f * (size_t)step * plane * 3;

        for (size_t i = 0; i < plane; i++)
            for (size_t c = 0; c < 3; c++)
                planes[(f * 3 + c) * plane + i] = (float)from[i * 3 + c];
    }
done:
    return status;
}
