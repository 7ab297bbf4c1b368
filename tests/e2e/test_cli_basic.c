/* The program without a model: help, wrong usage, and what it does with files of codes. */
#include "support/check.h"
#include "support/program.h"

#include <unistd.h>

#define CLIP                                                                                                    \
    "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":2,\"text_ids\":[7,8],\"note\":\"a\\u001b[31mb\"}\n" \
    "{\"frame\":0,\"time\":0,\"codes\":[1,2,3,4]}\n{\"frame\":1,\"time\":0.5,\"codes\":[5,6,7,19999]}\n"

static void write_clip(void)
{
    check_write(check_temp_path("clip.jsonl"), CLIP, strlen(CLIP));
}

static const char *const commands[] = {
    "generate", "keyframes", "interpolate",    "upscale",       "decode",         "encode",
    "tokenize", "score",     "tokens show",    "tokens report", "tokens convert", "tokens compare",
    "info",     "import",    "dataset shapes", "dataset build", "dataset tokens", "dataset info",
};

static void every_command_has_help_with_an_example(void **state)
{
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        snprintf(text, sizeof text, "%s --help", commands[i]);
        program_check(text, 0, "\nExamples:\n  cogvideo ");
        assert_non_null(strstr(program_output(), "usage: cogvideo "));
        assert_true(strstr(program_output(), "\nOptions:\n") || strstr(program_output(), "\nOutput:\n"));
        snprintf(text, sizeof text, "help %s" STDERR, commands[i]);
        program_check(text, 0, "");
        assert_int_equal(program_output()[0], '\0');
        program_check("help", 0, commands[i]);
    }
    program_check("--help", 0, "Commands:");
    program_check("help tokens", 0, "tokens compare");
    program_check("tokens --help", 0, "tokens compare");
    program_check("decode --model x -h", 0, "--normalize");
    program_check("--version", 0, "cogvideo 0.");
}

static void wrong_words_are_refused_with_a_hint(void **state)
{
    (void)state;
    program_check("2>&1", 2, "Commands:");
    program_check("genrate" STDERR, 2, "unknown command 'genrate'; did you mean 'generate'?");
    program_check("qwertyuiop" STDERR, 2, "unknown command 'qwertyuiop'\nsee 'cogvideo help'");
    program_check("help qwertyuiop" STDERR, 2, "unknown command");
    program_check("tokens" STDERR, 2, "tokens show");
    program_check("tokens shw clip.jsonl" STDERR, 2, "unknown command 'tokens shw'; did you mean 'tokens show'?");
    program_check("tokens clip.jsonl" STDERR, 2, "unknown command 'tokens clip.jsonl'");
    program_check("decode --siez 3" STDERR, 2,
                  "unknown option '--siez'; did you mean '--size'?\nsee 'cogvideo decode --help'");
    program_check("decode --qqqqqqqq" STDERR, 2, "unknown option '--qqqqqqqq'\n");
    program_check("decode -Z" STDERR, 2, "unknown option '-Z'");
    program_check("decode --force=1 x" STDERR, 2, "--force takes no value");
    program_check("decode x -o" STDERR, 2, "--output needs a value: --output FILE");
    program_check("decode --size --force x" STDERR, 2, "--size needs a value");
    program_check("tokens show a b" STDERR, 2, "unexpected argument 'b'");
}

static void missing_arguments_are_named(void **state)
{
    (void)state;
    program_check("decode" STDERR, 2, "a file of codes is missing");
    program_check("decode x" STDERR, 2, "-o FILE");
    program_check("encode" STDERR, 2, "a picture or a video is missing");
    program_check("keyframes -o a.jsonl" STDERR, 2, "a prompt is missing");
    program_check("generate -o a.y4m" STDERR, 2, "a prompt is missing");
    program_check("generate x -o -" STDERR, 2, "must be a file name");
    program_check("tokenize --model x" STDERR, 2, "a text is missing");
    program_check("tokenize --model x --decode 1 y" STDERR, 2, "cannot be combined with a text");
    program_check("tokenize --model x --name-of 1 --id-of y" STDERR, 2,
                  "--name-of cannot be combined with other look-ups");
    program_check("tokenize --model x --name-of 1 --discourage y" STDERR, 2, "no piece can be discouraged");
    program_check("info" STDERR, 0, "which comes with the program");
    program_check("info none" STDERR, 1, "cogvideo: error: ");
    program_check("import -o x" STDERR, 2, "nothing to import");
    program_check("import --stage1 x" STDERR, 2, "-o DIR");
    program_check("tokens compare a" STDERR, 2, "two files");
    program_check("score --stage 2 --first-frame x" STDERR, 2, "belongs to stage 1");
    program_check("keyframes x --json -o -" STDERR, 2, "--json and -o - cannot be combined");
}

static void ranges_are_checked(void **state)
{
    (void)state;
    program_check("decode x -o y.ppm --size 16385" STDERR, 2,
                  "--size must be a whole number from 0 to 16384, not '16385'");
    program_check("decode x -o y.ppm --size 1e2" STDERR, 2, "whole number");
    program_check("decode x -o y.ppm --size ''" STDERR, 2, "whole number");
    program_check("decode x -o y.ppm --size 99999999999999999999" STDERR, 2, "whole number");
    program_check("decode x -o y.ppm --fps nan" STDERR, 2, "--fps must be a number");
    program_check("decode x -o y.ppm --fps 1e400" STDERR, 2, "--fps must be a number");
    program_check("decode x -o y.ppm --normalize stretch" STDERR, 2, "clamp|minmax");
    program_check("encode x -o y --rate 5" STDERR, 2, "--rate must be one of 4|8|16");
    program_check("encode x -o y --resize other" STDERR, 2, "--resize must be one of area|icetk");
    program_check("encode x -o y --size 100" STDERR, 2, "multiple of 16");
    program_check("keyframes x -o y --seed -2" STDERR, 2, "--seed");
    program_check("keyframes x -o y --seed 9007199254740992" STDERR, 2, "--seed");
    program_check("keyframes x -o y --top-p 1.5" STDERR, 2, "--top-p must be a number from 1e-06 to 1");
    program_check("keyframes x -o y --temperature 0" STDERR, 2, "--temperature");
    program_check("keyframes x -o y --samples 65" STDERR, 2, "--samples");
    program_check("keyframes x -o y --samples 2" STDERR, 2, "put %d before the ending of");
    program_check("keyframes x -o y --text-ids 1,,2" STDERR, 2, "--text-ids takes whole numbers");
    program_check("keyframes x -o y --text-ids 1,2147483648" STDERR, 2, "--text-ids takes whole numbers");
    program_check("upscale x -o y --guidance 2" STDERR, 2, "unknown option '--guidance'");
    program_check("keyframes x -o y --temperature 1001" STDERR, 2, "--temperature must be a number from 1e-06 to 1000");
    program_check("score --stage 3 x" STDERR, 2, "--stage must be a whole number from 1 to 2");
    program_check("info --threads 1025 x" STDERR, 2, "--threads");
}

static void outputs_are_checked_first(void **state)
{
    (void)state;
    write_clip();
    program_check("keyframes x -o clip.jsonl" STDERR, 1, "clip.jsonl: already exists; use --force to replace it");
    program_check("keyframes x -o nowhere/k.jsonl" STDERR, 1, "the folder 'nowhere' does not exist");
    program_check("keyframes x -o ''" STDERR, 1, "a file name is needed");
    program_check("import --stage1 none -o clip.jsonl" STDERR, 1, "already exists");
    check_write(check_temp_path("k.jsonl.partial"), "x", 1);
    program_check("keyframes x -o k.jsonl" STDERR, 1, "is what an interrupted run left");
    unlink(check_temp_path("k.jsonl.partial"));
    program_check("interpolate --model none none.jsonl -o k.jsonl" STDERR, 1, "none.jsonl: cannot be opened");
    assert_int_not_equal(access(check_temp_path("k.jsonl"), F_OK), 0);
}

static void clips_are_shown(void **state)
{
    (void)state;
    write_clip();
    program_check("tokens show clip.jsonl", 0, "2 frames of 2x2 codes");
    assert_non_null(strstr(program_output(), "frame   1 at 0.5 s: 4 different codes"));
    assert_non_null(strstr(program_output(), "a\\u001b[31mb"));
    assert_null(strchr(program_output(), '\x1b'));
    program_check("tokens show --frame 1 clip.jsonl", 0, "    5     6\n    7 19999\n");
    program_check("tokens show --json --frame=0 - < clip.jsonl", 0, "\"frame\":0,\"codes\":[1,2,3,4]}");
    program_check("tokens show clip.jsonl --json", 0,
                  "{\"frames\":2,\"grid\":2,\"rate\":8,\"times\":[0,0.5],\"header\":{\"text_ids\":");
    program_check("tokens show --frame 2 clip.jsonl" STDERR, 1, "frame 2 does not exist");
    program_check("tokens show none.jsonl" STDERR, 1, "cogvideo: error: none.jsonl: cannot be opened");
    program_check("tokens show -- --frame" STDERR, 1, "--frame: cannot be opened");
    program_check("tokens show clip.jsonl 2>&1 >/dev/full", 1, "standard output: cannot be written");
}

static void clips_are_converted_and_compared(void **state)
{
    (void)state;
    write_clip();
    program_check("tokens convert clip.jsonl -o a.npy", 0, "");
    program_check("tokens convert a.npy -o a.jsonl", 0, "");
    program_check("tokens compare clip.jsonl a.jsonl", 0, "equal: 2 frames, 8 codes");
    program_check("tokens convert clip.jsonl -o a.npy" STDERR, 1, "--force");
    program_check("tokens convert clip.jsonl --force -o a.npy", 0, "");
    /* Text ids go through a row and back. */
    program_check("tokens convert clip.jsonl --text-places 4 -o a.rows", 0, "");
    program_check("tokens convert a.rows --text-places 4 --grid 2 --frames 2 -o - | tee rows.jsonl", 0,
                  "\"text_ids\":[7,8]}");
    program_check("tokens compare -q rows.jsonl clip.jsonl", 0, "");
    assert_int_equal(program_output()[0], '\0');
    program_check("tokens convert rows.jsonl --text-places 3 --pad 0 --text-ids 9 --to rows -o b.dat", 0, "");
    program_check("tokens convert b.dat --from rows --text-places 3 --pad 0 --grid 2 --frames 2 -o -", 0,
                  "\"text_ids\":[9]}");
    program_check("tokens convert b.dat --from rows --text-places 4 --grid 2 --frames 2 -o -" STDERR, 1,
                  "whole number of rows");
    program_check("tokens convert clip.jsonl --text-ids 1,2,3 --text-places 2 -o c.rows" STDERR, 1, "room for 2");
    program_check("tokens convert clip.jsonl" STDERR, 2, "-o FILE");

    program_check("tokens show clip.jsonl --json --frame 0 >/dev/null; sed s/19999/3/ clip.jsonl > other.jsonl", 0, "");
    program_check("tokens compare clip.jsonl other.jsonl", 1,
                  "1 of 8 codes (12.50 %); the first at frame 1, row 1, column 1");
    program_check("tokens compare clip.jsonl other.jsonl --json", 1,
                  "\"equal\":false,\"frames\":2,\"codes\":8,\"different\":1");
    program_check("tokens show clip.jsonl >/dev/null; head -n 2 clip.jsonl > short.jsonl", 0, "");
    program_check("tokens compare clip.jsonl short.jsonl", 1, "different lengths: 2 and 1 frames");
    program_check("tokens compare clip.jsonl none.jsonl" STDERR, 1, "none.jsonl");
}

/* Frames that are wider than high, and codes that stand for two video frames. */
static void other_shapes_are_handled_too(void **state)
{
    static const char wide[] =
        "{\"format\":\"cogvideo-tokens\",\"version\":1,\"grid\":[2,3],\"rate\":[2,8,8]}\n"
        "{\"frame\":0,\"time\":0,\"codes\":[1,2,3,4,5,6]}\n{\"frame\":1,\"time\":1,\"codes\":[1,2,3,4,5,7]}\n";

    (void)state;
    check_write(check_temp_path("wide.jsonl"), wide, sizeof wide - 1);
    program_check("tokens show wide.jsonl", 0,
                  "2 frames of 3x2 codes, 8 pixels per code: 24x16 pixels\n"
                  "the first frame stands for one video frame, each other one for 2: 3 video frames\n");
    program_check("tokens show --frame 1 wide.jsonl", 0, "    1     2     3\n    4     5     7\n");
    program_check("tokens show --json wide.jsonl", 0,
                  "{\"frames\":2,\"height\":2,\"width\":3,\"frames_per_code\":2,\"rate\":8,");
    program_check("tokens convert wide.jsonl -o same.jsonl --json", 0,
                  "\"frames\":2,\"height\":2,\"width\":3,\"frames_per_code\":2,\"rate\":8}");
    program_check("tokens convert wide.jsonl -o - | cmp - wide.jsonl && echo same", 0, "same");
    program_check("tokens convert wide.jsonl -o wide.npy && tr -d '\\0' < wide.npy | head -c 80", 0,
                  "'shape': (2, 2, 3), }");
    program_check("tokens convert wide.npy -o single.jsonl --json", 0, "\"height\":2,\"width\":3,\"rate\":8}");
    program_check("tokens compare wide.jsonl single.jsonl" STDERR, 1, "codes stand for 2 and for 1 video frames each");
    program_check("tokens show wide.jsonl >/dev/null; sed s/7/8/ wide.jsonl > other.jsonl", 0, "");
    program_check("tokens compare wide.jsonl other.jsonl", 1,
                  "1 of 12 codes (8.33 %); the first at frame 1, row 1, column 2");
    program_check("tokens convert wide.jsonl -o wide.rows" STDERR, 1,
                  "wide.rows: a training row has square frames, one for each video frame");
    write_clip();
    program_check("tokens compare clip.jsonl wide.jsonl" STDERR, 1, "different grids, 2x2 and 3x2");
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
        cmocka_unit_test(other_shapes_are_handled_too),
        cmocka_unit_test(clips_are_converted_and_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
