#include "support/toy_networks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int toy_networks_computed;

typedef struct toy_networks {
    cogvideo_model head; /* first */
    const char *weights;
    int64_t shapes; /* 1: it knows the shapes world alone, and lacks some networks; 2: but has an Inception of all */
} toy_networks;

struct cv_feature_run {
    cv_feature_settings settings;
};

static const toy_networks *toy_of(const cogvideo_model *model)
{
    return (const toy_networks *)(const void *)model;
}

static cogvideo_status toy_open(cogvideo_model *head, const char *origin, cogvideo_error *err)
{
    toy_networks *model = (toy_networks *)(void *)head;
    cogvideo_status status;

    CV_TRY(cv_json_string(head->description, "weights", &model->weights, origin, err));
    CV_TRY(cv_json_optional_int(head->description, "shapes", 0, 2, &model->shapes, origin, err));
done:
    return status;
}

static void toy_close(cogvideo_model *head)
{
    (void)head; /* nothing is owned but what the head owns */
}

/* --- what all have in common ------------------------------------------------------------------------------------ */

static cogvideo_status need(const cogvideo_model *model, cogvideo_error *err)
{
    (void)model, (void)err;
    return COGVIDEO_OK;
}

static cogvideo_status no_shapes(const cogvideo_model *model, cogvideo_error *err)
{
    return toy_of(model)->shapes ? cv_fail(err, COGVIDEO_ERROR_MODEL, "the model '%s' lacks this part", model->name)
                                 : COGVIDEO_OK;
}

static cogvideo_status some_shapes(const cogvideo_model *model, cogvideo_error *err)
{
    return toy_of(model)->shapes == 2 ? COGVIDEO_OK : no_shapes(model, err);
}

static cogvideo_status plan(const cogvideo_model *model, const cv_feature_settings *settings, uint64_t *bytes,
                            cogvideo_error *err)
{
    (void)model, (void)err;
    *bytes = 1000u * (unsigned)settings->batch;
    return COGVIDEO_OK;
}

static cogvideo_status open_run(cv_feature_run **out, const cogvideo_model *model, const cv_feature_settings *settings,
                                cogvideo_error *err)
{
    (void)model;
    if (!(*out = cv_alloc(1, sizeof **out, err)))
        return COGVIDEO_ERROR_MEMORY;
    (*out)->settings = *settings;
    return COGVIDEO_OK;
}

static void close_run(cv_feature_run **run)
{
    cv_free(*run);
    *run = NULL;
}

static void fill_info(const cogvideo_model *model, cv_feature_info *out)
{
    *out = (cv_feature_info){ .side = 8, .origin = "toy", .shapes = toy_of(model)->shapes != 0 };
    snprintf(out->sha256, sizeof out->sha256, "%s", toy_of(model)->weights);
}

/* Mean colours of one item, and how much its frames differ from the one before. */
static void look(const cv_feature_settings *s, const float *pixels, double mean[TOY_WIDTH])
{
    const size_t places = (size_t)s->height * (size_t)s->width, frame = 3 * places;

    memset(mean, 0, TOY_WIDTH * sizeof *mean);
    for (int f = 0; f < s->frames; f++)
        for (size_t c = 0; c < 3; c++)
            for (size_t i = 0; i < places; i++) {
                const float *at = pixels + (size_t)f * frame + c * places + i;

                mean[c] += (double)*at / (double)(places * (size_t)s->frames);
                mean[3] += f ? fabs((double)(at[0] - at[-(ptrdiff_t)frame])) / (double)frame : 0;
            }
}

static void softmax3(const double mean[TOY_WIDTH], float *out)
{
    const double sum = exp(mean[0] / 32) + exp(mean[1] / 32) + exp(mean[2] / 32);

    for (int c = 0; c < 3; c++)
        out[c] = (float)(exp(mean[c] / 32) / sum);
}

/* --- the networks ------------------------------------------------------------------------------------------------ */

static void clip_info(const cogvideo_model *model, cv_feature_info *out)
{
    fill_info(model, out);
    out->min = 9;
    out->width = TOY_WIDTH;
    if (out->shapes) {
        out->side = 64;
        out->head_count = 3;
        out->heads[0] = (cv_feature_head){ "colour", 3 };
        out->heads[1] = (cv_feature_head){ "size", 3 };
        out->heads[2] = (cv_feature_head){ "shape", 3 };
        out->classes = 9;
    }
}

static cogvideo_status clip_run(cv_feature_run *run, const float *pixels, int count, float *features,
                                float *probabilities, cogvideo_error *err)
{
    const cv_feature_settings *s = &run->settings;

    (void)err;
    for (int i = 0; i < count; i++) {
        double mean[TOY_WIDTH];

        look(s, pixels + (size_t)(i * s->frames * 3) * (size_t)(s->height * s->width), mean);
        for (int c = 0; c < TOY_WIDTH; c++)
            features[i * TOY_WIDTH + c] = (float)mean[c];
        for (int h = 0; probabilities && h < 3; h++)
            softmax3(mean, probabilities + 9 * i + 3 * h);
        toy_networks_computed++;
    }
    return COGVIDEO_OK;
}

static void classes_info(const cogvideo_model *model, cv_feature_info *out)
{
    fill_info(model, out);
    out->min = out->max = 16;
    out->width = TOY_WIDTH;
    out->classes = 3;
}

static cogvideo_status classes_run(cv_feature_run *run, const float *pixels, int count, float *features,
                                   float *probabilities, cogvideo_error *err)
{
    for (int i = 0; i < count; i++) {
        const size_t item = (size_t)(run->settings.frames * run->settings.height * run->settings.width) * 3;
        double mean[TOY_WIDTH];

        look(&run->settings, pixels + (size_t)i * item, mean);
        softmax3(mean, probabilities + 3 * i);
    }
    return clip_run(run, pixels, count, features, NULL, err);
}

static void frame_info(const cogvideo_model *model, cv_feature_info *out)
{
    fill_info(model, out);
    out->frames = !out->shapes;
    out->side = out->shapes ? 64 : 8;
    out->min = out->shapes ? 16 : 1;
    out->max = out->shapes ? 16 : 1;
    out->width = 3;
    out->classes = 3;
    snprintf(out->vocabulary_sha256, sizeof out->vocabulary_sha256, "%064d", 7);
}

static void picture_info(const cogvideo_model *model, cv_feature_info *out)
{
    frame_info(model, out);
    out->frames = true;
    out->shapes = false;
    out->side = 8;
    out->min = out->max = 1;
}

/* The direction of the mean colour. */
static cogvideo_status frame_run(cv_feature_run *run, const float *pixels, int count, float *features,
                                 float *probabilities, cogvideo_error *err)
{
    const cv_feature_settings *s = &run->settings;

    (void)err;
    for (int i = 0; i < count; i++) {
        double mean[TOY_WIDTH], length;

        look(s, pixels + (size_t)(i * s->frames * 3) * (size_t)(s->height * s->width), mean);
        length = sqrt(mean[0] * mean[0] + mean[1] * mean[1] + mean[2] * mean[2]) + 1e-9;
        for (int c = 0; c < 3; c++)
            features[3 * i + c] = (float)(mean[c] / length);
        if (probabilities)
            softmax3(mean, probabilities + 3 * i);
        toy_networks_computed++;
    }
    return COGVIDEO_OK;
}

/* The direction of the colours that a text names. */
static cogvideo_status read_text(const cogvideo_model *model, const char *text, bool cut, float *feature,
                                 cogvideo_error *err)
{
    static const char *const colours[] = { "red", "green", "blue" };
    float length = 0;

    (void)model;
    if (strlen(text) > 100 && !cut)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the text has %zu letters; at most 100 were expected",
                       strlen(text));
    for (int c = 0; c < 3; c++) {
        feature[c] = strstr(text, colours[c]) ? 1 : 0;
        length += feature[c];
    }
    for (int c = 0; c < 3; c++)
        feature[c] = length > 0 ? feature[c] / sqrtf(length) : 0.57735f;
    return COGVIDEO_OK;
}

#define COMMON \
    .scale = CV_SCALE_TF1, .crop = CV_CROP_SQUASH, .range = "0..255", .plan = plan, .open = open_run, .close = close_run

static const cv_feature_network networks[] = {
    { .name = "i3d",
      COMMON,
      .epsilon = 1e-3,
      .any_epsilon = true,
      .any_resize = true,
      .need = need,
      .info = clip_info,
      .run = clip_run },
    { .name = "c3d", COMMON, .need = no_shapes, .info = classes_info, .run = classes_run },
    { .name = "inception",
      COMMON,
      .epsilon = 1e-3,
      .pytorch_input = true,
      .fewer_frames = true,
      .need = some_shapes,
      .info = picture_info,
      .run = frame_run },
    { .name = "clip", COMMON, .need = need, .info = frame_info, .run = frame_run, .text = read_text },
};

const cv_family cv_family_toy_networks = {
    .name = "toy-networks",
    .size = sizeof(toy_networks),
    .open = toy_open,
    .close = toy_close,
    .feature_networks = networks,
    .feature_network_count = sizeof networks / sizeof *networks,
};
