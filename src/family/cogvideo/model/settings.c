#include "family/cogvideo/model/settings.h"

#include "tokens/header.h"

#include <string.h>

void cv_cogvideo_defaults(const cogvideo_model *head, cogvideo_generate_options *options)
{
    const cv_description *d = &cv_cogvideo_of(head)->description;

    options->step_count = cv_cogvideo_of(head)->refiner ? CV_STEP_COUNT : CV_STEP_REFINE;
    for (int kind = 0; kind < options->step_count; kind++) {
        const bool guides = kind == CV_STEP_KEYFRAMES || kind == CV_STEP_INTERPOLATE, weighs = kind < CV_STEP_UPSCALE;

        options->steps[kind] = (cogvideo_step_options){
            .name = cv_step_name((cv_step_kind)kind),
            .sampling = d->sampling[kind],
            .ways = cv_step_ways((cv_step_kind)kind),
            .has_guidance = guides,
            .has_text_weight = weighs,
            .guidance = kind == CV_STEP_KEYFRAMES ? d->guidance : 1,
            .text_weight = weighs ? d->text_weight_plain : 0,
            .text_weight_guided = weighs ? d->text_weight_guided : 0,
        };
    }
    options->seconds = d->durations[0];
    options->keyframes = d->network.frames;
}

cogvideo_status cv_cogvideo_set_style(const cogvideo_model *head, cogvideo_generate_options *options, const char *name,
                                      cogvideo_error *err)
{
    const cv_style *style = NULL;
    cogvideo_status status;

    CV_TRY(cv_style_find(&cv_cogvideo_of(head)->description.styles, name, &style, err));
    options->style = style->name;
    for (int step = 0; step < options->step_count; step++)
        options->steps[step].sampling = style->sampling[step];
done:
    return status;
}

void cv_cogvideo_decode_defaults(const cogvideo_model *head, cogvideo_decode_options *options)
{
    options->size = cv_cogvideo_of(head)->description.picture_size;
}

cogvideo_status cv_check_options(const cv_cogvideo *model, const cogvideo_generate_options *o, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_options_check_steps(&model->head, o, err));
    CV_TRY(cv_options_check(&model->head, o, err));
done:
    return status;
}

cogvideo_generate_options cv_unmasked(const cogvideo_generate_options *options)
{
    cogvideo_generate_options own = *options;

    own.mask = NULL;
    own.picture = NULL;
    return own;
}

cogvideo_status cv_check_sampling(const cv_cogvideo *model, const cogvideo_sampling *sampling, cogvideo_error *err)
{
    if (sampling->clusters > 0 && !sampling->greedy && !model->clusters)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "the model '%s' samples by clusters of codes but has none: import its clusters with it, or turn "
                       "clusters off and sample by top_k or top_p",
                       model->head.name);
    return COGVIDEO_OK;
}

double cv_step_guidance(const cogvideo_generate_options *options, cv_step_kind step)
{
    const cogvideo_step_options *own = &options->steps[step];

    return own->has_guidance && own->guidance > 0 ? own->guidance : 1;
}

double cv_step_text_weight(const cogvideo_generate_options *options, cv_step_kind step)
{
    const cogvideo_step_options *own = &options->steps[step];

    if (!own->has_text_weight)
        return 0;
    return cv_step_guidance(options, step) != 1 ? own->text_weight_guided : own->text_weight;
}

double cv_step_seconds(const cv_cogvideo *model, const cogvideo_generate_options *options, int round)
{
    const cv_description *d = &model->description;
    int index = round + 1 < d->duration_count ? round + 1 : d->duration_count - 1;

    return d->durations[index] * options->seconds / d->durations[0];
}

cogvideo_status cv_keyframes_of(const cv_cogvideo *model, const cogvideo_generate_options *options, int *frames,
                                cogvideo_error *err)
{
    const int all = model->description.network.frames, count = options->keyframes;

    if (count < 1 || count > all)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "this model makes 1 to %d key frames, not %d", all, count);
    *frames = count;
    return COGVIDEO_OK;
}

int cv_rounds_behind(const cv_cogvideo *model, int frames)
{
    int gaps = model->description.network.frames - 1, rounds = 0;

    while (gaps > 0 && gaps < frames - 1 && rounds < CV_MAX_DURATIONS) {
        gaps *= 2;
        rounds++;
    }
    return gaps == frames - 1 ? rounds : 0;
}

cogvideo_status cv_rounds_of(const cv_cogvideo *model, int frames, int rounds, int *first, int *end,
                             cogvideo_error *err)
{
    const int known = cv_cogvideo_known(&model->description.network), behind = cv_rounds_behind(model, frames);
    const int left = model->description.duration_count - 1 - behind;

    if (rounds == 0)
        rounds = left > 0 ? left : 1;
    if (rounds < 0 || rounds >= CV_MAX_DURATIONS)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "rounds must be from 1 to %d, not %d", CV_MAX_DURATIONS - 1,
                       rounds);
    if (frames < known || (frames - 1) % (known - 1) != 0)
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "interpolation takes windows of %d frames that share their ends: the clip must have %d, %d, %d, ... frames, it has %d",
            known, known, 2 * known - 1, 3 * known - 2, frames);
    if ((double)frames * (double)(1 << rounds) > 1e5)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%d rounds over %d frames would make more than 100000 frames",
                       rounds, frames);
    *first = behind;
    *end = behind + rounds;
    return COGVIDEO_OK;
}

cogvideo_status cv_check_clip(const cogvideo_tokens *clip, int grid, int codes, const char *what, cogvideo_error *err)
{
    if (clip->frames < 1 || !clip->codes)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the clip has no frames");
    if (clip->frames_per_code != 1)
        return cv_fail(
            err, COGVIDEO_ERROR_ARGUMENT,
            "the codes of the clip stand for %d video frames each, %s takes codes of single frames: another model "
            "made them",
            clip->frames_per_code, what);
    if (clip->height != clip->width)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the clip has frames of %dx%d codes, %s takes square ones",
                       clip->width, clip->height, what);
    if (clip->height != grid)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the clip has frames of %dx%d codes, %s takes %dx%d", clip->width,
                       clip->height, what, grid, grid);
    return cv_tokens_check_codes(clip, codes, what, err);
}
