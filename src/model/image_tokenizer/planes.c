#include "model/image_tokenizer/planes.h"

#include "nn/resample.h"

#define RGB 3

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void cv_planes_take(cv_planes *planes, const cv_picture_network *network, int latent, int height, int width)
{
    size_t pixels = (size_t)height * (size_t)width, size = RGB * pixels;
    int last = network->level_count - 1;

    for (int i = 0; i <= last; i++) {
        const cv_picture_level *level = &network->levels[i];
        size_t channels = larger((size_t)level->in, (size_t)level->out);

        size = larger(size, (i == last ? larger(channels, (size_t)latent) : channels) * (pixels >> 2 * i));
    }
    planes->x = cv_arena_take(planes->arena, size, sizeof *planes->x);
    planes->inner = cv_arena_take(planes->arena, size, sizeof *planes->inner);
    planes->middle = cv_arena_take(planes->arena, size, sizeof *planes->middle);
}

static void swap(cv_planes *planes)
{
    float *x = planes->x;

    planes->x = planes->inner;
    planes->inner = x;
}

void cv_planes_conv(cv_planes *planes, const cv_conv2d *conv)
{
    cv_conv2d_apply(planes->exec, conv, planes->inner, planes->x, planes->height, planes->width, false, planes->arena);
    planes->height /= conv->stride;
    planes->width /= conv->stride;
    swap(planes);
}

void cv_planes_upsample(cv_planes *planes, const cv_conv2d *conv)
{
    if (planes->arena->base)
        cv_upsample_nearest(planes->exec, planes->inner, planes->x, conv->in, planes->height, planes->width);
    planes->height *= 2;
    planes->width *= 2;
    swap(planes);
    cv_planes_conv(planes, conv);
}

void cv_planes_pool_conv(cv_planes *planes, const cv_conv2d *conv)
{
    if (planes->arena->base)
        cv_average_pool(planes->exec, planes->inner, planes->x, conv->in, planes->height, planes->width);
    cv_conv2d_apply(planes->exec, conv, planes->inner, planes->x, planes->height, planes->width, true, planes->arena);
    planes->height /= 2;
    planes->width /= 2;
    swap(planes);
}

static void run_block(cv_planes *planes, const cv_resblock *block)
{
    bool widths_agree = block->shortcut.out == 0;

    cv_resblock_apply(planes->exec, block, widths_agree ? planes->x : planes->inner, planes->x, planes->inner,
                      planes->middle, NULL, planes->height, planes->width, planes->arena);
    if (!widths_agree)
        swap(planes);
}

static void run_attention(cv_planes *planes, const cv_attention2d *attention)
{
    cv_attention2d_apply(planes->exec, attention, planes->x, planes->height, planes->width, planes->arena);
}

void cv_planes_blocks(cv_planes *planes, const cv_picture_level *level)
{
    for (int i = 0; i < level->block_count; i++)
        run_block(planes, &level->blocks[i]);
    if (level->attention.norm.C)
        run_attention(planes, &level->attention);
}

void cv_planes_mid(cv_planes *planes, const cv_picture_network *network)
{
    run_block(planes, &network->mid_block_1);
    run_attention(planes, &network->mid_attention);
    run_block(planes, &network->mid_block_2);
}

void cv_planes_finish(cv_planes *planes, const cv_picture_network *network)
{
    if (planes->arena->base)
        cv_group_norm_apply(planes->exec, &network->norm_out, planes->x, planes->x,
                            (size_t)planes->height * (size_t)planes->width, true);
    cv_planes_conv(planes, &network->conv_out);
}
