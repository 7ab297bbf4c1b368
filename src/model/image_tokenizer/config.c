#include "model/image_tokenizer/config.h"

#include <stdio.h>

#define MAX_WIDTH 8192
#define MAX_COLOURS 64

int cv_image_tokenizer_rate(const cv_image_tokenizer_levels *levels)
{
    return levels->patch ? levels->patch : 1 << (levels->count - 1);
}

/* Parses an array of widths in units of C0. */
static cogvideo_status parse_levels(cv_image_tokenizer_levels *out, const cv_json *object, const char *key,
                                    int channels, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *array;
    int32_t *values = NULL;
    size_t count;
    char what[300];

    CV_TRY(cv_json_array(object, key, &array, origin, err));
    if (cv_json_count(array) < 1 || cv_json_count(array) > CV_IMAGE_TOKENIZER_LEVELS)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%s' must hold 1 to %d widths, not %zu", origin, key,
                       CV_IMAGE_TOKENIZER_LEVELS, cv_json_count(array));
    snprintf(what, sizeof what, "%.200s: '%s'", origin, key);
    CV_TRY(cv_json_int_array(array, 1, MAX_WIDTH / channels, &values, &count, what, err));
    *out = (cv_image_tokenizer_levels){ .count = (int)count, .attention = -1 };
    for (size_t i = 0; i < count; i++)
        out->widths[i] = values[i] * channels;
done:
    cv_free(values);
    return status;
}

/* Parses {"patch": 8, "width": 96, "blocks": 2}, or {"patch": 8} if `bare`. */
static cogvideo_status parse_patches(cv_image_tokenizer_levels *out, const cv_json *object, bool bare,
                                     const char *origin, cogvideo_error *err)
{
    static const char *const keys[] = { "patch", "width", "blocks", NULL };
    cogvideo_status status;
    int64_t patch, width = 0, blocks = 0;

    CV_TRY(cv_json_check_keys(object, keys, origin, err));
    CV_TRY(cv_json_int(object, "patch", 1, 1 << (CV_IMAGE_TOKENIZER_LEVELS - 1), &patch, origin, err));
    if (!bare || cv_json_get(object, "width") || cv_json_get(object, "blocks")) {
        CV_TRY(cv_json_int(object, "width", 1, MAX_WIDTH, &width, origin, err));
        CV_TRY(cv_json_int(object, "blocks", 0, CV_IMAGE_TOKENIZER_BLOCKS, &blocks, origin, err));
    }
    if (patch & (patch - 1))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the side of a patch must be a power of two, not %d", origin,
                       (int)patch);
    *out = (cv_image_tokenizer_levels){ .count = 1,
                                        .widths = { (int)width },
                                        .attention = -1,
                                        .patch = (int)patch,
                                        .blocks = (int)blocks };
done:
    return status;
}

static cogvideo_status parse_encoder(cv_image_tokenizer_config *config, const cv_json *section, const char *origin,
                                     cogvideo_error *err)
{
    cv_json *item = cv_json_get(section, "encoder");
    cogvideo_status status;
    char inner[300];

    if (!item || !cv_json_is_object(item))
        return parse_levels(&config->encoder, section, "encoder", config->channels, origin, err);
    snprintf(inner, sizeof inner, "%.200s: 'encoder'", origin);
    CV_TRY(parse_patches(&config->encoder, item, true, inner, err));
    if (!config->encoder.widths[0] && config->latent != 3 * config->encoder.patch * config->encoder.patch)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: has bare patches of 3 x %d x %d numbers, so 'latent' must be their product, but it is %d",
                       inner, config->encoder.patch, config->encoder.patch, config->latent);
done:
    return status;
}

static cogvideo_status parse_pyramid(cv_image_tokenizer_levels *levels, const cv_json *item, int channels,
                                     const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    int64_t rate, attention = -1;

    CV_TRY(cv_json_int(item, "rate", 1, 1 << (CV_IMAGE_TOKENIZER_LEVELS - 1), &rate, origin, err));
    CV_TRY(parse_levels(levels, item, "widths", channels, origin, err));
    if (cv_image_tokenizer_rate(levels) != rate)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a decoder of rate %d has %d widths, which make rate %d", origin,
                       (int)rate, levels->count, cv_image_tokenizer_rate(levels));
    CV_TRY(cv_json_optional_int(item, "attention", 0, levels->count - 1, &attention, origin, err));
    levels->attention = (int)attention;
done:
    return status;
}

static cogvideo_status parse_decoder(cv_image_tokenizer_config *config, const cv_json *item, const char *origin,
                                     cogvideo_error *err)
{
    cogvideo_status status;
    cv_image_tokenizer_levels *levels = &config->decoders[config->decoder_count];
    int rate;

    if (!cv_json_is_object(item))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: each of 'decoders' must be an object", origin);
    CV_TRY(cv_json_get(item, "patch") ? parse_patches(levels, item, false, origin, err)
                                      : parse_pyramid(levels, item, config->channels, origin, err));
    rate = cv_image_tokenizer_rate(levels);
    for (int i = 0; i < config->decoder_count; i++)
        if (cv_image_tokenizer_rate(&config->decoders[i]) == rate)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'decoders' has rate %d twice", origin, rate);
    if (config->encoder.patch && rate != config->encoder.patch)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: a decoder of rate %d has no codes to decode: the encoder makes one of each "
                       "patch of %d pixels",
                       origin, rate, config->encoder.patch);
    config->decoder_count++;
done:
    return status;
}

static cogvideo_status parse_decoders(cv_image_tokenizer_config *config, const cv_json *section, const char *origin,
                                      cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *array;

    CV_TRY(cv_json_array(section, "decoders", &array, origin, err));
    if (cv_json_count(array) < 1 || cv_json_count(array) > CV_IMAGE_TOKENIZER_DECODERS)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'decoders' must hold 1 to %d decoders, not %zu", origin,
                       CV_IMAGE_TOKENIZER_DECODERS, cv_json_count(array));
    for (const cv_json *item = cv_json_first(array); item; item = cv_json_next(item)) {
        int rate;

        CV_TRY(parse_decoder(config, item, origin, err));
        rate = cv_image_tokenizer_rate(&config->decoders[config->decoder_count - 1]);
        while (rate > cv_image_tokenizer_rate(&config->encoder) << config->down_samplers)
            config->down_samplers++;
    }
done:
    return status;
}

static cogvideo_status parse_colour_pairs(cv_image_tokenizer_config *config, const cv_json *section, const char *origin,
                                          cogvideo_error *err)
{
    cogvideo_status status;
    int64_t colours, pairs;

    if (!cv_json_get(section, "colours") && !cv_json_get(section, "colour_pairs"))
        return COGVIDEO_OK;
    CV_TRY(cv_json_int(section, "colours", 2, MAX_COLOURS, &colours, origin, err));
    CV_TRY(cv_json_int(section, "colour_pairs", 1, colours * (colours - 1) / 2, &pairs, origin, err));
    if (!config->encoder.patch || config->encoder.widths[0])
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: 'colour_pairs' make a codebook of pixels, so 'encoder' must be "
                       "bare patches, such as {\"patch\": 8}",
                       origin);
    if (colours + pairs > config->codes)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: %d colours and one pattern at least for each of %d pairs need more than %d codes", origin,
                       (int)colours, (int)pairs, config->codes);
    config->colours = (int)colours;
    config->colour_pairs = (int)pairs;
done:
    return status;
}

cogvideo_status cv_image_tokenizer_config_parse(cv_image_tokenizer_config *out, const cv_json *section,
                                                const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    cv_image_tokenizer_config config = { 0 };
    int64_t channels, latent, codes, groups;
    static const char *const keys[] = { "channels",     "latent", "codes", "colours", "colour_pairs", "groups",
                                        "norm_epsilon", "mean",   "std",   "encoder", "decoders",     NULL };
    double epsilon;

    if (!cv_json_is_object(section))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: must be an object", origin);
    CV_TRY(cv_json_check_keys(section, keys, origin, err));
    CV_TRY(cv_json_int(section, "channels", 1, 1024, &channels, origin, err));
    CV_TRY(cv_json_int(section, "latent", 1, 4096, &latent, origin, err));
    CV_TRY(cv_json_int(section, "codes", 1, 1 << 20, &codes, origin, err));
    CV_TRY(cv_json_int(section, "groups", 1, 1024, &groups, origin, err));
    CV_TRY(cv_json_double(section, "norm_epsilon", 1e-12, 1, &epsilon, origin, err));
    if (channels % groups != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: %d channels cannot be split into %d groups", origin,
                       (int)channels, (int)groups);
    config.channels = (int)channels;
    config.latent = (int)latent;
    config.codes = (int)codes;
    config.groups = (int)groups;
    config.norm_epsilon = (float)epsilon;
    CV_TRY(cv_json_rgb(section, "mean", -100, 100, config.mean, origin, err));
    CV_TRY(cv_json_rgb(section, "std", 1e-3, 100, config.std, origin, err));
    CV_TRY(parse_encoder(&config, section, origin, err));
    CV_TRY(parse_decoders(&config, section, origin, err));
    CV_TRY(parse_colour_pairs(&config, section, origin, err));
    *out = config;
done:
    return status;
}
