#include "family/metrics/network/clip_train.h"

#include <string.h>

static float *take(cv_arena *arena, int rows, int width)
{
    return cv_arena_take(arena, (size_t)rows, (size_t)width * sizeof(float));
}

/* What an item's vector is made of above the tower of pictures: a row of this width. */
static int item_width(const cv_clip_config *config)
{
    return config->features > 0 ? config->features : config->image.width;
}

static void take_items(cv_clip_train *t, cv_arena *arena)
{
    const cv_clip_config *config = &t->clip->config;
    const int pictures = config->frames > 0 ? t->batch * config->frames : t->batch, D = config->image.width;

    if (config->features > 0) {
        t->centred = take(arena, t->batch, config->features);
        return;
    }
    t->image = (cv_clip_image_pass){ .exec = t->exec, .clip = t->clip, .items = pictures, .training = true };
    cv_clip_image_pass_take(&t->image, arena);
    t->dframes = take(arena, pictures, D);
    t->item_normed = take(arena, t->batch, D);
    if (config->frames == 0)
        return;
    t->time = (cv_clip_time_pass){ .exec = t->exec, .clip = t->clip, .items = t->batch, .training = true };
    cv_clip_time_pass_take(&t->time, arena);
}

static void take_all(cv_clip_train *t, cv_arena *arena)
{
    const cv_clip_config *config = &t->clip->config;
    const int W = config->text.width;

    t->items = take(arena, t->batch, config->embed);
    t->texts = take(arena, t->batch, config->embed);
    t->ditems = take(arena, t->batch, item_width(config));
    t->dtexts = take(arena, t->batch, W);
    t->text_normed = take(arena, t->batch, W);
    t->text = (cv_clip_text_pass){ .exec = t->exec,
                                   .clip = t->clip,
                                   .items = t->batch,
                                   .rows = config->context,
                                   .training = true };
    take_items(t, arena);
    cv_clip_text_pass_take(&t->text, arena);
}

static void reserve_all(const cv_clip_train *t, cv_arena *arena)
{
    const cv_clip_config *config = &t->clip->config;

    if (config->image.width > 0)
        cv_clip_image_pass_reserve(&t->image, arena);
    if (config->frames > 0)
        cv_clip_time_pass_reserve(&t->time, arena);
    cv_clip_text_pass_reserve(&t->text, arena);
    cv_arena_reserve(arena, cv_layer_norm_backward_scratch(t->batch, config->image.width));
    cv_arena_reserve(arena, cv_layer_norm_backward_scratch(t->batch, config->text.width));
}

cogvideo_status cv_clip_train_open(cv_clip_train **out, const cv_exec *exec, cv_store *weights, cv_store *gradients,
                                   const cv_clip_config *config, int batch, cogvideo_error *err)
{
    cogvideo_status status;
    cv_clip_train *t = NULL;
    cv_arena measure = { 0 };

    CV_NEW(t, 1, err);
    t->exec = exec;
    t->batch = batch;
    CV_TRY(cv_clip_open(&t->clip, weights, config, err));
    CV_TRY(cv_clip_open(&t->grad, gradients, config, err));
    take_all(t, &measure);
    reserve_all(t, &measure);
    CV_TRY(cv_arena_create(&t->arena, measure.peak, err));
    take_all(t, &t->arena);
    *out = t;
    return COGVIDEO_OK;
done:
    cv_clip_train_close(&t);
    return status;
}

void cv_clip_train_close(cv_clip_train **train)
{
    cv_clip_train *t = *train;

    if (!t)
        return;
    cv_clip_close(&t->clip);
    cv_clip_close(&t->grad);
    cv_arena_free(&t->arena);
    cv_free(t);
    *train = NULL;
}

/* The rows that the head of pictures reads: of pictures, or of clips. */
static const float *tops_of(const cv_clip_train *t)
{
    return t->clip->config.frames > 0 ? t->time.means : t->image.tops;
}

void cv_clip_train_forward(cv_clip_train *t, const float *from, const int32_t *ids)
{
    const cv_clip *clip = t->clip;

    if (clip->config.features > 0) {
        cv_clip_centre(clip, t->centred, from, t->batch);
        cv_clip_multiply(t->exec, &clip->projection, t->items, t->centred, t->batch);
    } else {
        cv_clip_image_pass_run(&t->image, from, &t->arena);
        if (clip->config.frames > 0)
            cv_clip_time_pass_run(&t->time, t->image.tops, &t->arena);
        cv_clip_head_run(t->exec, &clip->picture_head, t->items, t->item_normed, tops_of(t), t->batch);
    }
    cv_clip_text_pass_run(&t->text, ids, &t->arena);
    cv_clip_head_run(t->exec, &clip->text_head, t->texts, t->text_normed, t->text.tops, t->batch);
}

static void items_backward(cv_clip_train *t, const float *ditems)
{
    const cv_clip *clip = t->clip;

    if (clip->config.features > 0) {
        cv_clip_multiply_backward(&clip->projection, &t->grad->projection, NULL, ditems, t->centred, t->batch);
        return;
    }
    cv_clip_head_backward(t->exec, &clip->picture_head, &t->grad->picture_head, t->ditems, ditems, t->item_normed,
                          tops_of(t), t->batch, &t->arena);
    if (clip->config.frames > 0) {
        memset(t->dframes, 0, (size_t)t->image.items * (size_t)clip->config.image.width * sizeof *t->dframes);
        cv_clip_time_pass_backward(&t->time, t->grad, t->dframes, t->ditems, &t->arena);
    }
    cv_clip_image_pass_backward(&t->image, t->grad, clip->config.frames > 0 ? t->dframes : t->ditems, &t->arena);
}

void cv_clip_train_backward(cv_clip_train *t, const float *ditems, const float *dtexts, const int32_t *ids)
{
    items_backward(t, ditems);
    cv_clip_head_backward(t->exec, &t->clip->text_head, &t->grad->text_head, t->dtexts, dtexts, t->text_normed,
                          t->text.tops, t->batch, &t->arena);
    cv_clip_text_pass_backward(&t->text, t->grad, t->dtexts, ids, &t->arena);
}
