#include "family/metrics/network/c3d.h"

#include "family/metrics/network/dense.h"
#include "family/metrics/network/pixels.h"

#include <stdio.h>
#include <string.h>

/* The mean's frames, and where the network's lie in them: not in the middle. */
#define MEAN_HEIGHT 128
#define MEAN_WIDTH 171
#define MEAN_EDGE 8

#define UNIT(width)                                                                                                \
    ((const cv_convnet_step[]){                                                                                    \
        { "", CV_CONVNET_UNIT, 0, true, { .kernel = { 3, 3, 3 }, .stride = { 1, 1, 1 }, .pad = { 1, 1, 1 } } } }), \
        1,                                                                                                         \
    {                                                                                                              \
        width                                                                                                      \
    }
#define POOL(t)                                                                                                        \
    ((const cv_convnet_step[]){                                                                                        \
        { "", CV_CONVNET_MAX, 0, true, { .kernel = { t, 2, 2 }, .stride = { t, 2, 2 }, .padding = CV_PAD_COVER } } }), \
        1,                                                                                                             \
    {                                                                                                                  \
        0                                                                                                              \
    }

/* clang-format off */
static const cv_convnet_block blocks[] = {
    { "conv1a", UNIT(64) },
    { "pool1", POOL(1) },
    { "conv2a", UNIT(128) },
    { "pool2", POOL(2) },
    { "conv3a", UNIT(256) },
    { "conv3b", UNIT(256) },
    { "pool3", POOL(2) },
    { "conv4a", UNIT(512) },
    { "conv4b", UNIT(512) },
    { "pool4", POOL(2) },
    { "conv5a", UNIT(512) },
    { "conv5b", UNIT(512) },
    { "pool5", POOL(2) },
};
/* clang-format on */

static const cv_convnet_table table = { "a C3D", blocks, sizeof blocks / sizeof *blocks, "/W", "/b", NULL, false };

static const char *const dense_names[3] = { "fc6", "fc7", "fc8" };
static const int published_widths[3] = { 4096, 4096, 101 };
static const int clip_size[3] = { CV_C3D_FRAMES, CV_C3D_SIDE, CV_C3D_SIDE };

void cv_c3d_published(cv_c3d_config *out)
{
    *out = (cv_c3d_config){ .net = { 0 } };
    cv_convnet_published(&out->net, &table, 3);
    out->net.scaled = false;
    memcpy(out->widths, published_widths, sizeof out->widths);
}

cogvideo_status cv_c3d_measure(cv_c3d_config *out, const cv_store *store, cogvideo_error *err)
{
    cogvideo_status status;

    *out = (cv_c3d_config){ .net = { 0 } };
    CV_TRY(cv_convnet_measure(&out->net, &table, 3, store, err));
    for (int i = 0; i < 3; i++) {
        char name[16];

        snprintf(name, sizeof name, "%s/W", dense_names[i]);
        CV_TRY(cv_convnet_measure_rows(&out->widths[i], &table, name, 2, store, err));
    }
done:
    return status;
}

cogvideo_status cv_c3d_bind(cv_c3d *out, cv_store *store, const cv_c3d_config *config, cogvideo_error *err)
{
    static const size_t shape[4] = { 3, CV_C3D_FRAMES, MEAN_HEIGHT, MEAN_WIDTH };
    cogvideo_status status;
    int places[3], in;

    *out = (cv_c3d){ .config = *config };
    CV_TRY(cv_convnet_bind(&out->net, store, &config->net, err));
    cv_convnet_places(&out->net, clip_size, places);
    in = cv_convnet_width(&out->net) * cv_volume_count(places);
    for (int i = 0; i < 3; in = config->widths[i++]) {
        char name[16];

        snprintf(name, sizeof name, "%s/W", dense_names[i]);
        CV_TRY(cv_store_claim_weight(store, &out->dense[i].weight, name, config->widths[i], in, err));
        snprintf(name, sizeof name, "%s/b", dense_names[i]);
        CV_TRY(cv_store_claim_vector(store, &out->dense[i].bias, name, (size_t)config->widths[i], err));
    }
    CV_TRY(cv_store_claim(store, &out->mean, "mean", 4, shape, err));
done:
    return status;
}

cogvideo_status cv_c3d_check(int frames, int height, int width, cogvideo_error *err)
{
    if (frames == CV_C3D_FRAMES && height == CV_C3D_SIDE && width == CV_C3D_SIDE)
        return COGVIDEO_OK;
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "C3D needs clips of %d frames of %dx%d pixels, not of %d of %dx%d",
                   CV_C3D_FRAMES, CV_C3D_SIDE, CV_C3D_SIDE, frames, width, height);
}

/* --- a run ---------------------------------------------------------------------------------------------------- */

/* x = planes of `pixels`, blue first, minus the mean. */
static void prepare(const cv_volume *x, const float *pixels, const cv_tensor *mean)
{
    const size_t plane = CV_C3D_SIDE * CV_C3D_SIDE, volume = CV_C3D_FRAMES * plane;
    float row[CV_C3D_SIDE];

    cv_pixels_volume(x, pixels, 1, 0);
    for (size_t i = 0; i < volume; i++) {
        float red = x->x[i];

        x->x[i] = x->x[2 * volume + i];
        x->x[2 * volume + i] = red;
    }
    for (size_t line = 0; line < 3 * CV_C3D_FRAMES * CV_C3D_SIDE; line++) {
        size_t picture = line / CV_C3D_SIDE, y = line % CV_C3D_SIDE + MEAN_EDGE;
        const char *from = mean->data;
        float *to = x->x + line * CV_C3D_SIDE;

        from += ((picture * MEAN_HEIGHT + y) * MEAN_WIDTH + MEAN_EDGE) * cv_dtype_size(mean->dtype);
        cv_to_f32(row, from, mean->dtype, CV_C3D_SIDE);
        for (int i = 0; i < CV_C3D_SIDE; i++)
            to[i] -= row[i];
    }
}

void cv_c3d_run(const cv_exec *exec, const cv_c3d *c3d, float *feature, float *probabilities, const float *pixels,
                const cv_convnet_observer *observer, cv_arena *arena)
{
    const int *widths = c3d->config.widths;
    const size_t mark = cv_arena_mark(arena);
    cv_volume in = { .C = 3, .size = { CV_C3D_FRAMES, CV_C3D_SIDE, CV_C3D_SIDE } };
    const float *x;
    float *outs[3];

    in.x = cv_arena_take(arena, cv_volume_numbers(&in), sizeof(float));
    if (arena->base) {
        prepare(&in, pixels, c3d->mean);
        cv_convnet_show(observer, "pre", in);
    }
    x = cv_convnet_run(exec, &c3d->net, in, observer, arena).x;
    for (int i = 0; i < 3; i++) {
        outs[i] = cv_arena_take(arena, (size_t)widths[i], sizeof(float));
        cv_dense(exec, &c3d->dense[i], outs[i], x, i < 2, arena);
        x = outs[i];
        if (arena->base)
            cv_convnet_show_vector(observer, dense_names[i], outs[i], widths[i]);
    }
    if (arena->base && feature)
        memcpy(feature, outs[1], (size_t)widths[1] * sizeof *feature);
    if (arena->base && probabilities) {
        memcpy(probabilities, outs[2], (size_t)widths[2] * sizeof *probabilities);
        exec->kernels.softmax(probabilities, widths[2]);
    }
    cv_arena_rewind(arena, mark);
}

size_t cv_c3d_scratch(const cv_exec *exec, const cv_c3d *c3d)
{
    cv_arena measure = { 0 };

    cv_c3d_run(exec, c3d, NULL, NULL, NULL, NULL, &measure);
    return measure.peak;
}
