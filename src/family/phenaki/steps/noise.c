#include "family/phenaki/steps/noise.h"

#include "base/rng.h"

void cv_scene_uniform(void *user, cv_unmask_noise what, int step, int place, int first, float *u, int count)
{
    const cv_scene_noise *noise = user;
    uint32_t counter[4] = { noise->sample, noise->scene * 4 + (uint32_t)what,
                            (uint32_t)step * CV_NOISE_PLACES + (uint32_t)place, 0 },
             bits[4];

    for (int i = 0; i < count; i++) {
        const uint32_t at = (uint32_t)(first + i);

        if (i == 0 || at % 4 == 0) {
            counter[3] = at / 4;
            cv_rng_block(bits, noise->seed, counter);
        }
        u[i] = (float)(bits[at % 4] >> 8) * 0x1p-24f;
    }
}
