#include "family/cogvideo/steps/step.h"

#include "family/cogvideo/steps/steps.h"
#include "sample/fields.h"

cogvideo_status cv_cogvideo_step_begin(cv_cogvideo_step *out, const cv_cogvideo *model,
                                       const cogvideo_generate_options *options, cv_step_kind kind, int round,
                                       cogvideo_error *err)
{
    const bool told = kind == CV_STEP_KEYFRAMES || kind == CV_STEP_INTERPOLATE; /* the seconds */
    cv_cogvideo_step step = { .kind = kind,
                              .guidance = cv_step_guidance(options, kind),
                              .text_weight = cv_step_text_weight(options, kind),
                              .sampling = options->steps[kind].sampling };
    cogvideo_status status;

    step.guided = step.guidance != 1;
    step.seconds = told ? cv_step_seconds(model, options, kind == CV_STEP_KEYFRAMES ? -1 : round) : -1;
    CV_TRY(cv_check_sampling(model, &step.sampling, err));
    CV_TRY(cv_step_text(model, options, kind, step.guided, step.seconds, &step.text, err));
    if (step.guided)
        CV_TRY(cv_guide_text(model, options, step.seconds, &step.guide, err));
    *out = step;
    return COGVIDEO_OK;
done:
    cv_cogvideo_step_free(&step);
    return status;
}

void cv_cogvideo_step_free(cv_cogvideo_step *step)
{
    cv_ids_free(&step->text);
    cv_ids_free(&step->guide);
}

void cv_cogvideo_step_put(const cv_cogvideo_step *step, const cogvideo_generate_options *options, const char *name,
                          cv_json *header)
{
    cv_json *object = cv_json_set_object(header, name);

    cv_json_set_int(object, "seed", (int64_t)options->seed);
    cv_json_set_ints(object, "text_ids", step->text.ids, (size_t)step->text.count);
    if (step->guided) {
        cv_json_set_ints(object, "guide_ids", step->guide.ids, (size_t)step->guide.count);
        cv_json_set_double(object, "guidance", step->guidance);
    }
    cv_json_set_double(object, "text_weight", step->text_weight);
    if (step->seconds >= 0)
        cv_json_set_double(object, "seconds", step->seconds);
    cv_sampling_put_drawn(object, &step->sampling, cv_step_ways(step->kind));
}
