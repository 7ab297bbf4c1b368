/* A model of metrics: its parts as model.json describes them, and one clear sentence for each that is wrong. */
#include "support/check.h"

#include "base/mem.h"

#include <cogvideo/model.h>

#define MODEL(parts) \
    "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"metrics\",\"name\":\"m\",\"parts\":{" parts "}}"

static cogvideo_status open_with(cogvideo_model **out, const char *description, cogvideo_error *err)
{
    check_write(check_temp_path("model.json"), description, strlen(description));
    return cogvideo_model_open(out, check_temp(), NULL, err);
}

static void every_part_may_be_missing(void **state)
{
    cogvideo_model *model = NULL;
    cogvideo_model_info info;
    cogvideo_error err;

    (void)state;
    CHECK_OK(open_with(&model, MODEL(""), &err), err);
    cogvideo_model_get_info(model, &info);
    assert_string_equal(info.family, "metrics");
    assert_string_equal(info.dtype, "none");
    assert_int_equal(info.image_codes, 0);
    assert_int_equal(cogvideo_model_number(model, "clip"), 0);
    cogvideo_model_close(&model);
}

static void a_part_says_where_it_comes_from(void **state)
{
    static const char digest[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; /* of "abc" */
    cogvideo_model *model = NULL;
    cogvideo_property row;
    cogvideo_error err;
    const char *file;
    uint64_t bytes;

    (void)state;
    check_write(check_temp_path("merges.txt"), "abc", 3);
    CHECK_OK(open_with(&model, MODEL("\"clip_vocabulary\":{\"file\":\"merges.txt\",\"origin\":\"bpe.txt\"}"), &err),
             err);
    assert_int_equal(cogvideo_model_number(model, "clip_vocabulary"), 1);
    file = cogvideo_model_file(model, 0, &bytes, NULL);
    assert_string_equal(strrchr(file, '/'), "/merges.txt");
    assert_int_equal(bytes, 3);
    for (int i = 0; cogvideo_model_property(model, i, &row); i++) {
        if (strcmp(row.name, "clip_vocabulary_origin") == 0)
            assert_string_equal(row.text, "bpe.txt");
        if (strcmp(row.name, "clip_vocabulary_sha256") == 0)
            assert_string_equal(row.text, digest);
        if (strcmp(row.name, "i3d_sha256") == 0)
            assert_string_equal(row.text, "");
    }
    cogvideo_model_close(&model);
}

static void what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *description, *words;
        cogvideo_status status;
    } cases[] = {
        { MODEL("\"i3d\":3"), "i3d", COGVIDEO_ERROR_FORMAT },
        { MODEL("\"i3d\":{\"file\":\"../x\"}"), "no plain file name", COGVIDEO_ERROR_FORMAT },
        { MODEL("\"i3d\":{\"file\":\"none.safetensors\"}"), "none.safetensors", COGVIDEO_ERROR_IO },
        { MODEL("\"clip_vocabulary\":{\"file\":\"none.txt\"}"), "none.txt", COGVIDEO_ERROR_IO },
        { MODEL("\"clip_vocabulary\":{\"file\":\"merges.txt\",\"sha256\":\"12\"}"), "64 hexadecimal digits",
          COGVIDEO_ERROR_FORMAT },
        { MODEL("\"clip_vocabulary\":{\"file\":\"merges.txt\",\"variant\":\"new\"}"), "'variant' is 'new'",
          COGVIDEO_ERROR_UNSUPPORTED },
    };
    cogvideo_model *model = NULL;
    cogvideo_error err;

    (void)state;
    check_write(check_temp_path("merges.txt"), "abc", 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_FAILS(open_with(&model, cases[i].description, &err), cases[i].status, cases[i].words, err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_may_be_missing),
        cmocka_unit_test(a_part_says_where_it_comes_from),
        cmocka_unit_test(what_is_wrong_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
