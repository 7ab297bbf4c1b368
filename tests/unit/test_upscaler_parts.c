/* The upscaler's description, its file, its neighbourhoods and its inputs: what is refused, and with which words. */
#include "support/check.h"
#include "support/networks.h"

#include "family/cogvideo/trunk/neighbours.h"
#include "family/cogvideo/upscaler/upscaler.h"
#include "nn/blas.h"

#define LIMIT (1 << 20)

/* A network small enough for every test: a 2 x 2 picture to 6 x 6. */
static const cv_upscaler_config tiny = {
    .layers = 2,
    .hidden = 8,
    .heads = 2,
    .mlp = 32,
    .vocabulary = 40,
    .image_codes = 30,
    .start_of_image = 38,
    .grid = 2,
    .upscaled_grid = 6,
    .text_places = 5,
    .positions = 16,
    .low_position = 7,
    .cross_kernel = 3,
    .own_kernel = 3,
    .norm_epsilon = 1e-5,
};
#define TINY_PLACES 36

static cv_json *parse(const char *text)
{
    cv_json *json = NULL;
    cogvideo_error err;

    CHECK_OK(cv_json_parse(&json, text, strlen(text), "model.json", &err), err);
    return json;
}

static cv_json *original_section(void)
{
    char path[1024];
    cv_json *json = NULL, *section, *copy;
    cogvideo_error err;

    snprintf(path, sizeof path, "%s/cogvideo.json", getenv("COGVIDEO_CONFIGS"));
    CHECK_OK(cv_json_read(&json, path, LIMIT, &err), err);
    CHECK_OK(cv_json_object(json, "upscaler", &section, path, &err), err);
    copy = cv_json_copy(section);
    cv_json_free(&json);
    return copy;
}

static void the_original_description_is_read(void **state)
{
    cv_json *section = original_section();
    cv_upscaler_config config;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_upscaler_config_parse(&config, section, "cogvideo.json", &err), err);
    assert_int_equal(config.hidden, 3072);
    assert_int_equal(config.upscaled_grid, 60);
    assert_int_equal(config.low_position, 513);
    assert_int_equal(config.own_kernel, 5);
    CHECK_CLOSE(config.norm_epsilon, 1e-5, 0);
    cv_json_free(&section);
}

/* The original section with one key set to the JSON value `value`. */
static cogvideo_status parse_with(const char *key, const char *value, cogvideo_error *err)
{
    cv_json *section = original_section(), *json;
    cv_upscaler_config config = { .layers = -7 };
    cogvideo_status status;
    char text[100];

    snprintf(text, sizeof text, "{\"v\":%s}", value);
    json = parse(text);
    cv_json_set_copy(section, key, cv_json_get(json, "v"));
    status = cv_upscaler_config_parse(&config, section, "model.json: upscaler", err);
    if (status != COGVIDEO_OK)
        assert_int_equal(config.layers, -7);
    cv_json_free(&json);
    cv_json_free(&section);
    return status;
}

static void every_key_is_checked(void **state)
{
    static const char *const keys[] = {
        "layers",         "hidden",       "heads",         "mlp",          "vocabulary", "image_codes",
        "start_of_image", "grid",         "upscaled_grid", "text_places",  "pad",        "positions",
        "low_position",   "cross_kernel", "own_kernel",    "norm_epsilon",
    };
    static const char *const bad[] = { "-1", "1e18", "2147483648", "\"5\"", "null", "{}", "2.5", "true" };
    cogvideo_error err;

    (void)state;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
            err.message[0] = '\0';
            assert_int_not_equal(parse_with(keys[k], bad[b], &err), COGVIDEO_OK);
            assert_non_null(strstr(err.message, keys[k]));
            assert_non_null(strstr(err.message, "model.json: upscaler"));
        }
}

static void missing_and_unknown_keys_are_refused(void **state)
{
    cv_json *empty = parse("{}"), *list = parse("[1]");
    cv_upscaler_config config;
    cogvideo_error err;

    (void)state;
    assert_int_not_equal(cv_upscaler_config_parse(&config, empty, "model.json", &err), COGVIDEO_OK);
    assert_non_null(strstr(err.message, "'layers'"));
    CHECK_FAILS(cv_upscaler_config_parse(&config, list, "model.json", &err), COGVIDEO_ERROR_FORMAT, "an object", err);
    CHECK_FAILS(parse_with("own_kernal", "5", &err), COGVIDEO_ERROR_FORMAT, "unknown key 'own_kernal'", err);
    cv_json_free(&empty);
    cv_json_free(&list);
}

static void sizes_must_fit_each_other(void **state)
{
    cogvideo_error err;

    (void)state;
    CHECK_FAILS(parse_with("heads", "47", &err), COGVIDEO_ERROR_MODEL, "multiple of 'heads' 47", err);
    CHECK_FAILS(parse_with("upscaled_grid", "61", &err), COGVIDEO_ERROR_MODEL, "multiple of 'grid' 20", err);
    CHECK_FAILS(parse_with("image_codes", "150011", &err), COGVIDEO_ERROR_MODEL, "vocabulary", err);
    CHECK_FAILS(parse_with("start_of_image", "150010", &err), COGVIDEO_ERROR_MODEL, "vocabulary", err);
    CHECK_FAILS(parse_with("pad", "150010", &err), COGVIDEO_ERROR_MODEL, "vocabulary", err);
    CHECK_FAILS(parse_with("low_position", "625", &err), COGVIDEO_ERROR_MODEL, "end at 1025", err);
    CHECK_OK(parse_with("low_position", "624", &err), err);
    CHECK_FAILS(parse_with("text_places", "1025", &err), COGVIDEO_ERROR_MODEL, "text needs 1025", err);
    CHECK_FAILS(parse_with("cross_kernel", "4", &err), COGVIDEO_ERROR_MODEL, "odd", err);
    CHECK_FAILS(parse_with("own_kernel", "6", &err), COGVIDEO_ERROR_MODEL, "odd", err);
}

/* Every cell of the picture is listed once where it is near enough, and nothing else is. */
static void neighbours_are_the_cells_around(void **state)
{
    enum { GRID = 7, ROWS = 9, COLUMNS = 5 };

    (void)state;
    for (int cell = 0; cell < GRID * GRID; cell++) {
        int seen[GRID * GRID] = { 0 };
        cv_key_run runs[ROWS];
        int count = cv_neighbours(runs, GRID, cell / GRID, cell % GRID, ROWS, COLUMNS);

        assert_true(count <= ROWS);
        for (int r = 0; r < count; r++)
            for (int i = 0; i < runs[r].count; i++) {
                assert_in_range(runs[r].first + i, 0, GRID * GRID - 1);
                seen[runs[r].first + i]++;
            }
        for (int other = 0; other < GRID * GRID; other++) {
            bool near = abs(other / GRID - cell / GRID) <= ROWS / 2 && abs(other % GRID - cell % GRID) <= COLUMNS / 2;

            assert_int_equal(seen[other], near);
        }
    }
}

static void tiny_file(const char *name, int without, const char *extra)
{
    seeded_list list = { 0 };

    networks_upscaler(&list, 5, tiny.layers, tiny.hidden, tiny.vocabulary, tiny.positions, TINY_PLACES);
    if (without >= 0)
        list.tensors[without] = list.tensors[--list.count];
    if (extra)
        seeded_add(&list, 5, extra, 1, 3);
    seeded_write(&list, check_temp_path(name), CV_F32);
    seeded_list_free(&list);
}

static cogvideo_status open_tiny(const char *name, const cv_upscaler_config *config, cogvideo_error *err)
{
    cv_store *store = NULL;
    cv_upscaler *upscaler = NULL;
    cogvideo_status status;

    CHECK_OK(cv_store_open(&store, check_temp_path(name), err), *err);
    status = cv_upscaler_open(&upscaler, store, store, config, err);
    assert_true((status == COGVIDEO_OK) == (upscaler != NULL));
    cv_upscaler_close(&upscaler);
    cv_store_close(&store);
    return status;
}

static void a_file_must_hold_exactly_the_network(void **state)
{
    cv_upscaler_config other = tiny;
    cogvideo_error err;

    (void)state;
    tiny_file("tiny.safetensors", -1, NULL);
    CHECK_OK(open_tiny("tiny.safetensors", &tiny, &err), err);
    tiny_file("extra.safetensors", -1, "mixins.attention_plus.attn_distribution.0");
    CHECK_FAILS(open_tiny("extra.safetensors", &tiny, &err), COGVIDEO_ERROR_MODEL, "attn_distribution.0", err);
    other.layers = 1;
    CHECK_FAILS(open_tiny("tiny.safetensors", &other, &err), COGVIDEO_ERROR_MODEL, "does not belong to this model",
                err);
    other.layers = 3;
    CHECK_FAILS(open_tiny("tiny.safetensors", &other, &err), COGVIDEO_ERROR_MODEL, "layers.2", err);
    other = tiny;
    other.upscaled_grid = 8;
    CHECK_FAILS(open_tiny("tiny.safetensors", &other, &err), COGVIDEO_ERROR_MODEL, "[64, 8] was expected", err);
}

/* Each early exit of opening, so that a leak check sees all of them. */
static void any_missing_tensor_is_named(void **state)
{
    seeded_list list = { 0 };
    cogvideo_error err;

    (void)state;
    networks_upscaler(&list, 5, tiny.layers, tiny.hidden, tiny.vocabulary, tiny.positions, TINY_PLACES);
    for (size_t i = 0; i < list.count; i++) {
        tiny_file("missing.safetensors", (int)i, NULL);
        CHECK_FAILS(open_tiny("missing.safetensors", &tiny, &err), COGVIDEO_ERROR_MODEL, list.tensors[i].name, err);
    }
    seeded_list_free(&list);
}

/* What a run of the tiny network gives. */
typedef struct record {
    float logits[TINY_PLACES][30];
    int places, layers, stop_after;
} record;

static void keep_logits(void *user, int first, int count, const float *logits)
{
    record *r = user;

    assert_int_equal(first, r->places);
    memcpy(r->logits[first], logits, (size_t)count * sizeof r->logits[0]);
    r->places += count;
}

static int count_layer(void *user, int done, int layers)
{
    record *r = user;

    assert_int_equal(done, ++r->layers);
    assert_int_equal(layers, tiny.layers);
    return done == r->stop_after;
}

static cogvideo_status run_tiny(record *r, const int32_t *text, int text_count, const int32_t *low, cogvideo_error *err)
{
    cv_exec exec = { .threads = 2 };
    cv_store *store = NULL;
    cv_upscaler *upscaler = NULL;
    cogvideo_status status;
    cv_arena arena;

    cv_blas_init();
    check_kernels(&exec.kernels);
    tiny_file("run.safetensors", -1, NULL);
    CHECK_OK(cv_store_open(&store, check_temp_path("run.safetensors"), err), *err);
    CHECK_OK(cv_upscaler_open(&upscaler, store, store, &tiny, err), *err);
    CHECK_OK(cv_arena_create(&arena, cv_upscaler_scratch(upscaler, &exec), err), *err);
    status = cv_upscaler_run(&exec, upscaler, text, text_count, low,
                             &(cv_upscaler_callbacks){ .logits = keep_logits, .layer = count_layer, .user = r }, &arena,
                             err);
    cv_arena_free(&arena);
    cv_upscaler_close(&upscaler);
    cv_store_close(&store);
    return status;
}

static const int32_t low_codes[4] = { 0, 29, 3, 12 };

static void inputs_out_of_range_are_refused(void **state)
{
    static const int32_t text[6] = { 30, 31, 32, 33, 34, 35 };
    record r = { 0 };
    cogvideo_error err;

    (void)state;
    CHECK_FAILS(run_tiny(&r, text, 6, low_codes, &err), COGVIDEO_ERROR_ARGUMENT, "6 ids, there is room for 5", err);
    CHECK_FAILS(run_tiny(&r, text, -1, low_codes, &err), COGVIDEO_ERROR_ARGUMENT, "room for 5", err);
    CHECK_FAILS(run_tiny(&r, (int32_t[]){ 39, 40 }, 2, low_codes, &err), COGVIDEO_ERROR_ARGUMENT, "text id 1 is 40",
                err);
    CHECK_FAILS(run_tiny(&r, (int32_t[]){ -1 }, 1, low_codes, &err), COGVIDEO_ERROR_ARGUMENT, "text id 0 is -1", err);
    CHECK_FAILS(run_tiny(&r, text, 5, (int32_t[]){ 0, 0, 30, 0 }, &err), COGVIDEO_ERROR_ARGUMENT,
                "code 2 of the picture is 30", err);
    CHECK_FAILS(run_tiny(&r, text, 5, (int32_t[]){ 0, 0, 0, INT32_MIN }, &err), COGVIDEO_ERROR_ARGUMENT, "code 3", err);
    assert_int_equal(r.places, 0);
    CHECK_OK(run_tiny(&r, text, 5, low_codes, &err), err);
    assert_int_equal(r.places, TINY_PLACES);
    assert_int_equal(r.layers, tiny.layers);
}

static void a_run_can_be_stopped(void **state)
{
    record r = { .stop_after = 1 };
    cogvideo_error err;

    (void)state;
    CHECK_FAILS(run_tiny(&r, NULL, 0, low_codes, &err), COGVIDEO_ERROR_CANCELLED, "after layer 1 of 2", err);
    assert_int_equal(r.places, 0);
    assert_int_equal(r.layers, 1);
}

/* The places see no text, but the low codes do; a changed code reaches all places near it. */
static void text_and_codes_both_matter(void **state)
{
    static const int32_t text[2] = { 30, 31 };
    record none = { 0 }, some = { 0 }, other = { 0 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(run_tiny(&none, NULL, 0, low_codes, &err), err);
    CHECK_OK(run_tiny(&some, text, 2, low_codes, &err), err);
    CHECK_OK(run_tiny(&other, text, 2, (int32_t[]){ 1, 29, 3, 12 }, &err), err);
    for (int p = 0; p < TINY_PLACES; p++) {
        assert_memory_not_equal(none.logits[p], some.logits[p], sizeof none.logits[p]);
        assert_memory_not_equal(other.logits[p], some.logits[p], sizeof none.logits[p]);
        for (int code = 0; code < tiny.image_codes; code++)
            assert_true(isfinite(none.logits[p][code]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_original_description_is_read),
        cmocka_unit_test(every_key_is_checked),
        cmocka_unit_test(missing_and_unknown_keys_are_refused),
        cmocka_unit_test(sizes_must_fit_each_other),
        cmocka_unit_test(neighbours_are_the_cells_around),
        cmocka_unit_test(a_file_must_hold_exactly_the_network),
        cmocka_unit_test(any_missing_tensor_is_named),
        cmocka_unit_test(inputs_out_of_range_are_refused),
        cmocka_unit_test(a_run_can_be_stopped),
        cmocka_unit_test(text_and_codes_both_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
