/* The benchmark runs and reports numbers that can be; how large they are is the machine's affair. */
#include "support/check.h"
#include "support/program.h"

#include "base/json.h"
#include "kernels/kernels.h"

static cv_json *parse_output(void)
{
    const char *text = program_output();
    cogvideo_error err;
    cv_json *json = NULL;

    CHECK_OK(cv_json_parse(&json, text, strlen(text), "bench", &err), err);
    return json;
}

/* Every row has a name and a rate above zero; returns how many rows have this unit. */
static int check_rows(const cv_json *report, const char *unit)
{
    cv_json *rows;
    cogvideo_error err;
    int found = 0;

    CHECK_OK(cv_json_array(report, "rows", &rows, "bench", &err), err);
    for (const cv_json *row = cv_json_first(rows); row; row = cv_json_next(row)) {
        const char *name, *own;
        double rate;

        CHECK_OK(cv_json_string(row, "name", &name, "bench", &err), err);
        CHECK_OK(cv_json_string(row, "unit", &own, "bench", &err), err);
        CHECK_OK(cv_json_double(row, "rate", 1e-9, 1e12, &rate, "bench", &err), err);
        found += strcmp(own, unit) == 0;
    }
    return found;
}

static void limits_and_layers_are_measured(void **state)
{
    cv_json *report;

    (void)state;
    program_ok("bench --hidden 64 --rounds 1 --threads 2 -q --json");
    report = parse_output();
    assert_true(check_rows(report, "GB/s") >= 2);
    assert_true(check_rows(report, "GOP/s") >= 2);
    cv_json_free(&report);
    program_ok("bench --hidden 64 --rounds 1 -q");
    assert_non_null(strstr(program_output(), "% of read bandwidth"));
}

/* Each set that runs here can be asked for by option, and for every command by COGVIDEO_CPU. */
static void kernels_are_chosen(void **state)
{
    const char *outer = getenv("COGVIDEO_CPU");
    char *kept = outer ? strdup(outer) : NULL, expected[64];
    cv_kernels kernels;

    (void)state;
    for (int number = 0; cv_kernels_usable(number, &kernels); number++) {
        snprintf(expected, sizeof expected, "kernels %s,", kernels.name);
        setenv("COGVIDEO_CPU", number == 0 ? "none" : "plain", 1);
        program_ok("bench --hidden 64 --rounds 1 --kernels %s -q", kernels.name); /* the option is the nearer one */
        assert_non_null(strstr(program_output(), expected));
        setenv("COGVIDEO_CPU", kernels.name, 1);
        snprintf(expected, sizeof expected, "kernels: %s\n", kernels.name);
        program_ok("--version");
        assert_non_null(strstr(program_output(), expected));
    }
    setenv("COGVIDEO_CPU", "none", 1);
    program_check("bench --hidden 64" STDERR, 1,
                  "COGVIDEO_CPU: kernels 'none' do not exist in this build; supported on this processor: plain");
    program_check("info" STDERR, 1, "COGVIDEO_CPU: kernels 'none'");
    program_check("generate 'a red star' -o clip.y4m" STDERR, 1, "COGVIDEO_CPU: kernels 'none'");
    program_check("--version", 0, "kernels: none, COGVIDEO_CPU: kernels 'none'");
    setenv("COGVIDEO_CPU", "", 1); /* as if it were not set */
    program_ok("info");
    if (kept)
        setenv("COGVIDEO_CPU", kept, 1);
    else
        unsetenv("COGVIDEO_CPU");
    free(kept);
}

static void a_model_is_made_and_found_again(void **state)
{
    const char *dir = getenv("COGVIDEO_CONFIGS");
    cv_json *report;

    (void)state;
    for (int again = 0; again < 2; again++) {
        program_ok("bench --config '%s/small.json' --type q4 --work '%s' --seconds 0.05 -q --json",
                   dir ? dir : "configs", check_temp_path("seeded"));
        report = parse_output();
        assert_true(check_rows(report, "codes/s") == 9);
        cv_json_free(&report);
    }
    program_ok("info '%s'", check_temp_path("seeded"));
}

/* A folder holds one model, and no trained one is touched. */
static void other_models_stay(void **state)
{
    const char *dir = getenv("COGVIDEO_CONFIGS");
    char bench[400];

    (void)state;
    snprintf(bench, sizeof bench, "bench --config '%s/small.json' --seconds 0.05 --rounds 1 -q", dir ? dir : "configs");
    program_ok("%s --type q8 --work '%s'", bench, check_temp_path("kept"));
    program_ok("bench --model '%s' --seconds 0.05 --rounds 1 -q", check_temp_path("kept"));
    assert_int_equal(program_run("%s --type q4 --work '%s'" STDERR, bench, check_temp_path("kept")), 1);
    assert_non_null(strstr(program_output(), "another config or type"));
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && rm kept/bench.json kept/stage2.safetensors"), 0);
    assert_int_equal(program_run("%s --type q8 --work '%s'" STDERR, bench, check_temp_path("kept")), 1);
    assert_non_null(strstr(program_output(), "was not made to be measured"));
    assert_int_equal(system("[ -e \"$COGVIDEO_TEST_TEMP\"/kept/stage2.safetensors ]") == 0, 0);
}

/* With guesses that all come true a step decides as many codes as it looks at. */
static void looking_ahead_is_measured(void **state)
{
    static const char *const parts[] = { "first frame", "key frames", "between" };
    const char *dir = getenv("COGVIDEO_CONFIGS");
    cv_json *report;
    char row[100];

    (void)state;
    program_ok(
        "bench --config '%s/small.json' --type q8 --work '%s' --seconds 5 --rounds 1 --lookahead --hits 1 -q --json",
        dir ? dir : "configs", check_temp_path("ahead"));
    report = parse_output();
    assert_int_equal(check_rows(report, "codes/s"), 15);
    assert_int_equal(check_rows(report, "codes"), 12);
    cv_json_free(&report);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(row, sizeof row, "\"name\":\"%s, lookahead 8, a step\",\"rate\":8,", parts[i]);
        assert_non_null(strstr(program_output(), row));
    }
}

/* A model that makes pictures: it has no stages, and its upscaler reads the trunk that draws the first picture. */
static void a_picture_is_measured_in_all_steps(void **state)
{
    static const char *const rows[] = { "a picture, batch 1",          "a picture, batch 4",
                                        "super-resolution of a frame", "refining a frame, one round",
                                        "decoding of a frame",         "a picture in all" };
    const char *dir = getenv("COGVIDEO_CONFIGS");
    cv_json *report;
    char name[60];

    (void)state;
    for (int again = 0; again < 2; again++) {
        program_ok("bench --config '%s/small-cogview2.json' --work '%s' --seconds 0.02 --rounds 2 -q --json",
                   dir ? dir : "configs", check_temp_path("picture"));
        report = parse_output();
        assert_int_equal(check_rows(report, "codes/s"), 2);
        assert_int_equal(check_rows(report, "GFLOP/s"), 4);
        cv_json_free(&report);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            snprintf(name, sizeof name, "\"name\":\"%s\"", rows[i]);
            assert_non_null(strstr(program_output(), name));
        }
        assert_non_null(strstr(program_output(), "\"limit\":\"read bandwidth\""));
    }
    program_check("info --json picture", 0, "\"shared_trunk\":true");
}

/* A model of another family, which its config names. */
static void a_phenaki_is_measured_too(void **state)
{
    const char *dir = getenv("COGVIDEO_CONFIGS");

    (void)state;
    program_ok("bench --config '%s/phenaki-shapes-model.json' --type q8 --work '%s' --rounds 1 -q --json",
               dir ? dir : "configs", check_temp_path("phenaki"));
    assert_non_null(strstr(program_output(), "\"masked transformer\""));
    assert_non_null(strstr(program_output(), "\"a guided step\""));
    assert_non_null(strstr(program_output(), "\"decoding of a scene\""));
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    program_check("bench --kernels none" STDERR, 1,
                  "kernels 'none' do not exist in this build; supported on this processor: plain");
    program_check("bench --hidden 65" STDERR, 1, "multiple of 64");
    program_check("bench --config x" STDERR, 2, "--work DIR");
    program_check("bench --lookahead" STDERR, 2, "--config FILE");
    program_check("bench --hits 0.5" STDERR, 2, "--lookahead alone");
    program_check("bench --model x --config y --work z" STDERR, 2, "not both");
    program_check("bench --config x --work y --lookahead --prompt z" STDERR, 2, "--prompt needs a trained model");
    program_check("bench --config nowhere.json --work made" STDERR, 1, "nowhere.json");
    program_check("bench --config x --work y --type q5" STDERR, 1, "q5");
}

static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_and_layers_are_measured),  cmocka_unit_test(kernels_are_chosen),
        cmocka_unit_test(a_model_is_made_and_found_again), cmocka_unit_test(other_models_stay),
        cmocka_unit_test(looking_ahead_is_measured),       cmocka_unit_test(a_picture_is_measured_in_all_steps),
        cmocka_unit_test(a_phenaki_is_measured_too),       cmocka_unit_test(what_cannot_be_is_said)
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
