/* forced.h - the logits of every code of a clip given the true codes before it (teacher forcing), by one model or by
 * two side by side, and what the places looked at. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_FORCED_H
#define CV_FAMILY_COGVIDEO_STEPS_FORCED_H

#include "family/cogvideo/model/model.h"
#include "family/cogvideo/model/texts.h"
#include "nn/attention.h"

#include <cogvideo/generate.h>

#define CV_FORCED_MODELS 2

/* What one place is about to look at, in one channel of a layer, under the prompt (never the guide). */
typedef struct cv_forced_look {
    int layer;
    bool plus;
    int frame, place;                /* whose code is predicted */
    int first_frame, frames;         /* of the clip, those that stand in the window */
    cv_stage_kind kind;              /* how the window's slots lie in time */
    const cv_attention_query *query; /* sources: the text; frames, by slot (base channel: its own frame alone) */
} cv_forced_look;

/* Who is shown a walk; all but `see` may be NULL and then costs nothing. */
typedef struct cv_forced_viewer {
    /* One place of the clip: each model's (guided) logits [image_codes] at temperature 1, and the code that stands
     * there. */
    void (*see)(void *user, int frame, int place, float *const logits[CV_FORCED_MODELS], int32_t code);
    /* The first model's text of a step, before its frames. Other than COGVIDEO_OK, with err set, ends the walk. */
    cogvideo_status (*text)(void *user, cv_step_kind step, const cv_ids *ids, cogvideo_error *err);
    /* Each layer and channel of each place that is shown, of the first model; channels by turns, places in order. */
    void (*look)(void *user, const cv_forced_look *look);
    void *user;
} cv_forced_viewer;

/* Whether options and clip can be walked with: first of all. */
cogvideo_status cv_forced_check(const cv_cogvideo *model, const cogvideo_generate_options *options,
                                const cogvideo_tokens *clip, cogvideo_error *err);
/* Shows every place of the frames that `what` names; `count` models, 1 or 2, of one shape of network, each with options
 * of its own. Callbacks and seconds are the first's. */
cogvideo_status cv_forced_walk(const cv_cogvideo *const models[CV_FORCED_MODELS], int count,
                               const cogvideo_generate_options *const options[CV_FORCED_MODELS],
                               const cogvideo_score_options *what, const cogvideo_tokens *clip,
                               const cv_forced_viewer *viewer, cogvideo_error *err);

#endif
