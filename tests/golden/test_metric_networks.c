/* The networks of metrics against the original code: I3D, C3D and Inception, with seeded weights and fewer channels.
 * A golden is a sample of a larger tensor, by its row-major order, beside the sums of all of it. */
#include "support/check.h"
#include "support/seeded.h"

#include "base/json.h"
#include "family/metrics/network/c3d.h"
#include "family/metrics/network/i3d.h"
#include "family/metrics/network/inception.h"
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
static bool golden_open(golden *out, const char *name)
{
    const char *path = check_golden(name);
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

    if (!golden_open(&g, "metrics/i3d.safetensors"))
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

    if (!golden_open(&g, "metrics/c3d.safetensors"))
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

    if (!golden_open(&g, "metrics/inception.safetensors"))
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i3d_matches),
        cmocka_unit_test(c3d_matches),
        cmocka_unit_test(inception_matches),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
