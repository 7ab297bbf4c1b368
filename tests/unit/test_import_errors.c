/* Checkpoints that do not fit: what is missing, extra, misshapen, contradictory - each named in the error. */
#include "support/check.h"
#include "support/torch_file.h"

#include <cogvideo/import.h>

#include "base/file.h"
#include "import/convert.h"

#include <sys/stat.h>

static char pt[1024], folder[1024], config[1024], output[1024];

static int make_paths(void **state)
{
    const char *dir = getenv("COGVIDEO_CONFIGS");

    (void)state;
    snprintf(folder, sizeof folder, "%s", check_temp_path("checkpoint"));
    snprintf(pt, sizeof pt, "%s", check_temp_path("checkpoint/stage.pt"));
    snprintf(output, sizeof output, "%s", check_temp_path("model"));
    snprintf(config, sizeof config, "%s/small.json", dir ? dir : "configs");
    return mkdir(folder, 0777);
}

/* A network of one layer at the geometry of configs/small.json. */
static void make_list(seeded_list *list, bool mixed, int vocabulary, int extra)
{
    const cv_transformer_sizes sizes = { .layers = 1, .hidden = 16, .mlp = 64, .vocabulary = (size_t)vocabulary,
                                         .positions = 1024, .extra_positions = (size_t)extra };
    cogvideo_error err;
    cv_names names = { 0 };

    CHECK_OK(cv_names_transformer(&names, &sizes, mixed, &err), err);
    for (size_t i = 0; i < names.count; i++)
        seeded_add(list, 1, names.items[i].name, names.items[i].rank, (int)names.items[i].shape[0],
                   (int)names.items[i].shape[1]);
    cv_names_free(&names);
}

static cogvideo_status import_stage(cogvideo_error *err)
{
    cogvideo_status status = cogvideo_import(&(cogvideo_import_request){ .stage1 = pt, .config = config,
                                                                         .output = output, .overwrite = 1 }, err);

    assert_true(status == COGVIDEO_OK || !cv_path_exists(output));
    return status;
}

static seeded_tensor *find(seeded_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->tensors[i].name, name) == 0)
            return &list->tensors[i];
    fail_msg("no tensor '%s'", name);
    return NULL;
}

static void every_missing_tensor_is_named(void **state)
{
    seeded_list list = { 0 };

    (void)state;
    make_list(&list, true, 1600, 320);
    for (size_t i = 0; i < list.count; i++) {
        seeded_list shorter = { .tensors = malloc(list.count * sizeof *list.tensors), .count = list.count - 1 };
        cogvideo_error err;

        memcpy(shorter.tensors, list.tensors, i * sizeof *list.tensors);
        memcpy(shorter.tensors + i, list.tensors + i + 1, (list.count - 1 - i) * sizeof *list.tensors);
        torch_write(&shorter, pt, CV_F16, 0);
        if (strstr(list.tensors[i].name, "input_layernorm.weight")) /* the layers are counted by it */
            CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "0 layers", err);
        else
            CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, list.tensors[i].name, err);
        assert_non_null(strstr(err.message, "stage.pt"));
        seeded_list_free(&shorter);
    }
    seeded_list_free(&list);
}

static void extra_and_misshapen_tensors_are_named(void **state)
{
    cogvideo_error err;
    seeded_list list = { 0 };

    (void)state;
    make_list(&list, true, 1600, 320);
    seeded_add(&list, 1, "transformer.layers.7.mlp.dense_h_to_4h.bias", 1, 64);
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "'transformer.layers.7.mlp.dense_h_to_4h.bias' is none", err);
    list.count--;
    find(&list, "mixins.attention_plus.dense.0.weight")->shape[1] = 15;
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "has shape [16, 15], [16, 16] was expected", err);
    find(&list, "mixins.attention_plus.dense.0.weight")->shape[1] = 16;
    find(&list, "transformer.word_embeddings.weight")->rank = 1;
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "has 1 dimensions", err);
    seeded_list_free(&list);
    make_list(&list, false, 1600, 320);
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "attn_distribution.0' [16] is missing", err);
    seeded_list_free(&list);
}

static void sizes_that_contradict_the_description_are_named(void **state)
{
    cogvideo_error err;
    seeded_list list = { 0 };

    (void)state;
    make_list(&list, true, 1500, 320);
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "1500 word embeddings have no room", err);
    seeded_list_free(&list);
    make_list(&list, true, 1600, 255);
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "1024 + 255 positions are too few", err);
    seeded_list_free(&list);
}

/* Each text stands as model_config.json beside a good checkpoint. */
static void configurations_are_checked(void **state)
{
    static const struct {
        const char *json, *words;
        cogvideo_status status;
    } configs[] = {
        { "{\"num_layers\": 2}", "'num_layers' is 2", COGVIDEO_ERROR_MODEL },
        { "{\"hidden_size\": 17}", "'hidden_size' is 17", COGVIDEO_ERROR_MODEL },
        { "{\"num_attention_heads\": 3}", "over 3 heads", COGVIDEO_ERROR_MODEL },
        { "{\"num_attention_heads\": 0}", "'num_attention_heads'", COGVIDEO_ERROR_FORMAT },
        { "{\"model_parallel_size\": 2}", "'model_parallel_size'", COGVIDEO_ERROR_FORMAT },
        { "{\"layout\": \"64, 128\"}", "three growing numbers", COGVIDEO_ERROR_FORMAT },
        { "{\"layout\": \"64, 128, 100\"}", "three growing numbers", COGVIDEO_ERROR_FORMAT },
        { "{\"layout\": \"64, 128, 384, 1\"}", "three growing numbers", COGVIDEO_ERROR_FORMAT },
        { "{\"layout\": \"64, 128, 99999999999999999999\"}", "three growing numbers", COGVIDEO_ERROR_FORMAT },
        { "{\"layout\": \"64,127,379\"}", "no square", COGVIDEO_ERROR_MODEL },
        { "{\"layout\": \"64,128,385\"}", "whole number of frames", COGVIDEO_ERROR_MODEL },
        { "{\"layout\": \"64,464,2064\"}", "too few", COGVIDEO_ERROR_MODEL },
        { "{\"window_size\": 9}", "window of 9 codes is wider", COGVIDEO_ERROR_MODEL },
        { "{\"layout\": 64}", "'layout'", COGVIDEO_ERROR_FORMAT },
        { "[]", "a JSON object", COGVIDEO_ERROR_FORMAT },
        { "", "an empty file", COGVIDEO_ERROR_FORMAT },
        { "<html>", "an HTML page", COGVIDEO_ERROR_FORMAT },
    };
    cogvideo_error err;
    seeded_list list = { 0 };

    (void)state;
    make_list(&list, true, 1600, 320);
    torch_write(&list, pt, CV_F16, 0);
    seeded_list_free(&list);
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        check_write(check_temp_path("checkpoint/model_config.json"), configs[i].json, strlen(configs[i].json));
        CHECK_FAILS(import_stage(&err), configs[i].status, configs[i].words, err);
    }
    remove(check_temp_path("checkpoint/model_config.json"));
}

static void folders_are_checked(void **state)
{
    static const char *const latest[] = { "", "\n", "../../etc", "/etc/passwd", "a b", "1\n2" };
    cogvideo_error err;
    const cogvideo_import_request request = { .stage1 = folder, .config = config, .output = output };

    (void)state;
    for (size_t i = 0; i < sizeof latest / sizeof *latest; i++) {
        check_write(check_temp_path("checkpoint/latest"), latest[i], strlen(latest[i]));
        CHECK_FAILS(cogvideo_import(&request, &err), COGVIDEO_ERROR_FORMAT, "one iteration's folder", err);
    }
    check_write(check_temp_path("checkpoint/latest"), "300\n", 4);
    CHECK_FAILS(cogvideo_import(&request, &err), COGVIDEO_ERROR_IO, "checkpoint/300/mp_rank_00_model_states.pt", err);
    remove(check_temp_path("checkpoint/latest"));
    check_write(check_temp_path("checkpoint/mp_rank_01_model_states.pt"), "x", 1);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_UNSUPPORTED, "split over several files", err);
    remove(check_temp_path("checkpoint/mp_rank_01_model_states.pt"));
}

/* A checkpoint of one tensor 'a' of four elements. */
static void write_one(const char *storage_class, const void *data, size_t size)
{
    cv_buffer pickle = { 0 };
    pickle_tensor tensor = { .storage_class = storage_class, .key = "0" };

    pickle_tensor_shape(&tensor, 1, (size_t[]){ 4 });
    pickle_begin_module(&pickle);
    pickle_text(&pickle, "a");
    pickle_put_tensor(&pickle, &tensor);
    pickle_end_module(&pickle);
    torch_write_zip(pt, (torch_entry[]){ { "x/data.pkl", pickle.data, pickle.size, 0 }, { "x/data/0", data, size, 0 } },
                    2);
    cv_buffer_free(&pickle);
}

static void weights_must_fit_their_type(void **state)
{
    static const float numbers[] = { 1, 65519, -65520, INFINITY };
    static const cv_narrowing half = { .type = CV_WEIGHT_F16 }, brain = { .type = CV_WEIGHT_BF16 };
    const cogvideo_import_request request = { 0 };
    cv_import_job job = { .request = &request };
    cv_expected a = { .name = "a", .home = CV_HOME_OWN, .rank = 1, .shape = { 4 } };
    cv_names names = { .items = &a, .count = 1 };
    const unsigned own = 1u << CV_HOME_OWN;
    char path[1024];
    cogvideo_error err;
    cv_torch *torch = NULL;

    (void)state;
    snprintf(path, sizeof path, "%s", check_temp_path("a.safetensors"));
    write_one("IntStorage", numbers, 16);
    CHECK_OK(cv_torch_open(&torch, pt, &err), err);
    CHECK_FAILS(cv_names_match(&names, torch, &err), COGVIDEO_ERROR_MODEL, "'a' has type I32; weights are", err);
    cv_torch_close(&torch);
    write_one("FloatStorage", numbers, 16);
    CHECK_OK(cv_torch_open(&torch, pt, &err), err);
    CHECK_OK(cv_names_match(&names, torch, &err), err);
    CHECK_FAILS(cv_convert_write(&job, torch, &names, own, &half, path, &err), COGVIDEO_ERROR_MODEL,
                "'a' has values too large for f16", err);
    assert_false(cv_path_exists(path));
    CHECK_OK(cv_convert_write(&job, torch, &names, own, &brain, path, &err), err);
    CHECK_OK(cv_convert_write(&job, torch, &names, own, NULL, path, &err), err);
    cv_torch_close(&torch);
}

static void clusters_must_match_the_codes(void **state)
{
    char file[128 + 8 * 1024] = "\x93NUMPY\1\0v";
    cogvideo_import_request request = { .clusters = check_temp_path("labels.npy"), .output = output };
    cogvideo_error err;
    cv_store *store = NULL;
    const int64_t wrong = 1024;

    (void)state;
    memset(file + 10, ' ', 118);
    memcpy(file + 10, "{'descr': '<i8', 'fortran_order': False, 'shape': (1024,)}", 58);
    check_write(request.clusters, file, sizeof file);
    CHECK_FAILS(cogvideo_import(&request, &err), COGVIDEO_ERROR_MODEL, "has 1024 image codes", err);
    request.config = config;
    CHECK_OK(cogvideo_import(&request, &err), err);
    CHECK_OK(cv_store_open(&store, check_temp_path("model/clusters.safetensors"), &err), err);
    assert_int_equal(check_tensor(store, "labels")->dtype, CV_I32);
    assert_int_equal(check_tensor(store, "labels")->count, 1024);
    cv_store_close(&store);
    memcpy(file + 128 + 8 * 3, &wrong, 8);
    check_write(request.clusters, file, sizeof file);
    request.overwrite = 1;
    CHECK_FAILS(cogvideo_import(&request, &err), COGVIDEO_ERROR_MODEL, "labels.npy: the cluster label of code 3 is 1024", err);
    assert_true(cv_path_exists(check_temp_path("model/clusters.safetensors"))); /* the good one stays */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_missing_tensor_is_named),
        cmocka_unit_test(extra_and_misshapen_tensors_are_named),
        cmocka_unit_test(sizes_that_contradict_the_description_are_named),
        cmocka_unit_test(configurations_are_checked),
        cmocka_unit_test(folders_are_checked),
        cmocka_unit_test(weights_must_fit_their_type),
        cmocka_unit_test(clusters_must_match_the_codes),
    };

    return cmocka_run_group_tests(tests, make_paths, NULL);
}
