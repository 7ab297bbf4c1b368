/* step.h - what a step of the pipeline begins with: its texts, its rule of sampling and its guidance. All of it is
 * known, and all of it can be refused, before the first code is drawn. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_STEP_H
#define CV_FAMILY_COGVIDEO_STEPS_STEP_H

#include "family/cogvideo/model/settings.h"
#include "family/cogvideo/model/texts.h"

typedef struct cv_cogvideo_step {
    cv_step_kind kind;
    cv_ids text, guide; /* the latter is empty where the step is not guided */
    bool guided;
    double guidance, text_weight;
    double seconds; /* that the text tells; -1 = none */
    cogvideo_sampling sampling;
} cv_cogvideo_step;

/* `round` is that of interpolation, counted from the key frames; it is not read for other steps. */
cogvideo_status cv_cogvideo_step_begin(cv_cogvideo_step *out, const cv_cogvideo *model,
                                       const cogvideo_generate_options *options, cv_step_kind kind, int round,
                                       cogvideo_error *err);
void cv_cogvideo_step_free(cv_cogvideo_step *step);

/* Adds the step to a clip's header as the member `name`. */
void cv_cogvideo_step_put(const cv_cogvideo_step *step, const cogvideo_generate_options *options, const char *name,
                          cv_json *header);

#endif
