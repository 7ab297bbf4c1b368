/* steps.h - the steps that draw codes, by number and by name. */
#ifndef CV_FAMILY_COGVIDEO_MODEL_STEPS_H
#define CV_FAMILY_COGVIDEO_MODEL_STEPS_H

#include <cogvideo/sampling.h>

/* In which ways they draw. */
#define CV_COGVIDEO_WAYS (COGVIDEO_BY_RANK | COGVIDEO_BY_CLUSTERS | COGVIDEO_BY_BEST)

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

/* The name of a step in the description's "sampling" section, such as "first_frame". */
const char *cv_step_name(cv_step_kind step);

#endif
