/* Evaluation through the program, with the published networks made small: every metric, the same JSON for any threads
 * and batch, runs that are cut short, and one clear sentence for each thing that cannot be. */
#include "support/check.h"
#include "support/clip.h"
#include "support/metrics_model.h"
#include "support/program.h"

#include "base/json.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MADE = 12, REAL = 13, FRAMES = 18, WIDTH = 40, HEIGHT = 32 };

#define EVALUATE "evaluate clips --metrics metrics --few -q "

/* "TEMP/FOLDER/NN.mjpeg", a video of smooth colours that move, and its prompt beside it. */
static void write_videos(const char *folder, int count, int shift)
{
    cogvideo_error err;

    assert_int_equal(mkdir(check_temp_path(folder), 0777), 0);
    for (int c = 0; c < count; c++) {
        cogvideo_video video = clip_make(WIDTH, HEIGHT, FRAMES);
        char name[200];

        for (int i = 0; i < FRAMES * HEIGHT * WIDTH * 3; i++)
            video.pixels[i] =
                (uint8_t)(video.pixels[i] * (3 + (c + i % 3) % 5) / 7 + shift + (c * 37 + c * c * 11) % 40);
        snprintf(name, sizeof name, "%s/%02d.mjpeg", folder, c);
        CHECK_OK(cogvideo_video_write(&video, check_temp_path(name), NULL, &err), err);
        cogvideo_video_free(&video);
        snprintf(name, sizeof name, "%s/%02d.txt", folder, c);
        check_write(check_temp_path(name), c % 2 ? "a red star" : "the sea", c % 2 ? 10 : 7);
    }
}

static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    metrics_model_write("metrics", 5);
    metrics_model_write("others", 6);
    write_videos("clips", MADE, 0);
    write_videos("real", REAL, 9);
    return 0;
}

static void shell(const char *command)
{
    char text[4000];

    snprintf(text, sizeof text, "cd \"$COGVIDEO_TEST_TEMP\" && %s", command);
    if (system(text) != 0)
        fail_msg("failed: %s", command);
}

/* The output of the last run, which is to be freed. */
static char *output(void)
{
    char *copy = strdup(program_output());

    assert_non_null(copy);
    return copy;
}

/* --- what it computes ------------------------------------------------------------------------------------------- */

static void every_metric_comes_with_its_protocol(void **state)
{
    static const char *const names[] = { "fvd", "is", "clipsim", "fid", "image-is", "clipscore", "clip100" };
    cogvideo_error err;
    cv_json *json = NULL, *metrics, *metric;
    int i = 0;

    (void)state;
    program_ok(EVALUATE "--real real --metric fvd,is,clip,fid,image-is,clipscore,clip100 --fid-frames 2 --bootstrap 20 "
                        "--samples 8 --json");
    CHECK_OK(cv_json_parse(&json, program_output(), strlen(program_output()), "evaluate", &err), err);
    CHECK_OK(cv_json_format(json, "cogvideo-evaluation", 1, "evaluate", &err), err);
    CHECK_OK(cv_json_array(json, "metrics", &metrics, "evaluate", &err), err);
    assert_int_equal(cv_json_count(metrics), 7);
    for (metric = cv_json_first(metrics); metric; metric = cv_json_next(metric), i++) {
        const char *name;
        cv_json *protocol, *weights;
        double value;

        CHECK_OK(cv_json_string(metric, "name", &name, "evaluate", &err), err);
        assert_string_equal(name, names[i]);
        CHECK_OK(cv_json_double(metric, "value", -1e9, 1e9, &value, "evaluate", &err), err);
        CHECK_OK(cv_json_object(metric, "protocol", &protocol, "evaluate", &err), err);
        assert_non_null(cv_json_get(protocol, "network_resize"));
        CHECK_OK(cv_json_object(metric, "weights", &weights, "evaluate", &err), err);
        assert_int_equal(strlen(cv_json_text(cv_json_get(weights, "sha256"))), 64);
    }
    cv_json_free(&json);
    /* As text the same names stand in front, and warnings behind. */
    program_check(EVALUATE "--real real --bootstrap 0", 0,
                  "fvd: warning: 12 generated clips: FVD is too large below 2048");
    assert_non_null(strstr(program_output(), "network_resize tf1"));
    program_check(EVALUATE "--real real --bootstrap 0 --protocol stylegan-v --samples 3", 0,
                  "protocol stylegan-v, frames 16");
}

static void threads_and_batch_change_nothing(void **state)
{
    static const char *const ways[] = { "--threads 1", "--threads 3 --batch 1", "--threads 2 --batch 7" };
    char *first = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways - CHECK_SANITIZED; i++) { /* sanitizers take their time */
        program_ok(EVALUATE "--real real --metric fvd,is,clip,fid --fid-frames 1 --samples 9 --bootstrap 10 --json %s",
                   ways[i]);
        if (first)
            assert_string_equal(first, program_output());
        else
            first = output();
    }
    free(first);
}

/* The first value of the last run's JSON. */
static double first_value(void)
{
    const char *value = strstr(program_output(), "\"value\":");

    assert_non_null(value);
    return strtod(value + strlen("\"value\":"), NULL);
}

/* Equal sets are apart once one of them went through a tokenizer. */
static void real_clips_go_through_a_tokenizer(void **state)
{
    const char *fields = "--metric fid --fid-frames 1 --bootstrap 0 --samples 3 --json";

    (void)state;
    program_ok(EVALUATE "--real clips %s", fields);
    assert_null(strstr(program_output(), "real_through_tokenizer"));
    assert_true(first_value() < 1e-6);
    program_ok(EVALUATE "--real clips --real-through-tokenizer %s", fields);
    assert_non_null(strstr(program_output(), "\"real_through_tokenizer\":\"shapes\""));
    assert_true(first_value() > 1e-3);
}

static void a_run_that_was_ended_goes_on(void **state)
{
    char *straight, *resumed;

    (void)state;
    program_ok(EVALUATE "--real real --metric fvd --bootstrap 0 --json");
    straight = output();
    /* Ended twice by a signal, in the middle, and once so that nothing can be said any more. */
    shell(
        "for signal in INT TERM KILL; do "
        "nice \"$COGVIDEO_PROGRAM\" evaluate clips --real real --metrics metrics --few --metric fvd --bootstrap 0 -q --batch 1 "
        "--features kept >/dev/null 2>&1 & "
        "while ! [ -e kept ] && kill -0 $!; do :; done; sleep 0.2; kill -$signal $! 2>/dev/null; wait $!; "
        "code=$?; [ $code = 130 ] || [ $code = 143 ] || [ $code = 137 ] || [ $code = 0 ] || exit 1; done");
    program_ok(EVALUATE "--real real --metric fvd --bootstrap 0 --json --features kept");
    resumed = output();
    assert_string_equal(straight, resumed);
    /* Now all of it is there, in files that say what they hold. */
    shell("ls kept/clips-i3d-*-*.safetensors kept/real-i3d-*-*.safetensors >/dev/null");
    program_ok(EVALUATE "--real real --metric fvd --bootstrap 0 --json --features kept");
    assert_string_equal(straight, program_output());
    /* They are sets, too. */
    program_ok(
        "evaluate kept/clips-i3d-*.safetensors --real kept/real-i3d-*.safetensors --metrics metrics --few --metric fvd "
        "--bootstrap 0 --json -q");
    assert_string_equal(straight, program_output());
    program_ok("evaluate --real real --metrics metrics --metric fvd --features kept --features-only -q");
    assert_non_null(strstr(program_output(), "kept/real-i3d-"));
    free(straight);
    free(resumed);
}

static void codes_and_lists_are_sets(void **state)
{
    (void)state;
    program_ok("keyframes \"a large red star moves left on a white background\" --seed 1 -q -o star.jsonl");
    program_ok("evaluate star.jsonl --metrics metrics --metric clip --frames 5 -q --json");
    assert_non_null(strstr(program_output(), "\"name\":\"clipsim\""));
    shell("printf 'clips/03.mjpeg\\tthe sea\\nclips/04.mjpeg\\ta star\\nstar.jsonl\\n' >some.list");
    /* The model that comes with the program decodes codes, wherever they lie. */
    program_ok("evaluate some.list --metrics metrics --metric clip --frames 5 -q --json");
    assert_non_null(strstr(program_output(), "\"generated\":3"));
    shell("mkdir -p deep/er && cp star.jsonl deep/er");
    program_ok("evaluate deep --metrics metrics --metric clip --frames 5 -q --json");
    shell("printf 'clips/03.mjpeg\\tthe sea\\n\\nclips/none.mjpeg\\tx\\n' >gap.list");
    program_check("evaluate gap.list --metrics metrics --metric clip -q" STDERR, 1,
                  "gap.list: line 3: clips/none.mjpeg: does not exist");
    program_ok("dataset shapes --clips 3 --seed 1 -q -o data");
    program_ok("evaluate data --metrics metrics --metric clip,is -q --json");
    assert_non_null(strstr(program_output(), "\"generated\":3"));
}

static void ranks(void **state)
{
    (void)state;
    program_ok("rank --metrics metrics -q --prompt \"a red star\" clips/01.mjpeg clips/02.mjpeg clips/03.mjpeg");
    assert_non_null(strstr(program_output(), "clips/02.mjpeg\n"));
    program_ok("rank --metrics metrics -q --json clips/01.mjpeg clips/02.mjpeg");
    assert_non_null(strstr(program_output(), "{\"clips\":[{\"clip\":\"clips/0"));
    program_check("rank --metrics metrics -q real/nothing.mjpeg --prompt x" STDERR, 1, "real/nothing.mjpeg");
    program_check("rank --metrics metrics" STDERR, 2, "a clip is missing");
}

static void the_best_of_several_is_kept(void **state)
{
    (void)state;
    program_ok("generate \"a large red star moves left on a white background\" --samples 2 --keep 1 --metrics metrics "
               "--rounds 1 --seed 1 --size 0 -q --json -o best-%%d.mjpeg");
    shell("[ $(ls best-*.mjpeg | wc -l) = 1 ] && [ $(ls best-*.jsonl best-*.json | wc -l) = 3 ]");
    program_check("generate x --samples 2 --keep 1 --metrics nowhere -o x-%d.mjpeg -q" STDERR, 1, "nowhere");
    program_check("generate x --samples 2 --keep 3 -o x-%d.mjpeg" STDERR, 2, "more than --samples 2");
    program_check("generate x --samples 2 --keep 1 --resume -o x-%d.mjpeg" STDERR, 2, "would make again");
}

/* --- what it refuses --------------------------------------------------------------------------------------------- */

static void refusals_are_one_sentence(void **state)
{
    static const struct {
        const char *arguments;
        int code;
        const char *words;
    } cases[] = {
        { EVALUATE "--real real --frames 8" STDERR, 1, "clips of 8 frames: the network 'i3d' needs at least 9" },
        { EVALUATE "--real real --metric is --frames 9" STDERR, 1, "takes exactly 16" },
        { EVALUATE "--real real --samples 1" STDERR, 1, "1 generated clip; at least 2" },
        { "evaluate clips --metrics metrics --real real -q" STDERR, 1, "12 generated clips say nothing" },
        { EVALUATE "" STDERR, 1, "no real ones are given" },
        { EVALUATE "--real nowhere" STDERR, 1, "nowhere: does not exist" },
        { EVALUATE "--real real --metric fvd,psnr" STDERR, 1, "no metric 'psnr'" },
        { EVALUATE "--real real --max-memory 0.001" STDERR, 1, "--max-memory allows more" },
        { EVALUATE "--real real --start middle" STDERR, 2, "first|centre|random" },
        { EVALUATE "--real real --features-only" STDERR, 2, "--features DIR" },
        { "evaluate --metrics metrics" STDERR, 2, "a set of generated clips is missing" },
        { "evaluate clips --metrics nowhere" STDERR, 1, "nowhere" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        program_check(cases[i].arguments, cases[i].code, cases[i].words);
        if (cases[i].code == 1) {
            const char *end = strchr(program_output(), '\n');

            if (!end || end[1])
                fail_msg("%s: more than one line: %s", cases[i].arguments, program_output());
        }
    }
}

/* Nothing that was computed is lost, and no half of a set is taken for the whole. */
static void damage_is_told(void **state)
{
    (void)state;
    shell("cp -r clips some && head -c 9000 clips/07.mjpeg >some/07.mjpeg && rm some/11.txt");
    program_check("evaluate some --real real --metrics metrics --few -q --bootstrap 0 2>&1", 0, "07.mjpeg");
    assert_non_null(strstr(program_output(), "it is left out"));
    assert_non_null(strstr(program_output(), "11 generated, 13 real clips, 1 left out"));
    program_check("evaluate some --metrics metrics --metric clip -q" STDERR, 1, "some/11.mjpeg: has no prompt");
    /* A CLIP of the shapes world does not pass for one of pictures. */
    shell("cp -r \"$COGVIDEO_WEIGHTS/shapes-metrics\" nameless && chmod -R u+w nameless && "
          "sed -i '/\"clip\":/,$ { /variant/d }' nameless/model.json");
    program_check("evaluate clips --metrics nameless --metric clip -q" STDERR, 1, "'variant' is not 'shapes'");
    /* Features of other weights, and half a file. */
    program_ok("evaluate clips --real real --metrics metrics --few -q --bootstrap 0 --features mine");
    program_ok("evaluate clips --real real --metrics others --few -q --bootstrap 0 --features theirs");
    shell("cp theirs/clips-* $(ls mine/clips-*)");
    program_check(EVALUATE "--real real --features mine" STDERR, 1, "holds features of other weights");
    shell("for f in mine/clips-*; do head -c 700 theirs/clips-* >\"$f\"; done");
    program_check(EVALUATE "--real real --features mine" STDERR, 1, "without the file its features are computed again");
    shell("rm mine/clips-*");
    program_ok(EVALUATE "--real real --bootstrap 0 --features mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_comes_with_its_protocol),
        cmocka_unit_test(threads_and_batch_change_nothing),
        cmocka_unit_test(real_clips_go_through_a_tokenizer),
        cmocka_unit_test(a_run_that_was_ended_goes_on),
        cmocka_unit_test(codes_and_lists_are_sets),
        cmocka_unit_test(ranks),
        cmocka_unit_test(the_best_of_several_is_kept),
        cmocka_unit_test(refusals_are_one_sentence),
        cmocka_unit_test(damage_is_told),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
