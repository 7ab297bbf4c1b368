/* CLIP's towers against the original's activations, features, logits and gradients; bits that nothing but the item
 * changes. */
#include "support/check.h"
#include "support/seeded.h"

#include "base/json.h"
#include "family/metrics/network/clip_network.h"
#include "nn/blas.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, ITEMS = 4, CONTEXT = 24, E = 32, D = 128, PLACES = 17 };

static const cv_clip_config sizes = {
    .image = { .heads = 2 },
    .text = { .heads = 2 },
    .end = -1,
};

typedef struct network {
    const cv_store *golden;
    cv_json *activations;
    const char *prefix; /* "quick", "gelu" */
    cv_store *store;
    cv_clip *clip;
    cv_exec exec;
} network;

/* A golden name with the network's prefix. */
static const char *named(const network *n, const char *name)
{
    static char text[200];

    snprintf(text, sizeof text, "%s.%s", n->prefix, name);
    return text;
}

static void check_close(const char *name, const float *values, size_t every, const cv_tensor *expected)
{
    const float *numbers = expected->data;
    double most = 0;

    for (size_t i = 0; i < expected->count; i++)
        most = fmax(most, fabs((double)numbers[i]));
    for (size_t i = 0; i < expected->count; i++)
        if (!(fabs((double)values[i * every] - (double)numbers[i]) <= 1e-4 * most))
            fail_msg("%s: number %zu is %.9g, %.9g was expected", name, i, (double)values[i * every],
                     (double)numbers[i]);
}

static void check_whole(const network *n, const char *name, const float *values)
{
    check_close(named(n, name), values, 1, check_tensor(n->golden, named(n, name)));
}

/* A sampled activation and the sums of the whole. */
static void check_activation(const network *n, const char *name, const float *values, size_t count)
{
    double sum = 0, squares = 0, expected_sum, expected_squares;
    cogvideo_error err;
    cv_json *about;
    int64_t every;

    CHECK_OK(cv_json_object(n->activations, named(n, name), &about, "golden", &err), err);
    CHECK_OK(cv_json_int(about, "every", 1, 1000, &every, "golden", &err), err);
    CHECK_OK(cv_json_double(about, "sum", -1e9, 1e9, &expected_sum, "golden", &err), err);
    CHECK_OK(cv_json_double(about, "sumsq", 0, 1e9, &expected_squares, "golden", &err), err);
    check_close(named(n, name), values, (size_t)every, check_tensor(n->golden, named(n, name)));
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i];
        squares += (double)values[i] * (double)values[i];
    }
    CHECK_CLOSE(squares, expected_squares, 1e-4 * expected_squares);
    CHECK_CLOSE(sum, expected_sum, 1e-4 * sqrt(expected_squares * (double)count));
}

/* The tensors of such a network: binding it to a plan lists them. */
static void plan(cv_store **out, const cv_clip_config *config)
{
    cogvideo_error err;
    cv_clip *clip;

    CHECK_OK(cv_store_plan(out, "a CLIP", &err), err);
    CHECK_OK(cv_clip_open(&clip, *out, config, &err), err);
    cv_clip_close(&clip);
}

static void write_seeded(const char *path, const cv_clip_config *config, int seed, cv_dtype dtype)
{
    seeded_list list = { 0 };
    cv_store *planned;

    plan(&planned, config);
    seeded_add_store(&list, seed, planned);
    seeded_write(&list, path, dtype);
    seeded_list_free(&list);
    cv_store_close(&planned);
}

static const cv_clip_config golden_config = {
    .image = { .width = D, .layers = 2, .heads = 2, .mlp = 4 * D },
    .text = { .width = D, .layers = 2, .heads = 2, .mlp = 4 * D },
    .resolution = SIDE,
    .patch = 8,
    .context = CONTEXT,
    .vocabulary = 710,
    .end = -1,
    .embed = E,
};

static void open_network(network *n, const cv_store *golden, const char *prefix, cv_dtype dtype, int threads)
{
    cv_clip_config config = sizes;
    const char *path = check_temp_path("clip.safetensors");
    cogvideo_error err;

    *n = (network){ .golden = golden, .prefix = prefix, .exec = { .threads = threads } };
    check_kernels(&n->exec.kernels);
    if (golden) {
        const char *text = cv_store_metadata(golden, "activations");

        CHECK_OK(cv_json_parse(&n->activations, text, strlen(text), "activations", &err), err);
    }
    write_seeded(path, &golden_config, 107, dtype);
    CHECK_OK(cv_store_open(&n->store, path, &err), err);
    config.gelu = strcmp(prefix, "quick") == 0 ? CV_GELU_QUICK : CV_GELU_ERF;
    CHECK_OK(cv_clip_measure(&config, n->store, &err), err);
    CHECK_OK(cv_clip_open(&n->clip, n->store, &config, &err), err);
    CHECK_OK(cv_store_check_claimed(n->store, &err), err);
    assert_int_equal(config.resolution, SIDE);
    assert_int_equal(config.text.mlp, 4 * D);
}

static void close_network(network *n)
{
    cv_clip_close(&n->clip);
    cv_store_close(&n->store);
    cv_json_free(&n->activations);
}

/* --- forward -------------------------------------------------------------------------------------------------- */

/* The golden's normalized pixels as values of 0 .. 255 again. */
static void read_pixels(const network *n, float *pixels)
{
    const float *normal = check_f32(n->golden, "pixels");
    const cv_clip_config *config = cv_clip_config_of(n->clip);

    for (int i = 0; i < ITEMS * PIXELS; i++) {
        int c = i / (SIDE * SIDE) % 3;

        pixels[i] = rintf(255 * (normal[i] * config->deviation[c] + config->mean[c]));
    }
}

/* What attention added, of a block of a pass that keeps it. */
static void check_blocks(const network *n, const char *prefix, const cv_clip_pass *blocks, float *x, cv_arena *arena)
{
    const size_t count = (size_t)blocks->items * (size_t)blocks->rows * D;
    float *added = cv_alloc(count, sizeof *added, NULL);
    char name[100];

    for (int layer = 0; layer < 2; layer++) {
        const cv_clip_tape *tape = &blocks->tapes[layer];

        cv_clip_block_run(blocks, layer, x, arena);
        for (size_t i = 0; i < count; i++)
            added[i] = tape->x_mid[i] - tape->x_in[i];
        snprintf(name, sizeof name, "%sresblocks.%d.attn", prefix, layer);
        check_activation(n, name, added, count);
        snprintf(name, sizeof name, "%sresblocks.%d", prefix, layer);
        check_activation(n, name, x, count);
    }
    cv_free(added);
}

static void check_patches(const network *n, const float *x)
{
    static float planes[ITEMS * D * (PLACES - 1)];

    for (int item = 0; item < ITEMS; item++)
        for (int place = 1; place < PLACES; place++)
            for (int d = 0; d < D; d++)
                planes[(item * D + d) * (PLACES - 1) + place - 1] = x[(item * PLACES + place) * D + d];
    check_activation(n, "visual.conv1", planes, ITEMS * D * (PLACES - 1));
}

static void check_pictures(const network *n, const float *pixels)
{
    cv_clip_image_pass pass = { .exec = &n->exec, .clip = n->clip, .items = ITEMS, .training = true };
    float normed[ITEMS * D], features[ITEMS * E];
    cv_arena measure = { 0 }, arena;
    cogvideo_error err;

    cv_clip_image_pass_take(&pass, &measure);
    cv_clip_image_pass_reserve(&pass, &measure);
    CHECK_OK(cv_arena_create(&arena, measure.peak, &err), err);
    cv_clip_image_pass_take(&pass, &arena);
    cv_clip_image_patches(&pass, pixels, &arena);
    check_patches(n, pass.x);
    cv_clip_image_embed(&pass);
    check_activation(n, "visual.ln_pre", pass.x, ITEMS * PLACES * D);
    check_blocks(n, "visual.", &pass.blocks, pass.x, &arena);
    for (int item = 0; item < ITEMS; item++)
        memcpy(pass.tops + item * D, pass.x + item * PLACES * D, D * sizeof *pass.x);
    cv_clip_head_run(&n->exec, &n->clip->picture_head, features, normed, pass.tops, ITEMS);
    check_activation(n, "visual.ln_post", normed, ITEMS * D);
    check_whole(n, "image_features", features);
    cv_arena_free(&arena);
}

static void check_texts(const network *n, const int32_t *ids)
{
    cv_clip_text_pass pass = { .exec = &n->exec, .clip = n->clip, .items = ITEMS, .rows = CONTEXT, .training = true };
    float normed[ITEMS * D], features[ITEMS * E];
    cv_arena measure = { 0 }, arena;
    cogvideo_error err;

    cv_clip_text_pass_take(&pass, &measure);
    cv_clip_text_pass_reserve(&pass, &measure);
    CHECK_OK(cv_arena_create(&arena, measure.peak, &err), err);
    cv_clip_text_pass_take(&pass, &arena);
    cv_clip_text_embed(&pass, ids);
    check_blocks(n, "", &pass.blocks, pass.x, &arena);
    for (int item = 0; item < ITEMS; item++)
        memcpy(pass.tops + item * D, pass.x + (item * CONTEXT + pass.ends[item]) * D, D * sizeof *pass.x);
    cv_clip_head_run(&n->exec, &n->clip->text_head, features, normed, pass.tops, ITEMS);
    check_whole(n, "text_features", features);
    cv_layer_norm_apply(&n->exec, &n->clip->text_head.norm, pass.x, pass.x, ITEMS * CONTEXT);
    check_activation(n, "ln_final", pass.x, ITEMS * CONTEXT * D);
    cv_arena_free(&arena);
}

static void run_pictures(const network *n, float *features, const float *pixels, int count)
{
    cv_arena measure = { 0 }, arena;
    cogvideo_error err;

    cv_clip_images(&n->exec, n->clip, NULL, NULL, count, &measure);
    CHECK_OK(cv_arena_create(&arena, measure.peak, &err), err);
    cv_clip_images(&n->exec, n->clip, features, pixels, count, &arena);
    assert_int_equal(arena.used, 0);
    cv_arena_free(&arena);
}

static cogvideo_status run_text(const network *n, float *feature, const int32_t *ids, int count, cogvideo_error *err)
{
    cv_arena measure = { 0 }, arena;
    cogvideo_status status;

    CHECK_OK(cv_clip_text(&n->exec, n->clip, NULL, NULL, count, &measure, err), *err);
    CHECK_OK(cv_arena_create(&arena, measure.peak, err), *err);
    status = cv_clip_text(&n->exec, n->clip, feature, ids, count, &arena, err);
    cv_arena_free(&arena);
    return status;
}

static void check_features(const network *n, const float *pixels, const int32_t *ids)
{
    float pictures[ITEMS * E], texts[ITEMS * E], cosines[ITEMS * ITEMS], logits[ITEMS * ITEMS];
    cogvideo_error err;

    run_pictures(n, pictures, pixels, ITEMS);
    for (int i = 0; i < ITEMS; i++)
        CHECK_OK(run_text(n, texts + i * E, ids + i * CONTEXT, CONTEXT, &err), err);
    for (int i = 0; i < ITEMS * ITEMS; i++) {
        double dot = 0;

        for (int e = 0; e < E; e++)
            dot += (double)pictures[i / ITEMS * E + e] * (double)texts[i % ITEMS * E + e];
        cosines[i] = (float)dot;
        logits[i] = (float)dot * cv_clip_scale(n->clip);
    }
    check_whole(n, "cosine", cosines);
    check_whole(n, "logits_per_image", logits);
}

static const cv_store *open_golden(cv_store **store, const char *name)
{
    const char *path = check_golden(name);
    cogvideo_error err;

    if (!path)
        skip();
    CHECK_OK(cv_store_open(store, path, &err), err);
    return *store;
}

static void forward_is_the_originals(void **state)
{
    static const char *const prefixes[] = { "quick", "gelu" };
    static float pixels[ITEMS * PIXELS];
    cv_store *golden = NULL;

    (void)state;
    open_golden(&golden, "metrics/clip.safetensors");
    for (int i = 0; i < 2; i++) {
        network n;

        open_network(&n, golden, prefixes[i], i ? CV_F32 : CV_F16, 2);
        read_pixels(&n, pixels);
        check_pictures(&n, pixels);
        check_texts(&n, check_i32(golden, "ids"));
        check_features(&n, pixels, check_i32(golden, "ids"));
        close_network(&n);
    }
    cv_store_close(&golden);
}

/* --- without goldens ------------------------------------------------------------------------------------------ */

static void fill_pixels(float *pixels, int count)
{
    for (int i = 0; i < count * PIXELS; i++)
        pixels[i] = floorf(127.5f + 127 * seeded_unit(3, "pixels", (uint64_t)i));
}

/* The same bits by the network whose weights are laid out once. */
static void check_ready(const network *n, const float *features, const float *pixels, int count)
{
    float *again = cv_alloc((size_t)count * E, sizeof *again, NULL);
    network ready = *n;
    cogvideo_error err;

    assert_true(cv_clip_ready_bytes(&n->exec, n->clip) > 0);
    CHECK_OK(cv_clip_ready(&ready.clip, &n->exec, n->clip, &err), err);
    run_pictures(&ready, again, pixels, count);
    assert_memory_equal(again, features, (size_t)count * E * sizeof *again);
    cv_clip_close(&ready.clip);
    cv_free(again);
}

/* Alone, among equals and among others, by one thread and by two: the same bits. */
static void company_changes_no_bit(void **state)
{
    enum { MOST = 11 };
    static float pixels[MOST * PIXELS], equal[MOST * PIXELS], features[MOST * E], alone[E];

    (void)state;
    fill_pixels(pixels, MOST);
    for (int i = 0; i < MOST; i++)
        memcpy(equal + i * PIXELS, pixels + (MOST - 1) * PIXELS, PIXELS * sizeof *equal);
    for (int type = 0; type < 2; type++) {
        const cv_dtype dtype = type ? CV_BF16 : CV_F32;

        for (int threads = 1; threads <= 2; threads++) {
            static const int counts[] = { 1, 2, 3, 8, 9, MOST };
            network n;

            open_network(&n, NULL, "gelu", dtype, threads);
            if (threads == 1)
                run_pictures(&n, alone, equal, 1);
            for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
                run_pictures(&n, features, equal, counts[c]);
                for (int i = 0; i < counts[c]; i++)
                    assert_memory_equal(features + i * E, alone, sizeof alone);
            }
            run_pictures(&n, features, pixels, MOST);
            assert_memory_equal(features + (MOST - 1) * E, alone, sizeof alone);
            check_ready(&n, features, pixels, MOST);
            close_network(&n);
        }
    }
}

static void what_follows_the_end_changes_nothing(void **state)
{
    int32_t ids[CONTEXT] = { 1, 5, 7, 709 }, other[CONTEXT];
    float features[3][E];
    cogvideo_error err;
    network n;

    (void)state;
    memcpy(other, ids, sizeof ids);
    for (int i = 4; i < CONTEXT; i++)
        other[i] = i;
    open_network(&n, NULL, "quick", CV_F32, 2);
    CHECK_OK(run_text(&n, features[0], ids, CONTEXT, &err), err);
    CHECK_OK(run_text(&n, features[1], other, CONTEXT, &err), err);
    CHECK_OK(run_text(&n, features[2], ids, 4, &err), err);
    assert_memory_equal(features[0], features[1], sizeof features[0]);
    assert_memory_equal(features[0], features[2], sizeof features[0]);
    ids[1] = 710;
    CHECK_FAILS(run_text(&n, features[0], ids, CONTEXT, &err), COGVIDEO_ERROR_ARGUMENT, "id 710", err);
    close_network(&n);
}

static int set_up(void **state)
{
    (void)state;
    cv_blas_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_the_originals),
        cmocka_unit_test(company_changes_no_bit),
        cmocka_unit_test(what_follows_the_end_changes_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
