#include "support/networks.h"

#include <stdio.h>

/* --- image tokenizer ------------------------------------------------------------------------------ */

static void add_conv(seeded_list *list, int seed, const char *prefix, const char *name, int in, int out, int kernel)
{
    char full[120];

    snprintf(full, sizeof full, "%s.%s.weight", prefix, name);
    seeded_add(list, seed, full, 4, out, in, kernel, kernel);
    snprintf(full, sizeof full, "%s.%s.bias", prefix, name);
    seeded_add(list, seed, full, 1, out);
}

static void add_norm(seeded_list *list, int seed, const char *prefix, const char *name, int channels)
{
    char full[120];

    snprintf(full, sizeof full, "%s.%s.weight", prefix, name);
    seeded_add(list, seed, full, 1, channels);
    snprintf(full, sizeof full, "%s.%s.bias", prefix, name);
    seeded_add(list, seed, full, 1, channels);
}

static void add_block(seeded_list *list, int seed, const char *prefix, const char *name, int in, int out)
{
    char full[80];

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
    char full[80];

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
