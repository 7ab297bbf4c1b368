#include "family/metrics/network/clip_network.h"

#include <math.h>

/* The mean and the deviation of the pixels that OpenAI trained on. */
static const float pixel_mean[3] = { 0.48145466f, 0.4578275f, 0.40821073f },
                   pixel_deviation[3] = { 0.26862954f, 0.26130258f, 0.27577711f };

static cogvideo_status matrix(cv_store *store, const float **out, const char *name, int rows, int columns,
                              cogvideo_error *err)
{
    const size_t shape[2] = { (size_t)rows, (size_t)columns };

    return cv_store_claim_numbers(store, out, name, 2, shape, err);
}

static cogvideo_status bind_pictures(cv_clip *clip, cv_store *store, cogvideo_error *err)
{
    const cv_clip_config *config = &clip->config;
    const int D = config->image.width, P = config->patch;
    const size_t shape[4] = { (size_t)D, 3, (size_t)P, (size_t)P };
    const cv_tensor *kernels;
    cogvideo_status status;

    CV_TRY(cv_store_claim(store, &kernels, "visual.conv1.weight", 4, shape, err));
    clip->patches.weight =
        (cv_weight){ .data = kernels->data, .type = (cv_weight_type)kernels->dtype, .N = D, .K = 3 * P * P };
    CV_TRY(cv_store_claim_vector(store, &clip->class_embedding, "visual.class_embedding", (size_t)D, err));
    CV_TRY(matrix(store, &clip->picture_places, "visual.positional_embedding", cv_clip_places(config), D, err));
    CV_TRY(cv_layer_norm_bind(&clip->ln_pre, store, "visual.ln_pre", D, CV_CLIP_EPSILON, err));
    clip->picture_blocks = (cv_clip_blocks){ .sizes = config->image, .gelu = config->gelu };
    CV_TRY(cv_clip_blocks_bind(&clip->picture_blocks, store, "visual.transformer", err));
    CV_TRY(cv_clip_head_bind(&clip->picture_head, store, "visual.ln_post", "visual.proj", D, config->embed, err));
done:
    return status;
}

static cogvideo_status bind_time(cv_clip *clip, cv_store *store, cogvideo_error *err)
{
    const cv_clip_config *config = &clip->config;
    cogvideo_status status;

    CV_TRY(matrix(store, &clip->time_places, "temporal_positional_embedding", config->frames, config->time.width, err));
    clip->time_blocks = (cv_clip_blocks){ .sizes = config->time, .gelu = config->gelu };
    CV_TRY(cv_clip_blocks_bind(&clip->time_blocks, store, "temporal", err));
done:
    return status;
}

static cogvideo_status bind_features(cv_clip *clip, cv_store *store, cogvideo_error *err)
{
    const int features = clip->config.features;
    cogvideo_status status;

    CV_TRY(cv_store_claim_weight(store, &clip->projection, "clip_projection", features, clip->config.embed, err));
    CV_TRY(cv_store_claim_vector(store, &clip->feature_mean, "feature_mean", (size_t)features, err));
    CV_TRY(cv_store_claim_vector(store, &clip->feature_deviation, "feature_deviation", (size_t)features, err));
done:
    return status;
}

static cogvideo_status bind_texts(cv_clip *clip, cv_store *store, cogvideo_error *err)
{
    const cv_clip_config *config = &clip->config;
    const int W = config->text.width;
    const size_t shape[2] = { (size_t)config->vocabulary, (size_t)W };
    cogvideo_status status;

    CV_TRY(cv_store_claim(store, &clip->tokens, "token_embedding.weight", 2, shape, err));
    CV_TRY(matrix(store, &clip->text_places, "positional_embedding", config->context, W, err));
    clip->text_blocks = (cv_clip_blocks){ .sizes = config->text, .gelu = config->gelu, .causal = true };
    CV_TRY(cv_clip_blocks_bind(&clip->text_blocks, store, "transformer", err));
    CV_TRY(cv_clip_head_bind(&clip->text_head, store, "ln_final", "text_projection", W, config->embed, err));
    CV_TRY(cv_store_claim_numbers(store, &clip->logit_scale, "logit_scale", 0, shape, err));
done:
    return status;
}

cogvideo_status cv_clip_open(cv_clip **out, cv_store *store, const cv_clip_config *config, cogvideo_error *err)
{
    cogvideo_status status;
    cv_clip *clip = NULL;

    CV_NEW(clip, 1, err);
    clip->config = *config;
    for (int c = 0; c < 3 && config->deviation[0] == 0; c++) {
        clip->config.mean[c] = pixel_mean[c];
        clip->config.deviation[c] = pixel_deviation[c];
    }
    if (config->image.width > 0)
        CV_TRY(bind_pictures(clip, store, err));
    if (config->frames > 0)
        CV_TRY(bind_time(clip, store, err));
    if (config->features > 0)
        CV_TRY(bind_features(clip, store, err));
    CV_TRY(bind_texts(clip, store, err));
    *out = clip;
    return COGVIDEO_OK;
done:
    cv_clip_close(&clip);
    return status;
}

void cv_clip_close(cv_clip **clip)
{
    cv_clip *c = *clip;

    if (!c)
        return;
    cv_clip_blocks_free(&c->picture_blocks);
    cv_clip_blocks_free(&c->time_blocks);
    cv_clip_blocks_free(&c->text_blocks);
    cv_free(c->panels);
    cv_free(c);
    *clip = NULL;
}

const cv_clip_config *cv_clip_config_of(const cv_clip *clip)
{
    return &clip->config;
}

float cv_clip_scale(const cv_clip *clip)
{
    return expf(*clip->logit_scale);
}

void cv_clip_centre(const cv_clip *clip, float *out, const float *others, int count)
{
    const int width = clip->config.features;

    for (int item = 0; item < count; item++)
        for (int d = 0; d < width; d++) {
            const size_t at = (size_t)item * (size_t)width + (size_t)d;

            out[at] = (others[at] - clip->feature_mean[d]) / clip->feature_deviation[d];
        }
}

void cv_clip_project(const cv_exec *exec, const cv_clip *clip, float *features, float *others, int count)
{
    cv_clip_centre(clip, others, others, count);
    cv_clip_multiply(exec, &clip->projection, features, others, count);
    cv_clip_unit(features, count, clip->config.embed);
}
