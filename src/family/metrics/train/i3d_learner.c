/* i3d_learner.c - trains the I3D of the shapes world to tell the classes of its clips. */
#include "base/path.h"
#include "base/rng.h"
#include "family/metrics/model/model.h"
#include "family/metrics/network/i3d_train.h"
#include "family/metrics/network/pixels.h"
#include "family/metrics/train/clips.h"
#include "family/metrics/train/parts.h"
#include "train/init.h"
#include "train/learner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME "i3d.safetensors"
#define PART "i3d"
#define MAX_DATASETS 8
enum { DRAW_CLIP = 0x636c };

typedef struct i3d_learner {
    cv_learner head;
    const cv_recipe *recipe;
    cv_i3d_config config;
    cv_shapes *world;
    cv_shapes_clips data[MAX_DATASETS], held_out; /* held_out.info.clips 0 = none */
    int datasets;
    cv_i3d_train *train;
    int32_t *labels; /* [batch][heads] */
    /* of an evaluation: the network with its running statistics */
    cv_i3d bound;
    float *feature, *probabilities;
    float *planes; /* [frames][3][side][side] of a clip on its way */
    cv_arena arena;
} i3d_learner;

/* Fills `planes` and the labels [heads]. Clips were checked, so that nothing fails. */
static void read_clip(const i3d_learner *l, const cv_shapes_clips *clips, int index, int32_t *labels)
{
    cogvideo_dataset_clip clip;

    if (cv_shapes_clips_planes(clips, index, l->config.frames, l->config.side, l->planes, NULL) == COGVIDEO_OK &&
        cogvideo_dataset_get_clip(clips->dataset, index, &clip, NULL) == COGVIDEO_OK)
        memcpy(labels, clip.labels, (size_t)l->config.head_count * sizeof *labels);
}

/* The clips of a batch follow from the seed and the batch's number alone. */
static double batch(cv_learner *learner, uint64_t index)
{
    i3d_learner *l = (i3d_learner *)learner;
    double losses[CV_FEATURE_HEADS], loss = 0;

    for (int i = 0; i < l->recipe->batch; i++) {
        const uint32_t counter[4] = { (uint32_t)index, (uint32_t)i, (uint32_t)(index >> 32), DRAW_CLIP };
        const cv_shapes_clips *data =
            &l->data[(index * (uint64_t)l->recipe->batch + (uint64_t)i) % (uint64_t)l->datasets];
        const cv_volume clip = cv_i3d_train_clip(l->train, i);
        uint32_t bits[4];

        cv_rng_block(bits, l->recipe->seed, counter);
        read_clip(l, data, (int)(bits[0] % (uint32_t)data->info.clips), l->labels + i * l->config.head_count);
        cv_pixels_volume(&clip, l->planes, 2.0f / 255, -1);
    }
    cv_i3d_train_run(l->train, losses, l->labels, NULL);
    for (int h = 0; h < l->config.head_count; h++)
        loss += losses[h];
    return loss;
}

/* Batches that only measure time do not move the running statistics. */
static void moved(cv_learner *learner, int step)
{
    (void)step;
    cv_i3d_train_keep(((i3d_learner *)learner)->train);
}

/* --- evaluation ----------------------------------------------------------------------------------------------- */

static int largest_of(const float *values, int count)
{
    int largest = 0;

    for (int i = 1; i < count; i++)
        largest = values[i] > values[largest] ? i : largest;
    return largest;
}

/* Adds the losses of one clip, and counts the heads that are right. */
static double judge(const i3d_learner *l, const cv_i3d *i3d, int index, int right[CV_FEATURE_HEADS])
{
    const cv_i3d_config *config = &l->config;
    const float *p = l->probabilities;
    int32_t labels[CV_FEATURE_HEADS] = { 0 };
    cv_arena arena = l->arena;
    double loss = 0;

    read_clip(l, &l->held_out, index, labels);
    cv_i3d_run(l->head.exec, i3d, l->feature, l->probabilities, l->planes, config->frames, config->side, config->side,
               NULL, &arena);
    for (int h = 0; h < config->head_count; p += config->heads[h++].classes) {
        loss -= log(fmax((double)p[labels[h]], 1e-30));
        right[h] += largest_of(p, config->heads[h].classes) == labels[h];
    }
    return loss;
}

static bool evaluate(cv_learner *learner, double *loss, char *members, size_t size)
{
    i3d_learner *l = (i3d_learner *)learner;
    const long long wanted = (long long)l->recipe->evaluate_batches * l->recipe->batch;
    const int count = l->held_out.info.clips, clips = wanted < count ? (int)wanted : count;
    int right[CV_FEATURE_HEADS] = { 0 };
    size_t used;
    cv_i3d i3d;

    *loss = 0;
    if (clips == 0 || cv_i3d_fold(&i3d, &l->bound, CV_I3D_EPSILON, NULL) != COGVIDEO_OK)
        return false;
    for (int i = 0; i < clips; i++)
        *loss += judge(l, &i3d, (int)((long long)i * count / clips), right) / clips;
    cv_i3d_free(&i3d);
    used = (size_t)snprintf(members, size, ",\"accuracy\":{");
    for (int h = 0; h < l->config.head_count && used < size; h++)
        used += (size_t)snprintf(members + used, size - used, "%s\"%s\":%.4f", h ? "," : "", l->config.heads[h].name,
                                 (double)right[h] / clips);
    if (used < size)
        snprintf(members + used, size - used, "}");
    return true;
}

/* --- results -------------------------------------------------------------------------------------------------- */

static cogvideo_status publish(cv_learner *learner, cogvideo_error *err)
{
    const i3d_learner *l = (const i3d_learner *)learner;
    cv_json *section = cv_json_copy(cv_metrics_of(l->head.model)->parts[CV_METRICS_I3D].section);
    cogvideo_status status;

    cv_json_set_string(section, "file", FILE_NAME);
    cv_json_set_string(section, "origin", "clips of the shapes world");
    cv_json_remove(section, "sha256"); /* of another file */
    CV_TRY(cv_publish_store(learner, learner->weights[0], FILE_NAME, err));
    CV_TRY(cv_publish_section(learner, PART, section, err));
done:
    cv_json_free(&section);
    return status;
}

static void learner_close(cv_learner *learner)
{
    i3d_learner *l = (i3d_learner *)learner;

    cv_i3d_train_close(&l->train);
    cv_learner_close_stores(learner);
    for (int i = 0; i < MAX_DATASETS; i++)
        cv_shapes_clips_close(&l->data[i]);
    cv_shapes_clips_close(&l->held_out);
    cv_shapes_close(&l->world);
    cv_arena_free(&l->arena);
    cv_free(l->labels);
    cv_free(l->planes);
    cv_free(l->feature);
    cv_free(l->probabilities);
    cv_free(l);
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static cogvideo_status check_options(const cogvideo_train_options *options, const cv_recipe *recipe,
                                     const cv_metrics_part *part, cogvideo_error *err)
{
    if (!part->section || !part->shapes)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: describes no I3D of the shapes world ('parts.i3d' of the variant 'shapes'): 'cogvideo "
                       "import --config configs/shapes-metrics.json' makes a model that does",
                       options->model);
    if (recipe->accumulate > 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "%.500s: metric-i3d: accumulate is %d, but norms see one batch at a time: enlarge the batch "
                       "instead",
                       options->recipe, recipe->accumulate);
    return COGVIDEO_OK;
}

/* Every clip has the network's size, enough frames, and labels that the heads have. */
static cogvideo_status open_clips(cv_shapes_clips *out, const i3d_learner *l, const char *folder, cogvideo_error *err)
{
    const cv_i3d_config *config = &l->config;
    cogvideo_dataset_clip clip;
    cogvideo_status status;

    CV_TRY(cv_shapes_clips_open(out, l->world, folder, err));
    for (int i = 0; i < out->info.clips; i++) {
        CV_TRY(cogvideo_dataset_get_clip(out->dataset, i, &clip, err));
        if (out->info.size != config->side || clip.frames < config->frames)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "%s: clip %d has %d frames of %dx%d pixels, the network reads %d of %dx%d", folder, i,
                           clip.frames, out->info.size, out->info.size, config->frames, config->side, config->side);
        for (int h = 0; h < config->head_count; h++)
            if (clip.label_count != config->head_count || clip.labels[h] >= config->heads[h].classes)
                return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                               "%s: the labels of clip %d are not those of the network's heads in %s", folder, i,
                               cv_metrics_of(l->head.model)->parts[CV_METRICS_I3D].where);
    }
done:
    return status;
}

static cogvideo_status open_data(i3d_learner *l, cogvideo_error *err)
{
    const cogvideo_train_options *options = l->head.options;
    cogvideo_status status;

    if (options->data_count < 1 || options->data_count > MAX_DATASETS)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "1 to %d datasets are needed, not %d", MAX_DATASETS,
                       options->data_count);
    CV_TRY(cv_shapes_open(&l->world, NULL, err));
    for (int i = 0; i < options->data_count; i++) {
        CV_TRY(open_clips(&l->data[i], l, options->data[i], err));
        l->datasets++;
    }
    if (options->held_out)
        CV_TRY(open_clips(&l->held_out, l, options->held_out, err));
done:
    return status;
}

static cogvideo_status make_stores(i3d_learner *l, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *plan = NULL;

    CV_TRY(cv_i3d_plan(&plan, &l->config, err));
    CV_TRY(cv_store_create_like(&l->head.weights[0], "weights of I3D", plan, err));
    CV_TRY(cv_store_create_like(&l->head.gradients[0], "gradients of I3D", plan, err));
    l->head.stores = 1;
done:
    cv_store_close(&plan);
    return status;
}

/* What an evaluation needs. */
static cogvideo_status plan_evaluation(i3d_learner *l, cogvideo_error *err)
{
    const cv_i3d_config *c = &l->config;
    cogvideo_status status;

    CV_TRY(cv_i3d_bind(&l->bound, l->head.weights[0], c, err));
    CV_NEW(l->planes, (size_t)(3 * c->frames) * (size_t)(c->side * c->side), err);
    CV_NEW(l->feature, c->features, err);
    CV_NEW(l->probabilities, c->head_classes, err);
    CV_TRY(cv_arena_create(&l->arena, cv_i3d_scratch(l->head.exec, &l->bound, c->frames, c->side, c->side), err));
done:
    return status;
}

cogvideo_status cv_i3d_learner_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                                    const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err)
{
    static const cv_learner_functions functions = { .batch = batch,
                                                    .moved = moved,
                                                    .evaluate = evaluate,
                                                    .publish = publish,
                                                    .close = learner_close };
    static const cv_init_rule rules[] = { { "*.bn.weight", CV_INIT_CONSTANT, 1 },
                                          { "*.running_var", CV_INIT_CONSTANT, 1 },
                                          { "*.running_mean", CV_INIT_CONSTANT, 0 },
                                          { "*.bias", CV_INIT_CONSTANT, 0 },
                                          { "*", CV_INIT_FAN_IN, 1.41421356f } };
    const cv_metrics_part *part = &cv_metrics_of(model)->parts[CV_METRICS_I3D];
    cogvideo_status status;
    i3d_learner *l = NULL;

    CV_TRY(check_options(options, recipe, part, err));
    CV_NEW(l, 1, err);
    l->head = (cv_learner){ .functions = &functions,
                            .options = options,
                            .recipe = recipe,
                            .exec = exec,
                            .model = model,
                            .items = recipe->batch,
                            .useful_after = -1 };
    l->recipe = recipe;
    CV_TRY(cv_i3d_config_parse(&l->config, part->section, part->where, err));
    CV_TRY(open_data(l, err));
    CV_TRY(make_stores(l, err));
    if (options->finetune && !options->resume)
        CV_TRY(cv_begin_with(&l->head, l->head.weights[0], part->path ? cv_path_name(part->path) : NULL, "metric-i3d",
                             err));
    else
        cv_init_store(l->head.weights[0], recipe->seed, rules, sizeof rules / sizeof *rules);
    CV_NEW(l->labels, recipe->batch * l->config.head_count, err);
    CV_TRY(
        cv_i3d_train_open(&l->train, exec, l->head.weights[0], l->head.gradients[0], &l->config, recipe->batch, err));
    CV_TRY(plan_evaluation(l, err));
    l->head.memory = cv_i3d_train_bytes(l->train) + l->arena.capacity;
    *out = &l->head;
    return COGVIDEO_OK;
done:
    if (l)
        learner_close(&l->head);
    return status;
}
