/* seeded.c - the model that is measured: each network that the config describes, in a file of its own. */
#include "family/phenaki/bench/bench.h"

#include "base/path.h"
#include "bench/seeded_store.h"
#include "family/phenaki/model/model.h"

#include <stdio.h>
#include <string.h>

static cogvideo_status bind_tokenizer(cv_store *plan, const cv_json *section, const char *origin, cogvideo_error *err)
{
    cv_cvivit *network = NULL;
    cv_cvivit_config config;
    cogvideo_status status;

    CV_TRY(cv_cvivit_config_read(&config, section, origin, err));
    CV_TRY(cv_cvivit_open(&network, &config, plan, err));
done:
    cv_cvivit_close(&network);
    return status;
}

static cogvideo_status bind_masked(cv_store *plan, const cv_json *section, const char *origin, cogvideo_error *err)
{
    cv_masked_config config = { 0 };
    cv_masked *network = NULL;
    cogvideo_status status;

    CV_TRY(cv_masked_config_read(&config, section, origin, err));
    CV_TRY(cv_masked_open(&network, &config, plan, err));
done:
    cv_masked_close(&network);
    return status;
}

static cogvideo_status bind_text(cv_store *plan, const cv_json *section, const char *origin, cogvideo_error *err)
{
    cv_t5 *network = NULL;
    cv_t5_config config;
    cogvideo_status status;

    CV_TRY(cv_t5_config_read(&config, section, origin, err));
    CV_TRY(cv_t5_open(&network, &config, plan, err));
done:
    cv_t5_close(&network);
    return status;
}

static const struct {
    const char *key, *file;
    cogvideo_status (*bind)(cv_store *plan, const cv_json *section, const char *origin, cogvideo_error *err);
} parts[] = {
    { "video_tokenizer", "video_tokenizer.safetensors", bind_tokenizer },
    { "masked", "masked.safetensors", bind_masked },
    { "text_encoder", "text_encoder.safetensors", bind_text },
};
#define PARTS (sizeof parts / sizeof *parts)

/* A part's file, unless it is there already. */
static cogvideo_status make_file(const cv_json *section, size_t part, cv_weight_type type, const char *config,
                                 const char *folder, cogvideo_error *err)
{
    char *path = cv_path_join(folder, parts[part].file, err), origin[600];
    cogvideo_status status = COGVIDEO_OK;
    cv_store *plan = NULL;

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    if (cv_path_exists(path))
        goto done;
    snprintf(origin, sizeof origin, "%.500s: %s", config, parts[part].key);
    CV_TRY(cv_store_plan(&plan, parts[part].file, err));
    CV_TRY(parts[part].bind(plan, section, origin, err));
    CV_TRY(cv_bench_write_store(plan, type, path, err));
done:
    cv_store_close(&plan);
    cv_free(path);
    return status;
}

cogvideo_status cv_phenaki_bench_model(const char *config, cv_weight_type type, const char *folder, cogvideo_error *err)
{
    char *path = cv_path_join(folder, "model.json", err);
    cv_json *json = NULL, *list, *section;
    cogvideo_status status;

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    CV_TRY(cv_json_read(&json, config, (size_t)1 << 20, err));
    cv_json_remove(json, "parts");
    cv_json_remove(json, "critic");
    list = cv_json_set_object(json, "parts");
    for (size_t i = 0; i < PARTS; i++) {
        if (!cv_json_get(json, parts[i].key))
            continue;
        CV_TRY(cv_json_object(json, parts[i].key, &section, config, err));
        CV_TRY(make_file(section, i, type, config, folder, err));
        cv_json_set_string(cv_json_set_object(list, parts[i].key), "file", parts[i].file);
    }
    CV_TRY(cv_json_write(json, true, path, err));
done:
    cv_json_free(&json);
    cv_free(path);
    return status;
}
