#include "family/cogvideo/model/settings.h"

#include "base/utf8.h"

#include <math.h>
#include <string.h>

/* The prompt becomes part of the clip's header, which is JSON: what is no UTF-8 would spoil the file for others. */
static cogvideo_status check_utf8(const char *prompt, cogvideo_error *err)
{
    size_t size = prompt ? strlen(prompt) : 0, good = cv_utf8_prefix(prompt, size);

    if (good < size)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the prompt is not UTF-8 text, from byte %zu on: convert it to UTF-8",
                       good);
    return COGVIDEO_OK;
}

cogvideo_status cv_check_options(const cogvideo_generate_options *o, cogvideo_error *err)
{
    if (o->seed >= CV_SEED_END)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the seed must be below 2^53 (%llu)",
                       (unsigned long long)CV_SEED_END);
    if (o->samples < 0 || o->samples > CV_MAX_SAMPLES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "samples must be from 1 to %d, not %d", CV_MAX_SAMPLES, o->samples);
    if (o->first_sample < 0 || o->first_sample > INT32_MAX - CV_MAX_SAMPLES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "first_sample must be from 0, not %d", o->first_sample);
    if (!isfinite(o->guidance) || o->guidance > 1000)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "guidance must be a number up to 1000, not %g", o->guidance);
    if (!isnan(o->text_weight) && !(fabs(o->text_weight) <= 1000))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the text weight must be from -1000 to 1000, not %g",
                       o->text_weight);
    if (o->seconds != 0 && !(o->seconds >= 0.1 && o->seconds <= 1000))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "seconds must be from 0.1 to 1000, not %g", o->seconds);
    if (o->batch < 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the batch must be from 1, not %d", o->batch);
    return check_utf8(o->prompt, err);
}

cogvideo_status cv_step_sampling(const cv_cogvideo *model, const cogvideo_generate_options *options,
                                 cv_step_kind step, cv_sampling *out, cogvideo_error *err)
{
    const cogvideo_sampling *o = &options->sampling;
    cv_sampling s = model->description.sampling[step];

    if (o->temperature != 0)
        s.temperature = o->temperature;
    if (o->code_temperature != 0)
        s.code_temperature = o->code_temperature;
    if (o->clusters != 0)
        s.clusters = o->clusters < 0 ? 0 : o->clusters;
    if (o->top_k != 0)
        s.top_k = o->top_k;
    if (o->top_p != 0)
        s.top_p = o->top_p;
    s.greedy = o->greedy != 0;
    if (!(s.temperature > 0 && s.temperature <= 1000) || !(s.code_temperature > 0 && s.code_temperature <= 1000))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "temperatures must be above 0 and at most 1000");
    if (s.top_k < 0 || !(s.top_p >= 0 && s.top_p <= 1))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "top_k must be from 0, top_p from 0 to 1");
    if (s.clusters > 0 && !s.greedy && !model->clusters)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "the model '%s' samples by clusters of codes but has none: import its clusters with it, or turn "
                       "clusters off and sample by top_k or top_p",
                       model->head.name);
    *out = s;
    return COGVIDEO_OK;
}

double cv_step_guidance(const cv_cogvideo *model, const cogvideo_generate_options *options, cv_step_kind step)
{
    double alpha = options->guidance;

    if (step == CV_STEP_INTERPOLATE)
        return alpha > 1 && options->guide_ids ? alpha : 1;
    if (alpha == 0)
        alpha = model->description.guidance;
    return alpha < 0 ? 1 : alpha;
}

double cv_step_text_weight(const cv_cogvideo *model, const cogvideo_generate_options *options, bool guided)
{
    if (!isnan(options->text_weight))
        return options->text_weight;
    return guided ? model->description.text_weight_guided : model->description.text_weight_plain;
}

double cv_clip_seconds(const cv_cogvideo *model, const cogvideo_generate_options *options)
{
    return options->seconds > 0 ? options->seconds : model->description.durations[0];
}

double cv_step_seconds(const cv_cogvideo *model, const cogvideo_generate_options *options, int round)
{
    const cv_description *d = &model->description;
    int index = round + 1 < d->duration_count ? round + 1 : d->duration_count - 1;

    return d->durations[index] * cv_clip_seconds(model, options) / d->durations[0];
}

cogvideo_status cv_keyframes_of(const cv_cogvideo *model, const cogvideo_generate_options *options, int *frames, cogvideo_error *err)
{
    const int all = model->description.network.frames, count = options->keyframes ? options->keyframes : all;

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

cogvideo_status cv_rounds_of(const cv_cogvideo *model, int frames, int rounds, int *first, int *end, cogvideo_error *err)
{
    const int known = cv_cogvideo_known(&model->description.network), behind = cv_rounds_behind(model, frames);
    const int left = model->description.duration_count - 1 - behind;

    if (rounds == 0)
        rounds = left > 0 ? left : 1;
    if (rounds < 0 || rounds >= CV_MAX_DURATIONS)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "rounds must be from 1 to %d, not %d", CV_MAX_DURATIONS - 1, rounds);
    if (frames < known || (frames - 1) % (known - 1) != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "interpolation takes windows of %d frames that share their ends: the clip must have %d, %d, %d, ... frames, it has %d",
                       known, known, 2 * known - 1, 3 * known - 2, frames);
    if ((double)frames * (double)(1 << rounds) > 1e5)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%d rounds over %d frames would make more than 100000 frames", rounds, frames);
    *first = behind;
    *end = behind + rounds;
    return COGVIDEO_OK;
}

cogvideo_status cv_check_clip(const cogvideo_tokens *clip, int grid, int codes, const char *what, cogvideo_error *err)
{
    const size_t places = cogvideo_tokens_per_frame(clip);

    if (clip->frames < 1 || !clip->codes)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the clip has no frames");
    if (clip->frames_per_code != 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the codes of the clip stand for %d video frames each, %s takes codes of single frames",
                       clip->frames_per_code, what);
    if (clip->height != clip->width)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the clip has frames of %dx%d codes, %s takes square ones",
                       clip->width, clip->height, what);
    if (clip->height != grid)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the clip has frames of %dx%d codes, %s takes %dx%d", clip->width,
                       clip->height, what, grid, grid);
    for (size_t i = 0; i < places * (size_t)clip->frames; i++)
        if (clip->codes[i] < 0 || clip->codes[i] >= codes)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "frame %zu of the clip holds the code %d, %s knows 0 to %d: it was made by another model",
                           i / places, (int)clip->codes[i], what, codes - 1);
    return COGVIDEO_OK;
}

cogvideo_status cv_record_open(cv_json **out, const cv_cogvideo *model, const cogvideo_generate_options *options,
                               const char *earlier, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *record = NULL;

    if (earlier) {
        status = cv_json_parse(&record, earlier, strlen(earlier), "the clip's header", err);
        if (status != COGVIDEO_OK)
            return status;
    } else if (!(record = cv_json_new_object())) {
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "out of memory");
    }
    cv_json_set_string(record, "model", model->head.name);
    if (options && options->prompt)
        cv_json_set_string(record, "prompt", options->prompt);
    *out = record;
    return COGVIDEO_OK;
}

void cv_record_step(cv_json *record, const char *name, const cogvideo_generate_options *options, const int32_t *text,
                    int text_count, const int32_t *guide, int guide_count, double guidance, double text_weight,
                    double seconds, const cv_sampling *sampling)
{
    cv_json *step = cv_json_set_object(record, name);

    cv_json_set_int(step, "seed", (int64_t)options->seed);
    cv_json_set_ints(step, "text_ids", text, (size_t)text_count);
    if (guide) {
        cv_json_set_ints(step, "guide_ids", guide, (size_t)guide_count);
        cv_json_set_double(step, "guidance", guidance);
    }
    cv_json_set_double(step, "text_weight", text_weight);
    if (seconds >= 0)
        cv_json_set_double(step, "seconds", seconds);
    if (sampling->greedy) {
        cv_json_set_bool(step, "greedy", true);
        return;
    }
    cv_json_set_double(step, "temperature", sampling->temperature);
    if (sampling->clusters > 0) {
        cv_json_set_int(step, "clusters", sampling->clusters);
        cv_json_set_double(step, "code_temperature", sampling->code_temperature);
    } else {
        cv_json_set_int(step, "top_k", sampling->top_k);
        cv_json_set_double(step, "top_p", sampling->top_p);
    }
}

cogvideo_status cv_record_close(cv_json **record, cogvideo_tokens *clip, cogvideo_error *err)
{
    char *text = cv_json_print(*record, false, err);

    cv_json_free(record);
    if (!text)
        return COGVIDEO_ERROR_MEMORY;
    cv_free(clip->header);
    clip->header = text;
    return COGVIDEO_OK;
}
