#include "nn/resblock.h"

#include <stdio.h>

static cogvideo_status bind(cv_resblock *out, cv_store *store, const char *name, int in, int channels, int kernel,
                            int groups, float eps, cogvideo_error *err)
{
    cogvideo_status status;
    char full[224];

    snprintf(full, sizeof full, "%s.norm1", name);
    CV_TRY(cv_group_norm_bind(&out->norm1, store, full, in, groups, eps, err));
    snprintf(full, sizeof full, "%s.conv1", name);
    CV_TRY(cv_conv2d_bind(&out->conv1, store, full, in, channels, kernel, 1, err));
    snprintf(full, sizeof full, "%s.norm2", name);
    CV_TRY(cv_group_norm_bind(&out->norm2, store, full, channels, groups, eps, err));
    snprintf(full, sizeof full, "%s.conv2", name);
    CV_TRY(cv_conv2d_bind(&out->conv2, store, full, channels, channels, kernel, 1, err));
    snprintf(full, sizeof full, "%s.nin_shortcut", name);
    if (in != channels)
        CV_TRY(cv_conv2d_bind(&out->shortcut, store, full, in, channels, 1, 1, err));
done:
    return status;
}

cogvideo_status cv_resblock_bind(cv_resblock *out, cv_store *store, const char *name, int in, int channels, int groups,
                                 float eps, cogvideo_error *err)
{
    return bind(out, store, name, in, channels, 3, groups, eps, err);
}

cogvideo_status cv_resblock_bind_per_position(cv_resblock *out, cv_store *store, const char *name, int channels,
                                              int kernel, float eps, cogvideo_error *err)
{
    cogvideo_status status = bind(out, store, name, channels, channels, kernel, 1, eps, err);

    out->norm1.per_position = out->norm2.per_position = true;
    return status;
}

void cv_resblock_apply(const cv_exec *exec, const cv_resblock *block, float *out, const float *x, float *inner,
                       float *middle, float *saved, int height, int width, cv_arena *arena)
{
    float *before = saved ? saved : middle;
    size_t pixels = (size_t)height * (size_t)width;

    if (arena->base)
        cv_group_norm_apply(exec, &block->norm1, inner, x, pixels, true);
    cv_conv2d_apply(exec, &block->conv1, before, inner, height, width, false, arena);
    if (arena->base)
        cv_group_norm_apply(exec, &block->norm2, middle, before, pixels, true);
    if (block->shortcut.out)
        cv_conv2d_apply(exec, &block->shortcut, out, x, height, width, false, arena);
    cv_conv2d_apply(exec, &block->conv2, out, middle, height, width, true, arena);
}
