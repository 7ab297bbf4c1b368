#include "family/metrics/network/i3d.h"

#include "family/metrics/network/dense.h"
#include "family/metrics/network/pixels.h"

#include <math.h>
#include <string.h>

#define MOST_FRAMES 4096
#define MOST_SIDE 1024

/* --- the networks as tables ------------------------------------------------------------------------------------- */

#define SAME(kt, k, st, s)                                                                   \
    {                                                                                        \
        .kernel = { kt, k, k }, .stride = { st, s, s }, .padding = CV_PAD_SAME, .pad = { 0 } \
    }
#define UNIT(kt, k, s, width)                 \
    STEP(CV_CONVNET_UNIT, SAME(kt, k, s, s)), \
    {                                         \
        width                                 \
    }
#define POOL(kt, k, st, s)                    \
    STEP(CV_CONVNET_MAX, SAME(kt, k, st, s)), \
    {                                         \
        0                                     \
    }
#define STEP(kind, ...) ((const cv_convnet_step[]){ { "", kind, 0, true, __VA_ARGS__ } }), 1
#define MIXED(...)                       \
    mixed, sizeof mixed / sizeof *mixed, \
    {                                    \
        __VA_ARGS__                      \
    }

static const cv_convnet_step mixed[] = {
    { "b0", CV_CONVNET_UNIT, 0, true, SAME(1, 1, 1, 1) },
    { "b1a", CV_CONVNET_UNIT, 0, false, SAME(1, 1, 1, 1) },
    { "b1b", CV_CONVNET_UNIT, 1, true, SAME(3, 3, 1, 1) },
    { "b2a", CV_CONVNET_UNIT, 0, false, SAME(1, 1, 1, 1) },
    { "b2b", CV_CONVNET_UNIT, 1, true, SAME(3, 3, 1, 1) },
    { "branch_pool", CV_CONVNET_MAX, 0, false, SAME(3, 3, 1, 1) },
    { "b3b", CV_CONVNET_UNIT, 1, true, SAME(1, 1, 1, 1) },
};

/* clang-format off */
static const cv_convnet_block published[] = {
    { "Conv3d_1a_7x7", UNIT(7, 7, 2, 64) },
    { "MaxPool3d_2a_3x3", POOL(1, 3, 1, 2) },
    { "Conv3d_2b_1x1", UNIT(1, 1, 1, 64) },
    { "Conv3d_2c_3x3", UNIT(3, 3, 1, 192) },
    { "MaxPool3d_3a_3x3", POOL(1, 3, 1, 2) },
    { "Mixed_3b", MIXED(64, 96, 128, 16, 32, 32) },
    { "Mixed_3c", MIXED(128, 128, 192, 32, 96, 64) },
    { "MaxPool3d_4a_3x3", POOL(3, 3, 2, 2) },
    { "Mixed_4b", MIXED(192, 96, 208, 16, 48, 64) },
    { "Mixed_4c", MIXED(160, 112, 224, 24, 64, 64) },
    { "Mixed_4d", MIXED(128, 128, 256, 24, 64, 64) },
    { "Mixed_4e", MIXED(112, 144, 288, 32, 64, 64) },
    { "Mixed_4f", MIXED(256, 160, 320, 32, 128, 128) },
    { "MaxPool3d_5a_2x2", POOL(2, 2, 2, 2) },
    { "Mixed_5b", MIXED(256, 160, 320, 32, 128, 128) },
    { "Mixed_5c", MIXED(384, 192, 384, 48, 128, 128) },
};

static const cv_convnet_block shapes[] = {
    { "Conv3d_1a_7x7", UNIT(5, 7, 2, 12) },
    { "MaxPool3d_2a_3x3", POOL(1, 3, 1, 2) },
    { "Conv3d_2b_1x1", UNIT(1, 1, 1, 12) },
    { "Conv3d_2c_3x3", UNIT(3, 3, 1, 36) },
    { "MaxPool3d_3a_3x3", POOL(1, 3, 1, 2) },
    { "Mixed_3b", MIXED(16, 16, 24, 4, 8, 8) },
    { "Mixed_3c", MIXED(24, 24, 40, 8, 16, 16) },
    { "MaxPool3d_4a_3x3", POOL(3, 3, 2, 2) },
    { "Mixed_4b", MIXED(40, 24, 48, 8, 16, 24) },
    { "Mixed_4f", MIXED(48, 32, 64, 8, 24, 24) },
    { "MaxPool3d_5a_2x2", POOL(1, 2, 1, 2) },
    { "Mixed_5c", MIXED(64, 40, 80, 12, 32, 32) },
};
/* clang-format on */

#define TABLE(list)                                                                      \
    {                                                                                    \
        "an I3D", list, sizeof list / sizeof *list, ".conv3d.weight", NULL, ".bn", false \
    }
static const cv_convnet_table published_table = TABLE(published), shapes_table = TABLE(shapes);

/* --- sizes ---------------------------------------------------------------------------------------------------- */

void cv_i3d_published(cv_i3d_config *out)
{
    *out = (cv_i3d_config){ .pool = { 2, 7, 7 }, .classes = 400 };
    cv_convnet_published(&out->net, &published_table, 3);
}

cogvideo_status cv_i3d_measure(cv_i3d_config *out, const cv_store *store, cogvideo_error *err)
{
    cogvideo_status status;

    *out = (cv_i3d_config){ .pool = { 2, 7, 7 } };
    CV_TRY(cv_convnet_measure(&out->net, &published_table, 3, store, err));
    CV_TRY(cv_convnet_measure_rows(&out->classes, &published_table, "logits.conv3d.weight", 5, store, err));
done:
    return status;
}

/* "widths": one number for a unit, six for a mixed block; without it, those of the table. */
static cogvideo_status parse_widths(cv_convnet_config *net, const cv_json *section, const char *origin,
                                    cogvideo_error *err)
{
    const char *names[sizeof shapes / sizeof *shapes + 1];
    cogvideo_status status;
    int units = 0, count = 0;
    cv_json *widths;

    if (!cv_json_get(section, "widths"))
        return COGVIDEO_OK;
    CV_TRY(cv_json_object(section, "widths", &widths, origin, err));
    for (int b = 0; b < shapes_table.count; b++) {
        const cv_convnet_block *block = &shapes[b];
        const int number = block->count > 1 ? 6 : block->steps->kind == CV_CONVNET_UNIT;
        int32_t *list = NULL;
        size_t length = 0;
        cv_json *array;

        if (number == 0)
            continue;
        names[count++] = block->name;
        CV_TRY(cv_json_array(widths, block->name, &array, origin, err));
        CV_TRY(cv_json_int_array(array, 1, 1024, &list, &length, origin, err));
        for (int i = 0; i < number && (size_t)number == length; i++)
            net->widths[units++] = list[i];
        cv_free(list);
        if ((size_t)number != length)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: widths: %s has %zu numbers and needs %d", origin,
                           block->name, length, number);
    }
    names[count] = NULL;
    CV_TRY(cv_json_check_keys(widths, names, origin, err));
done:
    return status;
}

/* "heads": lists of the names of classes. */
static cogvideo_status parse_heads(cv_i3d_config *out, const cv_json *section, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *heads;

    CV_TRY(cv_json_object(section, "heads", &heads, origin, err));
    for (const cv_json *head = cv_json_first(heads); head; head = cv_json_next(head)) {
        cv_json *classes;

        if (out->head_count == CV_FEATURE_HEADS)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has more than %d heads", origin, CV_FEATURE_HEADS);
        if (!*cv_json_key(head) ||
            strspn(cv_json_key(head), "abcdefghijklmnopqrstuvwxyz_") != strlen(cv_json_key(head)))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the head '%.60s' must have a name of the letters a to z",
                           origin, cv_json_key(head));
        CV_TRY(cv_json_array(heads, cv_json_key(head), &classes, origin, err));
        if (cv_json_count(classes) < 2 || cv_json_count(classes) > 1024)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the head '%.60s' needs 2 to 1024 classes", origin,
                           cv_json_key(head));
        for (const cv_json *name = cv_json_first(classes); name; name = cv_json_next(name))
            if (!cv_json_is_string(name))
                return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: classes of the head '%.60s' must be names", origin,
                               cv_json_key(head));
        out->heads[out->head_count].name = cv_json_key(head);
        out->heads[out->head_count++].classes = (int)cv_json_count(classes);
        out->head_classes += (int)cv_json_count(classes);
    }
    if (out->head_count == 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: needs at least one head", origin);
done:
    return status;
}

cogvideo_status cv_i3d_config_parse(cv_i3d_config *out, const cv_json *section, const char *origin, cogvideo_error *err)
{
    int64_t frames, side, features;
    cogvideo_status status;

    *out = (cv_i3d_config){ .shapes = true };
    cv_convnet_published(&out->net, &shapes_table, 3);
    CV_TRY(cv_json_int(section, "frames", 1, CV_I3D_SHAPES_FRAMES, &frames, origin, err));
    CV_TRY(cv_json_int(section, "side", 1, 256, &side, origin, err));
    CV_TRY(cv_json_int(section, "features", 1, 4096, &features, origin, err));
    out->frames = (int)frames;
    out->side = (int)side;
    out->features = (int)features;
    CV_TRY(parse_widths(&out->net, section, origin, err));
    CV_TRY(parse_heads(out, section, origin, err));
done:
    return status;
}

int cv_i3d_width(const cv_i3d_config *config)
{
    return config->shapes ? config->features : config->classes;
}

int cv_i3d_classes(const cv_i3d_config *config)
{
    return config->shapes ? config->head_classes : config->classes;
}

/* --- tensors -------------------------------------------------------------------------------------------------- */

/* Numbers of the last block, flattened. */
static int flat_numbers(const cv_i3d *i3d)
{
    const int size[3] = { i3d->config.frames, i3d->config.side, i3d->config.side };
    int places[3];

    cv_convnet_places(&i3d->net, size, places); /* windows of SAME padding fit everywhere */
    return cv_convnet_width(&i3d->net) * cv_volume_count(places);
}

cogvideo_status cv_i3d_bind(cv_i3d *out, cv_store *store, const cv_i3d_config *config, cogvideo_error *err)
{
    static const cv_window one = { .kernel = { 1, 1, 1 }, .stride = { 1, 1, 1 } };
    cogvideo_status status;

    *out = (cv_i3d){ .config = *config };
    CV_TRY(cv_convnet_bind(&out->net, store, &config->net, err));
    if (config->shapes) {
        CV_TRY(cv_linear_bind(&out->features, store, "features", config->features, flat_numbers(out), true, err));
        CV_TRY(cv_linear_bind(&out->heads, store, "heads", config->head_classes, config->features, true, err));
    } else {
        CV_TRY(cv_conv3d_bind(&out->logits, store, "logits.conv3d", cv_convnet_width(&out->net), config->classes, &one,
                              false, true, err));
    }
done:
    return status;
}

cogvideo_status cv_i3d_fold(cv_i3d *out, const cv_i3d *bound, double epsilon, cogvideo_error *err)
{
    *out = *bound;
    return cv_convnet_fold(&out->net, &bound->net, (float)epsilon, err);
}

void cv_i3d_free(cv_i3d *folded)
{
    cv_convnet_free(&folded->net);
}

cogvideo_status cv_i3d_check(const cv_i3d *i3d, int frames, int height, int width, cogvideo_error *err)
{
    const cv_i3d_config *config = &i3d->config;
    const int size[3] = { frames, height, width };
    int places[3];

    if (config->shapes) {
        if (frames != config->frames || height != config->side || width != config->side)
            return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                           "the shapes I3D reads clips of %d frames of %dx%d pixels, not of %d of %dx%d",
                           config->frames, config->side, config->side, frames, width, height);
        return COGVIDEO_OK;
    }
    if (height < 1 || width < 1 || height > MOST_SIDE || width > MOST_SIDE || frames > MOST_FRAMES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "I3D reads clips of at most %d frames of at most %dx%d pixels, not of %d of %dx%d", MOST_FRAMES,
                       MOST_SIDE, MOST_SIDE, frames, width, height);
    memset(places, 0, sizeof places);
    if (frames < 1 || !cv_convnet_places(&i3d->net, size, places) || places[0] < config->pool[0])
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "I3D needs clips of at least %d frames, not of %d",
                       8 * (config->pool[0] - 1) + 1, frames);
    if (places[1] != config->pool[1] || places[2] != config->pool[2])
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "I3D needs frames of %dx%d pixels, not of %dx%d",
                       32 * config->pool[2], 32 * config->pool[1], width, height);
    return COGVIDEO_OK;
}

/* --- a run ---------------------------------------------------------------------------------------------------- */

/* Means over the pool's places, logits at each of their times, and the mean of those. */
static void published_head(const cv_exec *exec, const cv_i3d *i3d, float *feature, cv_volume last,
                           const cv_convnet_observer *observer, cv_arena *arena)
{
    const int *pool = i3d->config.pool;
    const cv_window window = { .kernel = { pool[0], pool[1], pool[2] }, .stride = { 1, 1, 1 } };
    const int times = cv_window_places(&window, last.size).out[0];
    cv_volume mean = { .C = last.C, .size = { times, 1, 1 } };
    cv_volume logits = { .C = i3d->config.classes, .size = { times, 1, 1 } };

    mean.x = cv_arena_take(arena, cv_volume_numbers(&mean), sizeof(float));
    logits.x = cv_arena_take(arena, cv_volume_numbers(&logits), sizeof(float));
    if (arena->base)
        cv_mean_pool3d(exec, &window, mean.x, last.x, last.C, last.size);
    cv_conv3d_apply(exec, &i3d->logits, logits.x, mean.x, mean.size, false, arena);
    if (!arena->base)
        return;
    cv_convnet_show(observer, "avg_pool", mean);
    cv_convnet_show(observer, "logits_per_step", logits);
    for (int c = 0; c < logits.C; c++) {
        double sum = 0;

        for (int t = 0; t < times; t++)
            sum += (double)logits.x[c * times + t];
        feature[c] = (float)(sum / times);
    }
}

static void shapes_head(const cv_exec *exec, const cv_i3d *i3d, float *feature, float *logits, cv_volume last,
                        const cv_convnet_observer *observer, cv_arena *arena)
{
    cv_dense(exec, &i3d->features, feature, last.x, false, arena);
    if (arena->base)
        cv_convnet_show_vector(observer, "features", feature, i3d->config.features);
    if (arena->base && !logits)
        return;
    cv_dense(exec, &i3d->heads, logits, feature, false, arena);
    if (arena->base)
        cv_convnet_show_vector(observer, "logits", logits, i3d->config.head_classes);
}

void cv_i3d_run(const cv_exec *exec, const cv_i3d *i3d, float *feature, float *probabilities, const float *pixels,
                int frames, int height, int width, const cv_convnet_observer *observer, cv_arena *arena)
{
    const cv_i3d_config *config = &i3d->config;
    const size_t mark = cv_arena_mark(arena);
    cv_volume in = { .C = 3, .size = { frames, height, width } }, last;

    in.x = cv_arena_take(arena, cv_volume_numbers(&in), sizeof(float));
    if (arena->base)
        cv_pixels_volume(&in, pixels, 2.0f / 255, -1);
    last = cv_convnet_run(exec, &i3d->net, in, observer, arena);
    if (config->shapes)
        shapes_head(exec, i3d, feature, probabilities, last, observer, arena);
    else
        published_head(exec, i3d, feature, last, observer, arena);
    if (arena->base && probabilities && config->shapes) {
        for (int h = 0; h < config->head_count; probabilities += config->heads[h++].classes)
            exec->kernels.softmax(probabilities, config->heads[h].classes);
    } else if (arena->base && probabilities) {
        memcpy(probabilities, feature, (size_t)config->classes * sizeof *feature);
        exec->kernels.softmax(probabilities, config->classes);
    }
    cv_arena_rewind(arena, mark);
}

size_t cv_i3d_scratch(const cv_exec *exec, const cv_i3d *bound, int frames, int height, int width)
{
    cv_i3d shape = *bound;
    cv_arena measure = { 0 };

    cv_convnet_fold_shape(&shape.net, &bound->net);
    cv_i3d_run(exec, &shape, NULL, NULL, NULL, frames, height, width, NULL, &measure);
    return measure.peak;
}
