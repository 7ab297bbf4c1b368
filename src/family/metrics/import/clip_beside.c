#include "family/metrics/import/clip_beside.h"

#include "base/path.h"

#include <string.h>

#define MAX_CONFIG (1u << 20)

/* A config that is being read. */
typedef struct reader {
    cv_clip_config *out;
    const char *path; /* with which errors start */
    cogvideo_error *err;
} reader;

/* A member that is an object; NULL where there is none. */
static cogvideo_status section(const reader *r, const cv_json *object, const char *key, cv_json **out)
{
    *out = NULL;
    return cv_json_get(object, key) ? cv_json_object(object, key, out, r->path, r->err) : COGVIDEO_OK;
}

static cogvideo_status read_heads(const reader *r, const cv_json *object, const char *key, int *heads)
{
    int64_t value = 0;
    cogvideo_status status = cv_json_optional_int(object, key, 1, 1024, &value, r->path, r->err);

    *heads = (int)value;
    return status;
}

/* --- Hugging Face --------------------------------------------------------------------------------------------- */

static cogvideo_status read_act(const reader *r, const cv_json *object, cv_gelu_form *out)
{
    const char *word = "quick_gelu";
    cogvideo_status status = cv_json_optional_string(object, "hidden_act", &word, r->path, r->err);

    if (status != COGVIDEO_OK)
        return status;
    *out = strcmp(word, "quick_gelu") == 0 ? CV_GELU_QUICK : CV_GELU_ERF;
    if (*out == CV_GELU_ERF && strcmp(word, "gelu") != 0)
        return cv_fail(r->err, COGVIDEO_ERROR_UNSUPPORTED,
                       "%s: 'hidden_act' is '%.60s'; 'quick_gelu' and 'gelu' are supported", r->path, word);
    return COGVIDEO_OK;
}

static cogvideo_status read_hugging_face(const reader *r, const cv_json *config)
{
    static const char *const keys[] = { "vision_config", "text_config" };
    cv_gelu_form forms[2] = { CV_GELU_QUICK, CV_GELU_QUICK };
    int heads[2] = { 0 };
    cogvideo_status status = COGVIDEO_OK;
    cv_json *tower;

    for (int i = 0; i < 2; i++) {
        CV_TRY(section(r, config, keys[i], &tower));
        if (!tower)
            continue;
        CV_TRY(read_act(r, tower, &forms[i]));
        CV_TRY(read_heads(r, tower, "num_attention_heads", &heads[i]));
    }
    if (forms[0] != forms[1])
        return cv_fail(r->err, COGVIDEO_ERROR_UNSUPPORTED,
                       "%s: both towers must have one 'hidden_act'; those of 'vision_config' and 'text_config' differ",
                       r->path);
    r->out->gelu = forms[0];
    r->out->image.heads = heads[0];
    r->out->text.heads = heads[1];
done:
    return status;
}

/* --- open_clip ------------------------------------------------------------------------------------------------ */

static cogvideo_status read_open_clip(const reader *r, const cv_json *config)
{
    cogvideo_status status;
    cv_json *model, *tower, *pixels;
    int64_t head_width = CV_CLIP_HEAD_WIDTH, width = 0;
    bool quick = false;

    CV_TRY(cv_json_object(config, "model_cfg", &model, r->path, r->err));
    CV_TRY(cv_json_optional_bool(model, "quick_gelu", &quick, r->path, r->err));
    r->out->gelu = quick ? CV_GELU_QUICK : CV_GELU_ERF;
    CV_TRY(section(r, model, "vision_cfg", &tower));
    if (tower) {
        CV_TRY(cv_json_optional_int(tower, "head_width", 1, 4096, &head_width, r->path, r->err));
        CV_TRY(cv_json_optional_int(tower, "width", 1, 1 << 16, &width, r->path, r->err));
        r->out->image.heads = (int)(width / head_width);
    }
    CV_TRY(section(r, model, "text_cfg", &tower));
    if (tower)
        CV_TRY(read_heads(r, tower, "heads", &r->out->text.heads));
    CV_TRY(section(r, config, "preprocess_cfg", &pixels));
    if (pixels) {
        if (cv_json_get(pixels, "mean"))
            CV_TRY(cv_json_rgb(pixels, "mean", 0, 1, r->out->mean, r->path, r->err));
        if (cv_json_get(pixels, "std"))
            CV_TRY(cv_json_rgb(pixels, "std", 1e-6, 1, r->out->deviation, r->path, r->err));
    }
done:
    return status;
}

/* --- both ----------------------------------------------------------------------------------------------------- */

static cogvideo_status read_config(cv_clip_config *out, const char *path, bool hugging_face, cogvideo_error *err)
{
    const reader r = { out, path, err };
    cogvideo_status status;
    cv_json *config = NULL;

    CV_TRY(cv_json_read(&config, path, MAX_CONFIG, err));
    if (!cv_json_is_object(config)) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a JSON object was expected", path);
        goto done;
    }
    CV_TRY(hugging_face ? read_hugging_face(&r, config) : read_open_clip(&r, config));
done:
    cv_json_free(&config);
    return status;
}

cogvideo_status cv_clip_beside(cv_clip_config *out, const char *path, bool openai, bool hugging_face, const char *act,
                               const cogvideo_log *log, cogvideo_error *err)
{
    const char *name = hugging_face ? "config.json" : "open_clip_config.json";
    char *folder = cv_path_folder(path, err), *config = folder ? cv_path_join(folder, name, err) : NULL;
    cogvideo_status status = COGVIDEO_OK;
    bool there;

    if (!config) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    out->gelu = CV_GELU_QUICK;
    there = !openai && cv_path_exists(config);
    if (there)
        CV_TRY(read_config(out, config, hugging_face, err));
    else if (!openai && !act)
        status = cv_fail(err, COGVIDEO_ERROR_MODEL,
                         "%s: does not tell whether its GELU is the quick one, and there is no '%s' beside it; put it "
                         "there, or say --clip-act quick (or gelu)",
                         path, name);
    if (act) {
        cv_gelu_form form = strcmp(act, "quick") == 0 ? CV_GELU_QUICK : CV_GELU_ERF;

        if (there && form != out->gelu)
            cv_log(log, COGVIDEO_LOG_WARNING, "%s: says another form of GELU than --clip-act %s, which is believed",
                   config, act);
        out->gelu = form;
    }
done:
    cv_free(folder);
    cv_free(config);
    return status;
}
