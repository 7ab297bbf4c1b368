/* What an evaluation refuses, what it leaves out, and what it keeps, with networks whose features anybody can compute.
 * The registry is this test's own. */
#include "support/evaluated.h"

#include "base/path.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const cv_family *const cv_families[] = { &cv_family_toy_networks, NULL };

/* --- refusals ---------------------------------------------------------------------------------------------------- */

static void what_cannot_be_is_refused(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd");

    (void)state;
    options.protocol.frames = 8;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "clips of 8 frames: the network 'i3d' needs at least 9");
    options.metrics = "is";
    options.protocol.frames = 17;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "takes exactly 16");
    options = evaluated_options("fvd,fvd");
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "asked for twice");
    options = evaluated_options("fvd,ssim");
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "no metric 'ssim'");
    options = evaluated_options("fvd");
    options.real = NULL;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "no real ones are given");
    options = evaluated_options("fvd");
    options.few = 0;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "fvd: 6 generated clips say nothing");
    options = evaluated_options("fvd");
    options.protocol.samples = 1;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "fvd: 1 generated clip; at least 2");
    options = evaluated_options("is");
    options.protocol.splits = 7;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "is: 6 generated clips cannot be divided into 7 splits");
    options = evaluated_options("fvd");
    options.max_memory = 1000;
    evaluated_refused(&options, COGVIDEO_ERROR_MEMORY, "i3d: ");
    options = evaluated_options("fvd");
    options.protocol.stride = 0;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "stride is 0");
    options = evaluated_options("fvd");
    options.protocol.start = "last";
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "first, centre, random");
    options = evaluated_options("fvd");
    options.real_through_tokenizer = 1;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "none is given");
    options = evaluated_options("clip");
    unlink(check_temp_path("made/clip-03.txt"));
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "clip-03: has no prompt, as have 1 of 6 clips");
    check_write(check_temp_path("made/clip-03.txt"), "green", 5);
    options.networks = evaluated_shapes;
    options.metrics = "clipscore";
    evaluated_refused(&options, COGVIDEO_ERROR_UNSUPPORTED, "knows the shapes world alone");
    options.metrics = "fid";
    evaluated_refused(&options, COGVIDEO_ERROR_MODEL, "lacks this part");
    options.networks = evaluated_mixed; /* clips of the shapes world are no real ones for its Inception */
    options.metrics = "fvd,fid";
    options.real = NULL;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "no real ones are given");
}

static void long_prompts_are_refused_or_cut(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("clip");
    char text[120];

    (void)state;
    memset(text, 'x', sizeof text);
    check_write(check_temp_path("made/clip-02.txt"), text, sizeof text);
    toy_networks_computed = 0;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "clip-02: the text has 120 letters");
    assert_int_equal(toy_networks_computed, 0); /* known before any clip is read */
    options.cut_text = 1;
    free(evaluated_json(&options));
    check_write(check_temp_path("made/clip-02.txt"), "red and blue", 12);
}

/* One clip that is cut short, one that is no video: both are left out, named and counted. */
static void damaged_clips_are_left_out(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd");
    char *text;

    (void)state;
    evaluated_write("spoilt", EVALUATED_CLIPS, EVALUATED_FRAMES, 0);
    check_write(check_temp_path("spoilt/clip-01/frame-4.ppm"), "P6\n12 12\n255\nxx", 15);
    unlink(check_temp_path("spoilt/clip-04/frame-19.ppm"));
    unlink(check_temp_path("spoilt/clip-04/frame-18.ppm"));
    unlink(check_temp_path("spoilt/clip-04/frame-17.ppm"));
    unlink(check_temp_path("spoilt/clip-04/frame-16.ppm"));
    unlink(check_temp_path("spoilt/clip-04/frame-15.ppm"));
    check_write(check_temp_path("spoilt/clip-09.mp4"), "no video", 8);
    options.generated = check_temp_path("spoilt");
    text = evaluated_json(&options);
    assert_non_null(strstr(text, "\"samples\":{\"generated\":4,\"real\":8,\"left_out\":3}"));
    assert_non_null(strstr(evaluated_warnings, "frame-4.ppm"));
    assert_non_null(
        strstr(evaluated_warnings, "spoilt/clip-04: has 15 frames, too few for a clip of 16; it is left out"));
    assert_non_null(strstr(evaluated_warnings, "clip-09.mp4"));
    free(text);
    /* A list may name a folder of clips in place of one. */
    check_write(check_temp_path("folder.list"), "made\nmade/clip-00\nmade/clip-01\n", 31);
    options = evaluated_options("fvd");
    options.generated = check_temp_path("folder.list");
    text = evaluated_json(&options);
    assert_non_null(strstr(evaluated_warnings, "made: is a folder without pictures, and no clip; it is left out"));
    free(text);
}

/* --- the cache ---------------------------------------------------------------------------------------------------- */

static int stop_after; /* reports of progress; 0 = never */

static int count_down(void *user, const cogvideo_progress *progress)
{
    (void)user, (void)progress;
    return stop_after && --stop_after == 0;
}

/* The only file of features in a folder. */
static const char *file_of(const char *folder, char *path, size_t size)
{
    char command[2000];
    FILE *pipe;

    snprintf(command, sizeof command, "ls '%s'/*made*", folder);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(path, (int)size, pipe));
    path[strcspn(path, "\n")] = '\0';
    pclose(pipe);
    return path;
}

static void what_was_computed_is_not_computed_again(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd");
    char folder[1000], *fresh, *kept, *cached;

    (void)state;
    snprintf(folder, sizeof folder, "%s", check_temp_path("features"));
    fresh = evaluated_json(&options);
    options.features = folder;
    toy_networks_computed = 0;
    kept = evaluated_json(&options);
    assert_int_equal(toy_networks_computed, 2 * EVALUATED_CLIPS + 2);
    toy_networks_computed = 0;
    cached = evaluated_json(&options);
    assert_int_equal(toy_networks_computed, 0);
    assert_string_equal(fresh, kept);
    assert_string_equal(fresh, cached);
    free(kept);
    free(cached);
    /* Other samples take what is there, and lose nothing. */
    options.protocol.samples = 4;
    free(evaluated_json(&options));
    options.protocol.samples = 0;
    free(evaluated_json(&options));
    assert_int_equal(toy_networks_computed, 0);
    /* Any batch. */
    options.features = NULL;
    for (int batch = 1; batch <= 5; batch += 2) {
        options.batch = batch;
        cached = evaluated_json(&options);
        assert_string_equal(fresh, cached);
        free(cached);
    }
    /* Another protocol and other weights have files of their own. */
    options.features = folder;
    options.protocol.skip_first = 1;
    free(evaluated_json(&options));
    assert_int_equal(toy_networks_computed > 0, 1);
    options.protocol.skip_first = 0;
    options.networks = evaluated_others;
    toy_networks_computed = 0;
    free(evaluated_json(&options));
    assert_int_equal(toy_networks_computed, 2 * EVALUATED_CLIPS + 2);
    free(fresh);
}

static void foreign_and_broken_files_are_refused(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd");
    char folder[1000], first[1000], second[1010], command[3000];

    (void)state;
    snprintf(folder, sizeof folder, "%s", check_temp_path("mixed"));
    options.features = folder;
    free(evaluated_json(&options));
    file_of(folder, first, sizeof first);
    snprintf(second, sizeof second, "%s", check_temp_path("kept.safetensors"));
    /* Features of other weights under this name. */
    rename(first, second);
    snprintf(folder, sizeof folder, "%s", check_temp_path("foreign"));
    options.networks = evaluated_others;
    free(evaluated_json(&options));
    snprintf(command, sizeof command, "cp '%s'/made* '%s'", folder, first);
    assert_int_equal(system(command), 0);
    options.networks = evaluated_networks;
    options.features = check_temp_path("mixed");
    evaluated_refused(&options, COGVIDEO_ERROR_FORMAT, "holds features of other weights");
    /* And of another protocol. */
    snprintf(folder, sizeof folder, "%s", check_temp_path("strides"));
    options.features = folder;
    options.protocol.skip_first = 4;
    free(evaluated_json(&options));
    snprintf(command, sizeof command, "cp '%s'/made* '%s'", folder, first);
    assert_int_equal(system(command), 0);
    options.protocol.skip_first = 0;
    options.features = check_temp_path("mixed");
    evaluated_refused(&options, COGVIDEO_ERROR_FORMAT, "another protocol: skip_first is 4, 0 was expected");
    /* And half of the right one, which stays as it is. */
    snprintf(command, sizeof command, "head -c 900 '%s' >'%s'", second, first);
    assert_int_equal(system(command), 0);
    evaluated_refused(&options, COGVIDEO_ERROR_FORMAT, "without the file its features are computed again");
    assert_int_equal(cv_path_bytes(first), 900);
    /* As sets they are refused, too. */
    options.features = NULL;
    options.generated = second;
    options.networks = evaluated_others;
    evaluated_refused(&options, COGVIDEO_ERROR_FORMAT, "kept.safetensors: holds features of other weights");
}

static void an_interrupted_run_goes_on(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd");
    cogvideo_evaluation result = { 0 };
    char folder[1000], path[1000], *straight, *resumed;
    cogvideo_error err;

    (void)state;
    straight = evaluated_json(&options);
    snprintf(folder, sizeof folder, "%s", check_temp_path("halves"));
    options.features = folder;
    options.progress = count_down;
    options.batch = 1;
    stop_after = 30; /* pictures are polled, too */
    toy_networks_computed = 0;
    CHECK_FAILS(cogvideo_evaluate(&options, &result, &err), COGVIDEO_ERROR_CANCELLED, "", err);
    assert_true(toy_networks_computed >= 1 && toy_networks_computed < EVALUATED_CLIPS);
    /* Half a set is none. */
    options.generated = file_of(folder, path, sizeof path);
    stop_after = 0;
    evaluated_refused(&options, COGVIDEO_ERROR_FORMAT, "holds only some clips of its set");
    options.generated = check_temp_path("made");
    resumed = evaluated_json(&options);
    assert_int_equal(toy_networks_computed, 2 * EVALUATED_CLIPS + 2);
    assert_string_equal(straight, resumed);
    free(straight);
    free(resumed);
}

static void a_file_of_features_is_a_set(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd");
    cogvideo_evaluation result = { 0 };
    char folder[1000], real[1000], *straight, *from_file;
    cogvideo_error err;

    (void)state;
    straight = evaluated_json(&options);
    snprintf(folder, sizeof folder, "%s", check_temp_path("alone"));
    options.features = folder;
    options.features_only = 1;
    options.generated = NULL;
    CHECK_OK(cogvideo_evaluate(&options, &result, &err), err);
    assert_int_equal(result.count, 0);
    assert_int_equal(result.file_count, 1);
    snprintf(real, sizeof real, "%s", result.files[0]);
    assert_non_null(strstr(real, "/real-i3d-aaaaaaaa-"));
    cogvideo_evaluation_free(&result);
    options = evaluated_options("fvd");
    options.real = real;
    from_file = evaluated_json(&options);
    assert_string_equal(straight, from_file);
    /* What is wrong with one is known before the others are computed. */
    check_write(check_temp_path("no.safetensors"), "{}", 2);
    options.real = check_temp_path("no.safetensors");
    toy_networks_computed = 0;
    evaluated_refused(&options, COGVIDEO_ERROR_FORMAT, "no.safetensors: is not a safetensors file");
    assert_int_equal(toy_networks_computed, 0);
    options.metrics = "clip";
    options.generated = real;
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "no prompts to compare with");
    free(straight);
    free(from_file);
}

static void where_features_cannot_be_kept_is_told_at_once(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd");

    (void)state;
    options.features = check_temp_path("made/clip-03.txt");
    toy_networks_computed = 0;
    evaluated_refused(&options, COGVIDEO_ERROR_IO, "clip-03.txt: is no folder");
    options.features = "/proc/self"; /* where nobody may write, not even root */
    evaluated_refused(&options, COGVIDEO_ERROR_IO, "/proc/self: cannot be written, and not all features are there");
    assert_int_equal(toy_networks_computed, 0);
}

static void sets_of_one_name_are_told(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd");
    char other[1000], folder[1000], *text;

    (void)state;
    assert_int_equal(mkdir(check_temp_path("other"), 0777), 0);
    evaluated_write("other/made", EVALUATED_CLIPS, EVALUATED_FRAMES, 7);
    snprintf(other, sizeof other, "%s", check_temp_path("other/made"));
    snprintf(folder, sizeof folder, "%s", check_temp_path("shared"));
    options.real = other;
    options.features = folder;
    text = evaluated_json(&options);
    free(text);
    assert_non_null(strstr(evaluated_warnings, "/other/made: have one name, so that i3d features of both"));
    toy_networks_computed = 0;
    free(evaluated_json(&options)); /* nothing of either is lost */
    assert_int_equal(toy_networks_computed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(long_prompts_are_refused_or_cut),
        cmocka_unit_test(damaged_clips_are_left_out),
        cmocka_unit_test(what_was_computed_is_not_computed_again),
        cmocka_unit_test(foreign_and_broken_files_are_refused),
        cmocka_unit_test(an_interrupted_run_goes_on),
        cmocka_unit_test(a_file_of_features_is_a_set),
        cmocka_unit_test(where_features_cannot_be_kept_is_told_at_once),
        cmocka_unit_test(sets_of_one_name_are_told),
    };

    return cmocka_run_group_tests(tests, evaluated_start, evaluated_stop);
}
