#include "family/metrics/network/clip_network.h"

#include <string.h>

void cv_clip_time_pass_take(cv_clip_time_pass *pass, cv_arena *arena)
{
    const int frames = pass->clip->config.frames;
    const size_t D = (size_t)pass->clip->config.time.width;

    pass->means = cv_arena_take(arena, (size_t)pass->items, D * sizeof *pass->means);
    pass->x = cv_arena_take(arena, (size_t)pass->items * (size_t)frames, D * sizeof *pass->x);
    pass->blocks = (cv_clip_pass){ .exec = pass->exec,
                                   .blocks = &pass->clip->time_blocks,
                                   .items = pass->items,
                                   .rows = frames,
                                   .training = pass->training };
    cv_clip_pass_take(&pass->blocks, arena);
}

void cv_clip_time_pass_reserve(const cv_clip_time_pass *pass, cv_arena *arena)
{
    cv_clip_pass_reserve(&pass->blocks, arena);
}

void cv_clip_time_pass_run(cv_clip_time_pass *pass, const float *tops, cv_arena *arena)
{
    const size_t frames = (size_t)pass->clip->config.frames, D = (size_t)pass->clip->config.time.width;
    const float scale = 1.0f / (float)frames;

    for (size_t item = 0; item < (size_t)pass->items; item++)
        for (size_t i = 0; i < frames * D; i++)
            pass->x[item * frames * D + i] = tops[item * frames * D + i] + pass->clip->time_places[i];
    cv_clip_pass_run(&pass->blocks, pass->x, arena);
    memset(pass->means, 0, (size_t)pass->items * D * sizeof *pass->means);
    for (size_t item = 0; item < (size_t)pass->items; item++) {
        float *mean = pass->means + item * D;

        for (size_t f = 0; f < frames; f++)
            for (size_t i = 0; i < D; i++)
                mean[i] += pass->x[(item * frames + f) * D + i];
        for (size_t i = 0; i < D; i++)
            mean[i] *= scale;
    }
}

void cv_clip_time_pass_backward(cv_clip_time_pass *pass, const cv_clip *grad, float *dtops, const float *dmeans,
                                cv_arena *arena)
{
    const size_t frames = (size_t)pass->clip->config.frames, D = (size_t)pass->clip->config.time.width,
                 rows = (size_t)pass->items * frames;
    const float scale = 1.0f / (float)frames;
    float *dx = pass->x;

    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < D; i++)
            dx[row * D + i] = dmeans[row / frames * D + i] * scale;
    cv_clip_pass_backward(&pass->blocks, &grad->time_blocks, dx, arena);
    cv_clip_sum_items((float *)grad->time_places, dx, pass->items, (int)frames, (int)D);
    for (size_t i = 0; i < rows * D; i++)
        dtops[i] += dx[i];
}
