#include "family/metrics/network/clip_network.h"

#include <string.h>

static int patch_numbers(const cv_clip_config *config)
{
    return 3 * config->patch * config->patch;
}

void cv_clip_image_pass_take(cv_clip_image_pass *pass, cv_arena *arena)
{
    const cv_clip_config *config = &pass->clip->config;
    const int places = cv_clip_places(config);
    const size_t rows = (size_t)pass->items * (size_t)places, D = (size_t)config->image.width;

    pass->tops = cv_arena_take(arena, (size_t)pass->items, D * sizeof *pass->tops);
    pass->x = cv_arena_take(arena, rows, D * sizeof *pass->x);
    pass->columns = cv_arena_take(arena, rows, (size_t)patch_numbers(config) * sizeof *pass->columns);
    pass->embedded = pass->training ? cv_arena_take(arena, rows, D * sizeof *pass->embedded) : pass->x;
    pass->blocks = (cv_clip_pass){ .exec = pass->exec,
                                   .blocks = &pass->clip->picture_blocks,
                                   .items = pass->items,
                                   .rows = places,
                                   .training = pass->training };
    cv_clip_pass_take(&pass->blocks, arena);
}

void cv_clip_image_pass_reserve(const cv_clip_image_pass *pass, cv_arena *arena)
{
    const cv_clip_config *config = &pass->clip->config;

    cv_clip_pass_reserve(&pass->blocks, arena);
    cv_arena_reserve(arena, cv_linear_many_scratch(pass->exec, patch_numbers(config)));
    if (!pass->training)
        return;
    cv_arena_reserve(arena, cv_layer_norm_backward_scratch(pass->items * cv_clip_places(config), config->image.width));
    cv_arena_reserve(arena, cv_linear_backward_scratch(pass->exec, patch_numbers(config)));
}

/* columns [places][3][patch][patch] of a picture, normalized. */
static void unfold(const cv_clip_config *config, float *columns, const float *picture)
{
    const int P = config->patch, R = config->resolution, grid = cv_clip_grid(config);

    memset(columns, 0, (size_t)patch_numbers(config) * sizeof *columns);
    columns += patch_numbers(config);
    for (int row = 0; row < grid; row++)
        for (int column = 0; column < grid; column++)
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < P; y++, columns += P) {
                    const float *from =
                        picture + ((size_t)c * (size_t)R + (size_t)(row * P + y)) * (size_t)R + (size_t)(column * P);

                    for (int x = 0; x < P; x++)
                        columns[x] = (from[x] / 255.0f - config->mean[c]) / config->deviation[c];
                }
}

void cv_clip_image_patches(cv_clip_image_pass *pass, const float *pixels, cv_arena *arena)
{
    const cv_clip_config *config = &pass->clip->config;
    const size_t each = (size_t)cv_clip_places(config) * (size_t)patch_numbers(config),
                 picture = 3 * (size_t)config->resolution * (size_t)config->resolution;

#pragma omp parallel for num_threads(pass->exec->threads) schedule(static)
    for (int item = 0; item < pass->items; item++)
        unfold(config, pass->columns + (size_t)item * each, pixels + (size_t)item * picture);
    cv_linear_many(pass->exec, &pass->clip->patches, pass->x, (size_t)config->image.width, false, pass->columns,
                   (size_t)patch_numbers(config), pass->items * cv_clip_places(config), arena);
}

void cv_clip_image_embed(cv_clip_image_pass *pass)
{
    const cv_clip *clip = pass->clip;
    const size_t places = (size_t)cv_clip_places(&clip->config), D = (size_t)clip->config.image.width;

    for (size_t item = 0; item < (size_t)pass->items; item++) {
        float *x = pass->x + item * places * D;

        for (size_t i = 0; i < D; i++)
            x[i] = clip->class_embedding[i];
        for (size_t i = 0; i < places * D; i++)
            x[i] += clip->picture_places[i];
    }
    if (pass->training)
        memcpy(pass->embedded, pass->x, (size_t)pass->items * places * D * sizeof *pass->x);
    cv_layer_norm_apply(pass->exec, &clip->ln_pre, pass->x, pass->x, pass->items * (int)places);
}

void cv_clip_image_pass_run(cv_clip_image_pass *pass, const float *pixels, cv_arena *arena)
{
    const size_t places = (size_t)cv_clip_places(&pass->clip->config), D = (size_t)pass->clip->config.image.width;

    cv_clip_image_patches(pass, pixels, arena);
    cv_clip_image_embed(pass);
    cv_clip_pass_run(&pass->blocks, pass->x, arena);
    for (size_t item = 0; item < (size_t)pass->items; item++)
        memcpy(pass->tops + item * D, pass->x + item * places * D, D * sizeof *pass->x);
}

/* --- forward -------------------------------------------------------------------------------------------------- */

/* Pictures that go through the tower together: enough that laying out the weights takes little beside the products. */
#define AT_ONCE 16

void cv_clip_images(const cv_exec *exec, const cv_clip *clip, float *features, const float *pixels, int count,
                    cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena), E = (size_t)clip->config.embed,
                 picture = 3 * (size_t)clip->config.resolution * (size_t)clip->config.resolution;
    const int most = count < AT_ONCE ? count : AT_ONCE;
    cv_clip_image_pass pass = { .exec = exec, .clip = clip, .items = most };
    const bool measures = !arena->base;
    float *normed;

    normed = cv_arena_take(arena, (size_t)most, (size_t)clip->config.image.width * sizeof *normed);
    cv_clip_image_pass_take(&pass, arena);
    cv_clip_image_pass_reserve(&pass, arena);
    for (int first = 0; first < count && !measures; first += most) {
        pass.items = count - first < most ? count - first : most;
        pass.blocks.items = pass.items;
        cv_clip_image_pass_run(&pass, pixels + (size_t)first * picture, arena);
        cv_clip_head_run(exec, &clip->picture_head, features + (size_t)first * E, normed, pass.tops, pass.items);
    }
    if (!measures)
        cv_clip_unit(features, count, (int)E);
    cv_arena_rewind(arena, mark);
}

/* --- ready ---------------------------------------------------------------------------------------------------- */

static size_t panel_floats(const cv_exec *exec, const cv_clip *clip)
{
    return cv_linear_panel_floats(exec, clip->patches.weight.N, clip->patches.weight.K) +
           cv_clip_blocks_floats(exec, &clip->picture_blocks);
}

size_t cv_clip_ready_bytes(const cv_exec *exec, const cv_clip *bound)
{
    return panel_floats(exec, bound) * sizeof(float);
}

cogvideo_status cv_clip_ready(cv_clip **out, const cv_exec *exec, const cv_clip *bound, cogvideo_error *err)
{
    const int K[] = { bound->patches.weight.K, bound->config.image.width, bound->config.image.mlp };
    const cv_clip_blocks none = { 0 };
    cogvideo_status status;
    cv_arena arena = { 0 };
    cv_clip *clip = NULL;
    int longest = 0;

    for (size_t i = 0; i < sizeof K / sizeof *K; i++)
        longest = K[i] > longest ? K[i] : longest;
    CV_TRY(cv_arena_create(&arena, cv_linear_many_scratch(exec, longest), err));
    CV_NEW(clip, 1, err);
    *clip = *bound;
    clip->picture_blocks = clip->time_blocks = clip->text_blocks = none;
    CV_NEW(clip->panels, panel_floats(exec, bound), err);
    cv_linear_pack(exec, &clip->patches, clip->panels, &arena);
    clip->patches.panels = clip->panels;
    CV_TRY(cv_clip_blocks_pack(&clip->picture_blocks, exec, &bound->picture_blocks,
                               clip->panels + cv_linear_panel_floats(exec, clip->patches.weight.N, K[0]), &arena, err));
    *out = clip;
    clip = NULL;
done:
    cv_clip_close(&clip);
    cv_arena_free(&arena);
    return status;
}

/* --- backward ------------------------------------------------------------------------------------------------- */

void cv_clip_image_pass_backward(cv_clip_image_pass *pass, const cv_clip *grad, const float *dtops, cv_arena *arena)
{
    const cv_clip *clip = pass->clip;
    const int places = cv_clip_places(&clip->config), rows = pass->items * places;
    const size_t D = (size_t)clip->config.image.width, K = (size_t)patch_numbers(&clip->config);
    float *dx = pass->x;

    memset(dx, 0, (size_t)rows * D * sizeof *dx);
    for (size_t item = 0; item < (size_t)pass->items; item++)
        memcpy(dx + item * (size_t)places * D, dtops + item * D, D * sizeof *dx);
    cv_clip_pass_backward(&pass->blocks, &grad->picture_blocks, dx, arena);
    cv_layer_norm_backward(pass->exec, &clip->ln_pre, &grad->ln_pre, dx, false, dx, pass->embedded, rows, arena);
    cv_clip_sum_items((float *)grad->picture_places, dx, pass->items, places, (int)D);
    for (size_t item = 0; item < (size_t)pass->items; item++)
        for (size_t i = 0; i < D; i++)
            ((float *)grad->class_embedding)[i] += dx[item * (size_t)places * D + i];
    cv_linear_backward(pass->exec, &clip->patches, &grad->patches, NULL, 0, false, dx, D, pass->columns, K, rows,
                       arena);
}
