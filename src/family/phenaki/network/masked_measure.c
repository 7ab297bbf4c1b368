#include "family/phenaki/network/masked_network.h"

#include <stdio.h>

/* How many blocks there are. */
static cogvideo_status count_layers(cv_masked_config *config, const cv_store *store, cogvideo_error *err)
{
    char name[80];

    config->layers = 0;
    do
        snprintf(name, sizeof name, "transformer.layers.%d.1.to_q.weight", config->layers);
    while (cv_store_find(store, name) && config->layers++ < CV_MASKED_LAYERS);
    if (config->layers < 1 || config->layers > CV_MASKED_LAYERS)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: has %d blocks 'transformer.layers'; 1 to %d were expected",
                       cv_store_path(store), config->layers, CV_MASKED_LAYERS);
    return COGVIDEO_OK;
}

/* Heads and their width, whose product is what `to_q` gives. Scales of queries tell the width; files of before there
 * were scales have the heads in the net of the bias, or in the null keys. */
static cogvideo_status read_heads(cv_masked_config *config, const cv_store *store, cogvideo_error *err)
{
    const char *scale = "transformer.layers.0.1.q_scale", *net = "continuous_pos_bias.net.2.weight",
               *nulls = "transformer.layers.0.2.null_kv";
    cogvideo_status status;
    int all;

    config->cosine = cv_store_find(store, scale) != NULL;
    CV_TRY(cv_store_measure(store, "transformer.layers.0.1.to_q.weight", 2, 0, CV_MASKED_HEADS * CV_MASKED_HEADS, &all,
                            err));
    if (config->cosine) {
        CV_TRY(cv_store_measure(store, scale, 1, 0, CV_MASKED_HEADS, &config->head_width, err));
        config->heads = all / config->head_width;
    } else {
        CV_TRY(config->critic ? cv_store_measure(store, nulls, 3, 0, CV_MASKED_HEADS, &config->heads, err)
                              : cv_store_measure(store, net, 2, 0, CV_MASKED_HEADS, &config->heads, err));
        config->head_width = all / config->heads;
    }
    if (config->heads < 1 || config->heads > CV_MASKED_HEADS || config->heads * config->head_width != all)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: queries of %d numbers are not shared by 1 to %d heads of %d numbers", cv_store_path(store),
                       all, CV_MASKED_HEADS, config->head_width);
done:
    return status;
}

cogvideo_status cv_masked_measure(cv_masked_config *out, const cv_store *store, cogvideo_error *err)
{
    const char *text = "transformer.layers.0.2.context_norm.gamma";
    cv_masked_config config = { .critic = out->critic };
    cogvideo_status status;
    int rows;

    CV_TRY(cv_store_measure(store, "token_emb.weight", 2, 0, CV_MASKED_CODES + 1, &rows, err));
    if (rows < 3)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: 'token_emb.weight' has %d rows; two codes and the mask are the least", cv_store_path(store),
                       rows);
    config.codes = rows - 1;
    CV_TRY(cv_store_measure(store, "token_emb.weight", 2, 1, CV_MASKED_WIDTH, &config.width, err));
    CV_TRY(cv_store_measure(store, "pos_emb.weight", 2, 0, CV_MASKED_PLACES, &config.places, err));
    CV_TRY(count_layers(&config, store, err));
    CV_TRY(read_heads(&config, store, err));
    CV_TRY(cv_store_measure(store, "transformer.layers.0.3.4.weight", 2, 1, 4 * CV_MASKED_WIDTH, &config.inner, err));
    if (cv_store_find(store, text))
        CV_TRY(cv_store_measure(store, text, 1, 0, CV_MASKED_WIDTH, &config.text_width, err));
    *out = config;
done:
    return status;
}
