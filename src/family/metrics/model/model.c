#include "family/metrics/model/model.h"

#include "base/path.h"

#include <stdio.h>
#include <string.h>

/* What model.json calls the parts, what people do, and the option of an import that brings them; NULL = none does. */
static const struct {
    const char *name, *title, *option;
    bool tensors, trained;
} parts[CV_METRICS_PARTS] = {
    [CV_METRICS_I3D] = { "i3d", "I3D network", "i3d", true, true },
    [CV_METRICS_C3D] = { "c3d", "C3D network", "c3d", true, false },
    [CV_METRICS_INCEPTION] = { "inception", "Inception network", "inception", true, false },
    [CV_METRICS_CLIP] = { "clip", "CLIP network", "clip", true, true },
    [CV_METRICS_CLIP_VOCABULARY] = { "clip_vocabulary", "vocabulary for CLIP", "clip-vocabulary", false, false },
    [CV_METRICS_TEXT_TOKENIZER] = { "text_tokenizer", "text model", NULL, false, false },
};

const char *cv_metrics_part_name(cv_metrics_part_id id)
{
    return parts[id].name;
}

cogvideo_status cv_metrics_need(const cogvideo_model *model, cv_metrics_part_id id, cogvideo_error *err)
{
    if (cv_metrics_of(model)->parts[id].path)
        return cv_exec_prepare(&model->exec, err);
    if (!parts[id].option)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "the model '%s' has no %s", model->name, parts[id].title);
    return cv_fail(err, COGVIDEO_ERROR_MODEL, "the model '%s' has no %s, which 'cogvideo import --%s' brings%s%s%s",
                   model->name, parts[id].title, parts[id].option,
                   parts[id].trained ? ", or 'cogvideo train metric-" : "", parts[id].trained ? parts[id].name : "",
                   parts[id].trained ? "'" : "");
}

/* Which kind of network it is. */
static cogvideo_status read_variant(cv_metrics_part *part, cogvideo_error *err)
{
    const char *variant = NULL;
    cogvideo_status status = cv_json_optional_string(part->section, "variant", &variant, part->where, err);

    if (status != COGVIDEO_OK || !variant)
        return status;
    if (strcmp(variant, "shapes") != 0)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                       "%s: 'variant' is '%.60s'; 'shapes' is known, and a published network has none", part->where,
                       variant);
    part->shapes = true;
    return COGVIDEO_OK;
}

/* Where the numbers come from: an import says so, and what was trained here is identified by its own file. */
static cogvideo_status read_origin(cv_metrics_part *part, cogvideo_error *err)
{
    const char *sha256 = NULL;
    cogvideo_status status;

    part->origin = cv_path_name(part->path);
    CV_TRY(cv_json_optional_string(part->section, "origin", &part->origin, part->where, err));
    CV_TRY(cv_json_optional_string(part->section, "sha256", &sha256, part->where, err));
    if (!sha256)
        return cv_sha256_file(part->sha256, part->path, err);
    if (strlen(sha256) != CV_SHA256_TEXT - 1 || strspn(sha256, "0123456789abcdef") != CV_SHA256_TEXT - 1)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'sha256' must be 64 hexadecimal digits in lower case",
                       part->where);
    memcpy(part->sha256, sha256, CV_SHA256_TEXT);
done:
    return status;
}

static cogvideo_status open_part(cv_metrics *model, cv_metrics_part_id id, const cv_json *list, const char *origin,
                                 cogvideo_error *err)
{
    cv_metrics_part *part = &model->parts[id];
    cogvideo_status status;
    const char *file;
    cv_json *section;

    if (!cv_json_get(list, parts[id].name))
        return COGVIDEO_OK;
    snprintf(part->where, sizeof part->where, "%.500s: parts.%s", origin, parts[id].name);
    CV_TRY(cv_json_object(list, parts[id].name, &section, origin, err));
    part->section = section;
    CV_TRY(read_variant(part, err));
    if (part->shapes && !cv_json_get(section, "file"))
        return COGVIDEO_OK; /* it will be trained */
    CV_TRY(cv_model_file_name(section, "file", &file, part->where, err));
    if (id == CV_METRICS_TEXT_TOKENIZER) {
        CV_TRY(cv_model_text(&model->head, file, 0, cv_icetk_appended, err));
        part->path = model->head.text_path;
    } else if (parts[id].tensors) {
        CV_TRY(cv_model_store(&model->head, file, false, &part->store, err));
        part->path = cv_store_path(part->store);
    } else {
        CV_TRY(cv_model_plain_file(&model->head, file, &part->path, err));
    }
    CV_TRY(read_origin(part, err));
done:
    return status;
}

cogvideo_status cv_metrics_open(cogvideo_model *head, const char *origin, cogvideo_error *err)
{
    cv_metrics *model = (cv_metrics *)(void *)head;
    cogvideo_status status;
    cv_json *list;

    CV_TRY(cv_json_object(head->description, "parts", &list, origin, err));
    for (int id = 0; id < CV_METRICS_PARTS; id++)
        CV_TRY(open_part(model, id, list, origin, err));
    CV_TRY(cv_metrics_open_convnets(model, err));
    CV_TRY(cv_metrics_open_clip(model, err));
done:
    return status;
}

void cv_metrics_close(cogvideo_model *head)
{
    cv_metrics *model = (cv_metrics *)(void *)head;

    cv_metrics_close_convnets(model);
    cv_clip_close(&model->clip);
    cv_bpe_close(&model->vocabulary);
}
