#include "model/image_tokenizer/planes.h"

#include "nn/resample.h"

#include <string.h>

#define RGB 3

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void cv_planes_take(cv_planes *planes, const cv_picture_network *network, int latent, int height, int width)
{
    size_t pixels = (size_t)height * (size_t)width, size = RGB * pixels;
    int last = network->level_count - 1;

    pixels /= network->patch ? (size_t)network->patch * (size_t)network->patch : 1;
    for (int i = 0; i <= last; i++) {
        const cv_picture_level *level = &network->levels[i];
        size_t channels = larger((size_t)level->in, (size_t)level->out);

        size = larger(size, (i == last ? larger(channels, (size_t)latent) : channels) * (pixels >> 2 * i));
    }
    planes->x = cv_arena_take(planes->arena, size, sizeof *planes->x);
    planes->inner = cv_arena_take(planes->arena, size, sizeof *planes->inner);
    planes->middle = cv_arena_take(planes->arena, size, sizeof *planes->middle);
}

/* Returns where a layer's result [channels][height][width] goes. */
static float *result_for(cv_planes *planes, int channels, int height, int width)
{
    if (!planes->tape)
        return planes->inner;
    return cv_arena_take(planes->arena, (size_t)channels * (size_t)height * (size_t)width, sizeof(float));
}

static void note(cv_planes *planes, cv_tape_kind kind, const void *layer, const float *saved, int in)
{
    if (planes->tape)
        planes->tape->steps[planes->tape->count++] = (cv_tape_step){ .kind = kind,
                                                                     .layer = layer,
                                                                     .x = planes->x,
                                                                     .saved = saved,
                                                                     .in = in,
                                                                     .height = planes->height,
                                                                     .width = planes->width };
}

/* Makes `out` the new x. */
static void move_on(cv_planes *planes, float *out)
{
    if (!planes->tape)
        planes->inner = planes->x;
    planes->x = out;
}

static size_t pixels_of(const cv_planes *planes)
{
    return (size_t)planes->height * (size_t)planes->width;
}

/* Returns x for a layer that works in place: x itself, or a copy of [channels] planes where a tape keeps x. */
static float *in_place(cv_planes *planes, int channels)
{
    float *copy;

    if (!planes->tape)
        return planes->x;
    copy = result_for(planes, channels, planes->height, planes->width);
    if (planes->arena->base)
        memcpy(copy, planes->x, (size_t)channels * pixels_of(planes) * sizeof *copy);
    return copy;
}

/* Counts a multiply and an add for each weight and each pixel of the result. */
static void count_conv(cv_planes *planes, const cv_conv2d *conv)
{
    planes->operations += 2.0 * conv->in * conv->out * conv->kernel * conv->kernel * (double)pixels_of(planes) /
                          (conv->stride * conv->stride);
}

void cv_planes_conv(cv_planes *planes, const cv_conv2d *conv)
{
    int height = planes->height / conv->stride, width = planes->width / conv->stride;
    float *out = result_for(planes, conv->out, height, width);

    note(planes, CV_TAPE_CONV, conv, NULL, conv->in);
    count_conv(planes, conv);
    cv_conv2d_apply(planes->exec, conv, out, planes->x, planes->height, planes->width, false, planes->arena);
    planes->height = height;
    planes->width = width;
    move_on(planes, out);
}

void cv_planes_patches(cv_planes *planes, const cv_picture_network *network)
{
    int side = network->patch, height = planes->height / side, width = planes->width / side;
    float *out = result_for(planes, RGB * side * side, height, width);

    note(planes, CV_TAPE_PATCHES, network, NULL, RGB);
    if (planes->arena->base)
        cv_patches(planes->exec, out, planes->x, RGB, planes->height, planes->width, side);
    planes->height = height;
    planes->width = width;
    move_on(planes, out);
}

void cv_planes_unpatch(cv_planes *planes, const cv_picture_network *network)
{
    int side = network->patch, height = planes->height * side, width = planes->width * side;
    float *out = result_for(planes, RGB, height, width);

    note(planes, CV_TAPE_UNPATCH, network, NULL, RGB * side * side);
    if (planes->arena->base)
        cv_unpatch(planes->exec, out, planes->x, RGB, height, width, side);
    planes->height = height;
    planes->width = width;
    move_on(planes, out);
}

void cv_planes_upsample(cv_planes *planes, const cv_conv2d *conv)
{
    float *out = result_for(planes, conv->in, 2 * planes->height, 2 * planes->width);

    note(planes, CV_TAPE_UPSAMPLE, NULL, NULL, conv->in);
    if (planes->arena->base)
        cv_upsample_nearest(planes->exec, out, planes->x, conv->in, planes->height, planes->width);
    planes->height *= 2;
    planes->width *= 2;
    move_on(planes, out);
    cv_planes_conv(planes, conv);
}

void cv_planes_pool_conv(cv_planes *planes, const cv_conv2d *conv)
{
    float *out = result_for(planes, conv->out, planes->height / 2, planes->width / 2);

    note(planes, CV_TAPE_POOL_CONV, conv, NULL, conv->in);
    count_conv(planes, conv);
    if (planes->arena->base)
        cv_average_pool(planes->exec, out, planes->x, conv->in, planes->height, planes->width);
    cv_conv2d_apply(planes->exec, conv, out, planes->x, planes->height, planes->width, true, planes->arena);
    planes->height /= 2;
    planes->width /= 2;
    move_on(planes, out);
}

static void run_block(cv_planes *planes, const cv_resblock *block)
{
    int in = block->conv1.in, channels = block->conv1.out;
    bool widths_agree = block->shortcut.out == 0;
    float *out = widths_agree ? in_place(planes, in) : result_for(planes, channels, planes->height, planes->width);
    float *saved = planes->tape ? result_for(planes, channels, planes->height, planes->width) : NULL;

    note(planes, CV_TAPE_BLOCK, block, saved, in);
    count_conv(planes, &block->conv1);
    count_conv(planes, &block->conv2);
    if (!widths_agree)
        count_conv(planes, &block->shortcut);
    cv_resblock_apply(planes->exec, block, out, widths_agree ? out : planes->x, planes->inner, planes->middle, saved,
                      planes->height, planes->width, planes->arena);
    if (out != planes->x)
        move_on(planes, out);
}

static void run_attention(cv_planes *planes, const cv_attention2d *attention)
{
    float *out = in_place(planes, attention->norm.C);
    double C = attention->norm.C, positions = (double)pixels_of(planes);

    planes->operations += 8 * C * C * positions + 4 * C * positions * positions;
    note(planes, CV_TAPE_ATTENTION, attention, NULL, attention->norm.C);
    cv_attention2d_apply(planes->exec, attention, out, planes->height, planes->width, planes->arena);
    planes->x = out;
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
    if (network->patch)
        return;
    run_block(planes, &network->mid_block_1);
    run_attention(planes, &network->mid_attention);
    run_block(planes, &network->mid_block_2);
}

void cv_planes_finish(cv_planes *planes, const cv_picture_network *network)
{
    int C = network->norm_out.C;
    float *out;

    if (!network->patch) {
        out = planes->tape ? result_for(planes, C, planes->height, planes->width) : planes->x;
        note(planes, CV_TAPE_NORM_SWISH, &network->norm_out, NULL, C);
        if (planes->arena->base)
            cv_group_norm_apply(planes->exec, &network->norm_out, out, planes->x, pixels_of(planes), true);
        planes->x = out;
    }
    cv_planes_conv(planes, &network->conv_out);
}

void cv_planes_rows(const cv_planes *planes, float *rows, int C)
{
    size_t positions = pixels_of(planes);

#pragma omp parallel for num_threads(planes->exec->threads) schedule(static)
    for (size_t i = 0; i < positions; i++)
        for (size_t c = 0; c < (size_t)C; c++)
            rows[i * (size_t)C + c] = planes->x[c * positions + i];
}
