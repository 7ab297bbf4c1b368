#include "family/metrics/network/i3d_train.h"

#include "family/metrics/network/convnet_train.h"
#include "nn/loss.h"

#define MOMENTUM 0.05f /* of the running statistics */

struct cv_i3d_train {
    const cv_exec *exec;
    cv_i3d net, grad;
    int B, sizes[CV_FEATURE_HEADS]; /* classes of the heads */
    float *clips;                   /* [B][3][frames][side][side] */
    cv_convnet_tape tape;
    cv_arena arena;
};

cogvideo_status cv_i3d_plan(cv_store **out, const cv_i3d_config *config, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *plan = NULL;
    cv_i3d i3d;

    CV_TRY(cv_store_plan(&plan, "I3D network", err));
    CV_TRY(cv_i3d_bind(&i3d, plan, config, err));
    *out = plan;
    return COGVIDEO_OK;
done:
    cv_store_close(&plan);
    return status;
}

/* From the last block to the losses and back to its gradient, `dlast`. */
static void heads(cv_i3d_train *l, float *dlast, const float *last, double *losses, const int32_t *labels,
                  const cv_convnet_observer *observer, cv_arena *arena)
{
    const cv_exec *exec = l->exec;
    const cv_i3d_config *config = &l->net.config;
    const int B = l->B;
    const size_t width = (size_t)config->features, classes = (size_t)config->head_classes;
    const size_t flat = (size_t)l->net.features.weight.K;
    float *features = cv_arena_take(arena, (size_t)B * width, sizeof *features);
    float *dfeatures = cv_arena_take(arena, (size_t)B * width, sizeof *dfeatures);
    float *logits = cv_arena_take(arena, (size_t)B * classes, sizeof *logits);

    cv_arena_reserve(arena, cv_linear_scratch(exec, (int)(flat > width ? flat : width)));
    cv_arena_reserve(arena, cv_linear_backward_scratch(exec, (int)(flat > width ? flat : width)));
    if (arena->base) {
        cv_linear_rows(exec, &l->net.features, features, width, last, flat, B, arena);
        cv_linear_rows(exec, &l->net.heads, logits, classes, features, width, B, arena);
        cv_convnet_show_vector(observer, "features", features, B * (int)width);
        cv_convnet_show_vector(observer, "logits", logits, B * (int)classes);
    }
    cv_cross_entropy_heads(exec, logits, losses, labels, l->sizes, config->head_count, B, arena);
    if (!arena->base)
        return;
    cv_linear_backward(exec, &l->net.heads, &l->grad.heads, dfeatures, width, false, logits, classes, features, width,
                       B, arena);
    cv_linear_backward(exec, &l->net.features, &l->grad.features, dlast, flat, false, dfeatures, width, last, flat, B,
                       arena);
}

static void pass(cv_i3d_train *l, double *losses, const int32_t *labels, const cv_convnet_observer *observer,
                 cv_arena *arena)
{
    const cv_i3d_config *config = &l->net.config;
    const cv_volume in = { l->clips, 3, { config->frames, config->side, config->side } };
    const size_t mark = cv_arena_mark(arena);
    cv_volume last;
    float *dlast;

    last = cv_convnet_train_forward(l->exec, &l->net.net, &l->tape, in, l->B, (float)CV_I3D_EPSILON, observer, arena);
    dlast = cv_arena_take(arena, (size_t)l->B * cv_volume_numbers(&last), sizeof *dlast);
    heads(l, dlast, last.x, losses, labels, observer, arena);
    cv_convnet_train_backward(l->exec, &l->net.net, &l->grad.net, &l->tape, dlast, arena);
    cv_arena_rewind(arena, mark);
}

cogvideo_status cv_i3d_train_open(cv_i3d_train **out, const cv_exec *exec, cv_store *weights, cv_store *gradients,
                                  const cv_i3d_config *config, int batch, cogvideo_error *err)
{
    const size_t clip = (size_t)3 * (size_t)config->frames * (size_t)config->side * (size_t)config->side;
    cogvideo_status status;
    cv_i3d_train *l = NULL;
    cv_arena measure = { 0 };
    size_t numbers;

    CV_NEW(l, 1, err);
    l->exec = exec;
    l->B = batch;
    for (int h = 0; h < config->head_count; h++)
        l->sizes[h] = config->heads[h].classes;
    CV_TRY(cv_i3d_bind(&l->net, weights, config, err));
    CV_TRY(cv_i3d_bind(&l->grad, gradients, config, err));
    if (!cv_size_mul((size_t)batch, clip, &numbers))
        numbers = SIZE_MAX;
    CV_NEW(l->clips, numbers, err);
    pass(l, NULL, NULL, NULL, &measure);
    CV_TRY(cv_arena_create(&l->arena, measure.peak, err));
    *out = l;
    return COGVIDEO_OK;
done:
    cv_i3d_train_close(&l);
    return status;
}

void cv_i3d_train_close(cv_i3d_train **train)
{
    cv_i3d_train *l = *train;

    if (!l)
        return;
    cv_free(l->clips);
    cv_arena_free(&l->arena);
    cv_free(l);
    *train = NULL;
}

size_t cv_i3d_train_bytes(const cv_i3d_train *l)
{
    const cv_volume clip = cv_i3d_train_clip(l, 0);

    return l->arena.capacity + (size_t)l->B * cv_volume_numbers(&clip) * sizeof(float);
}

cv_volume cv_i3d_train_clip(const cv_i3d_train *l, int index)
{
    const cv_i3d_config *config = &l->net.config;
    cv_volume clip = { l->clips, 3, { config->frames, config->side, config->side } };

    clip.x += (size_t)index * cv_volume_numbers(&clip);
    return clip;
}

void cv_i3d_train_run(cv_i3d_train *l, double losses[CV_FEATURE_HEADS], const int32_t *labels,
                      const cv_convnet_observer *observer)
{
    pass(l, losses, labels, observer, &l->arena);
}

void cv_i3d_train_keep(const cv_i3d_train *l)
{
    cv_convnet_train_keep(&l->net.net, &l->tape, MOMENTUM);
}
