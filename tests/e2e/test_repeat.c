/* What a run's codes depend on, and what they do not: threads, batches, samples side by side, rounds in one call. */
#include "support/check.h"
#include "support/program.h"
#include "support/models.h"

#define PROMPT "一个红色的圆形向左移动"

static void threads_change_nothing(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++)
        program_ok("generate -q --model m " PROMPT " --seed 5 --threads %d --rounds 1 --no-metadata -o t%d.y4m",
                   threads, threads);
    for (int threads = 2; threads <= 3; threads++) {
        static const char *const endings[] = { "y4m", "jsonl", "keyframes.jsonl" };

        for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
            char name[40], first[40];

            snprintf(name, sizeof name, "t%d.%s", threads, endings[i]);
            snprintf(first, sizeof first, "t1.%s", endings[i]);
            program_equal_files(first, name);
        }
    }
    program_check("tokens compare -q seed5.jsonl t1.keyframes.jsonl", 0, ""); /* the key frames alone */
}

static void seeds_change_codes(void **state)
{
    (void)state;
    program_ok("keyframes -q --model m " PROMPT " --seed 6 -o seed6.jsonl");
    program_check("tokens compare seed6.jsonl seed5.jsonl", 1, "different: ");
    program_ok("keyframes -q --model m " PROMPT " --seed 5 -o again5.jsonl");
    program_check("tokens compare -q again5.jsonl seed5.jsonl", 0, "");
    /* Drawing without a seed prints one that makes the clip again. */
    program_ok("keyframes -q --model m " PROMPT " --count 1 --json -o random.jsonl | "
               "sed 's/.*\"seed\":\\([0-9]*\\).*/\\1/' > seed; "
               "'%s' keyframes -q --model m " PROMPT " --count 1 --seed $(cat seed) -o again.jsonl",
               getenv("COGVIDEO_PROGRAM"));
    program_equal_files("random.jsonl", "again.jsonl");
}

static void samples_are_those_of_runs_alone(void **state)
{
    char name[40], alone[40];

    (void)state;
    for (int sample = 0; sample < 3; sample++) {
        snprintf(name, sizeof name, "side-%d.jsonl", sample);
        snprintf(alone, sizeof alone, "alone-%d.jsonl", sample);
        program_ok("keyframes -q --model m " PROMPT " --seed 5 --first-sample %d -o %s", sample, alone);
        program_equal_files(name, alone);
    }
    program_check("tokens compare -q side-0.jsonl seed5.jsonl", 0, "");
    program_check("tokens compare side-0.jsonl side-1.jsonl", 1, "different: ");
    program_check("tokens compare side-1.jsonl side-2.jsonl", 1, "different: ");
}

static void batches_change_nothing(void **state)
{
    (void)state;
    for (int batch = 1; batch <= 3; batch++) {
        char name[40];

        snprintf(name, sizeof name, "batch%d.jsonl", batch);
        program_ok("interpolate -q --model m --seed 5 --rounds 2 --batch %d side-1.jsonl -o %s", batch, name);
        program_equal_files("all.jsonl", name);
    }
    program_check("tokens show all.jsonl", 0, "17 frames of 8x8 codes");
}

static void rounds_can_be_calls(void **state)
{
    (void)state;
    program_ok("interpolate -q --model m --seed 5 --rounds 1 side-1.jsonl -o one.jsonl");
    program_ok("interpolate -q --model m --seed 5 --rounds 1 one.jsonl -o two.jsonl");
    program_equal_files("all.jsonl", "two.jsonl");
    /* What is left of the model's three rounds. */
    program_ok("interpolate -q --model m --seed 5 two.jsonl -o three.jsonl");
    program_check("tokens show three.jsonl", 0, "33 frames of 8x8 codes");
    program_equal_files("three.jsonl", "whole.jsonl");
}

/* The stages one by one give what generate gives. */
static void generate_is_its_stages(void **state)
{
    (void)state;
    program_ok("generate -q --model m " PROMPT " --seed 5 --first-sample 1 --samples 2 -o both-%%d.y4m");
    program_check("tokens compare -q both-1.keyframes.jsonl side-1.jsonl", 0, "");
    program_ok("interpolate -q --model m --seed 5 --first-sample 1 side-1.jsonl -o sample1.jsonl");
    program_equal_files("both-1.jsonl", "sample1.jsonl");
    /* Seed and sample stand in the key frames' header. */
    program_ok("interpolate -q --model m both-1.keyframes.jsonl -o own.jsonl");
    program_equal_files("sample1.jsonl", "own.jsonl");
    program_check("interpolate --model m side-1.jsonl --rounds 1 -o noted.jsonl" STDERR, 0, "seed: 5, sample 1");
    /* That was sample 0, from the same key frames. */
    program_check("tokens compare sample1.jsonl whole.jsonl", 1, "different: ");
    program_check("tokens compare -q both-2.keyframes.jsonl side-2.jsonl", 0, "");
    program_ok("decode -q --model m both-1.jsonl -o decoded.y4m");
    program_equal_files("both-1.y4m", "decoded.y4m");
}

static void info_tells_types_and_files(void **state)
{
    (void)state;
    program_check("info m", 0, "(f32) in");
    assert_non_null(strstr(program_output(), "clusters.safetensors: "));
    assert_non_null(strstr(program_output(), ", 1 tensor\n"));
    assert_non_null(strstr(program_output(), "text.model: "));
    program_check("info --json m", 0, "\"dtype\":\"f32\"");
}

/* The model, and what several tests compare with: key frames of seed 5, three samples of them at once, and what two
 * rounds and all make of the second. */
static int start(void **state)
{
    (void)state;
    models_write_small(check_temp());
    models_import_small("f32", "m");
    program_ok("keyframes -q --model m " PROMPT " --seed 5 -o seed5.jsonl");
    program_ok("keyframes -q --model m " PROMPT " --seed 5 --samples 3 -o side-%%d.jsonl");
    program_ok("interpolate -q --model m --seed 5 --rounds 2 side-1.jsonl -o all.jsonl");
    program_ok("interpolate -q --model m --seed 5 side-1.jsonl -o whole.jsonl");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(seeds_change_codes),
        cmocka_unit_test(samples_are_those_of_runs_alone),
        cmocka_unit_test(batches_change_nothing),
        cmocka_unit_test(rounds_can_be_calls),
        cmocka_unit_test(generate_is_its_stages),
        cmocka_unit_test(info_tells_types_and_files),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
