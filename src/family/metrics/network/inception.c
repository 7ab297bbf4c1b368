#include "family/metrics/network/inception.h"

#include "family/metrics/network/dense.h"
#include "family/metrics/network/pixels.h"

#include <string.h>

#define EPSILON 1e-3f
#define MOST_SIDE 4096

/* --- the network as a table ------------------------------------------------------------------------------------- */

/* Rows x columns of the kernel, stride, zeros around. */
#define WINDOW(rows, columns, s, py, px)                                            \
    {                                                                               \
        .kernel = { 1, rows, columns }, .stride = { 1, s, s }, .pad = { 0, py, px } \
    }
#define UNIT(k, s, p, width)                      \
    STEP(CV_CONVNET_UNIT, WINDOW(k, k, s, p, p)), \
    {                                             \
        width                                     \
    }
#define POOL(k, s)                               \
    STEP(CV_CONVNET_MAX, WINDOW(k, k, s, 0, 0)), \
    {                                            \
        0                                        \
    }
#define STEP(kind, ...) ((const cv_convnet_step[]){ { "", kind, 0, true, __VA_ARGS__ } }), 1
#define MIXED(steps, ...)                \
    steps, sizeof steps / sizeof *steps, \
    {                                    \
        __VA_ARGS__                      \
    }

/* Steps of a block: name, what kind, which step before it is read (0: the block's input), whether it joins. */
#define IN 0, false
#define IN_OUT 0, true
#define ON 1, false
#define OUT 1, true
#define ONE WINDOW(1, 1, 1, 0, 0)
#define THREE WINDOW(3, 3, 1, 1, 1)
#define FIVE WINDOW(5, 5, 1, 2, 2)
#define HALF WINDOW(3, 3, 2, 0, 0)
#define ROW3 WINDOW(1, 3, 1, 0, 1)
#define COLUMN3 WINDOW(3, 1, 1, 1, 0)
#define ROW7 WINDOW(1, 7, 1, 0, 3)
#define COLUMN7 WINDOW(7, 1, 1, 3, 0)
#define CONV CV_CONVNET_UNIT

/* clang-format off */
static const cv_convnet_step mixed_5[] = {
    { "branch1x1", CONV, IN_OUT, ONE },
    { "branch5x5_1", CONV, IN, ONE }, { "branch5x5_2", CONV, OUT, FIVE },
    { "branch3x3dbl_1", CONV, IN, ONE }, { "branch3x3dbl_2", CONV, ON, THREE }, { "branch3x3dbl_3", CONV, OUT, THREE },
    { "pool", CV_CONVNET_MEAN, IN, THREE }, { "branch_pool", CONV, OUT, ONE },
};
static const cv_convnet_step mixed_6a[] = {
    { "branch3x3", CONV, IN_OUT, HALF },
    { "branch3x3dbl_1", CONV, IN, ONE }, { "branch3x3dbl_2", CONV, ON, THREE }, { "branch3x3dbl_3", CONV, OUT, HALF },
    { "pool", CV_CONVNET_MAX, IN_OUT, HALF },
};
static const cv_convnet_step mixed_6[] = {
    { "branch1x1", CONV, IN_OUT, ONE },
    { "branch7x7_1", CONV, IN, ONE }, { "branch7x7_2", CONV, ON, ROW7 }, { "branch7x7_3", CONV, OUT, COLUMN7 },
    { "branch7x7dbl_1", CONV, IN, ONE }, { "branch7x7dbl_2", CONV, ON, COLUMN7 }, { "branch7x7dbl_3", CONV, ON, ROW7 },
    { "branch7x7dbl_4", CONV, ON, COLUMN7 }, { "branch7x7dbl_5", CONV, OUT, ROW7 },
    { "pool", CV_CONVNET_MEAN, IN, THREE }, { "branch_pool", CONV, OUT, ONE },
};
static const cv_convnet_step mixed_7a[] = {
    { "branch3x3_1", CONV, IN, ONE }, { "branch3x3_2", CONV, OUT, HALF },
    { "branch7x7x3_1", CONV, IN, ONE }, { "branch7x7x3_2", CONV, ON, ROW7 }, { "branch7x7x3_3", CONV, ON, COLUMN7 },
    { "branch7x7x3_4", CONV, OUT, HALF },
    { "pool", CV_CONVNET_MAX, IN_OUT, HALF },
};
/* The last block differs in its pool alone. */
#define MIXED_7(pool)                                                                                                 \
    {                                                                                                                 \
        { "branch1x1", CONV, IN_OUT, ONE },                                                                           \
        { "branch3x3_1", CONV, IN, ONE }, { "branch3x3_2a", CONV, OUT, ROW3 }, { "branch3x3_2b", CONV, 2, true, COLUMN3 }, \
        { "branch3x3dbl_1", CONV, IN, ONE }, { "branch3x3dbl_2", CONV, ON, THREE },                                   \
        { "branch3x3dbl_3a", CONV, OUT, ROW3 }, { "branch3x3dbl_3b", CONV, 2, true, COLUMN3 },                        \
        { "pool", pool, IN, THREE }, { "branch_pool", CONV, OUT, ONE },                                               \
    }
static const cv_convnet_step mixed_7b[] = MIXED_7(CV_CONVNET_MEAN), mixed_7c[] = MIXED_7(CV_CONVNET_MAX);

static const cv_convnet_block blocks[] = {
    { "Conv2d_1a_3x3", UNIT(3, 2, 0, 32) },
    { "Conv2d_2a_3x3", UNIT(3, 1, 0, 32) },
    { "Conv2d_2b_3x3", UNIT(3, 1, 1, 64) },
    { "maxpool1", POOL(3, 2) },
    { "Conv2d_3b_1x1", UNIT(1, 1, 0, 80) },
    { "Conv2d_4a_3x3", UNIT(3, 1, 0, 192) },
    { "maxpool2", POOL(3, 2) },
    { "Mixed_5b", MIXED(mixed_5, 64, 48, 64, 64, 96, 96, 32) },
    { "Mixed_5c", MIXED(mixed_5, 64, 48, 64, 64, 96, 96, 64) },
    { "Mixed_5d", MIXED(mixed_5, 64, 48, 64, 64, 96, 96, 64) },
    { "Mixed_6a", MIXED(mixed_6a, 384, 64, 96, 96) },
    { "Mixed_6b", MIXED(mixed_6, 192, 128, 128, 192, 128, 128, 128, 128, 192, 192) },
    { "Mixed_6c", MIXED(mixed_6, 192, 160, 160, 192, 160, 160, 160, 160, 192, 192) },
    { "Mixed_6d", MIXED(mixed_6, 192, 160, 160, 192, 160, 160, 160, 160, 192, 192) },
    { "Mixed_6e", MIXED(mixed_6, 192, 192, 192, 192, 192, 192, 192, 192, 192, 192) },
    { "Mixed_7a", MIXED(mixed_7a, 192, 320, 192, 192, 192, 192) },
    { "Mixed_7b", MIXED(mixed_7b, 320, 384, 384, 384, 448, 384, 384, 384, 192) },
    { "Mixed_7c", MIXED(mixed_7c, 320, 384, 384, 384, 448, 384, 384, 384, 192) },
};
/* clang-format on */

static const cv_convnet_table table = { "an Inception", blocks, sizeof blocks / sizeof *blocks, ".conv.weight", NULL,
                                        ".bn",          true };

/* --- tensors -------------------------------------------------------------------------------------------------- */

void cv_inception_published(cv_inception_config *out)
{
    *out = (cv_inception_config){ .classes = 1008 };
    cv_convnet_published(&out->net, &table, 3);
}

cogvideo_status cv_inception_measure(cv_inception_config *out, const cv_store *store, cogvideo_error *err)
{
    cogvideo_status status;

    *out = (cv_inception_config){ .classes = 0 };
    CV_TRY(cv_convnet_measure(&out->net, &table, 3, store, err));
    CV_TRY(cv_convnet_measure_rows(&out->classes, &table, "fc.weight", 2, store, err));
done:
    return status;
}

cogvideo_status cv_inception_bind(cv_inception *out, cv_store *store, const cv_inception_config *config,
                                  cogvideo_error *err)
{
    cogvideo_status status;

    *out = (cv_inception){ .config = *config };
    CV_TRY(cv_convnet_bind(&out->net, store, &config->net, err));
    CV_TRY(cv_linear_bind(&out->classifier, store, "fc", config->classes, cv_convnet_width(&out->net), true, err));
    out->bias = out->classifier.bias;
    out->classifier.bias = NULL;
done:
    return status;
}

cogvideo_status cv_inception_fold(cv_inception *out, const cv_inception *bound, cogvideo_error *err)
{
    *out = *bound;
    return cv_convnet_fold(&out->net, &bound->net, EPSILON, err);
}

void cv_inception_free(cv_inception *folded)
{
    cv_convnet_free(&folded->net);
}

int cv_inception_width(const cv_inception *inception)
{
    return cv_convnet_width(&inception->net);
}

cogvideo_status cv_inception_check(const cv_inception *inception, int height, int width, cogvideo_error *err)
{
    const int size[3] = { 1, height, width };
    int places[3];

    if (height > MOST_SIDE || width > MOST_SIDE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "Inception reads pictures of at most %dx%d pixels, not of %dx%d",
                       MOST_SIDE, MOST_SIDE, width, height);
    if (height < 1 || width < 1 || !cv_convnet_places(&inception->net, size, places))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "Inception needs pictures of at least 75x75 pixels, not of %dx%d",
                       width, height);
    return COGVIDEO_OK;
}

/* --- a run ---------------------------------------------------------------------------------------------------- */

void cv_inception_run(const cv_exec *exec, const cv_inception *inception, float *feature, float *probabilities,
                      const float *pixels, int height, int width, bool pytorch, const cv_convnet_observer *observer,
                      cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    cv_volume in = { .C = 3, .size = { 1, height, width } }, last;
    cv_window all = { .stride = { 1, 1, 1 } };

    in.x = cv_arena_take(arena, cv_volume_numbers(&in), sizeof(float));
    if (arena->base)
        cv_pixels_volume(&in, pixels, pytorch ? 2.0f / 255 : 1.0f / 128, -1);
    last = cv_convnet_run(exec, &inception->net, in, observer, arena);
    memcpy(all.kernel, last.size, sizeof all.kernel);
    if (arena->base)
        cv_mean_pool3d(exec, &all, feature, last.x, last.C, last.size);
    if (!arena->base || probabilities)
        cv_dense(exec, &inception->classifier, probabilities, feature, false, arena);
    if (arena->base && probabilities) {
        cv_convnet_show_vector(observer, "logits_no_bias", probabilities, inception->config.classes);
        exec->kernels.softmax(probabilities, inception->config.classes);
    }
    cv_arena_rewind(arena, mark);
}

size_t cv_inception_scratch(const cv_exec *exec, const cv_inception *bound, int height, int width)
{
    cv_inception shape = *bound;
    cv_arena measure = { 0 };

    cv_convnet_fold_shape(&shape.net, &bound->net);
    cv_inception_run(exec, &shape, NULL, NULL, NULL, height, width, false, NULL, &measure);
    return measure.peak;
}
