#include "model/t5/t5_network.h"

#include <stdio.h>

#define EPSILON 1e-6f /* of all norms */

static cogvideo_status bind_linear(cv_linear *out, cv_store *store, int block, const char *name, int N, int K,
                                   cogvideo_error *err)
{
    char full[128];

    snprintf(full, sizeof full, "encoder.block.%d.layer.%s", block, name);
    return cv_linear_bind(out, store, full, N, K, false, err);
}

static cogvideo_status bind_norm(cv_rms_norm *out, cv_store *store, int block, int layer, int C, cogvideo_error *err)
{
    char full[128];

    snprintf(full, sizeof full, "encoder.block.%d.layer.%d.layer_norm", block, layer);
    return cv_rms_norm_bind(out, store, full, C, EPSILON, err);
}

static cogvideo_status bind_block(cv_t5 *t5, cv_store *store, int n, cogvideo_error *err)
{
    const cv_t5_config *c = &t5->config;
    const int E = c->width, inside = c->heads * c->head_width;
    cv_t5_block *block = &t5->blocks[n];
    cogvideo_status status;

    CV_TRY(bind_norm(&block->norm, store, n, 0, E, err));
    CV_TRY(bind_linear(&block->q, store, n, "0.SelfAttention.q", inside, E, err));
    CV_TRY(bind_linear(&block->k, store, n, "0.SelfAttention.k", inside, E, err));
    CV_TRY(bind_linear(&block->v, store, n, "0.SelfAttention.v", inside, E, err));
    CV_TRY(bind_linear(&block->o, store, n, "0.SelfAttention.o", E, inside, err));
    CV_TRY(bind_norm(&block->dense_norm, store, n, 1, E, err));
    CV_TRY(bind_linear(&block->gate, store, n, c->gated ? "1.DenseReluDense.wi_0" : "1.DenseReluDense.wi", c->inner, E,
                       err));
    if (c->gated)
        CV_TRY(bind_linear(&block->value, store, n, "1.DenseReluDense.wi_1", c->inner, E, err));
    CV_TRY(bind_linear(&block->wo, store, n, "1.DenseReluDense.wo", E, c->inner, err));
done:
    return status;
}

cogvideo_status cv_t5_open(cv_t5 **out, const cv_t5_config *config, cv_store *store, cogvideo_error *err)
{
    cogvideo_status status;
    cv_t5 *t5 = NULL;

    CV_NEW(t5, 1, err);
    t5->config = *config;
    CV_NEW(t5->blocks, config->layers, err);
    CV_TRY(cv_store_claim_weight(store, &t5->shared, "shared.weight", config->vocabulary, config->width, err));
    if (config->layers > 0)
        CV_TRY(cv_store_claim_weight(store, &t5->bias_of_distance,
                                     "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
                                     CV_T5_BUCKETS, config->heads, err));
    for (int n = 0; n < config->layers; n++)
        CV_TRY(bind_block(t5, store, n, err));
    CV_TRY(cv_rms_norm_bind(&t5->norm, store, "encoder.final_layer_norm", config->width, EPSILON, err));
    *out = t5;
    return COGVIDEO_OK;
done:
    cv_t5_close(&t5);
    return status;
}

void cv_t5_close(cv_t5 **t5)
{
    if (!*t5)
        return;
    cv_free((*t5)->blocks);
    cv_free(*t5);
    *t5 = NULL;
}

const cv_t5_config *cv_t5_config_of(const cv_t5 *t5)
{
    return &t5->config;
}
