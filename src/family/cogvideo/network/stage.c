#include "family/cogvideo/network/stage.h"

#include <stdio.h>

static cogvideo_status bind_layer(cv_plus_layer *plus, int layer, int C, cv_store *own, cogvideo_error *err)
{
    cogvideo_status status;
    char name[80];

    snprintf(name, sizeof name, "mixins.attention_plus.query_key_value.%d", layer);
    CV_TRY(cv_linear_bind(&plus->qkv, own, name, 3 * C, C, true, err));
    snprintf(name, sizeof name, "mixins.attention_plus.dense.%d", layer);
    CV_TRY(cv_linear_bind(&plus->dense, own, name, C, C, true, err));
    snprintf(name, sizeof name, "mixins.attention_plus.attn_distribution.%d", layer);
    CV_TRY(cv_store_claim_vector(own, &plus->mix, name, (size_t)C, err));
done:
    return status;
}

cogvideo_status cv_stage_bind(cv_stage *out, cv_stage_kind kind, const cv_cogvideo_config *config,
                              const cv_trunk *trunk, cv_store *own, cogvideo_error *err)
{
    cogvideo_status status;
    cv_stage stage = { .config = config, .kind = kind, .trunk = trunk };

    CV_NEW(stage.plus, config->layers, err);
    CV_TRY(cv_embedding_bind(&stage.extra_positions, own, "mixins.extra_position_embedding.position_embeddings.weight",
                             config->extra_positions, config->hidden, err));
    for (int layer = 0; layer < config->layers; layer++)
        CV_TRY(bind_layer(&stage.plus[layer], layer, config->hidden, own, err));
    stage.head = cv_trunk_head(trunk, config->image_codes);
    *out = stage;
    return COGVIDEO_OK;
done:
    cv_stage_close(&stage);
    return status;
}

void cv_stage_close(cv_stage *stage)
{
    cv_free(stage->plus);
    *stage = (cv_stage){ 0 };
}
