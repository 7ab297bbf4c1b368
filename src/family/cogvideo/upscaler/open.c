#include "family/cogvideo/upscaler/network.h"

#include <stdio.h>

static cogvideo_status bind_plus(cv_upscaler_plus *out, cv_store *store, int layer, int C, cogvideo_error *err)
{
    cogvideo_status status;
    char name[100];

    snprintf(name, sizeof name, "mixins.attention_plus.query_key_value.%d", layer);
    CV_TRY(cv_linear_bind(&out->qkv, store, name, 3 * C, C, true, err));
    snprintf(name, sizeof name, "mixins.attention_plus.dense.%d", layer);
    CV_TRY(cv_linear_bind(&out->dense, store, name, C, C, true, err));
done:
    return status;
}

cogvideo_status cv_upscaler_open(cv_upscaler **out, cv_store *trunk, cv_store *own, const cv_upscaler_config *config,
                                 cogvideo_error *err)
{
    cogvideo_status status;
    cv_upscaler *upscaler = NULL;
    int places = config->upscaled_grid * config->upscaled_grid;

    CV_NEW(upscaler, 1, err);
    upscaler->config = *config;
    CV_TRY(cv_trunk_bind(&upscaler->trunk, trunk, config->layers, config->hidden, config->mlp, config->vocabulary,
                         config->positions, (float)config->norm_epsilon, err));
    CV_TRY(cv_embedding_bind(&upscaler->extra_positions, own,
                             "mixins.extra_position_embedding.position_embeddings.weight", places, config->hidden,
                             err));
    CV_NEW(upscaler->plus, config->layers, err);
    for (int n = 0; n < config->layers; n++)
        CV_TRY(bind_plus(&upscaler->plus[n], own, n, config->hidden, err));
    CV_TRY(cv_store_check_claimed(own, err));
    *out = upscaler;
    return COGVIDEO_OK;
done:
    cv_upscaler_close(&upscaler);
    return status;
}

void cv_upscaler_close(cv_upscaler **upscaler)
{
    cv_upscaler *u = *upscaler;

    if (!u)
        return;
    cv_free(u->plus);
    cv_trunk_close(&u->trunk);
    cv_free(u);
    *upscaler = NULL;
}
