/* steps.h - the steps that draw codes, by number and by name. */
#ifndef CV_FAMILY_COGVIDEO_MODEL_STEPS_H
#define CV_FAMILY_COGVIDEO_MODEL_STEPS_H

#include <cogvideo/sampling.h>

/* Each has a sampling rule of its own. The values enter the random numbers of each code (steps/draw.c): another value
 * means another clip for every seed. A new step takes the next free one. */
typedef enum cv_step_kind {
    CV_STEP_FIRST_FRAME = 0,
    CV_STEP_KEYFRAMES = 1,
    CV_STEP_INTERPOLATE = 2,
    CV_STEP_UPSCALE = 3,
    CV_STEP_REFINE = 4,
    CV_STEP_COUNT = 5,
} cv_step_kind;

/* In which ways it draws: COGVIDEO_BY_... */
unsigned cv_step_ways(cv_step_kind step);
/* The name of a step in the description's "sampling" section, such as "first_frame". */
const char *cv_step_name(cv_step_kind step);

#endif
