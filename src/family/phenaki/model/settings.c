/* settings.c - what a run uses where nobody says otherwise: the section "sampling" of model.json. */
#include "family/phenaki/model/model.h"
#include "sample/fields.h"

#include <stdio.h>

cogvideo_status cv_phenaki_read_settings(cv_phenaki *model, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *all, *section;
    char where[600];

    model->sampling = (cogvideo_sampling){ .temperature = 0.9,
                                           .code_temperature = 1,
                                           .top_p = 1,
                                           .steps = 18,
                                           .choice_temperature = 4,
                                           .critic_noise = 1 };
    model->guidance = 1;
    if (!cv_json_get(model->head.description, "sampling"))
        return COGVIDEO_OK;
    CV_TRY(cv_json_object(model->head.description, "sampling", &all, origin, err));
    snprintf(where, sizeof where, "%.500s: sampling", origin);
    CV_TRY(cv_json_object(all, "scenes", &section, where, err));
    snprintf(where, sizeof where, "%.500s: sampling.scenes", origin);
    CV_TRY(cv_sampling_read(&model->sampling, section, COGVIDEO_BY_UNMASKING, where, err));
    CV_TRY(cv_json_optional_double(section, "guidance", 0, 1000, &model->guidance, where, err));
    if (model->sampling.steps < 1)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'steps' must be from 1", where);
done:
    return status;
}

double cv_phenaki_seconds(const cv_phenaki *model)
{
    const double seconds = (model->frames > 1 ? model->frames - 1 : 1) / model->fps;

    return seconds < 0.1 ? 0.1 : seconds > 1000 ? 1000 : seconds;
}

void cv_phenaki_defaults(const cogvideo_model *head, cogvideo_generate_options *options)
{
    const cv_phenaki *model = cv_phenaki_of(head);

    options->steps[0] = (cogvideo_step_options){ .name = "scenes",
                                                 .sampling = model->sampling,
                                                 .ways = COGVIDEO_BY_UNMASKING,
                                                 .has_guidance = 1,
                                                 .guidance = model->guidance };
    options->step_count = 1;
    options->seconds = cv_phenaki_seconds(model);
    options->context = model->context;
}
