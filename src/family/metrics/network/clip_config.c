#include "family/metrics/network/clip.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MOST_HEADS 1024

static const char *const acts[CV_GELU_FORMS] = { [CV_GELU_ERF] = "gelu", [CV_GELU_QUICK] = "quick" };

static const struct {
    const char *key;
    size_t tower; /* offset of its cv_clip_tower */
} heads[] = {
    { "image_heads", offsetof(cv_clip_config, image) },
    { "text_heads", offsetof(cv_clip_config, text) },
    { "time_heads", offsetof(cv_clip_config, time) },
};

static cogvideo_status parse_act(cv_gelu_form *out, const cv_json *section, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    const char *act;

    CV_TRY(cv_json_string(section, "act", &act, origin, err));
    for (int form = 0; form < CV_GELU_FORMS; form++)
        if (acts[form] && strcmp(act, acts[form]) == 0) {
            *out = (cv_gelu_form)form;
            return COGVIDEO_OK;
        }
    return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'act' is '%.60s'; 'quick' or 'gelu' was expected", origin, act);
done:
    return status;
}

cogvideo_status cv_clip_config_parse(cv_clip_config *out, const cv_json *section, const char *origin,
                                     cogvideo_error *err)
{
    cv_clip_config config = { .end = -1 };
    cogvideo_status status;
    int64_t end = -1;

    CV_TRY(parse_act(&config.gelu, section, origin, err));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        int64_t count = 0;

        CV_TRY(cv_json_optional_int(section, heads[i].key, 1, MOST_HEADS, &count, origin, err));
        ((cv_clip_tower *)(void *)((char *)&config + heads[i].tower))->heads = (int)count;
    }
    if (!cv_json_get(section, "mean") != !cv_json_get(section, "deviation"))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'mean' and 'deviation' are given together or not at all",
                       origin);
    if (cv_json_get(section, "mean")) {
        CV_TRY(cv_json_rgb(section, "mean", 0, 1, config.mean, origin, err));
        CV_TRY(cv_json_rgb(section, "deviation", 1e-6, 1, config.deviation, origin, err));
    }
    CV_TRY(cv_json_optional_int(section, "end", 0, CV_CLIP_IDS, &end, origin, err));
    config.end = (int)end;
    *out = config;
done:
    return status;
}

void cv_clip_config_text(const cv_clip_config *config, char *out, size_t size)
{
    const float *mean = config->mean, *deviation = config->deviation;
    int used = snprintf(out, size, "%s gelu; %d text heads", config->gelu == CV_GELU_QUICK ? "quick" : "erf",
                        config->text.heads);

    if (config->image.width > 0 && used > 0 && (size_t)used < size)
        snprintf(out + used, size - (size_t)used, "; %d image heads; mean %.8g %.8g %.8g; deviation %.8g %.8g %.8g",
                 config->image.heads, (double)mean[0], (double)mean[1], (double)mean[2], (double)deviation[0],
                 (double)deviation[1], (double)deviation[2]);
}

static void describe_colours(cv_json *section, const char *key, const float values[3])
{
    cv_json *array = cv_json_set_array(section, key);

    for (int c = 0; c < 3; c++)
        cv_json_add_double(array, (double)values[c]);
}

void cv_clip_config_describe(const cv_clip_config *config, cv_json *section)
{
    cv_json_set_string(section, "act", acts[config->gelu]);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const cv_clip_tower *tower = (const cv_clip_tower *)(const void *)((const char *)config + heads[i].tower);

        if (tower->heads > 0 && tower->heads * CV_CLIP_HEAD_WIDTH != tower->width)
            cv_json_set_int(section, heads[i].key, tower->heads);
    }
    if (config->deviation[0] > 0) {
        describe_colours(section, "mean", config->mean);
        describe_colours(section, "deviation", config->deviation);
    }
    if (config->end >= 0)
        cv_json_set_int(section, "end", config->end);
}
