/* Prompts of any length and any bytes, and names out of hostile files: a sentence and an exit code, little memory, and
 * nothing that a terminal would act on. */
#include "support/check.h"
#include "support/models.h"
#include "support/program.h"

#include "base/file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS "keyframes -q --model m --seed 5 -o k.jsonl --force "
#define CLIPS "generate -q --model m --seed 5 --rounds 1 -o c-%d.y4m "
#define HOSTILE         \
    "a\x1b]0;b\x07\x9b" \
    "2J\xc2\x9b"        \
    "2J\x7f\x08z" /* an escape, C1 as a byte and as UTF-8, DEL, backspace */

static void write_text(const char *name, const char *text)
{
    check_write(check_temp_path(name), text, strlen(text));
}

/* `count` times `text`. */
static void write_many(const char *name, const char *text, size_t count)
{
    FILE *file = fopen(check_temp_path(name), "wb");

    assert_non_null(file);
    while (count-- > 0)
        fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Two gigabytes that take no room on the disk, and streams without an end. */
static void endless_prompts_are_refused(void **state)
{
    struct rusage usage;

    (void)state;
    write_text("huge", "");
    assert_int_equal(truncate(check_temp_path("huge"), (off_t)1 << 31), 0);
    program_check(KEYS "- <huge" STDERR, 1, "standard input: a prompt may have at most 1048576 bytes");
    program_check(KEYS "- </dev/zero" STDERR, 1, "standard input: a prompt may have at most 1048576 bytes");
    program_check(CLIPS "--prompts huge" STDERR, 1,
                  "huge: line 1 is longer than the 1048576 bytes that a prompt may have");
    program_check(CLIPS "--prompts - </dev/zero" STDERR, 1, "standard input: line 1 is longer than the 1048576 bytes");
    program_check("tokenize --model m - <huge" STDERR, 1, "at most 1048576 bytes");
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && yes '' | \"$COGVIDEO_PROGRAM\" " CLIPS "--prompts - 2>told; "
                            "[ $? = 1 ] && grep -q 'has more than 100000 lines' told"),
                     0);
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
    assert_true(CHECK_SANITIZED || usage.ru_maxrss < 300 * 1024);
}

static void long_prompts_are_refused_or_cut(void **state)
{
    (void)state;
    write_many("long", "红", 100000);
    write_many("longer-than-an-argument", "红", 20000);
    program_check(
        KEYS "- <long" STDERR, 1,
        "the prompt has 100001 tokens and the first frame adds 5: that makes 100006, and the model has room for 64");
    assert_true(strlen(program_output()) < 1000);
    program_check(KEYS "\"$(cat longer-than-an-argument)\"" STDERR, 1, "the prompt has 20001 tokens");
    program_check(CLIPS "--prompts long" STDERR, 1, "1 of 1 prompts cannot be made; nothing was drawn yet");
    assert_true(strlen(program_output()) < 1000);
    program_check(KEYS "--cut-text - <long" STDERR, 0, "cut");
    assert_true(strlen(program_output()) < 1000);
    /* What the model does not know is quoted, but not all of it. */
    write_many("unknown", "\xf0\x9f\x8c\xb5", 25000);
    program_run(KEYS "--cut-text - <unknown" STDERR);
    assert_non_null(strstr(program_output(), "has never seen '\xf0\x9f\x8c\xb5"));
    assert_true(strlen(program_output()) < 2000);
}

static void empty_and_broken_prompts_are_refused(void **state)
{
    (void)state;
    program_check(KEYS "''" STDERR, 1, "the prompt is empty");
    program_check(KEYS "'  '" STDERR, 1, "the prompt is empty");
    program_check(KEYS "- </dev/null" STDERR, 1, "the prompt is empty");
    program_check(CLIPS "--prompts /dev/null" STDERR, 1, "/dev/null: contains no prompts");
    program_check(CLIPS "--prompts ." STDERR, 1, ".: cannot be read: Is a directory");
    write_text("object", "{\"prompt\":\"\"}\n{\"prompt\":\" \"}\n");
    program_check(CLIPS "--prompts object" STDERR, 1, "object: line 1: 'prompt' is empty");
    write_text("object", "{\"prompt\":\"a\"}\n\xe3\x80\x80\n");
    program_check(CLIPS "--prompts object" STDERR, 1, "object: line 2: the prompt is empty");
    write_text("half", "{\"prompt\":\"a\\ud800b\"}\n");
    program_check(CLIPS "--prompts half" STDERR, 1, "half: line 1: is not valid JSON");
    write_text("escaped", "{\"prompt\":\"a\\u0000b\"}\n");
    program_check(CLIPS "--prompts escaped" STDERR, 1, "escaped: line 1: has the character");
    check_write(check_temp_path("zero"), "a\0b\n", 4);
    program_check(KEYS "- <zero" STDERR, 1, "standard input: holds a zero byte");
    program_check(CLIPS "--prompts zero" STDERR, 1, "zero: line 1 contains a zero byte");
    /* A stray byte, an overlong form, a surrogate, a cut character. */
    static const char *const broken[] = { "a\x9b", "a\xc0\xaf", "a\xed\xa0\x80", "a\xe7\xba" };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        write_text("broken", broken[i]);
        program_check(KEYS "- <broken" STDERR, 1, "the prompt is not UTF-8 text, from byte 1 on: convert it to UTF-8");
        program_check(KEYS "\"$(cat broken)\"" STDERR, 1, "the prompt is not UTF-8 text, from byte 1 on");
        program_check(CLIPS "--prompts broken" STDERR, 1, "the prompt is not UTF-8 text, from byte 1 on");
    }
    /* Rare characters, and text from right to left, are characters like others. */
    program_check(KEYS "'\xf0\xa0\x80\x80\xd7\x90\xe2\x80\xae'" STDERR, 0, "");
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && ! ls c-* 2>/dev/null"), 0);
}

/* What the program says, lines of printable UTF-8. */
static void check_printable(const char *arguments)
{
    const unsigned char *s;

    program_run("%s 2>&1", arguments);
    s = (const unsigned char *)program_output();
    assert_int_not_equal(*s, '\0');
    for (; *s; s++) {
        if ((*s < 0x20 && *s != '\n' && *s != '\t') || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0))
            fail_msg("%s: byte 0x%02x in '%s'", arguments, *s, program_output());
        if (*s >= 0x80) {
            int more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : 1;

            for (; more > 0 && (s[1] & 0xc0) == 0x80; more--)
                s++;
            if (*s >= 0xc0 || more > 0)
                fail_msg("%s: no UTF-8 in '%s'", arguments, program_output());
        }
    }
}

/* A copy of the model's folder, where `text` stands behind `place` in its description. */
static void spoil_model(const char *folder, const char *place, const char *text)
{
    char path[100];
    cv_buffer file = { 0 }, spoilt = { 0 };
    const char *at;
    cogvideo_error err;

    assert_int_equal(program_run("--version >/dev/null && cp -r m '%s'", folder), 0);
    snprintf(path, sizeof path, "%s/model.json", folder);
    CHECK_OK(cv_file_read(&file, check_temp_path(path), 1 << 20, &err), err);
    assert_non_null(at = strstr(file.data, place));
    at += strlen(place);
    CHECK_OK(cv_buffer_printf(&spoilt, &err, "%.*s%s%s", (int)(at - file.data), file.data, text, at), err);
    write_text(path, spoilt.data);
    cv_buffer_free(&file);
    cv_buffer_free(&spoilt);
}

static void no_file_speaks_to_the_terminal(void **state)
{
    /* JSON holds control characters as escapes, and other bytes as they are. */
    static const char clip[] = "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":2,\"prompt\":\"\\u001b[2J\x9b"
                               "2J\xc2\x9b\x7f\"}\n"
                               "{\"codes\":[1,2,3,4]}\n";
    static const char about[] =
        "{\"format\":\"cogvideo-dataset\",\"version\":1,\"size\":8,\"fps\":8,\"clips\":1,\"frames\":1}\n";
    static const char entry[] = "{\"frames\":1,\"caption\":\"\\u001b[2J\x9b"
                                "2J\xc2\x9b\\u0007\",\"source\":\"\\u001b]0;x\\u0007\x9b\"}\n";
    char pixels[8 * 8 * 3] = { 0 };

    (void)state;
    write_text("clip.jsonl", clip);
    check_printable("tokens show clip.jsonl");
    check_printable("tokens show --json clip.jsonl");
    check_printable("interpolate -q --model m clip.jsonl -o i.jsonl");
    check_printable("tokens convert clip.jsonl -o -");
    write_text(HOSTILE, clip);
    check_printable("tokens show a* --frame 9");
    check_printable("tokens compare a* clip.jsonl");
    check_printable("generate a -o a*/x.y4m");
    check_printable("decode a* -o \"$(ls -d a*)\"");
    check_printable("info a*");
    check_printable("\"$(ls -d a*)\"");
    check_printable("info --\"$(ls -d a*)\"");
    check_printable("info --threads \"$(ls -d a*)\"");
    check_printable("tokenize --model m --pieces \"$(ls -d a*)\"");
    check_printable("tokenize --model m --json \"$(ls -d a*)\"");
    check_printable("keyframes --model m \"$(printf 'a\\033[2J')\" --seed 5 -o esc.jsonl");
    check_printable("tokens show esc.jsonl");
    check_printable("tokens show --json esc.jsonl");

    assert_int_equal(mkdir(check_temp_path("set\x1b[2J\x9b"), 0777), 0);
    check_write(check_temp_path("set\x1b[2J\x9b/dataset.json"), about, sizeof about - 1);
    check_write(check_temp_path("set\x1b[2J\x9b/clips.jsonl"), entry, sizeof entry - 1);
    check_write(check_temp_path("set\x1b[2J\x9b/frames.rgb"), pixels, sizeof pixels);
    check_printable("dataset info set*");
    check_printable("dataset info set* --clip 0");
    check_printable("dataset info --json set* --clip 0");
    check_printable("dataset info set* --clip 1");
    assert_non_null(strstr(program_output(), "\\x1b[2J\\x9b"));

    spoil_model("n", "\"name\":\t\"", "a\\u001b[2J\xc2\x9b");
    check_printable("info n");
    assert_non_null(strstr(program_output(), "a\\u001b[2J\\u009b"));
    check_printable("info --json n");
    spoil_model("f", "\"own\":\t\"", "\\u001b[2J");
    check_printable("info f");
    assert_non_null(strstr(program_output(), "\\x1b[2J"));
    spoil_model("o", "{", "\"\\u001b[2J\":1,");
    check_printable("info o");
    spoil_model("l", "{", "\"\x9b\":1,");
    check_printable("info l");
    assert_non_null(strstr(program_output(), "JSON must be UTF-8 text; byte 2 is not"));
}

static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    models_write_small(check_temp());
    models_import_small("f16", "m");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endless_prompts_are_refused),
        cmocka_unit_test(long_prompts_are_refused_or_cut),
        cmocka_unit_test(empty_and_broken_prompts_are_refused),
        cmocka_unit_test(no_file_speaks_to_the_terminal),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
