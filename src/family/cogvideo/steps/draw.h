/* draw.h - the draw of one code. Its random numbers are a function of the seed and of what is drawn, so that neither
 * batch nor threads nor an interruption change a code. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_DRAW_H
#define CV_FAMILY_COGVIDEO_STEPS_DRAW_H

#include "family/cogvideo/model/model.h"

/* What is drawn. */
typedef struct cv_draw {
    cv_step_kind step;
    int round; /* of interpolation or of refining; 0 elsewhere */
    uint32_t sample, frame, place;
} cv_draw;

/* A code from logits [codes]; below 0 where they are not sound (sample/sampler.h). */
int32_t cv_draw_code(const cv_cogvideo *model, const cogvideo_sampling *sampling, uint64_t seed, const cv_draw *draw,
                     const float *logits, int codes, cv_arena *arena);

#endif
