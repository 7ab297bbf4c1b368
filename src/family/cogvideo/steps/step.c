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

/* --- before a run ---------------------------------------------------------------------------------------- */

static cogvideo_status check_step(const cv_cogvideo *model, const cogvideo_generate_options *options, cv_step_kind kind, int round,
                                  cogvideo_error *err)
{
    cv_cogvideo silent = *model; /* warnings are the run's */
    cv_cogvideo_step step = { 0 };
    cogvideo_status status;

    silent.head.log = (cogvideo_log){ 0 };
    status = cv_cogvideo_step_begin(&step, &silent, options, kind, round, err);
    cv_cogvideo_step_free(&step);
    return status;
}

static cogvideo_status check_rounds(const cv_cogvideo *model, const cogvideo_generate_options *options, int frames,
                                    cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    int first, end;

    CV_TRY(cv_rounds_of(model, frames, options->rounds, &first, &end, err));
    for (int round = first; round < end; round++)
        CV_TRY(check_step(model, options, CV_STEP_INTERPOLATE, round, err));
fail:
    return status;
}

cogvideo_status cv_cogvideo_check(const cogvideo_model *head, const cogvideo_generate_options *options, cogvideo_stage stage, int frames,
                                  cogvideo_error *err)
{
    const cv_cogvideo *model = cv_cogvideo_of(head);
    cogvideo_status status;
    const cv_stage *network;

    CV_TRY(cv_check_options(options, err));
    switch (stage) {
    case COGVIDEO_STAGE_FIRST_FRAME:
        CV_TRY(cv_need_trunk(model, &network, err));
        return check_step(model, options, CV_STEP_FIRST_FRAME, 0, err);
    case COGVIDEO_STAGE_KEYFRAMES:
        CV_TRY(cv_need_stage(model, CV_STAGE_SEQUENTIAL, &network, err));
        return check_step(model, options, CV_STEP_KEYFRAMES, 0, err);
    case COGVIDEO_STAGE_INTERPOLATE:
        CV_TRY(cv_need_stage(model, CV_STAGE_INTERPOLATE, &network, err));
        return check_rounds(model, options, frames, err);
    case COGVIDEO_STAGE_UPSCALE:
        CV_TRY(cv_need_upscaler(model, err));
        return check_step(model, options, CV_STEP_UPSCALE, 0, err);
    case COGVIDEO_STAGE_DECODE:
    case COGVIDEO_STAGE_ENCODE:
        return cv_need_image_tokenizer(model, err);
    case COGVIDEO_STAGE_SCORE:
        break;
    }
fail:
    return status;
}
