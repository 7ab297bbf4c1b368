#include "model/image_tokenizer/tape.h"

#include "nn/resample.h"

#include <string.h>

/* Returns the member of the struct of gradients that corresponds to `layer` in the struct of weights. */
static const void *twin(const cv_image_tokenizer *weights, const cv_image_tokenizer *grad, const void *layer)
{
    return layer ? (const char *)grad + ((const char *)layer - (const char *)weights) : NULL;
}

static size_t step_size(const cv_tape_step *step)
{
    return (size_t)step->in * (size_t)step->height * (size_t)step->width;
}

/* dx [in][height][width] += the gradient from dy, which is overwritten. */
static void step_backward(const cv_exec *exec, const cv_tape_step *step, const void *grad, float *dx, float *dy,
                          cv_arena *arena)
{
    int height = step->height, width = step->width;
    bool run = arena->base != NULL;

    switch (step->kind) {
    case CV_TAPE_PATCHES:
        if (run)
            cv_patches_backward(exec, dx, dy, step->in, height, width,
                                ((const cv_picture_network *)step->layer)->patch);
        break;
    case CV_TAPE_UNPATCH: { /* the only step whose result is the larger picture */
        int side = ((const cv_picture_network *)step->layer)->patch;

        if (run)
            cv_patches(exec, dx, dy, step->in / (side * side), height * side, width * side, side);
        break;
    }
    case CV_TAPE_POOL_CONV:
        if (run && dx)
            cv_average_pool_backward(exec, dx, dy, step->in, height, width);
        /* fall through */
    case CV_TAPE_CONV:
        cv_conv2d_backward(exec, step->layer, grad, dx, dy, step->x, height, width, arena);
        break;
    case CV_TAPE_UPSAMPLE:
        if (run)
            cv_upsample_nearest_backward(exec, dx, dy, step->in, height, width);
        break;
    case CV_TAPE_BLOCK:
        cv_resblock_backward(exec, step->layer, grad, dx, dy, step->x, step->saved, height, width, arena);
        break;
    case CV_TAPE_ATTENTION:
        cv_attention2d_backward(exec, step->layer, grad, dx, dy, step->x, height, width, arena);
        break;
    case CV_TAPE_NORM_SWISH:
        if (run)
            cv_group_norm_backward(exec, step->layer, grad, dx, dy, step->x, (size_t)height * (size_t)width, true);
        break;
    }
}

float *cv_tape_backward(const cv_exec *exec, const cv_tape *tape, const cv_image_tokenizer *weights,
                        const cv_image_tokenizer *grad, const float *dy, int channels, int height, int width,
                        bool wanted, cv_arena *arena)
{
    size_t first = (size_t)channels * (size_t)height * (size_t)width, size = first;
    int first_layer = tape->count > 0 && tape->steps[0].kind == CV_TAPE_PATCHES;
    float *to, *from, *spare;

    for (int i = 0; i < tape->count; i++)
        size = step_size(&tape->steps[i]) > size ? step_size(&tape->steps[i]) : size;
    from = cv_arena_take(arena, size, sizeof *from);
    to = cv_arena_take(arena, size, sizeof *to);
    if (arena->base)
        memcpy(from, dy, first * sizeof *from);
    for (int i = tape->count - 1; i >= (wanted ? 0 : first_layer); i--) {
        const cv_tape_step *step = &tape->steps[i];
        bool needed = wanted || i > first_layer || step->kind != CV_TAPE_CONV;

        if (arena->base)
            memset(to, 0, step_size(step) * sizeof *to);
        step_backward(exec, step, twin(weights, grad, step->layer), needed ? to : NULL, from, arena);
        spare = from;
        from = to;
        to = spare;
    }
    return wanted ? from : NULL;
}
