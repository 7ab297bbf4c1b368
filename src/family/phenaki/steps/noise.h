/* noise.h - the random numbers of a scene: each a function of the seed and of what it is for alone, so that any batch,
 * any number of threads and any interruption give the same clip. */
#ifndef CV_FAMILY_PHENAKI_STEPS_NOISE_H
#define CV_FAMILY_PHENAKI_STEPS_NOISE_H

#include "family/phenaki/steps/unmask.h"

typedef struct cv_scene_noise {
    uint64_t seed;
    uint32_t sample, scene; /* scene < 2^30 */
} cv_scene_noise;

#define CV_NOISE_STEPS (1 << 12)  /* more than a scene has */
#define CV_NOISE_PLACES (1 << 20) /* the same */

/* The uniform numbers of unmask.h, of a cv_scene_noise: 24 bits each. */
void cv_scene_uniform(void *noise, cv_unmask_noise what, int step, int place, int first, float *u, int count);

#endif
