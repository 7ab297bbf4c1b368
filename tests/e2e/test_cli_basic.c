/* The program without a model: help, wrong usage, and what it does with files of codes. */
#include "support/check.h"

#include <sys/wait.h>
#include <unistd.h>

#define CLIP "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":2,\"text_ids\":[7,8],\"note\":\"a\x1b[31mb\"}\n" \
             "{\"frame\":0,\"time\":0,\"codes\":[1,2,3,4]}\n{\"frame\":1,\"time\":0.5,\"codes\":[5,6,7,19999]}\n"

static char output[1 << 16]; /* of the last run: what its redirections send to standard output */

/* Runs "cogvideo ARGUMENTS" through the shell, in the temporary folder; returns the exit code. */
static int run(const char *arguments)
{
    char command[4096];
    const char *program = getenv("COGVIDEO_PROGRAM");
    FILE *pipe;
    size_t size;
    int status;

    snprintf(command, sizeof command, "cd '%s' && '%s' %s", check_temp(), program ? program : "build/cogvideo",
             arguments);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    size = fread(output, 1, sizeof output - 1, pipe);
    output[size] = '\0';
    status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Errors and chatter alone. */
#define STDERR " 2>&1 >/dev/null"

static void check_run(const char *arguments, int expected, const char *words)
{
    int code = run(arguments);

    if (code != expected || !strstr(output, words))
        fail_msg("cogvideo %s: ended with %d (%d was expected), said '%s' ('%s' was expected)", arguments, code,
                 expected,
                 output, words);
}

static void write_clip(void)
{
    check_write(check_temp_path("clip.jsonl"), CLIP, strlen(CLIP));
}

static const char *const commands[] = {
    "generate", "keyframes",   "interpolate",    "upscale",        "decode", "encode", "tokenize",
    "score",    "tokens show", "tokens convert", "tokens compare", "info",   "import",
    "dataset shapes", "dataset build", "dataset tokens", "dataset info",
};

static void every_command_has_help_with_an_example(void **state)
{
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        snprintf(text, sizeof text, "%s --help", commands[i]);
        check_run(text, 0, "\nExamples:\n  cogvideo ");
        assert_non_null(strstr(output, "usage: cogvideo "));
        assert_non_null(strstr(output, "\nOptions:\n") ? output : strstr(output, "\nOutput:\n"));
        snprintf(text, sizeof text, "help %s" STDERR, commands[i]);
        check_run(text, 0, "");
        assert_int_equal(output[0], '\0');
        check_run("help", 0, commands[i]);
    }
    check_run("--help", 0, "Commands:");
    check_run("help tokens", 0, "tokens compare");
    check_run("tokens --help", 0, "tokens compare");
    check_run("decode --model x -h", 0, "--normalize");
    check_run("--version", 0, "cogvideo 0.");
}

static void wrong_words_are_refused_with_a_hint(void **state)
{
    (void)state;
    check_run("2>&1", 2, "Commands:");
    check_run("genrate" STDERR, 2, "unknown command 'genrate'; did you mean 'generate'?");
    check_run("qwertyuiop" STDERR, 2, "unknown command 'qwertyuiop'\nsee 'cogvideo help'");
    check_run("help qwertyuiop" STDERR, 2, "unknown command");
    check_run("tokens" STDERR, 2, "tokens show");
    check_run("decode --siez 3" STDERR, 2,
              "unknown option '--siez'; did you mean '--size'?\nsee 'cogvideo decode --help'");
    check_run("decode --qqqqqqqq" STDERR, 2, "unknown option '--qqqqqqqq'\n");
    check_run("decode -Z" STDERR, 2, "unknown option '-Z'");
    check_run("decode --force=1 x" STDERR, 2, "--force takes no value");
    check_run("decode x -o" STDERR, 2, "--output needs a value: --output FILE");
    check_run("decode --size --force x" STDERR, 2, "--size needs a value");
    check_run("tokens show a b" STDERR, 2, "'b' is one argument too many");
}

static void missing_arguments_are_named(void **state)
{
    (void)state;
    check_run("decode" STDERR, 2, "a file of codes is missing");
    check_run("decode x" STDERR, 2, "-o FILE");
    check_run("encode" STDERR, 2, "a picture or a video is missing");
    check_run("keyframes -o a.jsonl" STDERR, 2, "a prompt is missing");
    check_run("keyframes x -o a.jsonl" STDERR, 2, "--model DIR");
    check_run("generate -o a.y4m" STDERR, 2, "a prompt is missing");
    check_run("generate x -o -" STDERR, 2, "must be a file name");
    check_run("tokenize --model x" STDERR, 2, "a text is missing");
    check_run("tokenize --model x --decode 1 y" STDERR, 2, "no text beside");
    check_run("info" STDERR, 2, "a model is missing");
    check_run("info none" STDERR, 1, "cogvideo: ");
    check_run("import -o x" STDERR, 2, "nothing to import");
    check_run("import --stage1 x" STDERR, 2, "-o DIR");
    check_run("tokens compare a" STDERR, 2, "two files");
    check_run("score --stage 2 --first-frame x" STDERR, 2, "belongs to stage 1");
    check_run("keyframes x --json -o -" STDERR, 2, "both want standard output");
}

static void ranges_are_checked(void **state)
{
    (void)state;
    check_run("decode x -o y.ppm --size 16385" STDERR, 2, "--size must be a whole number from 0 to 16384, not '16385'");
    check_run("decode x -o y.ppm --size 1e2" STDERR, 2, "whole number");
    check_run("decode x -o y.ppm --size ''" STDERR, 2, "whole number");
    check_run("decode x -o y.ppm --size 99999999999999999999" STDERR, 2, "whole number");
    check_run("decode x -o y.ppm --fps nan" STDERR, 2, "--fps must be a number");
    check_run("decode x -o y.ppm --fps 1e400" STDERR, 2, "--fps must be a number");
    check_run("decode x -o y.ppm --normalize stretch" STDERR, 2, "clamp|minmax");
    check_run("encode x -o y --rate 5" STDERR, 2, "--rate must be one of 4|8|16");
    check_run("encode x -o y --size 100" STDERR, 2, "multiple of 16");
    check_run("keyframes x -o y --seed -2" STDERR, 2, "--seed");
    check_run("keyframes x -o y --seed 9007199254740992" STDERR, 2, "--seed");
    check_run("keyframes x -o y --top-p 1.5" STDERR, 2, "--top-p must be a number from 0 to 1");
    check_run("keyframes x -o y --temperature 0" STDERR, 2, "--temperature");
    check_run("keyframes x -o y --samples 65" STDERR, 2, "--samples");
    check_run("keyframes x -o y --samples 2" STDERR, 2, "clip-%d");
    check_run("keyframes x -o y --text-ids 1,,2" STDERR, 2, "--text-ids takes whole numbers");
    check_run("keyframes x -o y --text-ids 1,2147483648" STDERR, 2, "--text-ids takes whole numbers");
    check_run("score --stage 3 x" STDERR, 2, "--stage must be a whole number from 1 to 2");
    check_run("info --threads 1025 x" STDERR, 2, "--threads");
}

static void outputs_are_checked_first(void **state)
{
    (void)state;
    write_clip();
    check_run("keyframes x --model none -o clip.jsonl" STDERR, 1, "clip.jsonl: is there already; --force replaces it");
    check_run("keyframes x --model none -o nowhere/k.jsonl" STDERR, 1, "'nowhere' cannot be written to");
    check_run("keyframes x --model none -o ''" STDERR, 1, "a file name is needed");
    check_run("import --stage1 none -o clip.jsonl" STDERR, 1, "is there already");
    check_write(check_temp_path("k.jsonl.partial"), "x", 1);
    check_run("keyframes x --model none -o k.jsonl" STDERR, 1, "an interrupted run has finished");
    unlink(check_temp_path("k.jsonl.partial"));
    check_run("interpolate --model none none.jsonl -o k.jsonl" STDERR, 1, "none.jsonl: cannot be opened");
    assert_int_not_equal(access(check_temp_path("k.jsonl"), F_OK), 0);
}

static void clips_are_shown(void **state)
{
    (void)state;
    write_clip();
    check_run("tokens show clip.jsonl", 0, "2 frames of 2x2 codes");
    assert_non_null(strstr(output, "frame   1 at 0.5 s: 4 different codes"));
    assert_non_null(strstr(output, "a\\u001b[31mb"));
    assert_null(strchr(output, '\x1b'));
    check_run("tokens show --frame 1 clip.jsonl", 0, "    5     6\n    7 19999\n");
    check_run("tokens show --json --frame=0 - < clip.jsonl", 0, "\"frame\":0,\"codes\":[1,2,3,4]}");
    check_run("tokens show clip.jsonl --json", 0,
              "{\"frames\":2,\"grid\":2,\"rate\":8,\"times\":[0,0.5],\"header\":{\"text_ids\":");
    check_run("tokens show --frame 2 clip.jsonl" STDERR, 1, "there is no frame 2");
    check_run("tokens show none.jsonl" STDERR, 1, "cogvideo: none.jsonl: cannot be opened");
    check_run("tokens show -- --frame" STDERR, 1, "--frame: cannot be opened");
    check_run("tokens show clip.jsonl 2>&1 >/dev/full", 1, "standard output: cannot be written");
}

static void clips_are_converted_and_compared(void **state)
{
    (void)state;
    write_clip();
    check_run("tokens convert clip.jsonl -o a.npy", 0, "");
    check_run("tokens convert a.npy -o a.jsonl", 0, "");
    check_run("tokens compare clip.jsonl a.jsonl", 0, "equal: 2 frames, 8 codes");
    check_run("tokens convert clip.jsonl -o a.npy" STDERR, 1, "--force");
    check_run("tokens convert clip.jsonl --force -o a.npy", 0, "");
    /* Text ids go through a row and back. */
    check_run("tokens convert clip.jsonl --text-places 4 -o a.rows", 0, "");
    check_run("tokens convert a.rows --text-places 4 --grid 2 --frames 2 -o - | tee rows.jsonl", 0,
              "\"text_ids\":[7,8]}");
    check_run("tokens compare -q rows.jsonl clip.jsonl", 0, "");
    assert_int_equal(output[0], '\0');
    check_run("tokens convert rows.jsonl --text-places 3 --pad 0 --text-ids 9 --to rows -o b.dat", 0, "");
    check_run("tokens convert b.dat --from rows --text-places 3 --pad 0 --grid 2 --frames 2 -o -", 0,
              "\"text_ids\":[9]}");
    check_run("tokens convert b.dat --from rows --text-places 4 --grid 2 --frames 2 -o -" STDERR, 1,
              "whole number of rows");
    check_run("tokens convert clip.jsonl --text-ids 1,2,3 --text-places 2 -o c.rows" STDERR, 1, "room for 2");
    check_run("tokens convert clip.jsonl" STDERR, 2, "-o FILE");

    check_run("tokens show clip.jsonl --json --frame 0 >/dev/null; sed s/19999/3/ clip.jsonl > other.jsonl", 0, "");
    check_run("tokens compare clip.jsonl other.jsonl", 1,
              "1 of 8 codes (12.50 %); the first at frame 1, row 1, column 1");
    check_run("tokens compare clip.jsonl other.jsonl --json", 1,
              "\"equal\":false,\"frames\":2,\"codes\":8,\"different\":1");
    check_run("tokens show clip.jsonl >/dev/null; head -n 2 clip.jsonl > short.jsonl", 0, "");
    check_run("tokens compare clip.jsonl short.jsonl", 1, "different lengths: 2 and 1 frames");
    check_run("tokens compare clip.jsonl none.jsonl" STDERR, 1, "none.jsonl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_help_with_an_example),
        cmocka_unit_test(wrong_words_are_refused_with_a_hint),
        cmocka_unit_test(missing_arguments_are_named),
        cmocka_unit_test(ranges_are_checked),
        cmocka_unit_test(outputs_are_checked_first),
        cmocka_unit_test(clips_are_shown),
        cmocka_unit_test(clips_are_converted_and_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
