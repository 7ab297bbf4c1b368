/* convnets.c - clips by I3D and C3D, one after the other, each with all threads; frames by Inception, whose layers are
 * too small to be split well, a frame a thread where a batch has enough of them. */
#include "base/parallel.h"
#include "family/metrics/features/features.h"
#include "family/metrics/model/model.h"

#include <stdio.h>
#include <string.h>

/* An opened network; of the first two only one is there. */
typedef struct convnet_run {
    const cogvideo_model *model;
    cv_feature_settings settings;
    cv_i3d i3d; /* folded, as the next */
    cv_inception inception;
    cv_arena arena;
} convnet_run;

static convnet_run *run_of(cv_feature_run *run)
{
    return (convnet_run *)(void *)run;
}

static cv_feature_info part_info(const cogvideo_model *model, cv_metrics_part_id id)
{
    const cv_metrics_part *part = &cv_metrics_of(model)->parts[id];
    cv_feature_info info = { .origin = part->origin, .shapes = part->shapes };

    memcpy(info.sha256, part->sha256, sizeof info.sha256);
    return info;
}

/* A run of `bytes` scratch; it is closed by cv_convnet_features_close. */
static cogvideo_status run_open(convnet_run **out, const cogvideo_model *model, const cv_feature_settings *settings,
                                size_t bytes, cogvideo_error *err)
{
    cogvideo_status status;
    convnet_run *run = NULL;

    CV_NEW(run, 1, err);
    run->model = model;
    run->settings = *settings;
    CV_TRY(cv_arena_create(&run->arena, bytes, err));
    *out = run;
    return COGVIDEO_OK;
done:
    cv_free(run);
    return status;
}

static void run_close(convnet_run *run)
{
    cv_i3d_free(&run->i3d);
    cv_inception_free(&run->inception);
    cv_arena_free(&run->arena);
    cv_free(run);
}

void cv_convnet_features_close(cv_feature_run **run)
{
    if (*run)
        run_close(run_of(*run));
    *run = NULL;
}

/* Numbers of an item. */
static size_t item_numbers(const cv_feature_settings *settings)
{
    return (size_t)settings->frames * 3 * (size_t)settings->height * (size_t)settings->width;
}

/* --- I3D ------------------------------------------------------------------------------------------------------ */

cogvideo_status cv_i3d_features_need(const cogvideo_model *model, cogvideo_error *err)
{
    return cv_metrics_need(model, CV_METRICS_I3D, err);
}

void cv_i3d_features_info(const cogvideo_model *model, cv_feature_info *out)
{
    const cv_i3d_config *config = &cv_metrics_of(model)->i3d->config;

    *out = part_info(model, CV_METRICS_I3D);
    out->side = config->shapes ? config->side : CV_I3D_SIDE;
    out->min = config->shapes ? config->frames : 9;
    out->max = config->shapes ? config->frames : 0;
    out->width = cv_i3d_width(config);
    out->classes = cv_i3d_classes(config);
    out->head_count = config->head_count;
    memcpy(out->heads, config->heads, sizeof out->heads);
}

static size_t i3d_scratch(const cogvideo_model *model, const cv_feature_settings *settings)
{
    return cv_i3d_scratch(&model->exec, cv_metrics_of(model)->i3d, settings->frames, settings->height, settings->width);
}

cogvideo_status cv_i3d_features_plan(const cogvideo_model *model, const cv_feature_settings *settings, uint64_t *bytes,
                                     cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_i3d_features_need(model, err));
    CV_TRY(cv_i3d_check(cv_metrics_of(model)->i3d, settings->frames, settings->height, settings->width, err));
    *bytes = (uint64_t)i3d_scratch(model, settings) + cv_convnet_fold_bytes(&cv_metrics_of(model)->i3d->net);
done:
    return status;
}

cogvideo_status cv_i3d_features_open(cv_feature_run **out, const cogvideo_model *model,
                                     const cv_feature_settings *settings, cogvideo_error *err)
{
    const double epsilon = settings->epsilon > 0 ? settings->epsilon : CV_I3D_EPSILON;
    convnet_run *run = NULL;
    cogvideo_status status;
    uint64_t bytes;

    CV_TRY(cv_i3d_features_plan(model, settings, &bytes, err));
    CV_TRY(run_open(&run, model, settings, i3d_scratch(model, settings), err));
    CV_TRY(cv_i3d_fold(&run->i3d, cv_metrics_of(model)->i3d, epsilon, err));
    *out = (cv_feature_run *)(void *)run;
    return COGVIDEO_OK;
done:
    if (run)
        run_close(run);
    return status;
}

cogvideo_status cv_i3d_features_run(cv_feature_run *opened, const float *pixels, int count, float *features,
                                    float *probabilities, cogvideo_error *err)
{
    convnet_run *run = run_of(opened);
    const cv_feature_settings *s = &run->settings;
    const cv_i3d_config *config = &run->i3d.config;

    (void)err;
    for (int i = 0; i < count; i++)
        cv_i3d_run(&run->model->exec, &run->i3d, features + (size_t)i * (size_t)cv_i3d_width(config),
                   probabilities ? probabilities + (size_t)i * (size_t)cv_i3d_classes(config) : NULL,
                   pixels + (size_t)i * item_numbers(s), s->frames, s->height, s->width, NULL, &run->arena);
    return COGVIDEO_OK;
}

/* --- C3D ------------------------------------------------------------------------------------------------------ */

cogvideo_status cv_c3d_features_need(const cogvideo_model *model, cogvideo_error *err)
{
    return cv_metrics_need(model, CV_METRICS_C3D, err);
}

void cv_c3d_features_info(const cogvideo_model *model, cv_feature_info *out)
{
    const cv_c3d_config *config = &cv_metrics_of(model)->c3d->config;
    const cv_json *mean = cv_json_get(cv_metrics_of(model)->parts[CV_METRICS_C3D].section, "mean_sha256");

    *out = part_info(model, CV_METRICS_C3D);
    if (mean && cv_json_is_string(mean)) /* of a file of its own */
        snprintf(out->config, sizeof out->config, "mean of sha256 %.64s", cv_json_text(mean));
    out->side = CV_C3D_SIDE;
    out->min = out->max = CV_C3D_FRAMES;
    out->width = config->widths[1];
    out->classes = config->widths[2];
}

cogvideo_status cv_c3d_features_plan(const cogvideo_model *model, const cv_feature_settings *settings, uint64_t *bytes,
                                     cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_c3d_features_need(model, err));
    CV_TRY(cv_c3d_check(settings->frames, settings->height, settings->width, err));
    *bytes = cv_c3d_scratch(&model->exec, cv_metrics_of(model)->c3d);
done:
    return status;
}

cogvideo_status cv_c3d_features_open(cv_feature_run **out, const cogvideo_model *model,
                                     const cv_feature_settings *settings, cogvideo_error *err)
{
    convnet_run *run;
    cogvideo_status status;
    uint64_t bytes;

    CV_TRY(cv_c3d_features_plan(model, settings, &bytes, err));
    CV_TRY(run_open(&run, model, settings, (size_t)bytes, err));
    *out = (cv_feature_run *)(void *)run;
done:
    return status;
}

cogvideo_status cv_c3d_features_run(cv_feature_run *opened, const float *pixels, int count, float *features,
                                    float *probabilities, cogvideo_error *err)
{
    convnet_run *run = run_of(opened);
    const cv_c3d *c3d = cv_metrics_of(run->model)->c3d;
    const int *widths = c3d->config.widths;

    (void)err;
    for (int i = 0; i < count; i++)
        cv_c3d_run(&run->model->exec, c3d, features + (size_t)i * (size_t)widths[1],
                   probabilities ? probabilities + (size_t)i * (size_t)widths[2] : NULL,
                   pixels + (size_t)i * item_numbers(&run->settings), NULL, &run->arena);
    return COGVIDEO_OK;
}

/* --- Inception ------------------------------------------------------------------------------------------------ */

cogvideo_status cv_inception_features_need(const cogvideo_model *model, cogvideo_error *err)
{
    return cv_metrics_need(model, CV_METRICS_INCEPTION, err);
}

void cv_inception_features_info(const cogvideo_model *model, cv_feature_info *out)
{
    const cv_inception *inception = cv_metrics_of(model)->inception;

    *out = part_info(model, CV_METRICS_INCEPTION);
    out->frames = true;
    out->side = CV_INCEPTION_SIDE;
    out->min = out->max = 1;
    out->width = cv_inception_width(inception);
    out->classes = inception->config.classes;
}

/* Frames that are on their way at once, and how each is computed. */
static int lanes_of(const cogvideo_model *model, const cv_feature_settings *settings, cv_exec *each)
{
    const int threads = model->exec.threads;

    *each = model->exec;
    if (settings->batch < threads)
        return 1;
    each->threads = 1;
    return threads;
}

/* Of one frame, a multiple of what memory is aligned to. */
static size_t lane_scratch(const cogvideo_model *model, const cv_feature_settings *settings)
{
    cv_exec each;

    lanes_of(model, settings, &each);
    return cv_inception_scratch(&each, cv_metrics_of(model)->inception, settings->height, settings->width);
}

static size_t inception_scratch(const cogvideo_model *model, const cv_feature_settings *settings)
{
    size_t bytes = lane_scratch(model, settings);
    cv_exec each;

    return cv_size_mul(bytes, (size_t)lanes_of(model, settings, &each), &bytes) ? bytes : SIZE_MAX;
}

cogvideo_status cv_inception_features_plan(const cogvideo_model *model, const cv_feature_settings *settings,
                                           uint64_t *bytes, cogvideo_error *err)
{
    const cv_inception *inception = cv_metrics_of(model)->inception;
    cogvideo_status status;

    CV_TRY(cv_inception_features_need(model, err));
    if (settings->frames != 1)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "Inception reads single frames, not %d at once", settings->frames);
    CV_TRY(cv_inception_check(inception, settings->height, settings->width, err));
    *bytes = (uint64_t)inception_scratch(model, settings) + cv_convnet_fold_bytes(&inception->net);
done:
    return status;
}

cogvideo_status cv_inception_features_open(cv_feature_run **out, const cogvideo_model *model,
                                           const cv_feature_settings *settings, cogvideo_error *err)
{
    convnet_run *run = NULL;
    cogvideo_status status;
    uint64_t bytes;

    CV_TRY(cv_inception_features_plan(model, settings, &bytes, err));
    CV_TRY(run_open(&run, model, settings, inception_scratch(model, settings), err));
    CV_TRY(cv_inception_fold(&run->inception, cv_metrics_of(model)->inception, err));
    *out = (cv_feature_run *)(void *)run;
    return COGVIDEO_OK;
done:
    if (run)
        run_close(run);
    return status;
}

cogvideo_status cv_inception_features_run(cv_feature_run *opened, const float *pixels, int count, float *features,
                                          float *probabilities, cogvideo_error *err)
{
    convnet_run *run = run_of(opened);
    const cv_feature_settings *s = &run->settings;
    const size_t width = (size_t)cv_inception_width(&run->inception), classes = (size_t)run->inception.config.classes;
    const size_t scratch = lane_scratch(run->model, s);
    cv_exec each;
    const int lanes = lanes_of(run->model, s, &each);

    (void)err;
#pragma omp parallel for num_threads(lanes) schedule(dynamic) if (lanes > 1)
    for (int i = 0; i < count; i++) {
        const size_t lane = lanes > 1 ? (size_t)cv_thread_index() : 0;
        cv_arena own = cv_arena_over(run->arena.base + lane * scratch, scratch);

        cv_inception_run(&each, &run->inception, features + (size_t)i * width,
                         probabilities ? probabilities + (size_t)i * classes : NULL,
                         pixels + (size_t)i * item_numbers(s), s->height, s->width, s->pytorch_input, NULL, &own);
    }
    return COGVIDEO_OK;
}
