#include "support/network_names_transformer.h"

#include <stdio.h>

/* Adds "NAME.weight" [rows, columns] and "NAME.bias" [rows]. */
static void add_linear(seeded_list *list, int seed, const char *name, int rows, int columns)
{
    char full[120];

    snprintf(full, sizeof full, "%s.weight", name);
    seeded_add(list, seed, full, 2, rows, columns);
    snprintf(full, sizeof full, "%s.bias", name);
    seeded_add(list, seed, full, 1, rows);
}

static void add_norm(seeded_list *list, int seed, const char *name, int hidden)
{
    char full[120];

    snprintf(full, sizeof full, "%s.weight", name);
    seeded_add(list, seed, full, 1, hidden);
    snprintf(full, sizeof full, "%s.bias", name);
    seeded_add(list, seed, full, 1, hidden);
}

void networks_trunk(seeded_list *list, int seed, int layers, int hidden, int vocabulary, int positions)
{
    static const char *const norms[] = { "input_layernorm", "post_attention_layernorm", "third_layernorm",
                                         "fourth_layernorm" };
    const struct {
        const char *name;
        int rows, columns;
    } matrices[] = {
        { "attention.query_key_value", 3 * hidden, hidden },
        { "attention.dense", hidden, hidden },
        { "mlp.dense_h_to_4h", 4 * hidden, hidden },
        { "mlp.dense_4h_to_h", hidden, 4 * hidden },
    };
    char name[100];

    seeded_add(list, seed, "transformer.word_embeddings.weight", 2, vocabulary, hidden);
    seeded_add(list, seed, "transformer.position_embeddings.weight", 2, positions, hidden);
    for (int n = 0; n < layers; n++) {
        for (int i = 0; i < 4; i++) {
            snprintf(name, sizeof name, "transformer.layers.%d.%s", n, norms[i]);
            add_norm(list, seed, name, hidden);
        }
        for (int i = 0; i < 4; i++) {
            snprintf(name, sizeof name, "transformer.layers.%d.%s", n, matrices[i].name);
            add_linear(list, seed, name, matrices[i].rows, matrices[i].columns);
        }
    }
    add_norm(list, seed, "transformer.final_layernorm", hidden);
}

void networks_plus(seeded_list *list, int seed, int layers, int hidden, int extra_positions)
{
    char name[100];

    seeded_add(list, seed, "mixins.extra_position_embedding.position_embeddings.weight", 2, extra_positions, hidden);
    for (int n = 0; n < layers; n++) {
        snprintf(name, sizeof name, "mixins.attention_plus.query_key_value.%d", n);
        add_linear(list, seed, name, 3 * hidden, hidden);
        snprintf(name, sizeof name, "mixins.attention_plus.dense.%d", n);
        add_linear(list, seed, name, hidden, hidden);
    }
}

void networks_upscaler(seeded_list *list, int seed, int layers, int hidden, int vocabulary, int positions,
                       int extra_positions)
{
    networks_trunk(list, seed, layers, hidden, vocabulary, positions);
    networks_plus(list, seed, layers, hidden, extra_positions);
}
