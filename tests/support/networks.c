#include "support/networks.h"

#include <stdio.h>

/* --- image tokenizer ------------------------------------------------------------------------------------------ */

static void add_conv(seeded_list *list, int seed, const char *prefix, const char *name, int in, int out, int kernel)
{
    char full[240];

    snprintf(full, sizeof full, "%s.%s.weight", prefix, name);
    seeded_add(list, seed, full, 4, out, in, kernel, kernel);
    snprintf(full, sizeof full, "%s.%s.bias", prefix, name);
    seeded_add(list, seed, full, 1, out);
}

static void add_norm(seeded_list *list, int seed, const char *prefix, const char *name, int channels)
{
    char full[240];

    snprintf(full, sizeof full, "%s.%s.weight", prefix, name);
    seeded_add(list, seed, full, 1, channels);
    snprintf(full, sizeof full, "%s.%s.bias", prefix, name);
    seeded_add(list, seed, full, 1, channels);
}

static void add_block(seeded_list *list, int seed, const char *prefix, const char *name, int in, int out)
{
    char full[160];

    snprintf(full, sizeof full, "%s.%s", prefix, name);
    add_norm(list, seed, full, "norm1", in);
    add_conv(list, seed, full, "conv1", in, out, 3);
    add_norm(list, seed, full, "norm2", out);
    add_conv(list, seed, full, "conv2", out, out, 3);
    if (in != out)
        add_conv(list, seed, full, "nin_shortcut", in, out, 1);
}

static void add_attention(seeded_list *list, int seed, const char *prefix, const char *name, int channels)
{
    static const char *const parts[] = { "q", "k", "v", "proj_out" };
    char full[160];

    snprintf(full, sizeof full, "%s.%s", prefix, name);
    add_norm(list, seed, full, "norm", channels);
    for (int i = 0; i < 4; i++)
        add_conv(list, seed, full, parts[i], channels, channels, 1);
}

static void add_mid(seeded_list *list, int seed, const char *prefix, int channels)
{
    add_block(list, seed, prefix, "mid.block_1", channels, channels);
    add_attention(list, seed, prefix, "mid.attn_1", channels);
    add_block(list, seed, prefix, "mid.block_2", channels, channels);
}

static void add_decoder(seeded_list *list, int seed, int index, int channels, int latent, const int *widths, int levels,
                        int attention)
{
    int wide = widths[levels - 1] * channels;
    char prefix[32], name[64];

    snprintf(prefix, sizeof prefix, "decs.%d", index);
    add_conv(list, seed, prefix, "conv_in", latent, wide, 3);
    add_mid(list, seed, prefix, wide);
    for (int i = levels - 1; i >= 0; i--) {
        int in = i == levels - 1 ? wide : widths[i + 1] * channels, out = widths[i] * channels;

        snprintf(name, sizeof name, "up.%d.block.0", i);
        add_block(list, seed, prefix, name, in, out);
        snprintf(name, sizeof name, "up.%d.attn.0", i);
        if (i == attention)
            add_attention(list, seed, prefix, name, out);
        snprintf(name, sizeof name, "up.%d.upsample.conv", i);
        if (i > 0)
            add_conv(list, seed, prefix, name, out, out, 3);
    }
    add_norm(list, seed, prefix, "norm_out", channels * widths[0]);
    add_conv(list, seed, prefix, "conv_out", channels * widths[0], 3, 3);
}

void networks_image_tokenizer(seeded_list *list, int seed, int channels, int latent, int codes)
{
    static const int encoder[] = { 1, 2, 4 }, rate16[] = { 1, 1, 1, 2, 4 }, rate8[] = { 1, 1, 2, 4 };
    char name[64];

    add_conv(list, seed, "enc", "conv_in", 3, channels, 3);
    for (int i = 0; i < 3; i++) {
        int out = encoder[i] * channels;

        snprintf(name, sizeof name, "down.%d.block.0", i);
        add_block(list, seed, "enc", name, i == 0 ? channels : encoder[i - 1] * channels, out);
        snprintf(name, sizeof name, "down.%d.block.1", i);
        add_block(list, seed, "enc", name, out, out);
        snprintf(name, sizeof name, "down.%d.downsample.conv", i);
        if (i < 2)
            add_conv(list, seed, "enc", name, out, out, 3);
    }
    add_mid(list, seed, "enc", 4 * channels);
    add_norm(list, seed, "enc", "norm_out", 4 * channels);
    add_conv(list, seed, "enc", "conv_out", 4 * channels, latent, 3);
    add_decoder(list, seed, 0, channels, latent, rate16, 5, 4);
    add_decoder(list, seed, 1, channels, latent, rate8, 4, -1);
    add_decoder(list, seed, 2, channels, latent, encoder, 3, -1);
    add_conv(list, seed, "down_samplers", "0.conv_down_sampler.conv", latent, latent, 3);
    add_conv(list, seed, "down_samplers", "1.conv_down_sampler.conv", latent, latent, 3);
    add_conv(list, seed, "quantize", "proj", latent, latent, 1);
    seeded_add(list, seed, "quantize.embed.weight", 2, codes, latent);
}

/* --- transformers --------------------------------------------------------------------------------------------- */

/* Adds "NAME.weight" [rows, columns] and "NAME.bias" [rows]. */
static void add_linear(seeded_list *list, int seed, const char *name, int rows, int columns)
{
    char full[240];

    snprintf(full, sizeof full, "%s.weight", name);
    seeded_add(list, seed, full, 2, rows, columns);
    snprintf(full, sizeof full, "%s.bias", name);
    seeded_add(list, seed, full, 1, rows);
}

static void add_layer_norm(seeded_list *list, int seed, const char *name, int hidden)
{
    char full[240];

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
            add_layer_norm(list, seed, name, hidden);
        }
        for (int i = 0; i < 4; i++) {
            snprintf(name, sizeof name, "transformer.layers.%d.%s", n, matrices[i].name);
            add_linear(list, seed, name, matrices[i].rows, matrices[i].columns);
        }
    }
    add_layer_norm(list, seed, "transformer.final_layernorm", hidden);
}

static void add_extra_positions(seeded_list *list, int seed, int hidden, int extra_positions)
{
    seeded_add(list, seed, "mixins.extra_position_embedding.position_embeddings.weight", 2, extra_positions, hidden);
}

void networks_plus(seeded_list *list, int seed, int layers, int hidden, int extra_positions)
{
    char name[100];

    add_extra_positions(list, seed, hidden, extra_positions);
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

void networks_refiner(seeded_list *list, int seed, int layers, int hidden, int vocabulary, int positions,
                      int extra_positions)
{
    networks_trunk(list, seed, layers, hidden, vocabulary, positions);
    add_extra_positions(list, seed, hidden, extra_positions);
}

void networks_stage(seeded_list *list, int seed, int layers, int hidden, int extra_positions)
{
    char name[100];

    networks_plus(list, seed, layers, hidden, extra_positions);
    for (int n = 0; n < layers; n++) {
        snprintf(name, sizeof name, "mixins.attention_plus.attn_distribution.%d", n);
        seeded_add(list, seed, name, 1, hidden);
    }
}
