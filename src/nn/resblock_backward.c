#include "nn/resblock.h"

#include <string.h>

static void clear(float *x, size_t count)
{
    memset(x, 0, count * sizeof *x);
}

void cv_resblock_backward(const cv_exec *exec, const cv_resblock *block, const cv_resblock *grad, float *dx,
                          const float *dy, const float *x, const float *saved, int height, int width, cv_arena *arena)
{
    size_t pixels = (size_t)height * (size_t)width, mark = cv_arena_mark(arena);
    size_t in = (size_t)block->conv1.in * pixels, out = (size_t)block->conv1.out * pixels;
    size_t size = in > out ? in : out;
    float *again = cv_arena_take(arena, size, sizeof *again);  /* recomputes what the forward pass did not keep */
    float *inner = cv_arena_take(arena, size, sizeof *inner);  /* gradients at the outputs of the norms */
    float *before = cv_arena_take(arena, out, sizeof *before); /* and at the input of norm2 */
    bool run = arena->base != NULL;

    if (run) {
        cv_group_norm_apply(exec, &block->norm2, again, saved, pixels, true);
        clear(inner, out);
    }
    cv_conv2d_backward(exec, &block->conv2, grad ? &grad->conv2 : NULL, inner, dy, again, height, width, arena);
    if (run) {
        clear(before, out);
        cv_group_norm_backward(exec, &block->norm2, grad ? &grad->norm2 : NULL, before, inner, saved, pixels, true);
        cv_group_norm_apply(exec, &block->norm1, again, x, pixels, true);
        clear(inner, in);
    }
    cv_conv2d_backward(exec, &block->conv1, grad ? &grad->conv1 : NULL, inner, before, again, height, width, arena);
    if (run)
        cv_group_norm_backward(exec, &block->norm1, grad ? &grad->norm1 : NULL, dx, inner, x, pixels, true);
    if (block->shortcut.out)
        cv_conv2d_backward(exec, &block->shortcut, grad ? &grad->shortcut : NULL, dx, dy, x, height, width, arena);
    else
        for (size_t i = 0; run && i < out; i++)
            dx[i] += dy[i];
    cv_arena_rewind(arena, mark);
}
