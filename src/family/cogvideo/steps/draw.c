#include "family/cogvideo/steps/draw.h"

#include "base/rng.h"

int32_t cv_draw_code(const cv_cogvideo *model, const cogvideo_sampling *sampling, uint64_t seed, const cv_draw *draw,
                     const float *logits, int codes, cv_arena *arena)
{
    const uint32_t counter[4] = { draw->sample, draw->frame, draw->place,
                                  (uint32_t)draw->step | (uint32_t)draw->round << 8 };
    uint32_t bits[4];

    cv_rng_block(bits, seed, counter);
    return cv_sample(logits, codes, sampling, model->clusters, cv_rng_unit(bits[0], bits[1]),
                     cv_rng_unit(bits[2], bits[3]), arena);
}
