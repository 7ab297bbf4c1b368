/* The options of the library's runs: the model's own values, each of which means what it says. */
#include "support/check.h"
#include "support/models.h"

#include <cogvideo/cogvideo.h>

#include <math.h>
#include <string.h>

#define FRAMES 5
#define CODES (8 * 8)

static cogvideo_model *model;
static cogvideo_generate_options defaults;

static int set_up(void **state)
{
    cogvideo_error err;

    (void)state;
    models_write_small(check_temp());
    models_import_small("f16", "m");
    CHECK_OK(cogvideo_model_open(&model, check_temp_path("m"), NULL, &err), err);
    memset(&defaults, 0xff, sizeof defaults);
    cogvideo_generate_defaults(model, &defaults);
    defaults.prompt = "红色";
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cogvideo_model_close(&model);
    return 0;
}

/* configs/small.json. */
static void defaults_are_the_models_own(void **state)
{
    static const char *const names[] = { "first_frame", "keyframes", "interpolate", "upscale" };
    static const int clusters[] = { 16, 12, 12, 6 };
    cogvideo_decode_options decode;

    (void)state;
    assert_int_equal(defaults.step_count, 4);
    for (int i = 0; i < 4; i++) {
        cogvideo_step_options *step = &defaults.steps[i];

        assert_string_equal(step->name, names[i]);
        assert_ptr_equal(cogvideo_find_step(&defaults, names[i]), step);
        assert_true(step->guidance == (i == 1 ? 3.0 : 1.0));
        assert_true(step->text_weight == (i == 3 ? 0 : 1.4) && step->text_weight_guided == 0);
        assert_int_equal(step->has_guidance, i == 1 || i == 2);
        assert_int_equal(step->has_text_weight, i != 3);
        assert_int_equal(step->sampling.clusters, clusters[i]);
        assert_int_equal(step->sampling.top_k, 0);
        assert_true(step->sampling.top_p == 1 && !step->sampling.greedy);
    }
    assert_true(defaults.steps[1].sampling.temperature == 1.05);
    assert_null(cogvideo_find_step(&defaults, "decode"));
    assert_true(defaults.seconds == 4);
    assert_int_equal(defaults.keyframes, FRAMES);
    assert_int_equal(defaults.samples, 1);
    for (size_t i = 0; i < sizeof defaults.reserved / sizeof *defaults.reserved; i++)
        assert_int_equal(defaults.reserved[i], 0);
    cogvideo_decode_defaults(model, &decode);
    assert_int_equal(decode.size, 64);
}

static cogvideo_status draw(const cogvideo_generate_options *options, cogvideo_value *out, cogvideo_error *err)
{
    return cogvideo_run_step(model, "keyframes", options, NULL, out, err);
}

static void what_is_out_of_range_is_named(void **state)
{
    const struct {
        double value;
        size_t offset;
        const char *words;
    } numbers[] = {
        { NAN, offsetof(cogvideo_generate_options, seconds), "seconds must be from 0.1" },
        { 0, offsetof(cogvideo_generate_options, seconds), "seconds must be from 0.1" },
        { -1, offsetof(cogvideo_generate_options, steps[1].guidance),
          "keyframes: guidance must be a number from 0 to 1000, not -1" },
        { NAN, offsetof(cogvideo_generate_options, steps[2].guidance), "interpolate: guidance must be" },
        { NAN, offsetof(cogvideo_generate_options, steps[0].text_weight), "first_frame: the text weight must be" },
        { 0, offsetof(cogvideo_generate_options, steps[1].sampling.temperature),
          "keyframes: temperature must be from 1e-06 to 1000, not 0" },
        { 0, offsetof(cogvideo_generate_options, steps[3].sampling.top_p),
          "upscale: top_p must be from 1e-06 to 1, not 0" },
    };
    cogvideo_generate_options options;
    cogvideo_value out = { 0 };
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        options = defaults;
        *(double *)(void *)((char *)&options + numbers[i].offset) = numbers[i].value;
        CHECK_FAILS(draw(&options, &out, &err), COGVIDEO_ERROR_ARGUMENT, numbers[i].words, err);
    }
    options = defaults;
    options.steps[1].sampling.clusters = -1;
    CHECK_FAILS(draw(&options, &out, &err), COGVIDEO_ERROR_ARGUMENT,
                "keyframes: clusters must be from 0 to 1048576, not -1", err);
    options = defaults;
    options.samples = 0;
    CHECK_FAILS(draw(&options, &out, &err), COGVIDEO_ERROR_ARGUMENT, "samples must be from 1 to 64, not 0", err);
    options = defaults;
    options.keyframes = 0;
    CHECK_FAILS(draw(&options, &out, &err), COGVIDEO_ERROR_ARGUMENT, "this model makes 1 to 5 key frames, not 0", err);
    options = (cogvideo_generate_options){ .prompt = "红色" };
    CHECK_FAILS(draw(&options, &out, &err), COGVIDEO_ERROR_ARGUMENT, "cogvideo_generate_defaults fills in all options",
                err);
}

static void fields_are_set_by_name_in_all_steps(void **state)
{
    cogvideo_generate_options options = defaults;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_set_sampling(&options, "top_k", 8, &err), err);
    for (int i = 0; i < options.step_count; i++)
        assert_int_equal(options.steps[i].sampling.top_k, 8);
    CHECK_FAILS(cogvideo_set_sampling(&options, "top_k", -1, &err), COGVIDEO_ERROR_ARGUMENT,
                "top_k must be from 0 to 1048576, not -1", err);
    CHECK_FAILS(cogvideo_set_sampling(&options, "top_k", 2.5, &err), COGVIDEO_ERROR_ARGUMENT,
                "top_k must be a whole number, not 2.5", err);
    CHECK_FAILS(cogvideo_set_sampling(&options, "top_q", 1, &err), COGVIDEO_ERROR_ARGUMENT, "no field 'top_q'", err);
    assert_int_equal(options.steps[0].sampling.top_k, 8);
}

static void make(const cogvideo_generate_options *options, const char *step, const cogvideo_value *in,
                 cogvideo_value *out)
{
    cogvideo_error err;

    cogvideo_value_free(out);
    CHECK_OK(cogvideo_run_step(model, step, options, in, out, &err), err);
}

static bool are_equal(const cogvideo_value *a, const cogvideo_value *b)
{
    assert_int_equal(a->codes.frames, b->codes.frames);
    return memcmp(a->codes.codes, b->codes.codes, (size_t)a->codes.frames * CODES * sizeof *a->codes.codes) == 0;
}

/* A step reads its own guidance and sampling, and no other's; 0 and 1 of guidance are the same. */
static void each_step_has_its_own(void **state)
{
    cogvideo_generate_options options = defaults;
    cogvideo_value keys = { 0 }, other = { 0 }, clip = { 0 };

    (void)state;
    make(&options, "keyframes", NULL, &keys);
    options.steps[2].guidance = 3;
    options.steps[2].sampling.temperature = 0.5;
    make(&options, "keyframes", NULL, &other);
    assert_true(are_equal(&keys, &other));
    assert_null(strstr(other.codes.header, "0.5"));

    options = defaults;
    options.rounds = 1;
    make(&options, "interpolate", &keys, &clip);
    options.steps[1].guidance = 1;
    make(&options, "interpolate", &keys, &other);
    assert_true(are_equal(&clip, &other));
    options.steps[2].guidance = 0;
    make(&options, "interpolate", &keys, &other);
    assert_true(are_equal(&clip, &other));
    options.steps[2].guidance = 3; /* by the model's guide, as no ids are given */
    make(&options, "interpolate", &keys, &other);
    assert_false(are_equal(&clip, &other));
    cogvideo_value_free(&keys);
    cogvideo_value_free(&other);
    cogvideo_value_free(&clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_models_own),
        cmocka_unit_test(what_is_out_of_range_is_named),
        cmocka_unit_test(fields_are_set_by_name_in_all_steps),
        cmocka_unit_test(each_step_has_its_own),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
