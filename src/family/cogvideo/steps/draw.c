#include "family/cogvideo/steps/draw.h"

#include "base/parallel.h"
#include "base/rng.h"

int32_t cv_draw_code(const cv_cogvideo *model, const cogvideo_sampling *sampling, uint64_t seed, const cv_draw *draw,
                     const float *logits, int codes, cv_arena *arena)
{
    const uint32_t counter[4] = { draw->sample, draw->frame, draw->place,
                                  (uint32_t)draw->step | (uint32_t)draw->round << 8 | draw->candidate << 16 };
    uint32_t bits[4];

    cv_rng_block(bits, seed, counter);
    return cv_sample(logits, codes, sampling, model->clusters, cv_rng_unit(bits[0], bits[1]),
                     cv_rng_unit(bits[2], bits[3]), arena);
}

size_t cv_draw_bytes(const cv_cogvideo *model, int codes)
{
    return (size_t)model->head.exec.threads * (sizeof(cv_arena) + cv_sampler_scratch(codes, model->clusters));
}

cogvideo_status cv_draw_room_create(cv_draw_room *out, const cv_cogvideo *model, int codes, cogvideo_error *err)
{
    cogvideo_status status;

    out->threads = model->head.exec.threads;
    CV_NEW(out->arenas, out->threads, err);
    for (int i = 0; i < out->threads; i++)
        CV_TRY(cv_arena_create(&out->arenas[i], cv_sampler_scratch(codes, model->clusters), err));
done:
    return status;
}

void cv_draw_room_free(cv_draw_room *room)
{
    for (int i = 0; room->arenas && i < room->threads; i++)
        cv_arena_free(&room->arenas[i]);
    cv_free(room->arenas);
    *room = (cv_draw_room){ 0 };
}

cv_arena *cv_draw_room_own(const cv_draw_room *room)
{
    return &room->arenas[cv_thread_index()];
}

/* A draw reads its logits a few times and sorts some of them: about ten multiply-adds each. */
bool cv_draw_side_by_side(int rows, int codes)
{
    return rows > 1 && 10.0 * rows * codes > CV_PARALLEL_WORK;
}
