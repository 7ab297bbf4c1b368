/* Iterative super-resolution by the program: what it draws anew and what it keeps, in which runs it takes part, and
 * what it is told. */
#include "support/check.h"
#include "support/models.h"
#include "support/program.h"

#include <cogvideo/tokens.h>
#include <signal.h>

#define PROMPT "一个红色的圆形向左移动"
#define STEP "refine -q --model m high.jsonl --seed 5 "

static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    models_write_small(check_temp());
    models_import_small("f32", "plain");
    models_import_small("f32", "m");
    models_add_upscaler("m");
    models_add_refiner("m");
    program_ok("keyframes -q --model m " PROMPT " --seed 5 --count 2 -o key.jsonl");
    program_ok("upscale -q --model m key.jsonl --seed 5 -o high.jsonl");
    program_ok(STEP "-o fine.jsonl");
    return 0;
}

/* The pattern's places of 0 and less are the upscaler's; of the others most come out otherwise. */
static void only_the_patterns_places_change(void **state)
{
    static const int pattern[3][3] = { { 0, 1, 2 }, { 1, 3, -1 }, { 2, -1, 1 } };
    cogvideo_tokens high = { 0 }, fine = { 0 };
    cogvideo_error err;
    int drawn = 0, changed = 0;

    (void)state;
    CHECK_OK(cogvideo_tokens_load(&high, check_temp_path("high.jsonl"), &err), err);
    CHECK_OK(cogvideo_tokens_load(&fine, check_temp_path("fine.jsonl"), &err), err);
    assert_int_equal(fine.frames, high.frames);
    assert_int_equal(fine.width, 16);
    for (int i = 0; i < fine.frames * 16 * 16; i++) {
        const int place = i % 256;

        if (pattern[place / 16 % 3][place % 16 % 3] < 1) {
            assert_int_equal(fine.codes[i], high.codes[i]);
        } else {
            drawn++;
            changed += fine.codes[i] != high.codes[i];
        }
    }
    assert_true(changed > drawn / 2);
    cogvideo_tokens_free(&high);
    cogvideo_tokens_free(&fine);
}

static void threads_and_frames_change_nothing(void **state)
{
    (void)state;
    program_ok(STEP "--threads 3 -o three.jsonl");
    program_equal_files("fine.jsonl", "three.jsonl");
    program_ok("quantize m q8 --type q8 -q");
    program_ok("refine -q --model q8 high.jsonl --seed 5 -o q8.jsonl");
    program_ok("refine -q --model m high.jsonl --seed 6 -o other.jsonl");
    program_check("tokens compare fine.jsonl other.jsonl", 1, "different: ");
}

static void a_run_goes_on_where_it_was(void **state)
{
    (void)state;
    program_interrupt(SIGTERM, "kill.journal", 12, STEP "-o kill.jsonl");
    program_ok(STEP "-o kill.jsonl --resume");
    program_equal_files("fine.jsonl", "kill.jsonl");
}

/* A run refines where it is asked to, and the codes are those of the steps one by one. */
static void whole_runs_ask_for_it(void **state)
{
    (void)state;
    program_ok("generate -q --model m " PROMPT " --seed 5 --rounds 1 --refine -o clip.y4m");
    program_ok("upscale -q --model m clip.interpolated.jsonl --seed 5 -o up.jsonl");
    program_ok("refine -q --model m up.jsonl --seed 5 -o re.jsonl");
    program_check("tokens compare -q re.jsonl clip.jsonl", 0, "");
    program_check("tokens compare -q up.jsonl clip.upscaled.jsonl", 0, "");
    program_ok("generate -q --model m " PROMPT " --seed 5 --rounds 1 -o coarse.y4m");
    program_check("tokens compare -q up.jsonl coarse.jsonl", 0, "");
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    program_check("refine --model m key.jsonl --seed 5 -o x.jsonl" STDERR, 1,
                  "takes frames of 16x16 codes, these have 8x8");
    program_check("generate --model m " PROMPT " --seed 5 --rounds 1 --no-upscale --refine -o x.y4m" STDERR, 1,
                  "follows super-resolution");
    program_check("refine --model plain high.jsonl --seed 5 -o x.jsonl" STDERR, 1, "has no refiner");
    program_check("generate --model plain " PROMPT " --seed 5 --refine -o x.y4m" STDERR, 1, "has no refiner");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_patterns_places_change), cmocka_unit_test(threads_and_frames_change_nothing),
        cmocka_unit_test(a_run_goes_on_where_it_was),      cmocka_unit_test(whole_runs_ask_for_it),
        cmocka_unit_test(what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
