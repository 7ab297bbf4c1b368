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
    uint32_t candidate; /* of the frame, from 0 */
} cv_draw;

/* Room in which several threads draw at once. */
typedef struct cv_draw_room {
    cv_arena *arenas; /* [threads] */
    int threads;
} cv_draw_room;

size_t cv_draw_bytes(const cv_cogvideo *model, int codes);
cogvideo_status cv_draw_room_create(cv_draw_room *out, const cv_cogvideo *model, int codes, cogvideo_error *err);
void cv_draw_room_free(cv_draw_room *room);
/* That of the thread that asks. */
cv_arena *cv_draw_room_own(const cv_draw_room *room);
/* Whether it pays to draw so many codes of so many logits in several threads. */
bool cv_draw_side_by_side(int rows, int codes);

/* A code from logits [codes]; below 0 where they are not sound (sample/sampler.h). */
int32_t cv_draw_code(const cv_cogvideo *model, const cogvideo_sampling *sampling, uint64_t seed, const cv_draw *draw,
                     const float *logits, int codes, cv_arena *arena);

#endif
