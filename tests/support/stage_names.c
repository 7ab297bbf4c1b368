#include "support/stage_names.h"

#include <stdio.h>

static void add_linear(seeded_list *list, int seed, const char *format, int layer, int N, int K)
{
    char name[100], full[120];

    snprintf(name, sizeof name, format, layer);
    snprintf(full, sizeof full, "%s.weight", name);
    seeded_add(list, seed, full, 2, N, K);
    snprintf(full, sizeof full, "%s.bias", name);
    seeded_add(list, seed, full, 1, N);
}

static void add_norm(seeded_list *list, int seed, const char *format, int layer, int C)
{
    char name[100], full[120];

    snprintf(name, sizeof name, format, layer);
    snprintf(full, sizeof full, "%s.weight", name);
    seeded_add(list, seed, full, 1, C);
    snprintf(full, sizeof full, "%s.bias", name);
    seeded_add(list, seed, full, 1, C);
}

void names_trunk(seeded_list *list, int seed, const cv_cogvideo_config *config)
{
    int C = config->hidden;

    seeded_add(list, seed, "transformer.word_embeddings.weight", 2, config->vocabulary, C);
    seeded_add(list, seed, "transformer.position_embeddings.weight", 2, config->positions, C);
    for (int n = 0; n < config->layers; n++) {
        add_norm(list, seed, "transformer.layers.%d.input_layernorm", n, C);
        add_norm(list, seed, "transformer.layers.%d.post_attention_layernorm", n, C);
        add_norm(list, seed, "transformer.layers.%d.third_layernorm", n, C);
        add_norm(list, seed, "transformer.layers.%d.fourth_layernorm", n, C);
        add_linear(list, seed, "transformer.layers.%d.attention.query_key_value", n, 3 * C, C);
        add_linear(list, seed, "transformer.layers.%d.attention.dense", n, C, C);
        add_linear(list, seed, "transformer.layers.%d.mlp.dense_h_to_4h", n, config->mlp, C);
        add_linear(list, seed, "transformer.layers.%d.mlp.dense_4h_to_h", n, C, config->mlp);
    }
    add_norm(list, seed, "transformer.final_layernorm", 0, C);
}

void names_mixins(seeded_list *list, int seed, const cv_cogvideo_config *config)
{
    int C = config->hidden;
    char name[100];

    seeded_add(list, seed, "mixins.extra_position_embedding.position_embeddings.weight", 2, config->extra_positions,
               C);
    for (int n = 0; n < config->layers; n++) {
        add_linear(list, seed, "mixins.attention_plus.query_key_value.%d", n, 3 * C, C);
        add_linear(list, seed, "mixins.attention_plus.dense.%d", n, C, C);
        snprintf(name, sizeof name, "mixins.attention_plus.attn_distribution.%d", n);
        seeded_add(list, seed, name, 1, C);
    }
}
