#include "family/cogvideo/refiner/config.h"

#include <stdio.h>

static cogvideo_status check_consistent(const cv_refiner_config *c, const char *origin, cogvideo_error *err)
{
    if (c->hidden % c->heads != 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: 'hidden' %d must be a multiple of 'heads' %d", origin, c->hidden,
                       c->heads);
    if (c->image_codes > c->vocabulary || c->start_of_image >= c->vocabulary || c->pad >= c->vocabulary)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: 'image_codes' %d, 'start_of_image' %d and 'pad' %d must lie within the 'vocabulary' of %d",
                       origin, c->image_codes, c->start_of_image, c->pad, c->vocabulary);
    if (c->text_places > c->positions)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: 'positions' %d are too few for a text of %d", origin,
                       c->positions, c->text_places);
    if (c->own_kernel % 2 == 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: 'own_kernel' %d must be odd", origin, c->own_kernel);
    return COGVIDEO_OK;
}

/* out = the whole numbers of an array, `least` to `most` of them, from min to max. */
static cogvideo_status read_numbers(const cv_json *array, int *out, int least, int most, int *count, int min, int max,
                                    const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    int32_t *numbers = NULL;
    size_t items = 0;

    CV_TRY(cv_json_int_array(array, min, max, &numbers, &items, origin, err));
    if (items < (size_t)least || items > (size_t)most) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: holds %zu numbers, %d to %d were expected", origin, items,
                         least, most);
        goto done;
    }
    for (size_t i = 0; i < items; i++)
        out[i] = numbers[i];
    *count = (int)items;
done:
    cv_free(numbers);
    return status;
}

/* "pattern": as many rows as each has numbers; "top_k": a number for each round. */
static cogvideo_status read_schedule(cv_refiner_config *c, const cv_json *section, const char *origin,
                                     cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *rows, *top_k;
    char where[600];
    int columns, r = 0;

    CV_TRY(cv_json_array(section, "pattern", &rows, origin, err));
    CV_TRY(cv_json_array(section, "top_k", &top_k, origin, err));
    snprintf(where, sizeof where, "%.500s: top_k", origin);
    CV_TRY(read_numbers(top_k, c->top_k, 1, CV_REFINER_ROUNDS, &c->rounds, 0, 1 << 20, where, err));
    if (cv_json_count(rows) < 1 || cv_json_count(rows) > CV_REFINER_PATTERN)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'pattern' has %zu rows, 1 to %d were expected", origin,
                       cv_json_count(rows), CV_REFINER_PATTERN);
    c->pattern_side = (int)cv_json_count(rows);
    snprintf(where, sizeof where, "%.500s: pattern", origin);
    for (const cv_json *row = cv_json_first(rows); row; row = cv_json_next(row), r++) {
        const int side = c->pattern_side;

        if (!cv_json_is_array(row))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: row %d must be an array", where, r + 1);
        CV_TRY(read_numbers(row, c->pattern + r * side, side, side, &columns, -1000, CV_REFINER_ROUNDS, where, err));
    }
done:
    return status;
}

cogvideo_status cv_refiner_config_parse(cv_refiner_config *out, const cv_json *section, const char *origin,
                                        cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_refiner_config config = { 0 };
    /* Limits far above any real network, low enough that no product of two sizes overflows. */
    const cv_json_size sizes[] = {
        { "layers", &config.layers, 1, 1024 },
        { "hidden", &config.hidden, 1, 1 << 16 },
        { "heads", &config.heads, 1, 1 << 12 },
        { "mlp", &config.mlp, 1, 1 << 18 },
        { "vocabulary", &config.vocabulary, 1, 1 << 24 },
        { "image_codes", &config.image_codes, 1, 1 << 20 },
        { "start_of_image", &config.start_of_image, 0, 1 << 24 },
        { "upscaled_grid", &config.upscaled_grid, 1, 512 },
        { "text_places", &config.text_places, 1, 1 << 14 },
        { "pad", &config.pad, 0, 1 << 24 },
        { "positions", &config.positions, 1, 1 << 20 },
        { "own_kernel", &config.own_kernel, 1, 31 },
    };
    enum { SIZES = sizeof sizes / sizeof *sizes };
    const char *keys[SIZES + 4] = { [SIZES] = "norm_epsilon", "pattern", "top_k" };

    if (!cv_json_is_object(section))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: must be an object", origin);
    CV_TRY(cv_json_sizes(section, sizes, SIZES, keys, origin, err));
    CV_TRY(cv_json_double(section, "norm_epsilon", 1e-12, 1, &config.norm_epsilon, origin, err));
    CV_TRY(cv_json_check_keys(section, keys, origin, err));
    CV_TRY(read_schedule(&config, section, origin, err));
    CV_TRY(check_consistent(&config, origin, err));
    *out = config;
done:
    return status;
}

int cv_refiner_last_round(const cv_refiner_config *config, int place)
{
    const int row = place / config->upscaled_grid % config->pattern_side,
              column = place % config->upscaled_grid % config->pattern_side;

    return config->pattern[row * config->pattern_side + column];
}
