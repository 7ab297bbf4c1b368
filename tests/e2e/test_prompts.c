/* Many prompts in one run: each line gives the clip that a run of its own gives; what cannot be made is told before the
 * first is drawn. */
#include "support/check.h"
#include "support/models.h"
#include "support/program.h"

#include <unistd.h>

#define OPTIONS "generate --model m --rounds 1 --no-metadata -q "
#define WAVES "海浪拍打着沙滩"

static void write_text(const char *name, const char *text)
{
    check_write(check_temp_path(name), text, strlen(text));
}

static void lines_are_runs_of_their_own(void **state)
{
    (void)state;
    program_ok(OPTIONS WAVES " --seed 9 -o three.y4m");
    program_equal_files("clip-1.y4m", "one.y4m");
    program_equal_files("clip-3.y4m", "two.y4m");
    program_equal_files("own.y4m", "three.y4m");
    program_equal_files("clip-3.jsonl", "two.jsonl");
}

static void finished_clips_stay(void **state)
{
    (void)state;
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && rm clip-3.* && touch -d 2001-01-01 clip-1.y4m"), 0);
    program_check("generate --model m --rounds 1 --no-metadata --prompts list --seed 5 -o clip-%d.y4m" STDERR, 0,
                  "clip-1.y4m: is finished");
    program_equal_files("clip-3.y4m", "two.y4m");
    assert_int_equal(
        system(
            "cd \"$COGVIDEO_TEST_TEMP\" && [ -n \"$(find clip-1.y4m ! -newermt 2002-01-01)\" ] && ! ls *.journal *.partial 2>/dev/null"),
        0);
    /* One that another hand has changed is not taken for it, nor replaced. */
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && echo kept >clip-1.y4m"), 0);
    program_check("generate --model m --rounds 1 --no-metadata --prompts list --seed 5 -o clip-%d.y4m" STDERR, 1,
                  "clip-1.y4m: has another size than the one that clip-1.json tells of");
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && grep -q kept clip-1.y4m"), 0);
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

static void what_cannot_be_made_is_told_at_once(void **state)
{
    char text[2000] = "";

    (void)state;
    for (int i = 0; i < 100; i++)
        strcat(text, "红向");
    strcat(text, "\n" WAVES "\n");
    write_text("long", text);
    program_check("generate --model m --rounds 1 --no-metadata --prompts long --seed 5 -o l-%d.y4m" STDERR, 1,
                  "long: 1 of 2 prompts cannot be made; nothing was drawn yet");
    assert_non_null(strstr(program_output(), "long: line 1: the prompt has "));
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && ! ls l-* 2>/dev/null"), 0);
    program_ok(OPTIONS "--prompts long --cut-text --seed 5 -o l-%%d.y4m 2>&1");
    program_equal_files("l-2.y4m", "two.y4m");
}

/* A line that is put in on top: each clip that is there is now another line's. */
static void clips_of_other_lines_are_not_taken(void **state)
{
    (void)state;
    write_text("grows", WAVES "\n");
    program_ok(OPTIONS "--prompts grows --seed 5 -o g-%%d.y4m");
    write_text("grows", "一个红色的圆形向左移动\n" WAVES "\n");
    program_check(OPTIONS "--prompts grows --seed 5 -o g-%d.y4m" STDERR, 1,
                  "g-1.y4m: was made with other settings, \"prompt\":\"" WAVES
                  "\" and not \"prompt\":\"一个红色的圆形向左移动\"");
    assert_non_null(strstr(program_output(), "1 of 2 prompts failed"));
    program_equal_files("g-1.y4m", "two.y4m");
    program_equal_files("g-2.y4m", "two.y4m");
    write_text("grows", "{\"prompt\":\"" WAVES "\",\"seed\":6}");
    program_check(OPTIONS "--prompts grows --seed 5 -o g-%d.y4m" STDERR, 1,
                  "g-1.y4m: was made with other settings, \"seed\":5 and not \"seed\":6");
    write_text("grows", "{\"prompt\":\"" WAVES "\",\"seed\":5}");
    program_check("generate --model m --rounds 1 --no-metadata --prompts grows -o g-%d.y4m" STDERR, 0,
                  "g-1.y4m: is finished");
}

/* Two lines that would write one file, whatever their outputs are called. */
static void twins_are_refused(void **state)
{
    static const struct {
        const char *a, *b, *file;
    } twins[] = {
        { "t.y4m", "t.y4m", "/t." },
        { "t.y4m", "./t.y4m", "/t." },
        { "t.y4m", "link/t.y4m", "/t." },
        { "t.y4m", "t.mjpeg", "/t." },
        { "t.y4m", "t.keyframes.y4m", "/t.keyframes.jsonl" },
        { "t-%02d.ppm", "t-03.ppm", "/t-03.ppm" },
        { "t-%02d.ppm", "t.y4m", "/t." },
        { "twins.y4m", "u.y4m", "the list itself and line 1 have the same file, " },
        { "c-2.y4m", "", "/c-2." },
    };

    (void)state;
    assert_int_equal(symlink(".", check_temp_path("link")), 0);
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
        char text[300];

        snprintf(text, sizeof text,
                 twins[i].b[0] ? "{\"prompt\":\"a\",\"output\":\"%s\"}\n{\"prompt\":\"b\",\"output\":\"%s\"}\n"
                               : "{\"prompt\":\"a\",\"output\":\"%s\"}\nb%s\n",
                 twins[i].a, twins[i].b);
        write_text("twins.jsonl", text);
        program_check(OPTIONS "--prompts twins.jsonl --seed 5 -o c-%d.y4m" STDERR, 1, twins[i].file);
        assert_non_null(strstr(program_output(), "have the same file, "));
        assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && ! ls t.* t-* u.* c-* 2>/dev/null"), 0);
    }
    program_check("generate --model m " WAVES " --preview p.jpg -o p.jpg" STDERR, 1,
                  "--preview and the output have the same file, ");
}

/* Every way of writing text that editors and programs have. */
static void lists_are_read_as_they_are_written(void **state)
{
    static const char utf16[] = "\xff\xfe"
                                "a\0\n",
                      bare_utf16[] = "a\0b\0\n";

    (void)state;
    write_text("marked", "\xef\xbb\xbf{\"prompt\": \"" WAVES "\", \"seed\": 5.0}\r" WAVES "\r\n\r\n\xe6\xb5\xb7");
    program_ok(OPTIONS "--prompts marked --seed 5 -o m-%%d.y4m 2>&1");
    program_equal_files("m-1.y4m", "two.y4m");
    program_equal_files("m-2.y4m", "two.y4m");
    assert_int_equal(access(check_temp_path("m-4.y4m"), F_OK), 0);
    program_ok(OPTIONS "--prompts - --seed 5 -o n-%%d.y4m <marked 2>&1");
    program_equal_files("n-1.y4m", "two.y4m");
    write_text("one", "\xef\xbb\xbf" WAVES "\r\n");
    program_ok("generate --model m --rounds 1 --no-metadata -q - --seed 5 -o n.y4m <one");
    program_equal_files("n.y4m", "two.y4m");
    check_write(check_temp_path("wide"), utf16, sizeof utf16 - 1);
    program_check(OPTIONS "--prompts wide -o e-%d.y4m" STDERR, 1,
                  "wide: is UTF-16, UTF-8 was expected; 'iconv -f UTF-16 ");
    program_check("keyframes --model m - --first - -o e.jsonl <one" STDERR, 1,
                  "standard input: was read as the prompt already, so codes cannot come from it");
    program_check("generate --model m - -o e.y4m <wide" STDERR, 1, "standard input: is UTF-16, UTF-8");
    check_write(check_temp_path("wide"), bare_utf16, sizeof bare_utf16 - 1);
    program_check(OPTIONS "--prompts wide -o e-%d.y4m" STDERR, 1, "wide: is UTF-16LE, UTF-8");
}

/* What is not understood is refused, with its line, and never passed over. */
static void objects_are_read_strictly(void **state)
{
    static const struct {
        const char *line, *words;
    } wrong[] = {
        { "{\"prompt\":3}", "'prompt' must be a string" },
        { "{\"seed\":3}", "'prompt' is missing" },
        { "{\"prompt\":\"\"}", "'prompt' is empty" },
        { "{\"prompt\":\"a\",\"seed\":\"7\"}", "'seed' must be a number" },
        { "{\"prompt\":\"a\",\"seed\":-3}", "'seed' is -3, it must be from 0" },
        { "{\"prompt\":\"a\",\"seed\":1.5}", "'seed' is 1.5; a whole number was expected" },
        { "{\"prompt\":\"a\",\"seed\":1e30}", "'seed' is 1e+30, it must be from 0" },
        { "{\"prompt\":\"a\",\"seed\":null}", "'seed' must be a number" },
        { "{\"prompt\":\"a\",\"output\":7}", "'output' must be a string" },
        { "{\"prompt\":\"a\",\"fps\":8}", "unknown key 'fps'; known are prompt, seed, output" },
        { "{\"prompt\":\"a\",\"Seed\":8}", "unknown key 'Seed'" },
        { "{\"prompt\":\"a\"} b", "something follows the JSON value" },
        { "{\"prompt\":\"a\"},", "something follows the JSON value" },
        { "{\"prompt\":\"a\" \"seed\":3}", "is not valid JSON" },
        { "{\"prompt\":\"a\"", "is not valid JSON" },
        { "{\"prompt\":\"a\",\"prompt\":\"b\"}", "the key 'prompt' occurs twice" },
        { "{\"prompt\":\"a\\u0000b\"}", "the character \\u0000" },
        { "{\"prompt\":\"a\",\"output\":\"-\"}", "give a file" },
        { "{\"prompt\":\"a\",\"output\":\"x.txt\"}", "x.txt: unknown output format '.txt'" },
        { "{\"prompt\":\"a\",\"output\":\"x-%d.y4m\"}", "its name must not have a number" },
        { "[{\"prompt\":\"a\"}]", "begins a JSON array" },
        { "[", "begins a JSON array" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[300];

        snprintf(text, sizeof text, WAVES "\n%s\n", wrong[i].line);
        write_text("wrong", text);
        program_check(OPTIONS "--prompts wrong -o e-%d.y4m" STDERR, 1, wrong[i].words);
        assert_non_null(strstr(program_output(), "wrong: line 2"));
    }
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && ! ls e-* 2>/dev/null"), 0);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    write_text("empty", "\n \n");
    check_write(check_temp_path("zero"), "a\0b\n", 4);
    program_check(OPTIONS "--prompts empty -o e-%d.y4m" STDERR, 1, "empty: contains no prompts");
    program_check(OPTIONS "--prompts missing -o e-%d.y4m" STDERR, 1, "missing: cannot be read: No such file");
    program_check(OPTIONS "--prompts zero -o e-%d.y4m" STDERR, 1, "zero: line 1 contains a zero byte");
    program_check(OPTIONS "--prompts list -o e.y4m" STDERR, 2, "needs a number in the output's name");
    program_check(OPTIONS "a --prompts list -o e-%d.y4m" STDERR, 2, "only one of them was expected");
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && ! ls e* 2>/dev/null | grep -v empty"), 0);
}

/* A list and what becomes of it, and clips of the same prompts alone. */
static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    models_write_small(check_temp());
    models_import_small("f32", "m");
    write_text("list", "一个红色的圆形向左移动\n\n  " WAVES "  \r\n{\"prompt\":\"" WAVES
                       "\",\"seed\":9,\"output\":\"own.y4m\"}");
    program_ok(OPTIONS "--prompts list --seed 5 -o clip-%%d.y4m");
    program_ok(OPTIONS "一个红色的圆形向左移动 --seed 5 -o one.y4m");
    program_ok(OPTIONS WAVES " --seed 5 -o two.y4m");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_runs_of_their_own),
        cmocka_unit_test(finished_clips_stay),
        cmocka_unit_test(samples_get_a_number_more),
        cmocka_unit_test(what_cannot_be_made_is_told_at_once),
        cmocka_unit_test(clips_of_other_lines_are_not_taken),
        cmocka_unit_test(twins_are_refused),
        cmocka_unit_test(lists_are_read_as_they_are_written),
        cmocka_unit_test(objects_are_read_strictly),
        cmocka_unit_test(what_is_wrong_is_said),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
