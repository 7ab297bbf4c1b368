#include "model/t5/t5.h"

#include <stdio.h>

/* Bounds that no T5 comes near; products of sizes below them fit an int. */
#define MOST_WIDTH 16384
#define MOST_HEAD_WIDTH 1024
#define MOST_INNER (1 << 17)
#define MOST_IDS (1 << 20)

static cogvideo_status read_size(const cv_json *section, const char *key, int most, int *out, const char *origin,
                                 cogvideo_error *err)
{
    int64_t value = 0;
    cogvideo_status status = cv_json_int(section, key, 1, most, &value, origin, err);

    *out = (int)value;
    return status;
}

cogvideo_status cv_t5_config_read(cv_t5_config *out, const cv_json *section, const char *origin, cogvideo_error *err)
{
    static const char *const keys[] = {
        "layers", "heads", "head_width", "inner", "width", "vocabulary", "gated", NULL
    };
    cv_t5_config config = { .gated = true };
    cogvideo_status status;
    int64_t layers;

    CV_TRY(cv_json_check_keys(section, keys, origin, err));
    CV_TRY(cv_json_int(section, "layers", 0, CV_T5_LAYERS, &layers, origin, err));
    config.layers = (int)layers;
    CV_TRY(read_size(section, "width", MOST_WIDTH, &config.width, origin, err));
    CV_TRY(read_size(section, "vocabulary", MOST_IDS, &config.vocabulary, origin, err));
    if (layers > 0) {
        CV_TRY(read_size(section, "heads", CV_T5_HEADS, &config.heads, origin, err));
        CV_TRY(read_size(section, "head_width", MOST_HEAD_WIDTH, &config.head_width, origin, err));
        CV_TRY(read_size(section, "inner", MOST_INNER, &config.inner, origin, err));
    }
    CV_TRY(cv_json_optional_bool(section, "gated", &config.gated, origin, err));
    *out = config;
done:
    return status;
}

void cv_t5_config_put(cv_json *section, const cv_t5_config *config)
{
    cv_json_set_int(section, "layers", config->layers);
    cv_json_set_int(section, "width", config->width);
    cv_json_set_int(section, "vocabulary", config->vocabulary);
    if (config->layers == 0)
        return;
    cv_json_set_int(section, "heads", config->heads);
    cv_json_set_int(section, "head_width", config->head_width);
    cv_json_set_int(section, "inner", config->inner);
    cv_json_set_bool(section, "gated", config->gated);
}

/* --- from a file's shapes ------------------------------------------------------------------------------------- */

#define ATTENTION "encoder.block.0.layer.0.SelfAttention."
#define DENSE "encoder.block.0.layer.1.DenseReluDense."

static int layers_of(const cv_store *store)
{
    int layers = 0;

    for (char name[64]; layers <= CV_T5_LAYERS; layers++) {
        snprintf(name, sizeof name, "encoder.block.%d.layer.0.layer_norm.weight", layers);
        if (!cv_store_find(store, name))
            break;
    }
    return layers;
}

cogvideo_status cv_t5_measure(cv_t5_config *out, const cv_store *store, cogvideo_error *err)
{
    cv_t5_config config = { .layers = layers_of(store), .gated = cv_store_find(store, DENSE "wi.weight") == NULL };
    cogvideo_status status;
    int inside;

    if (config.layers > CV_T5_LAYERS)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has more than the %d blocks that an encoder of T5 may have",
                       cv_store_path(store), CV_T5_LAYERS);
    CV_TRY(cv_store_measure(store, "shared.weight", 2, 0, MOST_IDS, &config.vocabulary, err));
    CV_TRY(cv_store_measure(store, "encoder.final_layer_norm.weight", 1, 0, MOST_WIDTH, &config.width, err));
    if (config.layers > 0) {
        CV_TRY(
            cv_store_measure(store, ATTENTION "relative_attention_bias.weight", 2, 1, CV_T5_HEADS, &config.heads, err));
        CV_TRY(cv_store_measure(store, ATTENTION "q.weight", 2, 0, CV_T5_HEADS * MOST_HEAD_WIDTH, &inside, err));
        CV_TRY(cv_store_measure(store, config.gated ? DENSE "wi_0.weight" : DENSE "wi.weight", 2, 0, MOST_INNER,
                                &config.inner, err));
        config.head_width = inside / config.heads;
        if (inside % config.heads != 0 || config.head_width > MOST_HEAD_WIDTH) {
            status = cv_fail(err, COGVIDEO_ERROR_MODEL,
                             "%s: %d heads (" ATTENTION "relative_attention_bias.weight) cannot share the %d rows of "
                             "q.weight, at most %d each",
                             cv_store_path(store), config.heads, inside, MOST_HEAD_WIDTH);
            goto done;
        }
    }
    *out = config;
done:
    return status;
}
