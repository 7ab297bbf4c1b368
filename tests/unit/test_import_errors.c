/* Checkpoints that do not fit: what is missing, extra, misshapen, contradictory - each named in the error. */
#include "support/check.h"
#include "support/sources.h"
#include "support/torch_file.h"

#include <cogvideo/import.h>

#include "base/file.h"
#include "base/path.h"
#include "family/cogvideo/import/names.h"
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
static void make_list(seeded_list *list, cv_transformer_kind kind, int vocabulary, int extra)
{
    const cv_transformer_sizes sizes = { .layers = 1,
                                         .hidden = 16,
                                         .mlp = 64,
                                         .vocabulary = (size_t)vocabulary,
                                         .positions = 1024,
                                         .extra_positions = (size_t)extra };
    cogvideo_error err;
    cv_names names = { 0 };

    CHECK_OK(cv_names_transformer(&names, &sizes, kind, &err), err);
    for (size_t i = 0; i < names.count; i++)
        seeded_add(list, 1, names.items[i].name, names.items[i].rank, (int)names.items[i].shape[0],
                   (int)names.items[i].shape[1]);
    cv_names_free(&names);
}

static cogvideo_status import_stage(cogvideo_error *err)
{
    cogvideo_status status = cogvideo_import(&(cogvideo_import_options){ SOURCES({ "stage1", pt }), .config = config,
                                                                         .output = output, .force = 1 },
                                             err);

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
    make_list(&list, CV_TRANSFORMER_STAGE, 1600, 320);
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
    make_list(&list, CV_TRANSFORMER_STAGE, 1600, 320);
    seeded_add(&list, 1, "transformer.layers.7.mlp.dense_h_to_4h.bias", 1, 64);
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL,
                "'transformer.layers.7.mlp.dense_h_to_4h.bias' does not belong", err);
    list.count--;
    find(&list, "mixins.attention_plus.dense.0.weight")->shape[1] = 15;
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "has shape [16, 15]; [16, 16] was expected", err);
    find(&list, "mixins.attention_plus.dense.0.weight")->shape[1] = 16;
    find(&list, "transformer.word_embeddings.weight")->rank = 1;
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "has 1 dimensions", err);
    seeded_list_free(&list);
    make_list(&list, CV_TRANSFORMER_UPSCALER, 1600, 320);
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "attn_distribution.0' [16] is missing", err);
    seeded_list_free(&list);
}

static void sizes_that_contradict_the_description_are_named(void **state)
{
    cogvideo_error err;
    seeded_list list = { 0 };

    (void)state;
    make_list(&list, CV_TRANSFORMER_STAGE, 1500, 320);
    torch_write(&list, pt, CV_F16, 0);
    CHECK_FAILS(import_stage(&err), COGVIDEO_ERROR_MODEL, "1500 word embeddings have no room", err);
    seeded_list_free(&list);
    make_list(&list, CV_TRANSFORMER_STAGE, 1600, 255);
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
    make_list(&list, CV_TRANSFORMER_STAGE, 1600, 320);
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
    const cogvideo_import_options options = { SOURCES({ "stage1", folder }), .config = config, .output = output };

    (void)state;
    for (size_t i = 0; i < sizeof latest / sizeof *latest; i++) {
        check_write(check_temp_path("checkpoint/latest"), latest[i], strlen(latest[i]));
        CHECK_FAILS(cogvideo_import(&options, &err), COGVIDEO_ERROR_FORMAT, "one iteration's folder", err);
    }
    check_write(check_temp_path("checkpoint/latest"), "300\n", 4);
    CHECK_FAILS(cogvideo_import(&options, &err), COGVIDEO_ERROR_IO, "checkpoint/300/mp_rank_00_model_states.pt", err);
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
    static const float numbers[] = { 1, 65519, -65520, -3 }, infinite[] = { 1, 65519, -65520, -INFINITY };
    static const cv_narrowing half = { .type = CV_WEIGHT_F16 }, brain = { .type = CV_WEIGHT_BF16 };
    const cogvideo_import_options options = { 0 };
    cv_import_job job = { .options = &options };
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
    CHECK_FAILS(cv_names_match(&names, torch, NULL, &err), COGVIDEO_ERROR_MODEL, "'a' has type I32; weights are", err);
    cv_torch_close(&torch);
    write_one("FloatStorage", numbers, 16);
    CHECK_OK(cv_torch_open(&torch, pt, &err), err);
    CHECK_OK(cv_names_match(&names, torch, NULL, &err), err);
    CHECK_FAILS(cv_convert_write(&job, torch, &names, own, &half, path, &err), COGVIDEO_ERROR_MODEL,
                "'a' has values that are too large for f16, first -65520 as element 2; store it as f32", err);
    assert_false(cv_path_exists(path));
    CHECK_OK(cv_convert_write(&job, torch, &names, own, &brain, path, &err), err);
    CHECK_OK(cv_convert_write(&job, torch, &names, own, NULL, path, &err), err);
    cv_torch_close(&torch);
    write_one("FloatStorage", infinite, 16);
    CHECK_OK(cv_torch_open(&torch, pt, &err), err);
    CHECK_OK(cv_names_match(&names, torch, NULL, &err), err);
    CHECK_FAILS(cv_convert_write(&job, torch, &names, own, NULL, path, &err), COGVIDEO_ERROR_MODEL,
                "stage.pt: tensor 'a' has an infinite number as element 3", err);
    cv_torch_close(&torch);
}

/* --- checkpoints as users have them --------------------------------------------------------------------------- */

static char told[2000];

static void on_message(void *user, cogvideo_log_level level, const char *text)
{
    (void)user;
    if (level == COGVIDEO_LOG_WARNING)
        snprintf(told + strlen(told), sizeof told - strlen(told), "%s\n", text);
}

/* Imports the stage in some form; what was warned of stands in `told`. */
static cogvideo_status import_form(const seeded_list *list, const torch_form *form, cogvideo_error *err)
{
    char folder_of_its_own[1024];

    told[0] = '\0';
    torch_write_as(list, pt, CV_F16, form);
    snprintf(folder_of_its_own, sizeof folder_of_its_own, "%s", check_temp_path("formed"));
    return cogvideo_import(&(cogvideo_import_options){ SOURCES({ "stage1", pt }), .config = config,
                                                       .output = folder_of_its_own, .force = 1,
                                                       .log = { on_message, NULL } },
                           err);
}

static const char *const module[] = { "module", NULL };

static void networks_are_found_under_usual_keys_and_prefixes(void **state)
{
    static const struct {
        const char *keys[4], *prefix;
    } forms[] = {
        { { NULL }, NULL },
        { { "module" }, NULL },
        { { "state_dict" }, NULL },
        { { "model" }, NULL },
        { { "model_state_dict" }, NULL },
        { { "state_dict", "model" }, NULL },
        { { "module" }, "module." },
        { { "state_dict" }, "model." },
        { { NULL }, "_orig_mod." },
        { { "model" }, "state_dict.module._orig_mod." },
    };
    seeded_list list = { 0 };
    cogvideo_error err;
    char path[1024];
    cv_buffer plain = { 0 }, other = { 0 };

    (void)state;
    make_list(&list, CV_TRANSFORMER_STAGE, 1600, 320);
    snprintf(path, sizeof path, "%s", check_temp_path("formed/stage1.safetensors"));
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        CHECK_OK(import_form(&list, &(torch_form){ .keys = forms[i].keys, .prefix = forms[i].prefix }, &err), err);
        assert_null(strstr(told, "skipped"));
        CHECK_OK(cv_file_read(&other, path, 1 << 24, &err), err);
        if (i == 0)
            plain = other;
        assert_true(other.size == plain.size && memcmp(other.data, plain.data, plain.size) == 0);
        if (i > 0)
            cv_buffer_free(&other);
        other = (cv_buffer){ 0 };
    }
    cv_buffer_free(&plain);
    CHECK_FAILS(import_form(&list, &(torch_form){ .keys = (const char *const[]){ "net", NULL } }, &err),
                COGVIDEO_ERROR_FORMAT, "its keys are 'net'", err);
    list.count--;
    CHECK_FAILS(import_form(&list, &(torch_form){ .keys = module, .prefix = "module." }, &err), COGVIDEO_ERROR_MODEL,
                "is missing", err);
    list.count++;
    seeded_list_free(&list);
}

/* A tensor of 4 x 4 in a storage "x" of its own. */
static void put_square(cv_buffer *pickle, const char *name, const char *storage_class, const char *key)
{
    pickle_tensor tensor = { .storage_class = storage_class, .key = key };

    pickle_tensor_shape(&tensor, 2, (size_t[]){ 4, 4 });
    pickle_text(pickle, name);
    pickle_put_tensor(pickle, &tensor);
}

static void put_members(cv_buffer *pickle)
{
    pickle_tensor odd = { .storage_class = "FloatStorage",
                          .key = "f",
                          .elements = 16,
                          .rank = 2,
                          .shape = { 4, 4 },
                          .stride = { 1, 4 } };

    pickle_text(pickle, "step");
    pickle_int(pickle, 5);
    pickle_text(pickle, "_extra_state");
    PICKLE(pickle, "N");
    put_square(pickle, "attention_mask", "BoolStorage", "b");
    put_square(pickle, "transformer.position_ids", "LongStorage", "l");
    put_square(pickle, "transformer.mask", "FloatStorage", "f");
    pickle_text(pickle, "view.weight");
    pickle_put_tensor(pickle, &odd);
    odd = (pickle_tensor){ .storage_class = "FloatStorage", .key = "e", .rank = 1, .stride = { 1 } };
    pickle_text(pickle, "empty.weight");
    pickle_put_tensor(pickle, &odd);
    pickle_text(pickle, "sparse");
    PICKLE(pickle, "ctorch._utils\n_rebuild_sparse_tensor\n)R");
    PICKLE(pickle, "K\x07N"); /* a key that is no text */
}

static void members_that_no_network_asks_for_are_passed_over(void **state)
{
    static const char *const said[] = {
        "skipped 9 of its members",
        "'step' (is not a tensor but a number)",
        "'_extra_state' (is not a tensor but None)",
        "'attention_mask' (BOOL [4, 4])",
        "'transformer.position_ids' (I64 [4, 4])",
        "'transformer.mask' (F32 [4, 4])",
        "'view.weight' (is not contiguous",
        "'empty.weight' (is empty)",
        "'sparse' (is made by _rebuild_sparse_tensor, which is not supported)",
        "'(member 8)' (has no usable name)",
    };
    float masks[16];
    const char zeros[128] = { 0 };
    const torch_entry entries[] = { { "archive/data/b", zeros, 16, 0 },
                                    { "archive/data/l", zeros, 128, 0 },
                                    { "archive/data/f", masks, 64, 0 },
                                    { "archive/data/e", zeros, 0, 0 } };
    const torch_form form = { .keys = module, .members = put_members, .entries = entries, .entry_count = 4 };
    seeded_list list = { 0 };
    cogvideo_error err;

    (void)state;
    for (int i = 0; i < 16; i++)
        masks[i] = -INFINITY;
    make_list(&list, CV_TRANSFORMER_STAGE, 1600, 320);
    CHECK_OK(import_form(&list, &form, &err), err);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (!strstr(told, said[i]))
            fail_msg("'%s' does not mention '%s'", told, said[i]);
    seeded_list_free(&list);
}

static const char *asked_storage;

static void put_asked(cv_buffer *pickle)
{
    pickle_tensor tensor = { .storage_class = asked_storage, .key = "x" };

    pickle_text(pickle, "transformer.final_layernorm.bias");
    if (!asked_storage) {
        PICKLE(pickle, "N");
        return;
    }
    pickle_tensor_shape(&tensor, 1, (size_t[]){ 16 });
    pickle_put_tensor(pickle, &tensor);
}

static void weights_of_other_kinds_are_named(void **state)
{
    static const struct {
        const char *storage, *words;
        size_t bytes;
    } kinds[] = {
        { NULL, "'transformer.final_layernorm.bias' is not a tensor but None", 0 },
        { "BoolStorage", "'transformer.final_layernorm.bias' has type BOOL; weights are F32, F16 or BF16", 16 },
        { "LongStorage", "has type I64; weights are", 128 },
        { "DoubleStorage", "has type F64; weights are", 128 },
        { "ComplexFloatStorage", "has the unsupported type ComplexFloatStorage", 128 },
    };
    const char zeros[128] = { 0 };
    seeded_list list = { 0 };
    seeded_tensor *last;
    cogvideo_error err;

    (void)state;
    make_list(&list, CV_TRANSFORMER_STAGE, 1600, 320);
    last = find(&list, "transformer.final_layernorm.bias");
    *last = list.tensors[--list.count];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const torch_entry entry = { "archive/data/x", zeros, kinds[i].bytes, 0 };

        asked_storage = kinds[i].storage;
        CHECK_FAILS(
            import_form(&list,
                        &(torch_form){ .keys = module, .members = put_asked, .entries = &entry, .entry_count = 1 },
                        &err),
            COGVIDEO_ERROR_MODEL, kinds[i].words, err);
    }
    seeded_list_free(&list);
}

/* One number of each tensor, in every type that it can be stored as. */
static void weights_that_are_no_numbers_are_named(void **state)
{
    static const char *const types[] = { NULL, "f32", "bf16", "q8", "q4" };
    static const float values[] = { NAN, INFINITY, -INFINITY };
    seeded_list list = { 0 };
    cogvideo_error err;

    (void)state;
    make_list(&list, CV_TRANSFORMER_STAGE, 1600, 320);
    for (size_t i = 0; i < list.count; i++) {
        seeded_tensor *tensor = &list.tensors[i];
        size_t width = tensor->rank == 2 ? tensor->shape[1] : 1;
        char words[300];

        tensor->changed = true;
        tensor->at = 3 * width + (width > 1 ? 5 : 0);
        tensor->value = values[i % 3];
        snprintf(words, sizeof words,
                 width > 1 ? "stage.pt: tensor '%s' has %s as element [3, 5]"
                           : "stage.pt: tensor '%s' has %s as element 3",
                 tensor->name, i % 3 ? "an infinite number" : "NaN");
        torch_write(&list, pt, CV_F16, 0);
        CHECK_FAILS(cogvideo_import(&(cogvideo_import_options){ SOURCES({ "stage1", pt }), .config = config,
                                                                .output = output, .force = 1, .type = types[i % 5] },
                                    &err),
                    COGVIDEO_ERROR_MODEL, words, err);
        tensor->changed = false;
    }
    find(&list, "transformer.layers.0.attention.dense.weight")->changed = true;
    find(&list, "transformer.layers.0.attention.dense.weight")->value = 1e6f;
    torch_write(&list, pt, CV_F32, 0);
    CHECK_FAILS(cogvideo_import(&(cogvideo_import_options){ SOURCES({ "stage1", pt }), .config = config,
                                                            .output = output, .force = 1, .type = "f16" },
                                &err),
                COGVIDEO_ERROR_MODEL, "too large for f16, first 1e+06 as element [3, 5]", err);
    seeded_list_free(&list);
}

static void clusters_must_match_the_codes(void **state)
{
    char file[128 + 8 * 1024] = "\x93NUMPY\1\0v";
    cogvideo_import_options options = { SOURCES({ "clusters", check_temp_path("labels.npy") }), .output = output };
    cogvideo_error err;
    cv_store *store = NULL;
    const int64_t wrong = 1024;

    (void)state;
    memset(file + 10, ' ', 118);
    memcpy(file + 10, "{'descr': '<i8', 'fortran_order': False, 'shape': (1024,)}", 58);
    check_write(options.sources->value, file, sizeof file);
    CHECK_FAILS(cogvideo_import(&options, &err), COGVIDEO_ERROR_MODEL, "has 1024 image codes", err);
    options.config = config;
    CHECK_OK(cogvideo_import(&options, &err), err);
    CHECK_OK(cv_store_open(&store, check_temp_path("model/clusters.safetensors"), &err), err);
    assert_int_equal(check_tensor(store, "labels")->dtype, CV_I32);
    assert_int_equal(check_tensor(store, "labels")->count, 1024);
    cv_store_close(&store);
    memcpy(file + 128 + 8 * 3, &wrong, 8);
    check_write(options.sources->value, file, sizeof file);
    options.force = 1;
    CHECK_FAILS(cogvideo_import(&options, &err), COGVIDEO_ERROR_MODEL,
                "labels.npy: the cluster label of code 3 is 1024", err);
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
        cmocka_unit_test(networks_are_found_under_usual_keys_and_prefixes),
        cmocka_unit_test(members_that_no_network_asks_for_are_passed_over),
        cmocka_unit_test(weights_of_other_kinds_are_named),
        cmocka_unit_test(weights_that_are_no_numbers_are_named),
        cmocka_unit_test(clusters_must_match_the_codes),
    };

    return cmocka_run_group_tests(tests, make_paths, NULL);
}
