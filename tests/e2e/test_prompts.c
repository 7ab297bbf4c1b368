/* Many prompts in one run: each line gives the clip that a run of its own gives, and one that fails does not stop the others. */
#include "support/check.h"
#include "support/models.h"
#include "support/program.h"

#define OPTIONS "generate --model m --rounds 1 --no-metadata -q "
#define WAVES "海浪拍打着沙滩"

static void write_text(const char *name, const char *text)
{
    check_write(check_temp_path(name), text, strlen(text));
}

static void lines_are_runs_of_their_own(void **state)
{
    (void)state;
    write_text("list", "一个红色的圆形向左移动\n\n  " WAVES "  \r\n{\"prompt\":\"" WAVES "\",\"seed\":9,\"output\":\"own.y4m\"}");
    program_ok(OPTIONS "--prompts list --seed 5 -o clip-%%d.y4m");
    program_ok(OPTIONS "一个红色的圆形向左移动 --seed 5 -o one.y4m");
    program_ok(OPTIONS WAVES " --seed 5 -o two.y4m");
    program_ok(OPTIONS WAVES " --seed 9 -o three.y4m");
    program_equal_files("clip-1.y4m", "one.y4m");
    program_equal_files("clip-3.y4m", "two.y4m");
    program_equal_files("own.y4m", "three.y4m");
    program_equal_files("clip-3.jsonl", "two.jsonl");
}

static void finished_clips_stay(void **state)
{
    (void)state;
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && rm clip-3.* && echo kept >clip-1.y4m"), 0);
    program_check("generate --model m --rounds 1 --no-metadata --prompts list --seed 5 -o clip-%d.y4m" STDERR, 0,
                  "clip-1.y4m: is finished");
    program_equal_files("clip-3.y4m", "two.y4m");
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && grep -q kept clip-1.y4m && ! ls *.journal *.partial 2>/dev/null"), 0);
    program_ok(OPTIONS "--prompts - --seed 5 --force -o clip-%%d.y4m <list");
    program_equal_files("clip-1.y4m", "one.y4m");
}

static void samples_get_a_number_more(void **state)
{
    (void)state;
    write_text("short", WAVES "\n");
    program_ok(OPTIONS "--prompts short --samples 2 --seed 5 -o s-%%02d.y4m");
    program_equal_files("s-01-0.y4m", "two.y4m");
    program_ok(OPTIONS WAVES " --seed 5 --first-sample 1 -o other.y4m");
    program_equal_files("s-01-1.y4m", "other.y4m");
}

static void one_failure_does_not_stop_the_rest(void **state)
{
    char text[2000] = "";

    (void)state;
    for (int i = 0; i < 100; i++)
        strcat(text, "红向");
    strcat(text, "\n" WAVES "\n");
    write_text("long", text);
    program_check("generate --model m --rounds 1 --no-metadata --prompts long --seed 5 -o l-%d.y4m" STDERR, 1,
                  "1 of 2 prompts failed; their errors are above");
    program_equal_files("l-2.y4m", "two.y4m");
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    write_text("empty", "\n \n");
    write_text("object", WAVES "\n{\"prompt\":3}\n");
    check_write(check_temp_path("zero"), "a\0b\n", 4);
    program_check(OPTIONS "--prompts empty -o e-%d.y4m" STDERR, 1, "empty: holds no prompts");
    program_check(OPTIONS "--prompts missing -o e-%d.y4m" STDERR, 1, "missing: cannot be read: No such file");
    program_check(OPTIONS "--prompts object -o e-%d.y4m" STDERR, 1, "object: line 2 is no JSON object with a \"prompt\"");
    program_check(OPTIONS "--prompts zero -o e-%d.y4m" STDERR, 1, "zero: line 1 holds a zero byte");
    program_check(OPTIONS "--prompts list -o e.y4m" STDERR, 2, "needs a number in the output's name");
    program_check(OPTIONS "a --prompts list -o e-%d.y4m" STDERR, 2, "only one of them was expected");
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && ! ls e* 2>/dev/null | grep -v empty"), 0);
}

static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    models_write_small(check_temp());
    models_import_small("f32", "m");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_runs_of_their_own),        cmocka_unit_test(finished_clips_stay),
        cmocka_unit_test(samples_get_a_number_more),          cmocka_unit_test(one_failure_does_not_stop_the_rest),
        cmocka_unit_test(what_is_wrong_is_said),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
