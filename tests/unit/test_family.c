/* A family is added by its own files and a line in the registry: this test has a registry of its own. */
#include "support/check.h"
#include "support/toy_family.h"

#include "tensor/store_write.h"

extern const cv_family cv_family_cogvideo;

const cv_family *const cv_families[] = { &cv_family_cogvideo, &cv_family_toy, NULL };

enum { GRID = 3, CODES = 4 };

static const float levels[CODES] = { 0, 80, 160, 240 };

static void write_model(const char *description)
{
    cogvideo_error err;
    cv_store_writer *writer = NULL;
    size_t count = CODES;

    check_write(check_temp_path("model.json"), description, strlen(description));
    CHECK_OK(cv_store_writer_create(&writer, check_temp_path("levels.safetensors"), &err), err);
    CHECK_OK(cv_store_writer_declare(writer, "levels", CV_F32, 1, &count, &err), err);
    CHECK_OK(cv_store_writer_data(writer, levels, sizeof levels, &err), err);
    CHECK_OK(cv_store_writer_commit(&writer, &err), err);
}

#define DESCRIPTION(family) \
    "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"" family "\",\"name\":\"grey\",\"grid\":3,\"codes\":4}"

static void steps_follow_each_other(void **state)
{
    cogvideo_generate_options options;
    cogvideo_model *model = NULL;
    cogvideo_model_info info;
    cogvideo_tokens noise = { 0 }, mirrored = { 0 };
    cogvideo_video video = { 0 };
    cogvideo_error err;

    (void)state;
    write_model(DESCRIPTION("toy"));
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    cogvideo_model_get_info(model, &info);
    assert_string_equal(info.family, "toy");
    assert_string_equal(info.name, "grey");
    assert_string_equal(info.dtype, "f32");
    assert_int_equal(info.parameters, CODES);
    assert_int_equal(info.grid, GRID);
    cogvideo_generate_defaults(&options);
    options.keyframes = 2;
    options.seed = 7;
    CHECK_OK(cogvideo_run_step(model, "noise", &options, NULL, &noise, &err), err);
    CHECK_OK(cogvideo_run_step(model, "mirror", &options, &noise, &mirrored, &err), err);
    CHECK_OK(cogvideo_decode(model, NULL, &mirrored, &video, &err), err);
    assert_int_equal(video.frames, 2);
    for (int i = 0; i < 2 * GRID * GRID; i++)
        assert_int_equal(video.pixels[3 * i], (int)levels[noise.codes[i / GRID * GRID + GRID - 1 - i % GRID]]);
    cogvideo_video_free(&video);
    cogvideo_tokens_free(&noise);
    cogvideo_tokens_free(&mirrored);
    cogvideo_model_close(&model);
}

static void what_a_family_lacks_is_said(void **state)
{
    cogvideo_generate_options options;
    cogvideo_model *model = NULL;
    cogvideo_tokens clip = { 0 };
    cogvideo_score_options what = { .stage = 1 };
    cogvideo_error err;
    double logprob;
    int scored;

    (void)state;
    cogvideo_generate_defaults(&options);
    write_model(DESCRIPTION("toy"));
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    CHECK_FAILS(cogvideo_run_step(model, "keyframes", &options, NULL, &clip, &err), COGVIDEO_ERROR_UNSUPPORTED,
                "whose steps are 'noise', 'mirror', not 'keyframes'", err);
    CHECK_FAILS(cogvideo_score(model, &options, &what, &clip, &logprob, &scored, &err), COGVIDEO_ERROR_UNSUPPORTED,
                "of the family 'toy', which cannot score", err);
    CHECK_FAILS(cogvideo_text_encode(model, "a", 1, 0, NULL, NULL, &err), COGVIDEO_ERROR_MODEL, "has no text tokenizer", err);
    assert_int_equal(cogvideo_code_cluster(model, 0), -1);
    cogvideo_model_close(&model);
    write_model(DESCRIPTION("other"));
    CHECK_FAILS(cogvideo_model_open(&model, check_temp(), NULL, &err), COGVIDEO_ERROR_UNSUPPORTED,
                "is of the family 'other', this program knows 'cogvideo', 'toy'", err);
    write_model("{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"toy\",\"name\":\"grey\",\"grid\":3,\"codes\":5}");
    CHECK_FAILS(cogvideo_model_open(&model, check_temp(), NULL, &err), COGVIDEO_ERROR_MODEL, "levels", err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_each_other),
        cmocka_unit_test(what_a_family_lacks_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
