/* options.c - what the options of a run must be, whatever the family. */
#include "family/family.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The prompt becomes part of the clip's header, which is JSON: what is no UTF-8 would spoil the file for others. */
static cogvideo_status check_utf8(const char *what, const char *prompt, cogvideo_error *err)
{
    size_t size = prompt ? strlen(prompt) : 0, good = cv_utf8_prefix(prompt, size);

    if (good < size)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s is not UTF-8 text, from byte %zu on: convert it to UTF-8",
                       what, good);
    return COGVIDEO_OK;
}

static cogvideo_status check_scenes(const cogvideo_model *model, const cogvideo_generate_options *o,
                                    cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    char what[60];

    if (!model->family->stories && o->scene_count != 0)
        return cv_model_cannot(model, "tell a story of several scenes", err);
    if (!model->family->stories && o->context != 0)
        return cv_model_cannot(model, "take over frames from a scene before", err);
    if (o->context < 0 || o->context > COGVIDEO_MAX_CONTEXT)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "context must be from 0 to %d frames, not %d",
                       COGVIDEO_MAX_CONTEXT, o->context);
    if (o->scene_count < 0 || o->scene_count > COGVIDEO_MAX_SCENES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a story has from 1 to %d scenes, not %d", COGVIDEO_MAX_SCENES,
                       o->scene_count);
    for (int i = 0; i < o->scene_count; i++) {
        const double seconds = o->scenes[i].seconds;

        if (!(seconds == 0 || (seconds >= 0.1 && seconds <= 1000)))
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "scene %d: seconds must be from 0.1 to 1000, not %g", i + 1,
                           seconds);
        if (!o->scenes[i].prompt)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "scene %d has no prompt", i + 1);
        snprintf(what, sizeof what, "the prompt of scene %d", i + 1);
        CV_TRY(check_utf8(what, o->scenes[i].prompt, err));
    }
done:
    return status;
}

#define MOST_MASKED 16384 /* places on a side of a mask */

static cogvideo_status check_mask(const cogvideo_generate_options *o, cogvideo_error *err)
{
    const cogvideo_video *picture = o->picture;

    if (o->mask &&
        (o->mask_height < 1 || o->mask_width < 1 || o->mask_height > MOST_MASKED || o->mask_width > MOST_MASKED))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the mask has %dx%d places, 1 to %d on a side were expected",
                       o->mask_width, o->mask_height, MOST_MASKED);
    if (picture && (!picture->pixels || picture->frames < 1))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the picture has no pixels");
    if (picture && !o->mask)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the picture has no mask: it marks what is to be drawn anew");
    if (picture && (picture->height != o->mask_height || picture->width != o->mask_width))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the mask has %dx%d places, and the picture %dx%d pixels",
                       o->mask_width, o->mask_height, picture->width, picture->height);
    return COGVIDEO_OK;
}

cogvideo_status cv_options_check(const cogvideo_model *model, const cogvideo_generate_options *o, cogvideo_error *err)
{
    cogvideo_status status;

    if (o->step_count < 0 || o->step_count > COGVIDEO_MAX_STEPS)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the options have %d steps, at most %d were expected: fill them with cogvideo_generate_defaults",
                       o->step_count, COGVIDEO_MAX_STEPS);
    if (o->seed > COGVIDEO_MAX_SEED)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the seed must be below 2^53 (%llu)", COGVIDEO_MAX_SEED + 1ULL);
    if (o->samples < 1 || o->samples > COGVIDEO_MAX_SAMPLES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "samples must be from 1 to %d, not %d (cogvideo_generate_defaults fills in all options)",
                       COGVIDEO_MAX_SAMPLES, o->samples);
    if (o->first_sample < 0 || o->first_sample > INT32_MAX - COGVIDEO_MAX_SAMPLES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "first_sample must be from 0, not %d", o->first_sample);
    if (!(o->seconds >= 0.1 && o->seconds <= 1000))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "seconds must be from 0.1 to 1000, not %g", o->seconds);
    if (o->rounds < 0 || o->batch < 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "rounds and batch must be from 0, not %d and %d", o->rounds,
                       o->batch);
    if (o->lookahead < -1 || o->lookahead > COGVIDEO_MAX_LOOKAHEAD)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "lookahead must be from 0 to %d places, or -1 (automatic), not %d",
                       COGVIDEO_MAX_LOOKAHEAD, o->lookahead);
    CV_TRY(check_mask(o, err));
    CV_TRY(check_scenes(model, o, err));
    CV_TRY(check_utf8("the prompt", o->prompt, err));
done:
    return status;
}

static cogvideo_status check_step(const cogvideo_step_options *step, const char *name, cogvideo_error *err)
{
    const double *const weights[] = { &step->text_weight, &step->text_weight_guided };
    cogvideo_status status;

    if (!step->name || strcmp(step->name, name) != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the options are those of another model: fill them with cogvideo_generate_defaults");
    if (!(step->guidance >= 0 && step->guidance <= 1000))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: guidance must be a number from 0 to 1000, not %g", step->name,
                       step->guidance);
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        if (!(fabs(*weights[i]) <= 1000))
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: the text weight must be from -1000 to 1000, not %g",
                           step->name, *weights[i]);
    status = cogvideo_sampling_check(&step->sampling, err);
    if (status != COGVIDEO_OK)
        cv_fail_prefix(err, status, step->name);
    return status;
}

cogvideo_status cv_options_check_steps(const cogvideo_model *model, const cogvideo_generate_options *o,
                                       cogvideo_error *err)
{
    cogvideo_generate_options own = { 0 };
    cogvideo_status status = COGVIDEO_OK;

    model->family->defaults(model, &own);
    if (o->step_count != own.step_count)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the options have %d steps and not the model's %d: fill them with cogvideo_generate_defaults",
                       o->step_count, own.step_count);
    for (int i = 0; i < own.step_count; i++)
        CV_TRY(check_step(&o->steps[i], own.steps[i].name, err));
done:
    return status;
}
