/* clip.c - pictures, or clips of the shapes world, by CLIP. Of the shapes world, clips go through the model's I3D first
 * and CLIP projects its features. */
#include "family/metrics/features/features.h"
#include "family/metrics/model/model.h"

#include <string.h>

typedef struct clip_run {
    const cogvideo_model *model;
    const cv_clip *clip;
    cv_clip *ready; /* of pictures: what runs, its weights laid out */
    cv_arena arena;
    /* of the shapes world */
    const cv_feature_network *others; /* NULL = frames go into CLIP itself */
    cv_feature_run *other_run;
    float *other_features; /* [batch][config.features] */
} clip_run;

static const cv_clip *clip_of(const cogvideo_model *model)
{
    return cv_metrics_of(model)->clip;
}

/* The network whose features CLIP projects; NULL where it has pictures of its own. */
static const cv_feature_network *others_of(const cogvideo_model *model)
{
    return cv_clip_config_of(clip_of(model))->features > 0 ? cv_model_feature_network(model, "i3d") : NULL;
}

cogvideo_status cv_clip_features_need(const cogvideo_model *model, cogvideo_error *err)
{
    const int features = clip_of(model) ? cv_clip_config_of(clip_of(model))->features : 0;
    cogvideo_status status;
    cv_feature_info info;

    CV_TRY(cv_metrics_need(model, CV_METRICS_CLIP, err));
    if (features == 0)
        return COGVIDEO_OK;
    CV_TRY(cv_metrics_need(model, CV_METRICS_I3D, err));
    if (!others_of(model))
        return cv_model_cannot(model, "compare clips", err);
    CV_TRY(others_of(model)->need(model, err));
    others_of(model)->info(model, &info);
    if (info.width != features)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "the model '%s' has an I3D of %d features and a CLIP that was trained on %d: train it again "
                       "with 'cogvideo train metric-clip'",
                       model->name, info.width, features);
done:
    return status;
}

/* Both digests in one: features change with either file. */
static void add_digest(char sha256[CV_SHA256_TEXT], const char *other)
{
    unsigned char digest[CV_SHA256_BYTES];
    cv_sha256 *sum = NULL;

    if (cv_sha256_begin(&sum, NULL) != COGVIDEO_OK)
        return;
    cv_sha256_add(sum, other, strlen(other));
    cv_sha256_add(sum, sha256, strlen(sha256));
    cv_sha256_end(&sum, digest);
    cv_sha256_text(sha256, digest);
}

void cv_clip_features_info(const cogvideo_model *model, cv_feature_info *out)
{
    const cv_metrics *metrics = cv_metrics_of(model);
    const cv_metrics_part *part = &metrics->parts[CV_METRICS_CLIP];
    const cv_clip_config *config = cv_clip_config_of(metrics->clip);
    const cv_feature_network *others = others_of(model);
    const cv_metrics_part *words =
        &metrics->parts[config->end >= 0 ? CV_METRICS_TEXT_TOKENIZER : CV_METRICS_CLIP_VOCABULARY];

    *out = (cv_feature_info){ .frames = true, .side = config->resolution, .min = 1, .max = 1 };
    memcpy(out->sha256, part->sha256, sizeof out->sha256);
    if (others) {
        cv_feature_info other;

        others->info(model, &other);
        *out = (cv_feature_info){ .side = other.side, .min = other.min, .max = other.max };
        memcpy(out->sha256, part->sha256, sizeof out->sha256);
        add_digest(out->sha256, other.sha256);
    }
    cv_clip_config_text(config, out->config, sizeof out->config);
    out->width = config->embed;
    out->shapes = part->shapes;
    out->origin = part->origin;
    memcpy(out->vocabulary_sha256, words->sha256, sizeof out->vocabulary_sha256);
}

/* The memory of a run, of which CLIP needs none where it only projects. */
static size_t scratch(const cogvideo_model *model, const cv_feature_settings *settings)
{
    cv_arena measure = { 0 };

    if (others_of(model))
        return (size_t)settings->batch * (size_t)cv_clip_config_of(clip_of(model))->features * sizeof(float);
    cv_clip_images(&model->exec, clip_of(model), NULL, NULL, settings->batch, &measure);
    return measure.peak;
}

cogvideo_status cv_clip_features_plan(const cogvideo_model *model, const cv_feature_settings *settings, uint64_t *bytes,
                                      cogvideo_error *err)
{
    cogvideo_status status;
    uint64_t other = 0;

    CV_TRY(cv_clip_features_need(model, err));
    if (others_of(model)) {
        CV_TRY(others_of(model)->plan(model, settings, &other, err));
    } else {
        const int side = cv_clip_config_of(clip_of(model))->resolution;

        if (settings->frames != 1 || settings->height != side || settings->width != side)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "CLIP of the model '%s' takes single frames of %dx%d pixels, not %d of %dx%d", model->name,
                           side, side, settings->frames, settings->width, settings->height);
        other = cv_clip_ready_bytes(&model->exec, clip_of(model));
    }
    *bytes = other + scratch(model, settings);
done:
    return status;
}

cogvideo_status cv_clip_features_open(cv_feature_run **out, const cogvideo_model *model,
                                      const cv_feature_settings *settings, cogvideo_error *err)
{
    cogvideo_status status;
    clip_run *run = NULL;
    cv_feature_run *opened;
    uint64_t bytes;
    size_t row;

    CV_TRY(cv_clip_features_plan(model, settings, &bytes, err));
    row = (size_t)cv_clip_config_of(clip_of(model))->features * sizeof *run->other_features;
    CV_NEW(run, 1, err);
    run->model = model;
    run->clip = clip_of(model);
    run->others = others_of(model);
    CV_TRY(cv_arena_create(&run->arena, scratch(model, settings), err));
    if (run->others) {
        run->other_features = cv_arena_take(&run->arena, (size_t)settings->batch, row);
        CV_TRY(run->others->open(&run->other_run, model, settings, err));
    } else {
        CV_TRY(cv_clip_ready(&run->ready, &model->exec, run->clip, err));
    }
    *out = (cv_feature_run *)(void *)run;
    return COGVIDEO_OK;
done:
    opened = (cv_feature_run *)(void *)run;
    cv_clip_features_close(&opened);
    return status;
}

cogvideo_status cv_clip_features_run(cv_feature_run *opened, const float *pixels, int count, float *features,
                                     float *probabilities, cogvideo_error *err)
{
    clip_run *run = (clip_run *)(void *)opened;
    const cv_exec *exec = &run->model->exec;
    cogvideo_status status;

    (void)probabilities;
    if (!run->others) {
        cv_clip_images(exec, run->ready, features, pixels, count, &run->arena);
        return COGVIDEO_OK;
    }
    CV_TRY(run->others->run(run->other_run, pixels, count, run->other_features, NULL, err));
    cv_clip_project(exec, run->clip, features, run->other_features, count);
done:
    return status;
}

void cv_clip_features_close(cv_feature_run **opened)
{
    clip_run *run = (clip_run *)(void *)*opened;

    if (!run)
        return;
    if (run->other_run)
        run->others->close(&run->other_run);
    cv_clip_close(&run->ready);
    cv_arena_free(&run->arena);
    cv_free(run);
    *opened = NULL;
}
