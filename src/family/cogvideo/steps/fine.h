/* fine.h - what both super-resolutions share: frame after frame of a clip to a clip of fine codes, each frame whole or
 * not at all, drawn from logits that a network gives for all its places side by side. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_FINE_H
#define CV_FAMILY_COGVIDEO_STEPS_FINE_H

#include "family/cogvideo/steps/step.h"
#include "family/work.h"

typedef struct cv_fine cv_fine;
struct cv_fine {
    /* Set by the step: */
    const cv_cogvideo *model;
    const cogvideo_generate_options *options;
    cv_step_kind kind;
    const char *what;    /* for progress and errors: "super-resolution" */
    int side, codes;     /* of the fine grid; the logits' width */
    const char *network; /* for errors: "the super-resolution network" */
    int side_in;         /* of the clip that is read */
    long long per_frame; /* codes that a frame draws */
    size_t scratch;      /* bytes of `arena` */
    /* Draws a frame of these codes into run->made, by cv_fine_draw. */
    cogvideo_status (*frame)(cv_fine *run, const int32_t *codes, cogvideo_error *err);
    /* For `frame`: */
    cv_cogvideo_step step;
    cv_arena arena;
    int32_t *made; /* [side^2] */
    /* Its own: */
    cv_arena drawing; /* the network holds the other one while it asks for codes */
    int at, unsound;  /* the frame that runs; its first place whose logits give no code, or -1 */
    cogvideo_progress progress;
};

/* One code of the frame that runs, from logits [codes]. */
void cv_fine_draw(cv_fine *run, int round, int place, const cogvideo_sampling *sampling, const float *logits);
/* For a network's callback after each layer: `run` is a cv_fine. */
int cv_fine_after_layer(void *run, int done, int layers);

/* The whole step, from the checks of options to the clip. Frees what it took; `run` is of no use afterwards. */
cogvideo_status cv_fine_run(cv_fine *run, const cogvideo_value *in, cogvideo_value *out, cogvideo_error *err);

#endif
