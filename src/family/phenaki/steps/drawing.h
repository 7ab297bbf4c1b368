/* drawing.h - one scene of several samples, from masks to codes: the networks and the sampler of unmask.h together,
 * step by step, each of which is kept and given back. */
#ifndef CV_FAMILY_PHENAKI_STEPS_DRAWING_H
#define CV_FAMILY_PHENAKI_STEPS_DRAWING_H

#include "family/phenaki/steps/steps.h"
#include "family/phenaki/steps/unmask.h"

#include <cogvideo/generate.h>

typedef struct cv_drawing {
    const cv_phenaki *model;
    const cogvideo_step_options *step; /* how it draws */
    const cogvideo_callbacks *callbacks;
    uint64_t seed;
    int scene;                 /* counted from 0 */
    int first_sample, samples; /* counted as of a run */
    int batch;                 /* samples that are drawn side by side; the codes do not depend on it */
    int T, h, w, given;        /* of the box; latent frames of it that are given */
    const cv_phenaki_text *text;
    /* [samples], each of T h w; the given codes stand in `ids` before, and the drawn ones behind them afterwards */
    cv_unmask_box *boxes;
    /* After each step of the sampler, of some samples: a preview and progress. Other than 0: stop. */
    int (*stepped)(void *user, int step, int first, int count);
    void *user;
} cv_drawing;

/* Bytes of a unit that it keeps: a box after a step of the sampler. */
size_t cv_drawing_unit_bytes(const cv_drawing *drawing);
/* Bytes that a drawing takes beside its boxes; refuses what it could not do. */
cogvideo_status cv_drawing_plan(const cv_drawing *drawing, uint64_t *bytes, cogvideo_error *err);
cogvideo_status cv_drawing_run(const cv_drawing *drawing, cogvideo_error *err);

#endif
