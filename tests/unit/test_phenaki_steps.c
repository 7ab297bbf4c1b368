/* What the steps of a Phenaki model refuse, and what they make of the shortest clips. */
#include "support/check.h"
#include "support/phenaki_model.h"

#include <cogvideo/generate.h>
#include <cogvideo/tokens.h>

static cogvideo_model *open_model(const char *folder)
{
    cogvideo_model *model = NULL;
    cogvideo_error err;

    CHECK_OK(cogvideo_model_open(&model, check_temp_path(folder), NULL, &err), err);
    return model;
}

static int set_up(void **state)
{
    (void)state;
    phenaki_model_write("m");
    phenaki_model_write_without_text("u");
    return 0;
}

static void expect_refused(const cogvideo_model *model, const cogvideo_generate_options *options,
                           const cogvideo_value *in, const char *why)
{
    cogvideo_value out = { 0 };
    cogvideo_error err;

    assert_int_equal(cogvideo_run_step(model, "scenes", options, in, &out, &err), COGVIDEO_ERROR_ARGUMENT);
    if (!strstr(err.message, why))
        fail_msg("'%s' was expected, not '%s'", why, err.message);
}

/* A scene goes on from frames of the model's size alone. */
static void other_sizes_are_refused(void **state)
{
    cogvideo_model *model = open_model("m");
    cogvideo_value first = { .kind = COGVIDEO_KIND_PIXELS };
    cogvideo_generate_options options;
    cogvideo_error err;

    (void)state;
    cogvideo_generate_defaults(model, &options);
    CHECK_OK(cogvideo_video_alloc(&first.pixels, 8, 8, 5, 8, &err), err);
    expect_refused(model, &options, &first, "24x16");
    cogvideo_value_free(&first);
    cogvideo_model_close(&model);
}

static void options_out_of_range_are_refused(void **state)
{
    cogvideo_model *model = open_model("m");
    cogvideo_generate_options own, options;

    (void)state;
    cogvideo_generate_defaults(model, &own);
    options = own;
    options.steps[0].guidance = -1;
    expect_refused(model, &options, NULL, "guidance");
    options = own;
    options.steps[0].sampling.sampler = 7;
    expect_refused(model, &options, NULL, "sampler");
    options = own;
    options.steps[0].name = "keyframes";
    expect_refused(model, &options, NULL, "another model");
    options = own;
    options.context = -3;
    expect_refused(model, &options, NULL, "context");
    cogvideo_model_close(&model);
}

/* A model that knows no texts needs none. */
static void a_model_without_texts_draws(void **state)
{
    cogvideo_model *model = open_model("u");
    cogvideo_generate_options options;
    cogvideo_value out = { 0 };
    cogvideo_error err;

    (void)state;
    cogvideo_generate_defaults(model, &options);
    CHECK_OK(cogvideo_run_step(model, "scenes", &options, NULL, &out, &err), err);
    assert_int_equal(out.codes.frames, 3);
    cogvideo_value_free(&out);
    cogvideo_model_close(&model);
}

/* 10 frames are a window of 9 and a single picture: what is decoded has the times of what was encoded. */
static void a_picture_at_the_end_keeps_the_frame_rate(void **state)
{
    cogvideo_model *model = open_model("m");
    cogvideo_video in, out = { 0 };
    cogvideo_tokens codes = { 0 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_video_alloc(&in, PHENAKI_MODEL_WIDTH, PHENAKI_MODEL_HEIGHT, PHENAKI_MODEL_FRAMES + 1, 25, &err),
             err);
    CHECK_OK(cogvideo_encode(model, &in, 0, NULL, &codes, &err), err);
    assert_int_equal(codes.frames, 4);
    CHECK_OK(cogvideo_decode(model, NULL, &codes, &out, &err), err);
    assert_int_equal(out.frames, PHENAKI_MODEL_FRAMES + 1);
    assert_float_equal(out.fps, 25, 1e-6);
    cogvideo_video_free(&in);
    cogvideo_video_free(&out);
    cogvideo_tokens_free(&codes);
    cogvideo_model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(a_model_without_texts_draws),
        cmocka_unit_test(a_picture_at_the_end_keeps_the_frame_rate),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
