/* The import of whole checkpoints: values, the description, trunks shared and not, what is replaced and what is not. */
#include "support/check.h"
#include "support/sources.h"
#include "support/models.h"
#include "support/torch_file.h"

#include <cogvideo/import.h>

#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "family/cogvideo/import/names.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything the library said during one import. */
static char heard[4096];

static void hear(void *user, cogvideo_log_level level, const char *text)
{
    size_t used = strlen(heard);

    (void)user, (void)level;
    snprintf(heard + used, sizeof heard - used, "%s\n", text);
}

static cogvideo_status import(cogvideo_import_options options, cogvideo_error *err)
{
    heard[0] = '\0';
    options.log.message = hear;
    return cogvideo_import(&options, err);
}

static cv_json *read_model(const char *dir)
{
    cogvideo_error err;
    cv_json *json = NULL;
    char path[1200];

    snprintf(path, sizeof path, "%s/model.json", dir);
    CHECK_OK(cv_json_read(&json, path, 1 << 20, &err), err);
    return json;
}

static void check_number(const cv_json *model, const char *section, const char *key, double expected)
{
    const cv_json *item = cv_json_get(cv_json_get(model, section), key);

    if (!item || cv_json_number(item) != expected)
        fail_msg("%s.%s is %g, %g was expected", section, key, item ? cv_json_number(item) : NAN, expected);
}

static const char *part(const cv_json *model, const char *name, const char *key)
{
    const cv_json *item = cv_json_get(cv_json_get(cv_json_get(model, "parts"), name), key);

    return item ? cv_json_text(item) : "";
}

/* Every tensor of DIR/FILE is the seeded one, rounded to what it is stored as; gives their number. */
static size_t check_values(const char *dir, const char *file, int seed, cv_dtype dtype)
{
    cogvideo_error err;
    cv_store *store = NULL;
    char path[1200];
    size_t count;

    snprintf(path, sizeof path, "%s/%s", dir, file);
    CHECK_OK(cv_store_open(&store, path, &err), err);
    count = cv_store_count(store);
    for (size_t t = 0; t < count; t++) {
        const cv_tensor *tensor = cv_store_at(store, t);
        seeded_tensor seeded = { .rank = tensor->rank, .seed = seed };
        float *expected = malloc(tensor->count * sizeof *expected);
        void *stored = malloc(tensor->count * cv_dtype_size(dtype));

        assert_int_equal(tensor->dtype, dtype);
        snprintf(seeded.name, sizeof seeded.name, "%s", tensor->name);
        for (int d = 0; d < tensor->rank; d++)
            seeded.shape[d] = tensor->shape[d];
        seeded_values(&seeded, 0, tensor->count, expected);
        cv_from_f32(stored, dtype, expected, tensor->count);
        if (memcmp(stored, tensor->data, tensor->count * cv_dtype_size(dtype)) != 0)
            fail_msg("%s: '%s' is not the seeded one", path, tensor->name);
        free(expected);
        free(stored);
    }
    cv_store_close(&store);
    return count;
}

static const char *tiny(void)
{
    return check_data("checkpoints/tiny-stage1");
}

static cogvideo_status import_tiny(const char *output, cogvideo_error *err)
{
    return import((cogvideo_import_options){ SOURCES({ "stage1", tiny() },
                                                     { "text-tokenizer", check_data("text/ice_text.model") }),
                                             .output = output, .name = "tiny" },
                  err);
}

static void tiny_stage1_is_imported(void **state)
{
    cogvideo_error err;
    char dir[1024];
    cv_json *model;

    (void)state;
    snprintf(dir, sizeof dir, "%s", check_temp_path("tiny"));
    CHECK_OK(import_tiny(dir, &err), err);
    model = read_model(dir);
    assert_string_equal(cv_json_text(cv_json_get(model, "name")), "tiny");
    check_number(model, "network", "layers", 2);
    check_number(model, "network", "hidden", 16);
    check_number(model, "network", "heads", 2);
    check_number(model, "network", "mlp", 64);
    check_number(model, "network", "vocabulary", 20512);
    check_number(model, "network", "positions", 1024);
    check_number(model, "network", "extra_positions", 2000);
    check_number(model, "network", "grid", 20);
    check_number(model, "network", "frames", 5);
    check_number(model, "network", "window", 10);
    check_number(model, "network", "text_places", 64);
    check_number(model, "network", "start_of_image", 20502);
    check_number(model, "upscaler", "start_of_image", 20502);
    assert_string_equal(part(model, "stage1", "trunk"), "trunk.safetensors");
    assert_string_equal(part(model, "stage1", "own"), "stage1.safetensors");
    assert_string_equal(part(model, "text_tokenizer", "file"), "text.model");
    assert_null(cv_json_get(cv_json_get(model, "parts"), "stage2"));
    cv_json_free(&model);
    assert_int_equal(check_values(dir, "trunk.safetensors", 41, CV_F16), 2 + 2 * 16 + 2);
    assert_int_equal(check_values(dir, "stage1.safetensors", 41, CV_F16), 1 + 2 * 5);
}

static void text_model_is_copied(void **state)
{
    cogvideo_error err;
    cv_buffer a = { 0 }, b = { 0 };

    (void)state;
    CHECK_OK(cv_file_read(&a, check_data("text/ice_text.model"), 1 << 24, &err), err);
    CHECK_OK(import_tiny(check_temp_path("copied"), &err), err);
    CHECK_OK(cv_file_read(&b, check_temp_path("copied/text.model"), 1 << 24, &err), err);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    cv_buffer_free(&a);
    cv_buffer_free(&b);
}

static void any_path_to_a_checkpoint_will_do(void **state)
{
    static const char *const inner[] = { "1000", "1000/mp_rank_00_model_states.pt", "" };
    cogvideo_error err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        char path[1200];
        cv_json *model;

        snprintf(path, sizeof path, "%s/%s", tiny(), inner[i]);
        CHECK_OK(import((cogvideo_import_options){ SOURCES({ "stage1", path },
                                                           { "text-tokenizer", check_data("text/ice_text.model") }),
                                                   .output = check_temp_path("path"), .force = 1 },
                        &err),
                 err);
        model = read_model(check_temp_path("path"));
        check_number(model, "network", "heads", 2);
        cv_json_free(&model);
    }
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", check_data("text") }),
                                                  .output = check_temp_path("no") },
                       &err),
                COGVIDEO_ERROR_IO, "neither 'latest' nor", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", check_temp_path("none") }),
                                                  .output = check_temp_path("no") },
                       &err),
                COGVIDEO_ERROR_IO, "cannot be opened", err);
}

static void weights_are_converted(void **state)
{
    static const cv_dtype dtypes[] = { CV_F32, CV_BF16, CV_F16 };
    cogvideo_error err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(import((cogvideo_import_options){ SOURCES({ "stage1", tiny() },
                                                           { "text-tokenizer", check_data("text/ice_text.model") }),
                                                   .output = check_temp_path("to"), .force = 1,
                                                   .type = cv_dtype_name(dtypes[i]) },
                        &err),
                 err);
        check_values(check_temp_path("to"), "trunk.safetensors", 41, dtypes[i]);
        check_values(check_temp_path("to"), "stage1.safetensors", 41, dtypes[i]);
    }
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", tiny() }), .output = check_temp_path("no"),
                                                  .type = "i8" },
                       &err),
                COGVIDEO_ERROR_ARGUMENT, "supported: f32, f16, bf16, q8, q4", err);
}

static void contradictions_are_named(void **state)
{
    cogvideo_error err;
    char no[1024];

    (void)state;
    snprintf(no, sizeof no, "%s", check_temp_path("no")); /* the path's own text lasts for few calls only */
    CHECK_FAILS(import((cogvideo_import_options){ .output = no }, &err), COGVIDEO_ERROR_ARGUMENT, "at least one", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", NULL }), .output = no }, &err),
                COGVIDEO_ERROR_ARGUMENT, "at least one", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage3", tiny() }), .output = no }, &err),
                COGVIDEO_ERROR_ARGUMENT, "'stage3' is no source", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", tiny() }, { "stage1", tiny() }), .output = no },
                       &err),
                COGVIDEO_ERROR_ARGUMENT, "'stage1' is given twice", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", tiny() }) }, &err), COGVIDEO_ERROR_ARGUMENT,
                "named", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", tiny() }), .output = no }, &err),
                COGVIDEO_ERROR_MODEL, "import its text model too", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "upscaler", tiny() }), .output = no }, &err),
                COGVIDEO_ERROR_MODEL, "attn_distribution.0' does not belong", err);
    CHECK_FAILS(import(
                    (cogvideo_import_options){
                        SOURCES({ "image-tokenizer",
                                  check_data("checkpoints/tiny-stage1/1000/mp_rank_00_model_states.pt") }),
                        .output = no },
                    &err),
                COGVIDEO_ERROR_MODEL, "'enc.conv_in.weight' is missing", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "text-tokenizer", check_data("text/forced.json") }),
                                                  .output = no },
                       &err),
                COGVIDEO_ERROR_FORMAT, "a JSON text", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "text-tokenizer", check_data("text/ice_text.model") }),
                                                  .output = no,
                                                  .config = check_data("checkpoints/tiny-stage1/model_config.json") },
                       &err),
                COGVIDEO_ERROR_FORMAT, "'format'", err);
    assert_false(cv_path_exists(no));
}

static void what_is_no_model_is_not_replaced(void **state)
{
    cogvideo_error err;
    char dir[1024], file[1100];
    cv_json *model;
    const cogvideo_import_source no_checkpoint = { "stage1", check_data("text/ice_text.model") };
    cogvideo_import_options options = { SOURCES({ "text-tokenizer", check_data("text/ice_text.model") }),
                                        .output = dir };

    (void)state;
    snprintf(dir, sizeof dir, "%s", check_temp_path("place"));
    snprintf(file, sizeof file, "%s/notes.txt", dir);
    assert_int_equal(mkdir(dir, 0777), 0);
    check_write(file, "mine", 4);
    CHECK_FAILS(import(options, &err), COGVIDEO_ERROR_IO, "already exists", err);
    options.force = 1;
    CHECK_FAILS(import(options, &err), COGVIDEO_ERROR_ARGUMENT, "not a model directory", err);
    assert_true(cv_path_exists(file));
    unlink(file);
    rmdir(dir);
    CHECK_OK(import(options, &err), err);
    CHECK_OK(import(options, &err), err);
    check_write(file, "mine", 4);
    CHECK_FAILS(import(options, &err), COGVIDEO_ERROR_ARGUMENT, "'notes.txt'", err);
    assert_true(cv_path_exists(file));
    unlink(file);
    options.sources = &no_checkpoint; /* what stands there must stay */
    CHECK_FAILS(import(options, &err), COGVIDEO_ERROR_FORMAT, "PyTorch checkpoint", err);
    model = read_model(dir);
    cv_json_free(&model);
}

/* No import leaves anything beside its output. */
static void nothing_is_left_behind(void **state)
{
    DIR *dir = opendir(check_temp());

    (void)state;
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (strstr(entry->d_name, "partial") || strstr(entry->d_name, ".old-"))
            fail_msg("%s was left behind", entry->d_name);
    closedir(dir);
}

static int stop_late(void *user, const cogvideo_progress *progress)
{
    assert_true(progress->done <= progress->total);
    assert_string_equal(progress->unit, "bytes");
    *(long long *)user = progress->done;
    return progress->done > progress->total / 2;
}

static void progress_can_cancel(void **state)
{
    cogvideo_error err;
    long long done = 0;

    (void)state;
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", tiny() },
                                                          { "text-tokenizer", check_data("text/ice_text.model") }),
                                                  .output = check_temp_path("stopped"), .progress = stop_late,
                                                  .user = &done },
                       &err),
                COGVIDEO_ERROR_CANCELLED, "cancelled", err);
    assert_true(done > 0);
    assert_false(cv_path_exists(check_temp_path("stopped")));
}

/* --- two stages ----------------------------------------------------------------------------------------------- */

/* A stage of a small network at the geometry of configs/small.json, its mixins seeded apart from its trunk. */
static void write_stage(const char *path, cv_transformer_sizes sizes, int trunk, int own, const char *changed)
{
    cogvideo_error err;
    cv_names names = { 0 };
    seeded_list list = { 0 };

    CHECK_OK(cv_names_transformer(&names, &sizes, true, &err), err);
    for (size_t i = 0; i < names.count; i++) {
        const cv_expected *item = &names.items[i];
        int seed = item->home == CV_HOME_SHARED ? trunk + (changed && strcmp(changed, item->name) == 0) : own;

        seeded_add(&list, seed, item->name, item->rank, (int)item->shape[0], (int)item->shape[1]);
    }
    torch_write(&list, path, CV_F16, 0);
    seeded_list_free(&list);
    cv_names_free(&names);
}

static const cv_transformer_sizes small = {
    .layers = 2, .hidden = 16, .mlp = 64, .vocabulary = 1600, .positions = 1024, .extra_positions = 320
};

static void equal_trunks_are_stored_once(void **state)
{
    cogvideo_error err;
    char dir[1024];
    cv_json *model;

    (void)state;
    snprintf(dir, sizeof dir, "%s", check_temp_path("shared"));
    write_stage(check_temp_path("s1.pt"), small, 5, 6, NULL);
    write_stage(check_temp_path("s2.pt"), small, 5, 7, NULL);
    CHECK_OK(import((cogvideo_import_options){ SOURCES({ "stage1", check_temp_path("s1.pt") },
                                                       { "stage2", check_temp_path("s2.pt") }),
                                               .config = models_small_config(), .output = dir, .force = 1 },
                    &err),
             err);
    model = read_model(dir);
    assert_string_equal(part(model, "stage1", "trunk"), "trunk.safetensors");
    assert_string_equal(part(model, "stage2", "trunk"), "trunk.safetensors");
    check_number(model, "network", "window", 4);
    cv_json_free(&model);
    assert_non_null(strstr(heard, "equal in every bit"));
    assert_non_null(strstr(heard, "no model_config.json"));
    check_values(dir, "trunk.safetensors", 5, CV_F16);
    check_values(dir, "stage1.safetensors", 6, CV_F16);
    check_values(dir, "stage2.safetensors", 7, CV_F16);
}

static void different_trunks_are_both_kept(void **state)
{
    cogvideo_error err;
    char dir[1024];
    cv_json *model;

    (void)state;
    snprintf(dir, sizeof dir, "%s", check_temp_path("apart"));
    write_stage(check_temp_path("s1.pt"), small, 5, 6, NULL);
    write_stage(check_temp_path("s2.pt"), small, 5, 7, "transformer.final_layernorm.bias");
    CHECK_OK(import((cogvideo_import_options){ SOURCES({ "stage1", check_temp_path("s1.pt") },
                                                       { "stage2", check_temp_path("s2.pt") }),
                                               .config = models_small_config(), .output = dir },
                    &err),
             err);
    model = read_model(dir);
    assert_string_equal(part(model, "stage1", "trunk"), "stage1.trunk.safetensors");
    assert_string_equal(part(model, "stage2", "trunk"), "stage2.trunk.safetensors");
    cv_json_free(&model);
    assert_non_null(strstr(heard, "'transformer.final_layernorm.bias'"));
    check_values(dir, "stage1.trunk.safetensors", 5, CV_F16);
}

static void stages_of_two_models_are_refused(void **state)
{
    cogvideo_error err;
    cv_transformer_sizes deeper = small;

    (void)state;
    deeper.layers = 3;
    write_stage(check_temp_path("s1.pt"), small, 5, 6, NULL);
    write_stage(check_temp_path("s2.pt"), deeper, 5, 7, NULL);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", check_temp_path("s1.pt") },
                                                          { "stage2", check_temp_path("s2.pt") }),
                                                  .config = models_small_config(), .output = check_temp_path("no") },
                       &err),
                COGVIDEO_ERROR_MODEL, "stage 2 has 3 layers", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", check_temp_path("s1.pt") }),
                                                  .output = check_temp_path("no") },
                       &err),
                COGVIDEO_ERROR_MODEL, "cannot be split over 48 heads", err);
}

/* --- the goldens' checkpoints --------------------------------------------------------------------------------- */

static void small_goldens_share_their_trunk(void **state)
{
    cogvideo_error err;
    const char *stage1 = check_golden("checkpoints/small-stage1"), *stage2 = check_golden("checkpoints/small-stage2");
    char dir[1024];
    cv_json *model;

    (void)state;
    snprintf(dir, sizeof dir, "%s", check_temp_path("small"));
    if (!stage1 || !stage2)
        skip();
    CHECK_OK(import((cogvideo_import_options){ SOURCES({ "stage1", stage1 }, { "stage2", stage2 },
                                                       { "text-tokenizer", check_data("text/ice_text.model") }),
                                               .config = models_small_config(), .output = dir },
                    &err),
             err);
    model = read_model(dir);
    check_number(model, "network", "grid", 8);
    check_number(model, "network", "frames", 5);
    check_number(model, "network", "window", 4);
    check_number(model, "network", "start_of_image", 1526);
    cv_json_free(&model);
    check_values(dir, "trunk.safetensors", 71, CV_F16);
    check_values(dir, "stage1.safetensors", 71, CV_F16);
    check_values(dir, "stage2.safetensors", 72, CV_F16);
}

static void all_parts_of_the_goldens_are_imported(void **state)
{
    cogvideo_error err;
    const char *root = check_golden("checkpoints/cluster_label2.npy");
    char paths[5][1024], dir[1024];
    static const char *const names[] = { "cogvideo-stage1", "cogvideo-stage2", "cogview2-dsr", "ice_image.pt",
                                         "cluster_label2.npy" };
    cv_json *model;
    cv_store *store = NULL;

    (void)state;
    snprintf(dir, sizeof dir, "%s", check_temp_path("all"));
    if (!root) {
        skip();
        return;
    }
    for (int i = 0; i < 5; i++)
        snprintf(paths[i], sizeof paths[i], "%.*s%s", (int)(strlen(root) - strlen(names[4])), root, names[i]);
    CHECK_OK(import((cogvideo_import_options){ SOURCES({ "stage1", paths[0] }, { "stage2", paths[1] },
                                                       { "upscaler", paths[2] }, { "image-tokenizer", paths[3] },
                                                       { "clusters", paths[4] },
                                                       { "text-tokenizer", check_data("text/ice_text.model") }),
                                               .output = dir },
                    &err),
             err);
    model = read_model(dir);
    check_number(model, "upscaler", "layers", 4);
    check_number(model, "upscaler", "upscaled_grid", 60);
    check_number(model, "upscaler", "text_places", 96);
    check_number(model, "upscaler", "own_kernel", 5);
    check_number(model, "image_tokenizer", "channels", 32);
    check_number(model, "image_tokenizer", "latent", 16);
    check_number(model, "image_tokenizer", "codes", 20000);
    cv_json_free(&model);
    assert_non_null(strstr(heard, "'quantize.embed_avg' is of use in training only"));
    check_values(dir, "trunk.safetensors", 11, CV_F16);
    check_values(dir, "stage2.safetensors", 12, CV_F16);
    check_values(dir, "upscaler.safetensors", 61, CV_F16);
    check_values(dir, "image_tokenizer.safetensors", 51, CV_F16);
    CHECK_OK(cv_store_open(&store, check_temp_path("all/clusters.safetensors"), &err), err);
    assert_int_equal(check_tensor(store, "labels")->count, 20000);
    cv_store_close(&store);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "image-tokenizer", paths[3] }),
                                                  .config = models_small_config(), .output = check_temp_path("no") },
                       &err),
                COGVIDEO_ERROR_MODEL, "the image tokenizer has 20000 image codes", err);
    CHECK_FAILS(import((cogvideo_import_options){ SOURCES({ "stage1", paths[2] }), .output = check_temp_path("no") },
                       &err),
                COGVIDEO_ERROR_MODEL, "attn_distribution.0' [64] is missing", err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_stage1_is_imported),
        cmocka_unit_test(text_model_is_copied),
        cmocka_unit_test(any_path_to_a_checkpoint_will_do),
        cmocka_unit_test(weights_are_converted),
        cmocka_unit_test(contradictions_are_named),
        cmocka_unit_test(what_is_no_model_is_not_replaced),
        cmocka_unit_test(progress_can_cancel),
        cmocka_unit_test(equal_trunks_are_stored_once),
        cmocka_unit_test(different_trunks_are_both_kept),
        cmocka_unit_test(stages_of_two_models_are_refused),
        cmocka_unit_test(small_goldens_share_their_trunk),
        cmocka_unit_test(all_parts_of_the_goldens_are_imported),
        cmocka_unit_test(nothing_is_left_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
