#include "model/image_tokenizer/network.h"

#include <stdio.h>

#define ENCODER_BLOCKS 2 /* in a level */

/* The arguments of all binding functions. */
typedef struct binder {
    cv_store *store;
    const cv_image_tokenizer_config *config;
    cogvideo_error *err;
} binder;

static cogvideo_status bind_conv(const binder *b, cv_conv2d *out, const char *prefix, const char *name, int in,
                                 int channels, int stride)
{
    char full[160];

    snprintf(full, sizeof full, "%s.%s", prefix, name);
    return cv_conv2d_bind(out, b->store, full, in, channels, 3, stride, b->err);
}

static cogvideo_status bind_block(const binder *b, cv_resblock *out, const char *prefix, const char *name, int in,
                                  int channels)
{
    char full[160];

    snprintf(full, sizeof full, "%s.%s", prefix, name);
    return cv_resblock_bind(out, b->store, full, in, channels, b->config->groups, b->config->norm_epsilon, b->err);
}

static cogvideo_status bind_attention(const binder *b, cv_attention2d *out, const char *prefix, const char *name,
                                      int channels)
{
    char full[160];

    snprintf(full, sizeof full, "%s.%s", prefix, name);
    return cv_attention2d_bind(out, b->store, full, channels, b->config->groups, b->config->norm_epsilon, b->err);
}

/* Binds what encoders and decoders have in common: conv_in from `in` to `first` channels, the middle at `wide`, and
 * from `last` channels norm_out and conv_out to `out`. */
static cogvideo_status bind_ends(const binder *b, cv_picture_network *network, const char *prefix, int in, int first,
                                 int wide, int last, int out)
{
    cogvideo_status status;
    char full[160];

    CV_TRY(bind_conv(b, &network->conv_in, prefix, "conv_in", in, first, 1));
    CV_TRY(bind_block(b, &network->mid_block_1, prefix, "mid.block_1", wide, wide));
    CV_TRY(bind_attention(b, &network->mid_attention, prefix, "mid.attn_1", wide));
    CV_TRY(bind_block(b, &network->mid_block_2, prefix, "mid.block_2", wide, wide));
    snprintf(full, sizeof full, "%s.norm_out", prefix);
    CV_TRY(cv_group_norm_bind(&network->norm_out, b->store, full, last, b->config->groups, b->config->norm_epsilon,
                              b->err));
    CV_TRY(bind_conv(b, &network->conv_out, prefix, "conv_out", last, out, 1));
done:
    return status;
}

/* Binds a network of patches, from `in` channels per position to `out`; its blocks see `kernel` positions on a side. */
static cogvideo_status bind_patches(const binder *b, cv_picture_network *network,
                                    const cv_image_tokenizer_levels *levels, const char *prefix, int in, int out,
                                    int kernel)
{
    const float epsilon = b->config->norm_epsilon;
    const int width = levels->widths[0];
    cv_picture_level *level = &network->levels[0];
    cogvideo_status status;
    char name[64];

    *level = (cv_picture_level){ .in = width, .out = width, .block_count = levels->blocks };
    network->patch = levels->patch;
    network->level_count = 1;
    if (width == 0)
        return COGVIDEO_OK;
    snprintf(name, sizeof name, "%s.conv_in", prefix);
    CV_TRY(cv_conv2d_bind(&network->conv_in, b->store, name, in, width, kernel, 1, b->err));
    for (int i = 0; i < level->block_count; i++) {
        snprintf(name, sizeof name, "%s.block.%d", prefix, i);
        CV_TRY(cv_resblock_bind_per_position(&level->blocks[i], b->store, name, width, kernel, epsilon, b->err));
    }
    snprintf(name, sizeof name, "%s.conv_out", prefix);
    CV_TRY(cv_conv2d_bind(&network->conv_out, b->store, name, width, out, 1, 1, b->err));
done:
    return status;
}

static cogvideo_status bind_encoder(const binder *b, cv_picture_network *network)
{
    cogvideo_status status;
    const cv_image_tokenizer_levels *levels = &b->config->encoder;
    int wide = levels->widths[levels->count - 1];
    char name[64];

    if (levels->patch)
        return bind_patches(b, network, levels, "enc", 3 * levels->patch * levels->patch, b->config->latent, 1);
    network->level_count = levels->count;
    CV_TRY(bind_ends(b, network, "enc", 3, b->config->channels, wide, wide, b->config->latent));
    for (int i = 0; i < levels->count; i++) {
        cv_picture_level *level = &network->levels[i];

        level->in = i == 0 ? b->config->channels : levels->widths[i - 1];
        level->out = levels->widths[i];
        level->block_count = ENCODER_BLOCKS;
        for (int j = 0; j < level->block_count; j++) {
            snprintf(name, sizeof name, "down.%d.block.%d", i, j);
            CV_TRY(bind_block(b, &level->blocks[j], "enc", name, j == 0 ? level->in : level->out, level->out));
        }
        snprintf(name, sizeof name, "down.%d.downsample.conv", i);
        if (i < levels->count - 1)
            CV_TRY(bind_conv(b, &level->sampler, "enc", name, level->out, level->out, 2));
    }
done:
    return status;
}

static cogvideo_status bind_decoder(const binder *b, cv_picture_network *network, int index)
{
    cogvideo_status status;
    const cv_image_tokenizer_levels *levels = &b->config->decoders[index];
    int wide = levels->widths[levels->count - 1];
    char prefix[32], name[64];

    snprintf(prefix, sizeof prefix, "decs.%d", index);
    if (levels->patch)
        return bind_patches(b, network, levels, prefix, b->config->latent, 3 * levels->patch * levels->patch, 3);
    network->level_count = levels->count;
    CV_TRY(bind_ends(b, network, prefix, b->config->latent, wide, wide, levels->widths[0], 3));
    for (int i = 0; i < levels->count; i++) {
        cv_picture_level *level = &network->levels[i];

        level->in = i == levels->count - 1 ? wide : levels->widths[i + 1];
        level->out = levels->widths[i];
        level->block_count = 1;
        snprintf(name, sizeof name, "up.%d.block.0", i);
        CV_TRY(bind_block(b, &level->blocks[0], prefix, name, level->in, level->out));
        snprintf(name, sizeof name, "up.%d.attn.0", i);
        if (levels->attention == i)
            CV_TRY(bind_attention(b, &level->attention, prefix, name, level->out));
        snprintf(name, sizeof name, "up.%d.upsample.conv", i);
        if (i > 0)
            CV_TRY(bind_conv(b, &level->sampler, prefix, name, level->out, level->out, 1));
    }
done:
    return status;
}

cogvideo_status cv_image_tokenizer_open(cv_image_tokenizer **out, cv_store *store,
                                        const cv_image_tokenizer_config *config, cogvideo_error *err)
{
    cogvideo_status status;
    cv_image_tokenizer *tokenizer = NULL;
    binder b = { .store = store, .config = config, .err = err };
    int latent = config->latent;
    char name[64];

    CV_NEW(tokenizer, 1, err);
    tokenizer->config = *config;
    CV_TRY(bind_encoder(&b, &tokenizer->encoder));
    for (int i = 0; i < config->decoder_count; i++)
        CV_TRY(bind_decoder(&b, &tokenizer->decoders[i], i));
    for (int i = 0; i < config->down_samplers; i++) {
        snprintf(name, sizeof name, "%d.conv_down_sampler.conv", i);
        CV_TRY(bind_conv(&b, &tokenizer->down_samplers[i], "down_samplers", name, latent, latent, 2));
    }
    if (config->encoder.widths[0] > 0)
        CV_TRY(cv_conv2d_bind(&tokenizer->proj, store, "quantize.proj", latent, latent, 1, 1, err));
    CV_TRY(cv_store_claim_weight(store, &tokenizer->codebook, "quantize.embed.weight", config->codes, latent, err));
    *out = tokenizer;
    return COGVIDEO_OK;
done:
    cv_image_tokenizer_close(&tokenizer);
    return status;
}

void cv_image_tokenizer_close(cv_image_tokenizer **tokenizer)
{
    cv_free(*tokenizer);
    *tokenizer = NULL;
}
