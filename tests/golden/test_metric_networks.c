/* The networks of metrics against the original code: I3D, C3D and Inception, with seeded weights and fewer channels.
 * A golden is a sample of a larger tensor, by its row-major order, beside the sums of all of it. */
#include "support/check.h"
#include "support/seeded.h"

#include "base/json.h"
#include "family/metrics/network/c3d.h"
#include "family/metrics/network/i3d_train.h"
#include "family/metrics/network/inception.h"
#include "family/metrics/network/pixels.h"
#include "nn/blas.h"

/* Values may differ from the golden by this share of its largest. */
#define TOLERANCE 1e-4

typedef struct fixture {
    cv_exec exec;
} fixture;

static int set_up(void **state)
{
    static fixture f;

    cv_blas_init();
    f.exec.threads = 2;
    check_kernels(&f.exec.kernels);
    *state = &f;
    return 0;
}

/* An open golden file. */
typedef struct golden {
    cv_store *store;
    cv_json *activations;
    int seed;
} golden;

/* False where the file is not there. */
static bool golden_open(golden *out, const char *path)
{
    const char *text;
    cogvideo_error err;

    if (!path)
        return false;
    CHECK_OK(cv_store_open(&out->store, path, &err), err);
    text = cv_store_metadata(out->store, "activations");
    assert_non_null(text);
    CHECK_OK(cv_json_parse(&out->activations, text, strlen(text), "activations", &err), err);
    out->seed = atoi(cv_store_metadata(out->store, "seed"));
    return true;
}

static void golden_close(golden *g)
{
    cv_json_free(&g->activations);
    cv_store_close(&g->store);
}

/* A store in memory like `plan`, of seeded numbers. */
static cv_store *seeded_store(const cv_store *plan, int seed)
{
    cogvideo_error err;
    cv_store *store;

    CHECK_OK(cv_store_create_like(&store, "seeded weights", plan, &err), err);
    for (size_t t = 0; t < cv_store_count(store); t++) {
        const cv_tensor *tensor = cv_store_at(store, t);
        seeded_tensor seeded = { .rank = tensor->rank, .seed = seed };

        assert_true(tensor->rank <= 5);
        snprintf(seeded.name, sizeof seeded.name, "%s", tensor->name);
        memcpy(seeded.shape, tensor->shape, (size_t)tensor->rank * sizeof *seeded.shape);
        seeded_values(&seeded, 0, tensor->count, cv_tensor_values(tensor));
    }
    return store;
}

/* Frames [B][T][H][W][3] of bytes, as planes [B][T][3][H][W]. */
static float *planes_of(const cv_tensor *frames)
{
    float *planes = calloc(frames->count, sizeof *planes);
    const uint8_t *bytes = frames->data;
    const size_t plane = frames->shape[frames->rank - 3] * frames->shape[frames->rank - 2];

    assert_non_null(planes);
    for (size_t i = 0; i < frames->count; i++)
        planes[i / (3 * plane) * 3 * plane + i % 3 * plane + i % (3 * plane) / 3] = bytes[i];
    return planes;
}

/* Frames [..][H][W][3] of bytes, squashed to squares. */
static float *squashed(const cv_tensor *frames, int side, cv_scale scale)
{
    const size_t *shape = frames->shape + frames->rank - 3, from = shape[0] * shape[1] * 3;
    const size_t count = frames->count / from, to = 3 * (size_t)side * (size_t)side;
    float *out = calloc(count * to, sizeof *out);
    cogvideo_error err;

    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        CHECK_OK(cv_scale_u8(out + i * to, side, side, (const uint8_t *)frames->data + i * from, (int)shape[0],
                             (int)shape[1], scale, &err),
                 err);
    return out;
}

/* --- what a run shows, against samples --------------------------------------------------- */

typedef struct watcher {
    const golden *golden;
    const char *prefix; /* "clip.eps1e-3." */
    int item, seen;
    double worst;
} watcher;

static double sum_of(const cv_json *entry, const char *key)
{
    return cv_json_number(cv_json_get(entry, key));
}

/* Compares item `w->item` of golden `name`; those that the golden does not have are passed over. */
static void compare(watcher *w, const char *name, const float *values, size_t count)
{
    const cv_tensor *tensor;
    const cv_json *entry;
    size_t every, first = (size_t)w->item * count;
    double largest = 0;
    char full[120];

    snprintf(full, sizeof full, "%s%s", w->prefix, name);
    tensor = cv_store_find(w->golden->store, full);
    if (!tensor)
        return;
    entry = cv_json_get(w->golden->activations, full);
    every = entry ? (size_t)sum_of(entry, "every") : 1;
    for (size_t i = 0; i < tensor->count; i++)
        largest = fmax(largest, fabs((double)((const float *)tensor->data)[i]));
    assert_true((tensor->count - 1) * every >= first);
    for (size_t i = (first + every - 1) / every; i < tensor->count && i * every < first + count; i++) {
        double expected = (double)((const float *)tensor->data)[i];
        double away = fabs((double)values[i * every - first] - expected) / largest;

        w->worst = fmax(w->worst, away);
        if (!(away <= TOLERANCE))
            fail_msg("%s: value %zu of item %d is %.7g, not %.7g (largest %.4g)", full, i * every - first, w->item,
                     (double)values[i * every - first], expected, largest);
    }
    w->seen++;
}

/* The golden calls a branch by its last unit's first letters. */
static void watch(void *user, const char *name, const cv_volume *volume)
{
    compare(user, strcmp(name, "Mixed_3b.b1b") == 0 ? "Mixed_3b.b1" : name, volume->x, cv_volume_numbers(volume));
}

/* --- I3D -------------------------------------------------------------------------------------------------------- */

/* Takes the numbers of an array of the metadata, or of its members. */
static int take_widths(int *out, const cv_json *json)
{
    int count = 0;

    for (const cv_json *item = cv_json_first(json); item; item = cv_json_next(item))
        if (cv_json_is_number(item))
            out[count++] = (int)cv_json_number(item);
        else
            count += take_widths(out + count, item);
    return count;
}

static void i3d_config(cv_i3d_config *config, const golden *g)
{
    const char *text = cv_store_metadata(g->store, "widths");
    cogvideo_error err;
    cv_json *json;
    int units;

    CHECK_OK(cv_json_parse(&json, text, strlen(text), "widths", &err), err);
    cv_i3d_published(config);
    units = take_widths(config->net.widths, cv_json_get(json, "stem"));
    units += take_widths(config->net.widths + units, cv_json_get(json, "mixed"));
    assert_int_equal(units, 57);
    config->classes = (int)cv_json_number(cv_json_get(json, "classes"));
    cv_json_free(&json);
}

/* Runs each clip of [B][T][3][H][W] and compares all that the golden has of it. */
static void check_i3d(const fixture *f, const golden *g, const cv_i3d *bound, double epsilon, const char *prefix,
                      const float *pixels, const int size[4])
{
    const int width = cv_i3d_width(&bound->config), T = size[1], H = size[2], W = size[3];
    watcher w = { .golden = g, .prefix = prefix };
    const cv_convnet_observer observer = { watch, &w };
    float *feature = calloc((size_t)width, sizeof *feature), *probabilities = calloc((size_t)width, sizeof *feature);
    cogvideo_error err;
    cv_arena arena;
    cv_i3d i3d;

    CHECK_OK(cv_i3d_check(bound, T, H, W, &err), err);
    CHECK_OK(cv_i3d_fold(&i3d, bound, epsilon, &err), err);
    CHECK_OK(cv_arena_create(&arena, cv_i3d_scratch(&f->exec, bound, T, H, W), &err), err);
    for (w.item = 0; w.item < size[0]; w.item++) {
        cv_i3d_run(&f->exec, &i3d, feature, probabilities, pixels + (size_t)w.item * (size_t)(3 * T * H * W), T, H, W,
                   &observer, &arena);
        compare(&w, "logits", feature, (size_t)width);
    }
    printf("%s: %d tensors, at most %.1g of the largest away\n", prefix, w.seen / size[0], w.worst);
    assert_int_equal(w.seen, 21 * size[0]);
    free(feature);
    free(probabilities);
    cv_arena_free(&arena);
    cv_i3d_free(&i3d);
}

static void i3d_matches(void **state)
{
    const fixture *f = *state;
    cv_i3d_config config, measured;
    cv_store *plan, *weights;
    cogvideo_error err;
    float *pixels;
    cv_i3d bound;
    golden g;

    if (!golden_open(&g, check_golden("metrics/i3d.safetensors")))
        skip();
    i3d_config(&config, &g);
    CHECK_OK(cv_store_plan(&plan, "I3D", &err), err);
    CHECK_OK(cv_i3d_bind(&bound, plan, &config, &err), err);
    weights = seeded_store(plan, g.seed);
    CHECK_OK(cv_i3d_measure(&measured, weights, &err), err);
    assert_memory_equal(&measured, &config, sizeof config);
    CHECK_OK(cv_i3d_bind(&bound, weights, &measured, &err), err);

    pixels = squashed(check_tensor(g.store, "clip.u8"), CV_I3D_SIDE, CV_SCALE_TORCH_BILINEAR);
    CHECK_FAILS(cv_i3d_check(&bound, 8, CV_I3D_SIDE, CV_I3D_SIDE, &err), COGVIDEO_ERROR_ARGUMENT, "at least 9 frames",
                err);
    CHECK_OK(cv_i3d_check(&bound, 9, CV_I3D_SIDE, CV_I3D_SIDE, &err), err);
    CHECK_FAILS(cv_i3d_check(&bound, 16, 180, CV_I3D_SIDE, &err), COGVIDEO_ERROR_ARGUMENT, "224x224", err);
    check_i3d(f, &g, &bound, 1e-3, "clip.eps1e-3.", pixels, (int[]){ 2, 16, CV_I3D_SIDE, CV_I3D_SIDE });
    check_i3d(f, &g, &bound, 1e-5, "clip.eps1e-5.", pixels, (int[]){ 2, 16, CV_I3D_SIDE, CV_I3D_SIDE });
    free(pixels);

    pixels = planes_of(check_tensor(g.store, "odd.u8"));
    for (int axis = 0; axis < 3; axis++)
        bound.config.pool[axis] = 2;
    check_i3d(f, &g, &bound, 1e-3, "odd.", pixels, (int[]){ 1, 19, 45, 53 });
    free(pixels);
    cv_store_close(&weights);
    cv_store_close(&plan);
    golden_close(&g);
}

/* --- C3D -------------------------------------------------------------------------------------------------------- */

static int metadata(const golden *g, const char *key)
{
    const char *text = cv_store_metadata(g->store, key);

    assert_non_null(text);
    return atoi(text);
}

static void divide(cv_convnet_config *net, int divisor)
{
    for (int u = 0; u < CV_CONVNET_UNITS; u++)
        net->widths[u] /= divisor;
}

static void c3d_matches(void **state)
{
    const fixture *f = *state;
    watcher w = { .prefix = "" };
    const cv_convnet_observer observer = { watch, &w };
    const size_t clip = (size_t)CV_C3D_FRAMES * 3 * CV_C3D_SIDE * CV_C3D_SIDE;
    cv_c3d_config config, measured;
    cv_store *plan, *weights;
    float *pixels, *feature, *probabilities;
    cogvideo_error err;
    cv_arena arena;
    cv_c3d c3d;
    golden g;

    if (!golden_open(&g, check_golden("metrics/c3d.safetensors")))
        skip();
    w.golden = &g;
    cv_c3d_published(&config);
    divide(&config.net, metadata(&g, "divisor"));
    config.widths[0] = config.widths[1] = metadata(&g, "fc");
    config.widths[2] = metadata(&g, "classes");
    CHECK_OK(cv_store_plan(&plan, "C3D", &err), err);
    CHECK_OK(cv_c3d_bind(&c3d, plan, &config, &err), err);
    weights = seeded_store(plan, g.seed);
    CHECK_OK(cv_c3d_measure(&measured, weights, &err), err);
    assert_memory_equal(&measured, &config, sizeof config);
    CHECK_OK(cv_c3d_bind(&c3d, weights, &measured, &err), err);
    CHECK_OK(cv_arena_create(&arena, cv_c3d_scratch(&f->exec, &c3d), &err), err);
    CHECK_FAILS(cv_c3d_check(15, CV_C3D_SIDE, CV_C3D_SIDE, &err), COGVIDEO_ERROR_ARGUMENT, "16 frames", err);

    feature = calloc((size_t)config.widths[1], sizeof *feature);
    probabilities = calloc((size_t)config.widths[2], sizeof *probabilities);
    pixels = squashed(check_tensor(g.store, "clip.u8"), CV_C3D_SIDE, CV_SCALE_ALIGN_CORNERS);
    for (w.item = 0; w.item < 2; w.item++) {
        cv_c3d_run(&f->exec, &c3d, feature, probabilities, pixels + (size_t)w.item * clip, &observer, &arena);
        compare(&w, "feature_fc7", feature, (size_t)config.widths[1]);
        compare(&w, "prob", probabilities, (size_t)config.widths[2]);
    }
    printf("C3D: %d tensors, at most %.1g of the largest away\n", w.seen / 2, w.worst);
    assert_int_equal(w.seen, 2 * 12);
    free(feature);
    free(probabilities);
    free(pixels);
    cv_arena_free(&arena);
    cv_store_close(&weights);
    cv_store_close(&plan);
    golden_close(&g);
}

/* --- Inception -------------------------------------------------------------------------------------------------- */

/* The golden has the means of three blocks, too, and other names for them. */
static void watch_inception(void *user, const char *name, const cv_volume *volume)
{
    static const char *const blocks[][3] = { { "maxpool1", "block0", "pooled0" },
                                             { "maxpool2", "block1", "pooled1" },
                                             { "Mixed_6e", "block2", "pooled2" } };
    const size_t places = (size_t)cv_volume_count(volume->size);
    float means[1024];

    compare(user, name, volume->x, cv_volume_numbers(volume));
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
        if (strcmp(name, blocks[b][0]) != 0)
            continue;
        for (int c = 0; c < volume->C; c++) {
            double sum = 0;

            for (size_t i = 0; i < places; i++)
                sum += (double)volume->x[(size_t)c * places + i];
            means[c] = (float)(sum / (double)places);
        }
        compare(user, blocks[b][1], volume->x, cv_volume_numbers(volume));
        compare(user, blocks[b][2], means, (size_t)volume->C);
    }
}

static void check_inception(const fixture *f, const golden *g, const cv_inception *bound, const char *prefix,
                            const float *pixels, int height, int width, bool pytorch)
{
    const int features = cv_inception_width(bound), classes = bound->config.classes;
    watcher w = { .golden = g, .prefix = prefix };
    const cv_convnet_observer observer = { watch_inception, &w };
    float *feature = calloc((size_t)features, sizeof *feature);
    float *probabilities = calloc((size_t)classes, sizeof *probabilities);
    cv_inception inception;
    cogvideo_error err;
    cv_arena arena;

    CHECK_OK(cv_inception_check(bound, height, width, &err), err);
    CHECK_OK(cv_inception_fold(&inception, bound, &err), err);
    CHECK_OK(cv_arena_create(&arena, cv_inception_scratch(&f->exec, bound, height, width), &err), err);
    for (w.item = 0; w.item < 2; w.item++) {
        cv_inception_run(&f->exec, &inception, feature, probabilities, pixels + w.item * 3 * height * width, height,
                         width, pytorch, &observer, &arena);
        compare(&w, "pool3", feature, (size_t)features);
        compare(&w, "prob_no_bias", probabilities, (size_t)classes);
    }
    printf("%s: %d tensors, at most %.1g of the largest away\n", prefix, w.seen / 2, w.worst);
    assert_int_equal(w.seen, 2 * 25);
    free(feature);
    free(probabilities);
    cv_arena_free(&arena);
    cv_inception_free(&inception);
}

static void inception_matches(void **state)
{
    const fixture *f = *state;
    cv_inception_config config, measured;
    cv_store *plan, *weights;
    cogvideo_error err;
    cv_inception bound;
    float *pixels;
    golden g;

    if (!golden_open(&g, check_golden("metrics/inception.safetensors")))
        skip();
    cv_inception_published(&config);
    divide(&config.net, metadata(&g, "divisor"));
    config.classes = metadata(&g, "classes");
    CHECK_OK(cv_store_plan(&plan, "Inception", &err), err);
    CHECK_OK(cv_inception_bind(&bound, plan, &config, &err), err);
    weights = seeded_store(plan, g.seed);
    CHECK_OK(cv_inception_measure(&measured, weights, &err), err);
    assert_memory_equal(&measured, &config, sizeof config);
    CHECK_OK(cv_inception_bind(&bound, weights, &measured, &err), err);
    CHECK_FAILS(cv_inception_check(&bound, 74, 80, &err), COGVIDEO_ERROR_ARGUMENT, "75x75", err);

    pixels = squashed(check_tensor(g.store, "picture.u8"), CV_INCEPTION_SIDE, CV_SCALE_TORCH_BILINEAR);
    check_inception(f, &g, &bound, "picture.", pixels, CV_INCEPTION_SIDE, CV_INCEPTION_SIDE, true);
    free(pixels);
    pixels = squashed(check_tensor(g.store, "picture.u8"), CV_INCEPTION_SIDE, CV_SCALE_TF1);
    check_inception(f, &g, &bound, "picture_tf1.", pixels, CV_INCEPTION_SIDE, CV_INCEPTION_SIDE, false);
    free(pixels);
    pixels = planes_of(check_tensor(g.store, "odd.u8"));
    check_inception(f, &g, &bound, "odd.", pixels, 95, 107, true);
    free(pixels);
    cv_store_close(&weights);
    cv_store_close(&plan);
    golden_close(&g);
}

/* --- the shapes world's I3D ------------------------------------------------------------------------------------- */

#define SHAPES_FRAMES 8
#define SHAPES_SIDE 40
#define SHAPES_CLIPS 3

/* The golden's sizes, as a section of model.json. */
static cv_json *shapes_section(const golden *g)
{
    static const char *const stems[] = { "Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3" };
    static const char heads[] = "{\"heads\":{\"size\":[\"a\",\"b\"],\"colour\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\","
                                "\"7\",\"8\"],\"shape\":[\"c\",\"s\",\"t\",\"r\"],\"motion\":[\"1\",\"2\",\"3\",\"4\","
                                "\"5\",\"6\",\"7\",\"8\",\"9\",\"0\"],\"background\":[\"x\",\"y\",\"z\"]}}";
    const char *text = cv_store_metadata(g->store, "config");
    cv_json *config, *section, *widths;
    const cv_json *stem;
    cogvideo_error err;
    char name[32];

    CHECK_OK(cv_json_parse(&config, text, strlen(text), "config", &err), err);
    CHECK_OK(cv_json_parse(&section, heads, strlen(heads), "heads", &err), err);
    cv_json_set_int(section, "frames", SHAPES_FRAMES);
    cv_json_set_int(section, "side", SHAPES_SIDE);
    cv_json_set_copy(section, "features", cv_json_get(config, "features"));
    widths = cv_json_set_object(section, "widths");
    stem = cv_json_first(cv_json_get(config, "stem"));
    for (int i = 0; i < 3; i++, stem = cv_json_next(stem)) {
        int32_t width = (int32_t)cv_json_number(stem);

        cv_json_set_ints(widths, stems[i], &width, 1);
    }
    for (const cv_json *m = cv_json_first(cv_json_get(config, "mixed")); m; m = cv_json_next(m)) {
        snprintf(name, sizeof name, "Mixed_%s", cv_json_key(m));
        cv_json_set_copy(widths, name, m);
    }
    cv_json_free(&config);
    return section;
}

/* As the network is used: with running statistics, clip by clip. */
static void check_shapes_evaluation(const fixture *f, const golden *g, const cv_i3d *bound, const float *planes)
{
    const size_t clip = (size_t)SHAPES_FRAMES * 3 * SHAPES_SIDE * SHAPES_SIDE;
    watcher w = { .golden = g, .prefix = "eval." };
    const cv_convnet_observer observer = { watch, &w };
    float feature[64], probabilities[27];
    cogvideo_error err;
    cv_arena arena;
    cv_i3d i3d;

    CHECK_OK(cv_i3d_check(bound, SHAPES_FRAMES, SHAPES_SIDE, SHAPES_SIDE, &err), err);
    CHECK_FAILS(cv_i3d_check(bound, SHAPES_FRAMES, SHAPES_SIDE, 64, &err), COGVIDEO_ERROR_ARGUMENT, "8 frames of 40x40",
                err);
    CHECK_OK(cv_i3d_fold(&i3d, bound, CV_I3D_EPSILON, &err), err);
    CHECK_OK(cv_arena_create(&arena, cv_i3d_scratch(&f->exec, bound, SHAPES_FRAMES, SHAPES_SIDE, SHAPES_SIDE), &err),
             err);
    for (w.item = 0; w.item < SHAPES_CLIPS; w.item++) {
        double sum = 0;

        cv_i3d_run(&f->exec, &i3d, feature, probabilities, planes + (size_t)w.item * clip, SHAPES_FRAMES, SHAPES_SIDE,
                   SHAPES_SIDE, &observer, &arena);
        for (int i = 0; i < 27; i++)
            sum += (double)probabilities[i];
        CHECK_CLOSE(sum, 5, 1e-5);
    }
    printf("%s: %d tensors, at most %.1g of the largest away\n", w.prefix, w.seen / SHAPES_CLIPS, w.worst);
    assert_int_equal(w.seen, 14 * SHAPES_CLIPS);
    cv_arena_free(&arena);
    cv_i3d_free(&i3d);
}

static double largest_of(const float *values, size_t count)
{
    double largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)values[i]));
    return largest;
}

/* Gradients whole where the golden has them, norms of all; running statistics after one step. */
static void check_shapes_learned(const golden *g, const cv_store *weights, const cv_store *gradients)
{
    const char *text = cv_store_metadata(g->store, "gradient_norms");
    double worst[3] = { 0, 0, 0 };
    cogvideo_error err;
    cv_json *norms;
    int checked = 0;

    CHECK_OK(cv_json_parse(&norms, text, strlen(text), "gradient_norms", &err), err);
    for (size_t t = 0; t < cv_store_count(gradients); t++) {
        const cv_tensor *gradient = cv_store_at(gradients, t), *golden_tensor;
        const bool running = strstr(gradient->name, "running_") != NULL;
        const float *values = running ? check_f32(weights, gradient->name) : gradient->data;
        double sum = 0;
        char name[120];

        snprintf(name, sizeof name, "%s%s", running ? "after." : "grad.", gradient->name);
        golden_tensor = cv_store_find(g->store, name);
        assert_true(golden_tensor || !running);
        for (size_t i = 0; golden_tensor && i < golden_tensor->count; i++) {
            const float *expected = golden_tensor->data;
            double away = fabs((double)values[i] - (double)expected[i]) / largest_of(expected, gradient->count);

            assert_int_equal(golden_tensor->count, gradient->count);
            worst[running] = fmax(worst[running], away);
            if (!(away <= (running ? 1e-5 : 3e-4)))
                fail_msg("%s: value %zu is %.7g, not %.7g", name, i, (double)values[i], (double)expected[i]);
        }
        if (running)
            continue;
        for (size_t i = 0; i < gradient->count; i++)
            sum += (double)values[i] * (double)values[i];
        assert_non_null(cv_json_get(norms, gradient->name));
        sum = fabs(sqrt(sum) / cv_json_number(cv_json_get(norms, gradient->name)) - 1);
        worst[2] = fmax(worst[2], sum);
        if (!(sum <= 3e-4))
            fail_msg("the norm of %s is %.2g away", gradient->name, sum);
        checked++;
    }
    printf("gradients at most %.1g of the largest away, norms %.1g, running statistics %.1g\n", worst[0], worst[2],
           worst[1]);
    assert_int_equal(checked, (int)cv_json_count(norms));
    cv_json_free(&norms);
}

static void check_shapes_training(const fixture *f, const golden *g, cv_store *weights, const cv_i3d_config *config,
                                  const float *planes)
{
    watcher w = { .golden = g, .prefix = "train." };
    const cv_convnet_observer observer = { watch, &w };
    cv_i3d_train *learner;
    cv_store *gradients;
    cogvideo_error err;
    double losses[CV_FEATURE_HEADS];

    CHECK_OK(cv_store_create_like(&gradients, "gradients", weights, &err), err);
    CHECK_OK(cv_i3d_train_open(&learner, &f->exec, weights, gradients, config, SHAPES_CLIPS, &err), err);
    for (int i = 0; i < SHAPES_CLIPS; i++) {
        const cv_volume clip = cv_i3d_train_clip(learner, i);

        cv_pixels_volume(&clip, planes + (size_t)i * cv_volume_numbers(&clip), 2.0f / 255, -1);
    }
    cv_i3d_train_run(learner, losses, check_i32(g->store, "labels"), &observer);
    cv_i3d_train_keep(learner);
    printf("%s: %d tensors, at most %.1g of the largest away\n", w.prefix, w.seen, w.worst);
    assert_int_equal(w.seen, 14);
    for (int h = 0; h < 5; h++)
        CHECK_CLOSE(losses[h], (double)check_f32(g->store, "train.losses")[h], 1e-4);
    check_shapes_learned(g, weights, gradients);
    cv_i3d_train_close(&learner);
    cv_store_close(&gradients);
}

static void shapes_match(void **state)
{
    const fixture *f = *state;
    cv_store *plan, *weights;
    cv_i3d_config config;
    cogvideo_error err;
    cv_json *section;
    float *planes;
    cv_i3d bound;
    golden g;

    assert_true(golden_open(&g, check_data("metrics/shapes_i3d.safetensors")));
    section = shapes_section(&g);
    CHECK_OK(cv_i3d_config_parse(&config, section, "section", &err), err);
    CHECK_OK(cv_i3d_plan(&plan, &config, &err), err);
    weights = seeded_store(plan, g.seed);
    CHECK_OK(cv_i3d_bind(&bound, weights, &config, &err), err);
    planes = planes_of(check_tensor(g.store, "clips.u8"));
    check_shapes_evaluation(f, &g, &bound, planes);
    check_shapes_training(f, &g, weights, &config, planes);
    free(planes);
    cv_store_close(&weights);
    cv_store_close(&plan);
    cv_json_free(&section);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i3d_matches),
        cmocka_unit_test(c3d_matches),
        cmocka_unit_test(inception_matches),
        cmocka_unit_test(shapes_match),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
