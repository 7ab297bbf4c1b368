#include "family/cogvideo/network/config.h"

static cogvideo_status check(const cv_cogvideo_config *c, const char *origin, cogvideo_error *err)
{
    long long places = (long long)c->grid * c->grid;

    if (c->hidden % c->heads != 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: hidden (%d) must be a multiple of heads (%d)", origin, c->hidden,
                       c->heads);
    if (c->start_of_image < c->image_codes || c->start_of_image >= c->vocabulary)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: start_of_image (%d) must lie from image_codes (%d) to vocabulary (%d) - 1", origin,
                       c->start_of_image, c->image_codes, c->vocabulary);
    if (c->window > c->grid)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: window (%d) is wider than grid (%d)", origin, c->window,
                       c->grid);
    if (c->frames % 2 == 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: frames (%d) must be odd", origin, c->frames);
    if (c->text_places > c->frame_position)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: text_places (%d) reaches past frame_position (%d)", origin,
                       c->text_places, c->frame_position);
    if (c->frame_position + places > c->positions)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "%s: positions (%d) must cover frame_position (%d) and the %lld places of a frame", origin,
                       c->positions, c->frame_position, places);
    if (places * (c->frames - 1) > c->extra_positions)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: extra_positions (%d) must cover %d frames of %lld places",
                       origin, c->extra_positions, c->frames - 1, places);
    return COGVIDEO_OK;
}

cogvideo_status cv_cogvideo_config_parse(cv_cogvideo_config *out, const cv_json *section, const char *origin,
                                         cogvideo_error *err)
{
    cogvideo_status status;
    cv_cogvideo_config c = { 0 };
    const cv_json_size sizes[] = {
        { "layers", &c.layers, 1, 1000 },
        { "hidden", &c.hidden, 1, 65536 },
        { "heads", &c.heads, 1, 1024 },
        { "mlp", &c.mlp, 1, 1 << 20 },
        { "vocabulary", &c.vocabulary, 2, 1 << 24 },
        { "image_codes", &c.image_codes, 1, 1 << 20 },
        { "start_of_image", &c.start_of_image, 1, 1 << 24 },
        { "grid", &c.grid, 1, 128 },
        { "window", &c.window, 1, 128 },
        { "frames", &c.frames, 1, CV_COGVIDEO_MAX_FRAMES },
        { "text_places", &c.text_places, 1, 4096 },
        { "positions", &c.positions, 1, 1 << 20 },
        { "extra_positions", &c.extra_positions, 0, 1 << 20 },
        { "frame_position", &c.frame_position, 1, 1 << 20 },
    };
    enum { SIZES = sizeof sizes / sizeof *sizes };
    const char *keys[SIZES + 3] = { "wrap_windows", "norm_epsilon" };
    int64_t value;

    CV_TRY(cv_json_sizes(section, sizes, SIZES, keys + 2, origin, err));
    CV_TRY(cv_json_int(section, "wrap_windows", 0, 1, &value, origin, err));
    c.wrap_windows = value != 0;
    CV_TRY(cv_json_double(section, "norm_epsilon", 1e-12, 1, &c.norm_epsilon, origin, err));
    CV_TRY(cv_json_check_keys(section, keys, origin, err));
    CV_TRY(check(&c, origin, err));
    *out = c;
done:
    return status;
}
