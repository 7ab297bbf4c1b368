#include "family/phenaki/network/masked_network.h"

#include <stddef.h>

static const struct {
    const char *key;
    size_t field; /* offset of an int of cv_masked_config */
    int64_t min, max;
} sizes[] = {
    { "layers", offsetof(cv_masked_config, layers), 1, CV_MASKED_LAYERS },
    { "width", offsetof(cv_masked_config, width), 1, CV_MASKED_WIDTH },
    { "heads", offsetof(cv_masked_config, heads), 1, CV_MASKED_HEADS },
    { "head_width", offsetof(cv_masked_config, head_width), 1, CV_MASKED_HEADS },
    { "inner", offsetof(cv_masked_config, inner), 1, 4 * CV_MASKED_WIDTH },
    { "text_width", offsetof(cv_masked_config, text_width), 0, CV_MASKED_WIDTH },
    { "codes", offsetof(cv_masked_config, codes), 2, CV_MASKED_CODES },
    { "places", offsetof(cv_masked_config, places), 1, CV_MASKED_PLACES },
};
enum { SIZES = sizeof sizes / sizeof *sizes };

cogvideo_status cv_masked_config_read(cv_masked_config *out, const cv_json *section, const char *origin,
                                      cogvideo_error *err)
{
    cv_masked_config config = { .cosine = true, .critic = out->critic };
    const char *keys[SIZES + 3] = { 0 };
    cogvideo_status status;
    int64_t value;

    if (!cv_json_is_object(section))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: must be an object", origin);
    for (int i = 0; i < SIZES; i++)
        keys[i] = sizes[i].key;
    keys[SIZES] = "cosine";
    keys[SIZES + 1] = out->critic ? "kind" : NULL; /* which the caller reads */
    CV_TRY(cv_json_check_keys(section, keys, origin, err));
    for (int i = 0; i < SIZES; i++) {
        CV_TRY(cv_json_int(section, sizes[i].key, sizes[i].min, sizes[i].max, &value, origin, err));
        *(int *)(void *)((char *)&config + sizes[i].field) = (int)value;
    }
    CV_TRY(cv_json_optional_bool(section, "cosine", &config.cosine, origin, err));
    *out = config;
done:
    return status;
}

void cv_masked_config_put(cv_json *section, const cv_masked_config *config)
{
    for (int i = 0; i < SIZES; i++)
        cv_json_set_int(section, sizes[i].key, *(const int *)(const void *)((const char *)config + sizes[i].field));
    cv_json_set_bool(section, "cosine", config->cosine);
}
