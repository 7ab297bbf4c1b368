#include "family/cogvideo/upscaler/config.h"

static cogvideo_status check_consistent(const cv_upscaler_config *c, const char *origin, cogvideo_error *err)
{
    int low = c->grid * c->grid;

    if (c->hidden % c->heads != 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: 'hidden' %d must be a multiple of 'heads' %d", origin, c->hidden,
                       c->heads);
    if (c->image_codes > c->vocabulary || c->start_of_image >= c->vocabulary || c->pad >= c->vocabulary)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: 'image_codes' %d, 'start_of_image' %d and 'pad' %d must lie within the 'vocabulary' of %d",
                       origin, c->image_codes, c->start_of_image, c->pad, c->vocabulary);
    if (c->upscaled_grid % c->grid != 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: 'upscaled_grid' %d must be a multiple of 'grid' %d", origin,
                       c->upscaled_grid, c->grid);
    if (c->text_places > c->positions || c->low_position + low > c->positions)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: 'positions' %d are too few: the text needs %d, the low-resolution codes end at %d", origin,
                       c->positions, c->text_places, c->low_position + low);
    if (c->cross_kernel % 2 == 0 || c->own_kernel % 2 == 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: 'cross_kernel' %d and 'own_kernel' %d must be odd", origin,
                       c->cross_kernel, c->own_kernel);
    return COGVIDEO_OK;
}

cogvideo_status cv_upscaler_config_parse(cv_upscaler_config *out, const cv_json *section, const char *origin,
                                         cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_upscaler_config config = { 0 };
    /* Limits far above any real network, low enough that no product of two sizes overflows. */
    const cv_json_size sizes[] = {
        { "layers", &config.layers, 1, 1024 },
        { "hidden", &config.hidden, 1, 1 << 16 },
        { "heads", &config.heads, 1, 1 << 12 },
        { "mlp", &config.mlp, 1, 1 << 18 },
        { "vocabulary", &config.vocabulary, 1, 1 << 24 },
        { "image_codes", &config.image_codes, 1, 1 << 20 },
        { "start_of_image", &config.start_of_image, 0, 1 << 24 },
        { "grid", &config.grid, 1, 256 },
        { "upscaled_grid", &config.upscaled_grid, 1, 512 },
        { "text_places", &config.text_places, 1, 1 << 14 },
        { "pad", &config.pad, 0, 1 << 24 },
        { "positions", &config.positions, 1, 1 << 20 },
        { "low_position", &config.low_position, 0, 1 << 20 },
        { "cross_kernel", &config.cross_kernel, 1, 31 },
        { "own_kernel", &config.own_kernel, 1, 31 },
    };
    enum { SIZES = sizeof sizes / sizeof *sizes };
    const char *keys[SIZES + 2] = { [SIZES] = "norm_epsilon" };

    if (!cv_json_is_object(section))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: must be an object", origin);
    CV_TRY(cv_json_sizes(section, sizes, SIZES, keys, origin, err));
    CV_TRY(cv_json_double(section, "norm_epsilon", 1e-12, 1, &config.norm_epsilon, origin, err));
    CV_TRY(cv_json_check_keys(section, keys, origin, err));
    CV_TRY(check_consistent(&config, origin, err));
    *out = config;
done:
    return status;
}
