#include "family/phenaki/model/model.h"

#include <stdio.h>
#include <string.h>

/* The section `key` of model.json and, where the model has that part, its file. */
typedef struct place {
    const cv_json *section; /* NULL = the model knows nothing of such a part */
    cv_store *store;        /* NULL = it is described, and not there */
    char where[600];        /* what errors of the section begin with */
} place;

static cogvideo_status find(place *out, cv_phenaki *model, const cv_json *parts, const char *key, bool narrows,
                            const char *origin, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_json *section;
    const char *file;
    char where[600];

    *out = (place){ 0 };
    snprintf(out->where, sizeof out->where, "%.500s: %s", origin, key);
    if (cv_json_get(model->head.description, key)) {
        CV_TRY(cv_json_object(model->head.description, key, &section, origin, err));
        out->section = section;
    }
    if (!cv_json_get(parts, key))
        return COGVIDEO_OK;
    if (!out->section)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s is missing, and parts.%s names its file", out->where, key);
    snprintf(where, sizeof where, "%.500s: parts.%s", origin, key);
    CV_TRY(cv_json_object(parts, key, &section, origin, err));
    CV_TRY(cv_model_file_name(section, "file", &file, where, err));
    CV_TRY(cv_model_store(&model->head, file, narrows, &out->store, err));
done:
    return status;
}

static cogvideo_status open_tokenizer(cv_phenaki *model, const cv_json *parts, const char *origin, cogvideo_error *err)
{
    cv_cvivit_config config;
    cogvideo_status status;
    place at;

    CV_TRY(find(&at, model, parts, "video_tokenizer", true, origin, err));
    if (at.section)
        CV_TRY(cv_cvivit_config_read(&config, at.section, at.where, err));
    if (at.store)
        CV_TRY(cv_cvivit_open(&model->tokenizer, &config, at.store, err));
done:
    return status;
}

static cogvideo_status open_text_encoder(cv_phenaki *model, const cv_json *parts, const char *origin,
                                         cogvideo_error *err)
{
    cv_t5_config config = { 0 };
    cogvideo_status status;
    cv_json *section;
    const char *file;
    char where[600];
    place at;

    CV_TRY(find(&at, model, parts, "text_encoder", true, origin, err));
    if (at.section)
        CV_TRY(cv_t5_config_read(&config, at.section, at.where, err));
    if (at.store)
        CV_TRY(cv_t5_open(&model->text_encoder, &config, at.store, err));
    if (!cv_json_get(parts, "text_tokenizer"))
        return COGVIDEO_OK;
    snprintf(where, sizeof where, "%.500s: parts.text_tokenizer", origin);
    CV_TRY(cv_json_object(parts, "text_tokenizer", &section, origin, err));
    CV_TRY(cv_model_file_name(section, "file", &file, where, err));
    CV_TRY(cv_model_text(&model->head, file, 0, NULL, err));
    if (at.section)
        CV_TRY(cv_t5_check_text(model->head.text, config.vocabulary, err));
done:
    return status;
}

static cogvideo_status open_masked(cv_phenaki *model, const cv_json *parts, const char *origin, cogvideo_error *err)
{
    cv_masked_config config = { 0 };
    cogvideo_status status;
    place at;

    CV_TRY(find(&at, model, parts, "masked", true, origin, err));
    if (at.section)
        CV_TRY(cv_masked_config_read(&config, at.section, at.where, err));
    if (at.store)
        CV_TRY(cv_masked_open(&model->masked, &config, at.store, err));
done:
    return status;
}

/* A critic of its own, or a layer on top of the masked transformer. */
static cogvideo_status open_critic(cv_phenaki *model, const cv_json *parts, const char *origin, cogvideo_error *err)
{
    cv_masked_config config = { .critic = true };
    cogvideo_status status;
    const char *kind;
    place at;

    CV_TRY(find(&at, model, parts, "critic", true, origin, err));
    if (!at.section)
        return COGVIDEO_OK;
    CV_TRY(cv_json_string(at.section, "kind", &kind, at.where, err));
    if (strcmp(kind, "token") == 0) {
        CV_TRY(cv_masked_config_read(&config, at.section, at.where, err));
        if (at.store)
            CV_TRY(cv_masked_open(&model->critic, &config, at.store, err));
    } else if (strcmp(kind, "self") == 0) {
        if (at.store && model->masked)
            CV_TRY(cv_self_critic_bind(&model->self_critic, at.store, cv_masked_config_of(model->masked)->width, err));
    } else {
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'kind' is '%.40s'; 'token' or 'self' was expected", at.where,
                       kind);
    }
done:
    return status;
}

/* --- what goes together ------------------------------------------------------------------------------------------- */

static cogvideo_status check_clip(const cv_phenaki *model, const char *where, cogvideo_error *err)
{
    const cv_cvivit_config *c = model->tokenizer ? cv_cvivit_config_of(model->tokenizer) : NULL;

    if (!c)
        return COGVIDEO_OK;
    if (model->height % c->patch_height != 0 || model->width % c->patch_width != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: %dx%d pixels are no multiple of a patch of %dx%d", where,
                       model->width, model->height, c->patch_width, c->patch_height);
    if ((model->frames - 1) % c->patch_frames != 0 || (model->context - 1) % c->patch_frames != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: 'frames' is %d and 'context' %d; each must be 1 more than a multiple of %d", where,
                       model->frames, model->context, c->patch_frames);
    return COGVIDEO_OK;
}

static cogvideo_status read_clip(cv_phenaki *model, const char *origin, cogvideo_error *err)
{
    static const char *const keys[] = { "height", "width", "frames", "fps", "context", NULL };
    int64_t height = 0, width = 0, frames = 1, context = 1;
    cogvideo_status status;
    cv_json *section;
    char where[600];

    model->frames = model->context = 1;
    model->fps = 8;
    if (!cv_json_get(model->head.description, "clip"))
        return COGVIDEO_OK;
    snprintf(where, sizeof where, "%.500s: clip", origin);
    CV_TRY(cv_json_object(model->head.description, "clip", &section, origin, err));
    CV_TRY(cv_json_check_keys(section, keys, where, err));
    CV_TRY(cv_json_int(section, "height", 1, 4096, &height, where, err));
    CV_TRY(cv_json_int(section, "width", 1, 4096, &width, where, err));
    CV_TRY(cv_json_optional_int(section, "frames", 1, 4096, &frames, where, err));
    CV_TRY(cv_json_optional_double(section, "fps", 0.01, 1000, &model->fps, where, err));
    CV_TRY(cv_json_optional_int(section, "context", 1, 4096, &context, where, err));
    model->height = (int)height;
    model->width = (int)width;
    model->frames = (int)frames;
    model->context = (int)context;
    CV_TRY(check_clip(model, where, err));
done:
    return status;
}

/* Networks that were made for each other agree in these sizes. */
static cogvideo_status check_networks(const cv_phenaki *model, const char *origin, cogvideo_error *err)
{
    const cv_masked_config *masked = model->masked ? cv_masked_config_of(model->masked) : NULL,
                           *critic = model->critic ? cv_masked_config_of(model->critic) : NULL;
    const cv_cvivit_config *tokenizer = model->tokenizer ? cv_cvivit_config_of(model->tokenizer) : NULL;
    const cv_t5_config *text = model->text_encoder ? cv_t5_config_of(model->text_encoder) : NULL;

    if (masked && tokenizer && masked->codes != tokenizer->codes)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: the masked transformer has %d codes and the video tokenizer %d: they were not trained for "
                       "each other",
                       origin, masked->codes, tokenizer->codes);
    if (masked && critic && (critic->codes != masked->codes || critic->places < masked->places))
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: the critic has %d codes and %d places, the masked transformer %d and %d", origin,
                       critic->codes, critic->places, masked->codes, masked->places);
    if (masked && critic && critic->text_width > 0 && critic->text_width != masked->text_width)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: the critic reads %d numbers for each token of a text, and the masked transformer %d",
                       origin, critic->text_width, masked->text_width);
    if (masked && text && masked->text_width > 0 && masked->text_width != text->width)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: the text encoder gives %d numbers for each token and the masked transformer reads %d",
                       origin, text->width, masked->text_width);
    return COGVIDEO_OK;
}

cogvideo_status cv_phenaki_open(cogvideo_model *head, const char *origin, cogvideo_error *err)
{
    cv_phenaki *model = (cv_phenaki *)(void *)head;
    cogvideo_status status;
    cv_json *parts;

    CV_TRY(cv_json_object(head->description, "parts", &parts, origin, err));
    CV_TRY(open_tokenizer(model, parts, origin, err));
    CV_TRY(open_text_encoder(model, parts, origin, err));
    CV_TRY(open_masked(model, parts, origin, err));
    CV_TRY(open_critic(model, parts, origin, err));
    CV_TRY(read_clip(model, origin, err));
    CV_TRY(check_networks(model, origin, err));
    CV_TRY(cv_phenaki_read_settings(model, origin, err));
    CV_TRY(cv_model_check_claimed(head, err));
done:
    return status;
}

void cv_phenaki_close(cogvideo_model *head)
{
    cv_phenaki *model = (cv_phenaki *)(void *)head;

    cv_cvivit_close(&model->tokenizer);
    cv_masked_close(&model->masked);
    cv_masked_close(&model->critic);
    cv_t5_close(&model->text_encoder);
}

uint64_t cv_phenaki_weights(const cv_phenaki *model)
{
    uint64_t bytes = 0;

    for (int i = 0; i < model->head.file_count; i++)
        if (model->head.files[i].store)
            bytes += cv_store_mapped(model->head.files[i].store);
    return bytes;
}

/* --- what a step needs -------------------------------------------------------------------------------------------- */

static cogvideo_status missing(const cv_phenaki *model, const char *what, const char *option, const char *part,
                               cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_MODEL,
                   "the model '%s' has no %s, which 'cogvideo import --%s' brings, or 'cogvideo train %s'",
                   model->head.name, what, option, part);
}

cogvideo_status cv_need_video_tokenizer(const cv_phenaki *model, cogvideo_error *err)
{
    return model->tokenizer ? cv_exec_prepare(&model->head.exec, err)
                            : missing(model, "video tokenizer", "video-tokenizer", "video-tokenizer", err);
}

cogvideo_status cv_need_masked(const cv_phenaki *model, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_need_video_tokenizer(model, err));
    if (!model->masked)
        return missing(model, "masked transformer", "masked", "masked", err);
    if (cv_masked_config_of(model->masked)->text_width > 0) {
        CV_TRY(cv_model_need_text(&model->head, err));
        if (!model->text_encoder)
            return missing(model, "text encoder", "text-encoder", "masked", err);
    }
    if (model->height == 0)
        return cv_fail(
            err, COGVIDEO_ERROR_MODEL,
            "the model '%s' does not say how large its frames are: model.json needs a section 'clip' (import "
            "with --size and --frames)",
            model->head.name);
done:
    return status;
}

cogvideo_status cv_need_critic(const cv_phenaki *model, cogvideo_error *err)
{
    return model->critic || model->self_critic.to_pred.weight.N > 0
               ? COGVIDEO_OK
               : missing(model, "critic for the sampler 'critic'", "critic", "critic", err);
}
