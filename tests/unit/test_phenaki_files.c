/* Files of Phenaki as trainers write them, several networks in one: each option takes its own, and what is left out is
 * told. */
#include "support/check.h"
#include "support/phenaki_model.h"

#include "base/json.h"
#include "tensor/store_write.h"

#include <cogvideo/import.h>

static cv_buffer heard;

static void hear(void *user, cogvideo_log_level level, const char *text)
{
    cogvideo_error err;

    (void)user;
    (void)level;
    CHECK_OK(cv_buffer_printf(&heard, &err, "%s\n", text), err);
}

static const char *in(const char *file)
{
    char path[200];

    snprintf(path, sizeof path, "made/%s", file);
    return check_temp_path(path);
}

/* A file of a model's parts, their names behind prefixes, and tensors beside them. */
typedef struct whole {
    cv_store *stores[3];
    cv_store_writer *writer;
    bool declare;
    const char *emptied; /* a tensor that is written without numbers; NULL = none */
} whole;

static const char *const prefixes[] = { "cvivit.", "maskgit.", "critic." };

static void put(whole *w, const char *name, int rank, const size_t *shape, const void *data)
{
    static const size_t none[] = { 0 };
    const bool empty = w->emptied && strcmp(name, w->emptied) == 0;
    cogvideo_error err;
    size_t count = 1;

    for (int i = 0; i < rank; i++)
        count *= shape[i];
    if (w->declare)
        CHECK_OK(cv_store_writer_declare(w->writer, name, CV_F32, empty ? 1 : rank, empty ? none : shape, &err), err);
    else if (!empty)
        CHECK_OK(cv_store_writer_data(w->writer, data, count * sizeof(float), &err), err);
}

static void put_all(whole *w)
{
    static const char *const beside[] = { "cvivit.discr.blocks.0.weight", "cvivit.discr.blocks.1.weight",
                                          "cvivit.enc_spatial_transformer.layers.0.1.norm.beta",
                                          "critic.maskgit.token_emb.weight", "epoch" };
    static const float zeros[4];
    static const size_t four[] = { 4 };
    char name[300];

    for (int p = 0; p < 3; p++)
        for (size_t i = 0; i < cv_store_count(w->stores[p]); i++) {
            const cv_tensor *tensor = cv_store_at(w->stores[p], i);

            snprintf(name, sizeof name, "%s%s", prefixes[p], tensor->name);
            put(w, name, tensor->rank, tensor->shape, tensor->data);
        }
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        put(w, beside[i], 1, four, zeros);
}

/* "made/model-1.safetensors": the tokenizer, the masked transformer and the self critic of a small model. */
static void write_whole(const char *emptied)
{
    static const char *const files[] = { "tokenizer.safetensors", "masked.safetensors", "critic.safetensors" };
    whole w = { .emptied = emptied };
    cogvideo_error err;

    for (int p = 0; p < 3; p++)
        CHECK_OK(cv_store_open(&w.stores[p], in(files[p]), &err), err);
    CHECK_OK(cv_store_writer_create(&w.writer, in("model-1.safetensors"), &err), err);
    for (int pass = 0; pass < 2; pass++) {
        w.declare = pass == 0;
        put_all(&w);
    }
    CHECK_OK(cv_store_writer_commit(&w.writer, &err), err);
    for (int p = 0; p < 3; p++)
        cv_store_close(&w.stores[p]);
}

static cogvideo_status import_parts(const char *tokenizer, const char *masked, const char *critic, const char *size,
                                    cogvideo_error *err)
{
    const cogvideo_import_source sources[] = { { "video-tokenizer", tokenizer },
                                               { "masked", masked },
                                               { "critic", critic },
                                               { "size", size } };
    const cogvideo_import_options options = { .sources = sources,
                                              .source_count = 4,
                                              .output = check_temp_path("imported"),
                                              .force = 1,
                                              .log = { .message = hear } };

    cv_buffer_free(&heard);
    return cogvideo_import(&options, err);
}

static void check_same(const char *imported, const char *made)
{
    cogvideo_error err;
    cv_store *a, *b;

    CHECK_OK(cv_store_open(&a, check_temp_path(imported), &err), err);
    CHECK_OK(cv_store_open(&b, in(made), &err), err);
    assert_int_equal(cv_store_count(a), cv_store_count(b));
    for (size_t i = 0; i < cv_store_count(a); i++) {
        const cv_tensor *one = cv_store_at(a, i), *other = cv_store_find(b, one->name);

        assert_non_null(other);
        assert_int_equal(one->count, other->count);
        assert_memory_equal(one->data, other->data, one->count * sizeof(float));
    }
    cv_store_close(&a);
    cv_store_close(&b);
}

static void one_file_has_three_networks(void **state)
{
    char path[500];
    cv_json *model, *section;
    cogvideo_error err;
    const char *kind;

    (void)state;
    write_whole(NULL);
    snprintf(path, sizeof path, "%s", in("model-1.safetensors"));
    CHECK_OK(import_parts(path, path, path, "16x24", &err), err);
    check_same("imported/video_tokenizer.safetensors", "tokenizer.safetensors");
    check_same("imported/masked.safetensors", "masked.safetensors");
    check_same("imported/critic.safetensors", "critic.safetensors");
    CHECK_OK(cv_json_read(&model, check_temp_path("imported/model.json"), 1 << 20, &err), err);
    CHECK_OK(cv_json_object(model, "critic", &section, "model.json", &err), err);
    CHECK_OK(cv_json_string(section, "kind", &kind, "model.json", &err), err);
    assert_string_equal(kind, "self");
    cv_json_free(&model);
}

/* What training alone needs, and members that are nothing; not what everybody knows. */
static void what_is_left_out_is_told(void **state)
{
    char path[500];
    cogvideo_error err;

    (void)state;
    write_whole(NULL);
    snprintf(path, sizeof path, "%s", in("model-1.safetensors"));
    CHECK_OK(import_parts(path, NULL, NULL, NULL, &err), err);
    if (!strstr(heard.data, "'cvivit.discr.*' (2), 'epoch'\n"))
        fail_msg("'%s' does not tell of the discriminator", heard.data);
    assert_null(strstr(heard.data, "maskgit"));
    assert_null(strstr(heard.data, "beta"));
}

/* The reason is told before the error, which has none. */
static void what_cannot_be_read_is_told(void **state)
{
    char path[500];
    cogvideo_error err;

    (void)state;
    write_whole("maskgit.to_logits.bias");
    snprintf(path, sizeof path, "%s", in("model-1.safetensors"));
    CHECK_FAILS(import_parts(NULL, path, NULL, NULL, &err), COGVIDEO_ERROR_MODEL, "'to_logits.bias' [64] is missing",
                err);
    assert_non_null(strstr(heard.data, "skipped 'maskgit.to_logits.bias', which is empty"));
}

static void sizes_alone_are_no_model(void **state)
{
    cogvideo_error err;

    (void)state;
    CHECK_FAILS(import_parts(NULL, NULL, NULL, "64", &err), COGVIDEO_ERROR_ARGUMENT, "nothing to import", err);
}

static int64_t clip_number(const char *key)
{
    cv_json *model, *clip;
    cogvideo_error err;
    int64_t value;

    CHECK_OK(cv_json_read(&model, check_temp_path("imported/model.json"), 1 << 20, &err), err);
    CHECK_OK(cv_json_object(model, "clip", &clip, "model.json", &err), err);
    CHECK_OK(cv_json_int(clip, key, 1, 4096, &value, "model.json", &err), err);
    cv_json_free(&model);
    return value;
}

/* The config of networks that are yet to be trained knows their patches and the length of a scene; only what is told
 * is changed. */
static void sizes_change_a_config(void **state)
{
    const char *dir = getenv("COGVIDEO_CONFIGS");
    char config[600];
    cogvideo_error err;

    (void)state;
    snprintf(config, sizeof config, "%s/phenaki-shapes-model.json", dir ? dir : "configs");
    for (int i = 0; i < 3; i++) {
        const cogvideo_import_source sources[] = { { "size", i == 0 ? "60" : "32x48" },
                                                   { "frames", i == 2 ? "4" : NULL } };
        const cogvideo_import_options options = { .sources = sources,
                                                  .source_count = 2,
                                                  .config = config,
                                                  .output = check_temp_path("imported"),
                                                  .force = 1 };

        if (i == 0) {
            CHECK_FAILS(cogvideo_import(&options, &err), COGVIDEO_ERROR_ARGUMENT, "no multiple of the patch 8x8", err);
        } else if (i == 2) {
            CHECK_FAILS(cogvideo_import(&options, &err), COGVIDEO_ERROR_ARGUMENT, "1 or 5", err);
        } else {
            CHECK_OK(cogvideo_import(&options, &err), err);
            assert_int_equal(clip_number("height"), 32);
            assert_int_equal(clip_number("width"), 48);
            assert_int_equal(clip_number("frames"), 33);
            assert_int_equal(clip_number("fps"), 8);
            assert_int_equal(clip_number("context"), 5);
        }
    }
}

static int make(void **state)
{
    (void)state;
    phenaki_model_write("made");
    return 0;
}

static int finish(void **state)
{
    (void)state;
    cv_buffer_free(&heard);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file_has_three_networks), cmocka_unit_test(what_is_left_out_is_told),
        cmocka_unit_test(what_cannot_be_read_is_told), cmocka_unit_test(sizes_alone_are_no_model),
        cmocka_unit_test(sizes_change_a_config),
    };

    return cmocka_run_group_tests(tests, make, finish);
}
