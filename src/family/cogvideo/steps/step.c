#include "family/cogvideo/steps/step.h"

#include "family/cogvideo/steps/steps.h"

cogvideo_status cv_cogvideo_step_begin(cv_cogvideo_step *out, const cv_cogvideo *model, const cogvideo_generate_options *options, cv_step_kind kind,
                              int round, cogvideo_error *err)
{
    const bool told = kind == CV_STEP_KEYFRAMES || kind == CV_STEP_INTERPOLATE; /* the seconds, and a guide */
    cv_cogvideo_step step = { .kind = kind, .guidance = told ? cv_step_guidance(model, options, kind) : 1 };
    cogvideo_status status;

    step.guided = step.guidance != 1;
    step.text_weight = kind == CV_STEP_UPSCALE ? 0 : cv_step_text_weight(model, options, step.guided);
    step.seconds = told ? cv_step_seconds(model, options, kind == CV_STEP_KEYFRAMES ? -1 : round) : -1;
    CV_TRY(cv_step_sampling(model, options, kind, &step.sampling, err));
    CV_TRY(cv_step_text(model, options, kind, step.guided, step.seconds, &step.text, err));
    if (step.guided)
        CV_TRY(cv_guide_text(model, options, step.seconds, &step.guide, err));
    *out = step;
    return COGVIDEO_OK;
fail:
    cv_cogvideo_step_free(&step);
    return status;
}

void cv_cogvideo_step_free(cv_cogvideo_step *step)
{
    cv_ids_free(&step->text);
    cv_ids_free(&step->guide);
}

void cv_cogvideo_step_record(const cv_cogvideo_step *step, const cogvideo_generate_options *options, const char *name, cv_json *record)
{
    cv_record_step(record, name, options, step->text.ids, step->text.count, step->guided ? step->guide.ids : NULL, step->guide.count,
                   step->guidance, step->text_weight, step->seconds, &step->sampling);
}
