/* clip_learner.c - metric-clip: captions of the shapes world learn to give what shows them the same direction as the
 * frozen features of the model's I3D. */
#include "family/metrics/train/parts.h"

#include "family/metrics/model/model.h"
#include "family/metrics/network/clip_train.h"
#include "family/metrics/train/clip_measure.h"
#include "family/metrics/train/clip_pairs.h"
#include "family/metrics/train/recipes.h"
#include "nn/contrastive.h"
#include "train/init.h"
#include "train/learner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define END "</s>"
#define FILE_NAME "clip.safetensors"

typedef struct clip_learner {
    cv_learner head; /* first */
    const cv_clip_recipe *recipe;
    cv_clip_config config;
    cv_shapes *world;
    cv_shapes_clips clips, held_out; /* the latter without a dataset where there is none */
    float *features, *held_features; /* [clips][config.features]: by the I3D */
    int32_t *ids;                    /* [combinations][languages][context]: of all captions */
    cv_clip_train *train;
    cv_clip_pairs *pairs;
    /* of a batch */
    cv_clip_pair *drawn;
    float *from, *ditems, *dtexts;
    int32_t *batch_ids;
    cv_arena arena;
    float *captions, *vectors; /* for an evaluation: of all captions, of the held-out clips [..][embed] */
} clip_learner;

/* --- batches -------------------------------------------------------------------------------------------------- */

static const int32_t *ids_of(const clip_learner *l, int combination, int language)
{
    return l->ids + (size_t)(combination * CV_SHAPES_LANGUAGES + language) * (size_t)l->config.context;
}

static void fill(clip_learner *l, uint64_t index)
{
    const size_t features = (size_t)l->config.features, context = (size_t)l->config.context;

    cv_clip_pairs_draw(l->pairs, l->head.recipe->seed, index, l->drawn);
    for (int i = 0; i < l->head.recipe->batch; i++) {
        const cv_clip_pair *pair = &l->drawn[i];

        memcpy(l->from + (size_t)i * features, l->features + (size_t)pair->clip * features, features * sizeof *l->from);
        memcpy(l->batch_ids + (size_t)i * context, ids_of(l, pair->combination, (int)pair->language),
               context * sizeof *l->batch_ids);
    }
}

static cv_contrastive pairs_of(const clip_learner *l)
{
    return (cv_contrastive){ .image = l->train->items,
                             .text = l->train->texts,
                             .logit_scale = *cv_clip_train_scale(l->train->clip),
                             .rows = l->head.recipe->batch,
                             .width = l->config.embed };
}

static double batch(cv_learner *learner, uint64_t index)
{
    clip_learner *l = (clip_learner *)learner;
    const cv_contrastive_gradients to = { l->ditems, l->dtexts, cv_clip_train_scale(l->train->grad) };
    cv_contrastive pairs;
    double loss;

    fill(l, index);
    cv_clip_train_forward(l->train, l->from, l->batch_ids);
    pairs = pairs_of(l);
    loss = cv_contrastive_loss(&pairs, &to, &l->arena);
    cv_clip_train_backward(l->train, l->ditems, l->dtexts, l->batch_ids);
    return loss;
}

static void moved(cv_learner *learner, int step)
{
    float *scale = cv_clip_train_scale(((clip_learner *)learner)->train->clip);

    (void)step;
    *scale = fminf(*scale, CV_LOGIT_SCALE_MAX);
}

/* --- evaluation ----------------------------------------------------------------------------------------------- */

/* Vectors of all captions, as many at once as a batch has. */
static void embed_captions(clip_learner *l)
{
    const int count = cv_shapes_count(l->world) * CV_SHAPES_LANGUAGES, lot = l->head.recipe->batch;
    const size_t context = (size_t)l->config.context, embed = (size_t)l->config.embed;
    cv_clip_train *t = l->train;

    for (int first = 0; first < count; first += lot) {
        const int texts = count - first < lot ? count - first : lot;

        memset(l->batch_ids, 0, (size_t)lot * context * sizeof *l->batch_ids);
        memcpy(l->batch_ids, l->ids + (size_t)first * context, (size_t)texts * context * sizeof *l->batch_ids);
        cv_clip_text_pass_run(&t->text, l->batch_ids, &t->arena);
        cv_clip_head_run(t->exec, &t->clip->text_head, t->texts, t->text_normed, t->text.tops, lot);
        memcpy(l->captions + (size_t)first * embed, t->texts, (size_t)texts * embed * sizeof *l->captions);
    }
    cv_clip_unit(l->captions, count, l->config.embed);
}

static void embed_held_out(clip_learner *l)
{
    const cv_clip *clip = l->train->clip;
    const size_t features = (size_t)l->config.features, embed = (size_t)l->config.embed;

    for (size_t i = 0; i < (size_t)l->held_out.info.clips; i++) {
        memcpy(l->from, l->held_features + i * features, features * sizeof *l->from);
        cv_clip_project(l->head.exec, clip, l->vectors + i * embed, l->from, 1);
    }
}

static bool evaluate(cv_learner *learner, double *loss, char *members, size_t size)
{
    clip_learner *l = (clip_learner *)learner;
    cv_clip_measures measures;
    size_t used;

    *loss = 0;
    if (!l->held_out.dataset)
        return false;
    embed_captions(l);
    embed_held_out(l);
    cv_clip_measure_captions(&(cv_clip_measure_in){ .world = l->world,
                                                    .clips = l->vectors,
                                                    .combinations = l->held_out.combinations,
                                                    .captions = l->captions,
                                                    .count = l->held_out.info.clips,
                                                    .width = l->config.embed,
                                                    .scale = (double)cv_clip_scale(l->train->clip) },
                             &measures);
    *loss = measures.loss;
    used = (size_t)snprintf(members, size, ",\"cosine\":%.4f,\"first\":%.4f", measures.cosine, measures.first);
    for (int i = 0; i < CV_SHAPES_ATTRIBUTES && used < size; i++)
        used += (size_t)snprintf(members + used, size - used, ",\"%s\":%.4f", cv_shapes_attribute_name(i),
                                 measures.attribute[i]);
    return true;
}

/* --- features ------------------------------------------------------------------------------------------------- */

static cogvideo_status compute_features(const clip_learner *l, const cv_shapes_clips *clips,
                                        const cv_feature_info *info, float **out, cogvideo_error *err)
{
    const cogvideo_model *model = l->head.model;
    const cv_feature_network *i3d = cv_model_feature_network(model, "i3d");
    const cv_feature_settings settings = { .frames = info->min, .height = info->side, .width = info->side, .batch = 1 };
    cv_feature_run *run = NULL;
    cogvideo_status status;
    float *planes = NULL;

    CV_NEW(planes, (size_t)info->min * 3 * (size_t)info->side * (size_t)info->side, err);
    CV_NEW(*out, (size_t)clips->info.clips * (size_t)info->width, err);
    CV_TRY(i3d->open(&run, model, &settings, err));
    for (int i = 0; i < clips->info.clips; i++) {
        CV_TRY(cv_shapes_clips_planes(clips, i, info->min, info->side, planes, err));
        CV_TRY(i3d->run(run, planes, 1, *out + (size_t)i * (size_t)info->width, NULL, err));
    }
done:
    if (run)
        i3d->close(&run);
    cv_free(planes);
    return status;
}

/* The mean of each feature over the dataset, and its deviation. One that never changes is left as it is. */
static void set_statistics(clip_learner *l)
{
    const int features = l->config.features, count = l->clips.info.clips;
    const cv_clip *clip = l->train->clip;

    for (int f = 0; f < features; f++) {
        double mean = 0, squares = 0;

        for (int i = 0; i < count; i++)
            mean += (double)l->features[(size_t)i * (size_t)features + (size_t)f] / count;
        for (int i = 0; i < count; i++)
            squares += pow((double)l->features[(size_t)i * (size_t)features + (size_t)f] - mean, 2) / count;
        ((float *)clip->feature_mean)[f] = (float)mean;
        ((float *)clip->feature_deviation)[f] = squares > 0 ? (float)sqrt(squares) : 1;
    }
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static cogvideo_status open_data(clip_learner *l, cogvideo_error *err)
{
    const cogvideo_train_options *options = l->head.options;
    const cogvideo_model *model = l->head.model;
    const cv_feature_network *i3d = cv_model_feature_network(model, "i3d");
    cogvideo_status status;
    cv_feature_info info;

    if (options->data_count != 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "one dataset is needed, not %d", options->data_count);
    CV_TRY(i3d->need(model, err));
    i3d->info(model, &info);
    if (!info.shapes)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "the I3D of the model '%s' is a published one: metric-clip stands on one of the shapes world, "
                       "which 'cogvideo train metric-i3d' makes",
                       model->name);
    l->config.features = info.width;
    snprintf(l->head.stands_on, sizeof l->head.stands_on, "%.16s", info.sha256);
    CV_TRY(cv_shapes_open(&l->world, NULL, err));
    CV_TRY(cv_shapes_clips_open(&l->clips, l->world, options->data[0], err));
    if (options->held_out)
        CV_TRY(cv_shapes_clips_open(&l->held_out, l->world, options->held_out, err));
    cv_log(&options->log, COGVIDEO_LOG_INFO, "features of %d clips by the model's I3D",
           l->clips.info.clips + l->held_out.info.clips);
    CV_TRY(compute_features(l, &l->clips, &info, &l->features, err));
    if (options->held_out)
        CV_TRY(compute_features(l, &l->held_out, &info, &l->held_features, err));
done:
    return status;
}

static cogvideo_status encode_captions(clip_learner *l, cogvideo_error *err)
{
    const int count = cv_shapes_count(l->world);
    cogvideo_status status;
    char caption[CV_SHAPES_CAPTION];

    CV_NEW(l->ids, (size_t)(count * CV_SHAPES_LANGUAGES) * (size_t)l->config.context, err);
    for (int i = 0; i < count; i++)
        for (int language = 0; language < CV_SHAPES_LANGUAGES; language++) {
            int used;

            cv_shapes_caption(l->world, i, (cv_shapes_language)language, caption);
            CV_TRY(cv_clip_caption(&l->config, l->head.model->text, caption, false, (int32_t *)ids_of(l, i, language),
                                   &used, err));
        }
done:
    return status;
}

static cogvideo_status set_config(clip_learner *l, cogvideo_error *err)
{
    const cogvideo_model *model = l->head.model;
    const cv_clip_recipe *recipe = l->recipe;
    cogvideo_status status;

    CV_TRY(cv_model_need_text(model, err));
    if (recipe->width % recipe->heads != 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%.500s: metric-clip: 'width' %d is no multiple of 'heads' %d",
                       l->head.options->recipe, recipe->width, recipe->heads);
    l->config = (cv_clip_config){
        .text = { .width = recipe->width, .layers = recipe->blocks, .heads = recipe->heads, .mlp = 4 * recipe->width },
        .context = recipe->context,
        .vocabulary = cv_text_pieces(model->text),
        .end = cv_text_id(model->text, END),
        .embed = recipe->embed,
        .gelu = CV_GELU_ERF,
    };
    if (l->config.end < 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has no piece '" END "', at which captions end",
                       model->text_path);
done:
    return status;
}

static cogvideo_status make_stores(clip_learner *l, cogvideo_error *err)
{
    cv_learner *head = &l->head;
    cogvideo_status status;
    cv_store *plan = NULL;
    cv_clip *clip = NULL;

    CV_TRY(cv_store_plan(&plan, "CLIP", err));
    CV_TRY(cv_clip_open(&clip, plan, &l->config, err));
    CV_TRY(cv_store_create_like(&head->weights[0], "weights of CLIP", plan, err));
    CV_TRY(cv_store_create_like(&head->gradients[0], "gradients of CLIP", plan, err));
    head->stores = 1;
done:
    cv_clip_close(&clip);
    cv_store_close(&plan);
    return status;
}

static void begin(clip_learner *l)
{
    const cv_init_rule rules[] = {
        { "token_embedding.weight", CV_INIT_NORMAL, 0.02f },
        { "positional_embedding", CV_INIT_NORMAL, 0.01f },
        { "logit_scale", CV_INIT_CONSTANT, CV_LOGIT_SCALE_START },
        { "*ln_*.weight", CV_INIT_CONSTANT, 1 },
        { "*bias", CV_INIT_CONSTANT, 0 },
        { "clip_projection", CV_INIT_NORMAL, 1 / sqrtf((float)l->config.features) },
        { "*", CV_INIT_NORMAL, 1 / sqrtf((float)l->config.text.width) },
    };

    cv_init_store(l->head.weights[0], l->head.recipe->seed, rules, sizeof rules / sizeof *rules);
    set_statistics(l);
}

static cogvideo_status make_room(clip_learner *l, cogvideo_error *err)
{
    const size_t rows = (size_t)l->head.recipe->batch, embed = (size_t)l->config.embed;
    const cv_contrastive_gradients to = { l->ditems, l->dtexts, NULL };
    cogvideo_status status;
    cv_arena measure = { 0 };
    cv_contrastive pairs;

    CV_NEW(l->drawn, rows, err);
    CV_NEW(l->from, rows * (size_t)l->config.features, err);
    CV_NEW(l->batch_ids, rows * (size_t)l->config.context, err);
    CV_NEW(l->ditems, rows * embed, err);
    CV_NEW(l->dtexts, rows * embed, err);
    if (l->held_out.dataset) {
        CV_NEW(l->captions, (size_t)(cv_shapes_count(l->world) * CV_SHAPES_LANGUAGES) * embed, err);
        CV_NEW(l->vectors, (size_t)l->held_out.info.clips * embed, err);
    }
    pairs = pairs_of(l);
    cv_contrastive_loss(&pairs, &to, &measure);
    CV_TRY(cv_arena_create(&l->arena, measure.peak, err));
    l->head.memory =
        l->train->arena.capacity + l->arena.capacity +
        (uint64_t)(l->clips.info.clips + l->held_out.info.clips) * (uint64_t)l->config.features * sizeof(float);
done:
    return status;
}

/* --- results -------------------------------------------------------------------------------------------------- */

static cogvideo_status publish(cv_learner *learner, cogvideo_error *err)
{
    const clip_learner *l = (const clip_learner *)learner;
    cv_json *section = cv_json_new_object();
    cogvideo_status status;
    char origin[80];

    snprintf(origin, sizeof origin, "the shapes world, %d clips", l->clips.info.clips);
    cv_json_set_string(section, "file", FILE_NAME);
    cv_json_set_string(section, "variant", "shapes");
    cv_json_set_string(section, "origin", origin);
    cv_clip_config_describe(&l->config, section);
    CV_TRY(cv_publish_store(learner, learner->weights[0], FILE_NAME, err));
    CV_TRY(cv_publish_section(learner, "clip", section, err));
done:
    cv_json_free(&section);
    return status;
}

static void learner_close(cv_learner *learner)
{
    clip_learner *l = (clip_learner *)learner;

    cv_clip_train_close(&l->train);
    cv_clip_pairs_close(&l->pairs);
    cv_learner_close_stores(learner);
    cv_shapes_clips_close(&l->clips);
    cv_shapes_clips_close(&l->held_out);
    cv_shapes_close(&l->world);
    cv_arena_free(&l->arena);
    cv_free(l->features);
    cv_free(l->held_features);
    cv_free(l->ids);
    cv_free(l->drawn);
    cv_free(l->from);
    cv_free(l->batch_ids);
    cv_free(l->ditems);
    cv_free(l->dtexts);
    cv_free(l->captions);
    cv_free(l->vectors);
    cv_free(l);
}

cogvideo_status cv_clip_learner_open(cv_learner **out, const cogvideo_train_options *options, const cv_recipe *recipe,
                                     const cv_exec *exec, const cogvideo_model *model, cogvideo_error *err)
{
    static const cv_learner_functions functions = { .batch = batch,
                                                    .moved = moved,
                                                    .evaluate = evaluate,
                                                    .publish = publish,
                                                    .close = learner_close };
    cogvideo_status status;
    clip_learner *l = NULL;

    CV_NEW(l, 1, err);
    l->head = (cv_learner){ .functions = &functions,
                            .options = options,
                            .recipe = recipe,
                            .exec = exec,
                            .model = model,
                            .items = recipe->batch,
                            .foundation = "I3D",
                            .useful_after = -1 };
    l->recipe = (const cv_clip_recipe *)(const void *)recipe;
    CV_TRY(set_config(l, err));
    CV_TRY(open_data(l, err));
    CV_TRY(encode_captions(l, err));
    CV_TRY(cv_clip_pairs_open(&l->pairs, l->world, &l->clips, recipe->batch, err));
    CV_TRY(make_stores(l, err));
    CV_TRY(
        cv_clip_train_open(&l->train, exec, l->head.weights[0], l->head.gradients[0], &l->config, recipe->batch, err));
    begin(l);
    if (options->finetune && !options->resume)
        CV_TRY(cv_begin_with(&l->head, l->head.weights[0],
                             cv_metrics_of(model)->parts[CV_METRICS_CLIP].section ? FILE_NAME : NULL, "metric-clip",
                             err));
    CV_TRY(make_room(l, err));
    *out = &l->head;
    return COGVIDEO_OK;
done:
    if (l)
        learner_close(&l->head);
    return status;
}
