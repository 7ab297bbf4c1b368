/* The parts of the program: options, names, prompts, JSON. */
#include "support/check.h"

#include "base/mem.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/json_out.h"
#include "cli/names.h"
#include "cli/prompts.h"
#include "cli/say.h"
#include "family/family.h"

#include <stdlib.h>
#include <unistd.h>

/* --- options -------------------------------------------------------------------------------------------------- */

typedef struct settings {
    const char *text;
    int flag, number, choice;
    int64_t big;
    double real;
    arg_ids ids;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "text", 't', "TEXT", "a text", ARG_TEXT, FIELD(text), 0, 0, 0, NULL },
    { "flag", 'f', NULL, "a flag", ARG_FLAG, FIELD(flag), 0, 0, 0, NULL },
    { "number", 'n', "N", "a number", ARG_INT, FIELD(number), 1, 10, 3, NULL },
    { "big", 0, "N", "a large number", ARG_BIG, FIELD(big), -1, 9007199254740991, -1, NULL },
    { "real", 0, "X", "a number with a point", ARG_NUMBER, FIELD(real), 0.5, 2, 1, NULL },
    { "choice", 0, "WORD", "a word", ARG_CHOICE, FIELD(choice), 0, 0, 0, "one|two" },
    { "ids", 0, "ID,ID", "ids", ARG_IDS, FIELD(ids), 0, 100, 0, NULL },
    { 0 },
};
static const arg_group groups[] = { { "Options", table, 0 }, { 0 } };
static const cli_command command = { .name = "try",
                                     .summary = "tries",
                                     .usage = "[OPTIONS] FILE",
                                     .min_arguments = 1,
                                     .max_arguments = 1,
                                     .missing = "a file is missing",
                                     .groups = groups,
                                     .settings_size = sizeof(settings) };

/* Parses words that are parted by spaces. */
static int parse(const char *line, settings *out, char *value, int *help)
{
    char words[200], *argv[20] = { "cogvideo" };
    cli_arguments arguments = { 0 };
    int argc = 1, status;

    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    memset(out, 0, sizeof *out);
    *help = 0;
    status = args_parse(&command, argc, argv, 1, out, &arguments, help);
    if (status == CLI_OK && arguments.count == 1)
        strcpy(value, arguments.values[0]);
    if (out->text)
        out->text = strcmp(out->text, "-x") == 0 ? "-x" : "other";
    args_free(&command, out, &arguments);
    return status;
}

static void options_are_read(void **state)
{
    char value[200] = "";
    settings s;
    int help;

    (void)state;
    assert_int_equal(parse("a.txt", &s, value, &help), CLI_OK);
    assert_true(s.number == 3 && s.big == -1 && s.real == 1 && s.flag == 0 && s.choice == 0 && !s.text);
    assert_int_equal(parse("-n 10 --real=0.5 --flag b.txt --choice two --big 9007199254740991 --text -x", &s, value,
                           &help),
                     CLI_OK);
    assert_true(s.number == 10 && s.real == 0.5 && s.flag == 1 && s.choice == 1 && s.big == 9007199254740991);
    assert_string_equal(s.text, "-x");
    assert_string_equal(value, "b.txt");
    assert_int_equal(parse("-- --flag", &s, value, &help), CLI_OK);
    assert_string_equal(value, "--flag");
    assert_int_equal(parse("--help --nonsense", &s, value, &help), CLI_OK);
    assert_int_equal(help, 1);
}

static void wrong_options_are_usage_errors(void **state)
{
    static const char *const lines[] = {
        "",
        "a b",
        "--number 11 a",
        "--number 0 a",
        "--number 1x a",
        "--number",
        "--real nan a",
        "--real 3 a",
        "--choice three a",
        "--ids 1,,2 a",
        "--ids 101 a",
        "--flag=1 a",
        "--unknown a",
        "-q a",
        "--big 9007199254740992 a",
    };
    char value[200];
    settings s;
    int help;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (parse(lines[i], &s, value, &help) != CLI_USAGE)
            fail_msg("'%s' is no usage error", lines[i]);
}

static void near_words_are_found(void **state)
{
    static const char *const words[] = { "generate", "keyframes", "interpolate" };

    (void)state;
    assert_string_equal(args_nearest("generat", words, 3), "generate");
    assert_string_equal(args_nearest("keyfarmes", words, 3), "keyframes");
    assert_null(args_nearest("zebra", words, 3));
}

/* --- prompts -------------------------------------------------------------------------------------------------- */

static void refuse_prompts(const char *text)
{
    cli_prompts prompts = { 0 };

    check_write(check_temp_path("list"), text, strlen(text));
    assert_int_equal(cli_prompts_read(&prompts, check_temp_path("list"), 0), CLI_FAILED);
    cli_prompts_free(&prompts);
}

static void prompts_are_read(void **state)
{
    cli_prompts prompts = { 0 };
    const char *text = "\xef\xbb\xbfone\r\n\n{\"prompt\":\"two\",\"seed\":7,\"output\":\"x.mp4\"}\n  three";

    (void)state;
    check_write(check_temp_path("list"), text, strlen(text));
    assert_int_equal(cli_prompts_read(&prompts, check_temp_path("list"), 0), CLI_OK);
    assert_int_equal(prompts.count, 3);
    assert_string_equal(prompts.lines[0].prompt, "one");
    assert_true(prompts.lines[0].seed == -1 && !prompts.lines[0].output && prompts.lines[0].number == 1);
    assert_string_equal(prompts.lines[1].prompt, "two");
    assert_true(prompts.lines[1].seed == 7 && prompts.lines[1].number == 3);
    assert_string_equal(prompts.lines[1].output, "x.mp4");
    assert_int_equal(prompts.lines[2].number, 4);
    cli_prompts_free(&prompts);
    refuse_prompts("a\n{\"prompt\":1}\n");
    refuse_prompts("{\"prompt\":\"a\",\"sede\":1}\n");
}

static void names_are_numbered(void **state)
{
    char *name = cli_prompts_name("out/clip-%03d.mp4", 7, 1), *many = cli_prompts_name("clip-%d.mp4", 7, 2);

    (void)state;
    assert_string_equal(name, "out/clip-007.mp4");
    assert_string_equal(many, "clip-7-%d.mp4");
    assert_null(cli_prompts_name("clip.mp4", 7, 1));
    free(name);
    free(many);
}

static void files_of_two_lines_are_told(void **state)
{
    cli_names names = { 0 };

    (void)state;
    assert_int_equal(cli_names_add(&names, "a.json", 1), CLI_OK);
    assert_int_equal(cli_names_add(&names, "a.json", 1), CLI_OK); /* a line may name its own twice */
    assert_int_equal(cli_names_add(&names, "b.json", 2), CLI_OK);
    assert_int_equal(cli_names_check(&names, "list"), CLI_OK);
    assert_int_equal(cli_names_add(&names, "./a.json", 3), CLI_OK);
    assert_int_equal(cli_names_check(&names, "list"), CLI_FAILED);
    cli_names_free(&names);
}

/* --- JSON ----------------------------------------------------------------------------------------------------- */

static void json_is_escaped(void **state)
{
    char *text = NULL;
    size_t size;
    json_out json = { .stream = open_memstream(&text, &size), .first = 1 };

    (void)state;
    json_begin(&json, NULL);
    json_string(&json, "a\"b", "x\n\x1b\xff\xc2\x9bé");
    json_number(&json, "n", 0.1, 15);
    json_number(&json, "nan", 0.0 / 0.0, 15);
    json_begin_array(&json, "list");
    json_integer(&json, NULL, -1);
    json_bool(&json, NULL, 1);
    json_end_array(&json);
    json_end(&json);
    fclose(json.stream);
    assert_string_equal(text,
                        "{\"a\\\"b\":\"x\\n\\u001b\xef\xbf\xbd\\u009bé\",\"n\":0.1,\"nan\":null,\"list\":[-1,true]}");
    free(text);
}

/* A shell offers, and the help explains, the parts of every family that can be trained, and no others. */
static void train_knows_all_parts(void **state)
{
    char all[400] = "";

    (void)state;
    for (int i = 0; cv_families[i]; i++)
        for (int p = 0; p < cv_families[i]->part_count; p++) {
            const char *name = cv_families[i]->parts[p].name;

            assert_non_null(strstr(cmd_train.details, name));
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", *all ? "|" : "", name);
        }
    assert_string_equal(cmd_train.choices, all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read),     cmocka_unit_test(wrong_options_are_usage_errors),
        cmocka_unit_test(near_words_are_found), cmocka_unit_test(prompts_are_read),
        cmocka_unit_test(names_are_numbered),   cmocka_unit_test(files_of_two_lines_are_told),
        cmocka_unit_test(json_is_escaped),      cmocka_unit_test(train_knows_all_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
