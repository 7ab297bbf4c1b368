/* The networks of metrics against the original code: I3D, C3D and Inception, with seeded weights and fewer channels.
 * A golden is a sample of a larger tensor, by its row-major order, beside the sums of all of it. */
#include "support/check.h"
#include "support/seeded.h"

#include "base/json.h"
#include "family/metrics/network/i3d.h"
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

/* The golden's frames, squashed to squares of I3D's side. */
static float *squashed(const cv_tensor *frames, int side)
{
    const size_t count = frames->shape[0] * frames->shape[1], from = frames->count / count;
    const size_t to = 3 * (size_t)side * (size_t)side;
    float *out = calloc(count * to, sizeof *out);
    cogvideo_error err;

    for (size_t i = 0; i < count; i++)
        CHECK_OK(cv_scale_u8(out + i * to, side, side, (const uint8_t *)frames->data + i * from, (int)frames->shape[2],
                             (int)frames->shape[3], CV_SCALE_TORCH_BILINEAR, &err),
                 err);
    return out;
}

static void i3d_matches(void **state)
{
    const fixture *f = *state;
    cv_i3d_config config, measured;
    cv_store *plan, *weights;
    const cv_tensor *frames;
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

    frames = check_tensor(g.store, "clip.u8");
    pixels = squashed(frames, CV_I3D_SIDE);
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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(i3d_matches) };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
