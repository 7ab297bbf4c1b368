/* The examples of --help: each is run as it stands, by a shell, with the model that ships. Those of one command go on
 * with the files of those before it, so they are run in the order in which the commands are listed. */
#include "support/check.h"
#include "support/program.h"

#include "base/json.h"

#include <unistd.h>

/* What is left alone, and why. */
static const struct {
    const char *words, *why;
} left_out[] = {
    { "weights/cogvideo", "needs the original's weights" },
    { "weights/cogview2", "needs the originals' weights" },
    { "weights/metrics", "needs published weights" },
    { "weights/phenaki", "needs weights that somebody trained" },
    { "cogvideo train ", "takes hours" },
    { "cogvideo bench\n", "takes minutes" },
};

static int ran, passed_over;
static bool have_ffmpeg;

/* --- the folder in which they run ----------------------------------------------------------------------------- */

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    char command[4096];
    va_list list;

    va_start(list, format);
    assert_true(vsnprintf(command, sizeof command, format, list) < (int)sizeof command);
    va_end(list);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value ? value : otherwise;
}

/* A folder that looks like the root of the project, with the program on PATH, a home of its own, and videos of one's
 * own. */
static int start(void **state)
{
    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    shell(
        "cd '%s' && mkdir -p bin home/.zfunc home/.config/fish/completions my-videos/star && ln -s \"$(realpath '%s')\" bin/cogvideo && "
        "ln -s \"$(realpath '%s')\" weights && ln -s \"$(realpath '%s')\" configs",
        check_temp(), setting("COGVIDEO_PROGRAM", "build/cogvideo"), setting("COGVIDEO_WEIGHTS", "weights"),
        setting("COGVIDEO_CONFIGS", "configs"));
    program_ok("keyframes -q 'a small red star stays still on a white background' --seed 1 -o star.jsonl");
    program_ok("interpolate -q star.jsonl -o moving.jsonl");
    program_ok("decode -q moving.jsonl --size 0 -o my-videos/star/%%04d.ppm");
    have_ffmpeg = program_run("decode -q star.jsonl -o star.gif 2>/dev/null") == 0;
    shell(
        "cd '%s' && echo 'a small red star' >my-videos/star.txt && printf 'video,caption\\nmy-videos/star,a star\\n' >list.csv",
        check_temp());
    return 0;
}

/* --- examples ------------------------------------------------------------------------------------------------- */

/* A build without FFmpeg's libraries writes and reads no other video than this. */
static void without_ffmpeg(char *text)
{
    static const char *const endings[] = { ".mp4", ".gif" };
    char *at;

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        while ((at = strstr(text, endings[i]))) {
            memmove(at + 6, at + 4, strlen(at + 4) + 1);
            memcpy(at, ".mjpeg", 6);
        }
}

static const char *why_not(const char *example)
{
    static const char *const programs[] = { "ffmpeg", "man", "jq" };
    static char why[100];
    char with_end[4100], command[100];

    snprintf(with_end, sizeof with_end, "%s\n", example);
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (strstr(with_end, left_out[i].words))
            return left_out[i].why;
    if ((strncmp(example, "cogvideo evaluate ", 18) == 0 || strncmp(example, "cogvideo rank ", 14) == 0) &&
        access(check_temp_path("weights/shapes-metrics/model.json"), R_OK) != 0)
        return "needs the networks of the shapes world";
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        snprintf(command, sizeof command, "| %s ", programs[i]);
        if (!strstr(example, command))
            continue;
        snprintf(command, sizeof command, "command -v %s >/dev/null", programs[i]);
        if (system(command) != 0) {
            snprintf(why, sizeof why, "%s is not installed", programs[i]);
            return why;
        }
    }
    return NULL;
}

static void run_example(const char *example)
{
    char command[8192], text[4096];
    const char *why = why_not(example);

    if (why) {
        print_message("left out, %s: %s\n", why, example);
        passed_over++;
        return;
    }
    assert_true(snprintf(text, sizeof text - 100, "%s", example) < (int)sizeof text - 100);
    if (!have_ffmpeg)
        without_ffmpeg(text);
    setenv("EXAMPLE", text, 1);
    snprintf(
        command, sizeof command,
        "cd '%s' && HOME=$PWD/home PATH=$PWD/bin:$PATH bash -o pipefail -c \"$EXAMPLE\" >said 2>&1 </dev/null || { cat said >&2; exit 1; }",
        check_temp());
    if (system(command) != 0)
        fail_msg("this example of --help failed: %s", text);
    ran++;
}

/* The lines behind "Examples:", each with those that a backslash joins to it. */
static void run_examples(char *help)
{
    char *line, *rest = strstr(help, "\nExamples:\n");

    assert_non_null(rest);
    rest += strlen("\nExamples:\n");
    while ((line = strsep(&rest, "\n")) && *line) {
        while (line[strlen(line) - 1] == '\\' && rest) {
            line[strlen(line)] = '\n';
            rest[-1] = '\n';
            strsep(&rest, "\n");
        }
        run_example(line + strspn(line, " "));
    }
}

static void every_example_runs(void **state)
{
    cv_json *tables = NULL;
    cogvideo_error err;

    (void)state;
    program_ok("help --json");
    CHECK_OK(cv_json_parse(&tables, program_output(), strlen(program_output()), "help --json", &err), err);
    for (cv_json *command = cv_json_first(cv_json_get(tables, "commands")); command; command = cv_json_next(command)) {
        const char *name;
        char *help;

        CHECK_OK(cv_json_string(command, "name", &name, "help --json", &err), err);
        program_ok("%s --help", name);
        help = strdup(program_output());
        assert_non_null(help);
        run_examples(help);
        free(help);
    }
    cv_json_free(&tables);
    print_message("%d examples ran, %d were left out\n", ran, passed_over);
    assert_true(ran >= 35);
}

/* The one that stands under the list of commands; a clip of its name may be there. */
static void the_first_example_runs(void **state)
{
    char *example, *end;

    (void)state;
    program_ok("help");
    example = strstr(program_output(), "\nExample:\n  ");
    assert_non_null(example);
    example = strdup(example + strlen("\nExample:\n  "));
    assert_non_null(example);
    end = strchr(example, '\n');
    assert_non_null(end);
    *end = '\0';
    shell("cd '%s' && rm -f clip.*", check_temp());
    run_example(example);
    free(example);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_runs),
        cmocka_unit_test(the_first_example_runs),
    };

    /* Sanitizers watch over every command in tests of its own, on smaller models: here they would take ten minutes. */
    if (CHECK_SANITIZED || access("/bin/bash", X_OK) != 0)
        return 77;
    return cmocka_run_group_tests(tests, start, NULL);
}
