/* Evaluation with networks whose features anybody can compute: metrics, frames, sets, ranks. The registry is this
 * test's own. */
#include "support/evaluated.h"

#include "dataset/dataset.h"
#include "evaluate/frames.h"
#include "evaluate/set.h"
#include "metric/frechet.h"
#include "metric/inception_score.h"

#include <stdlib.h>

const cv_family *const cv_families[] = { &cv_family_toy_networks, NULL };

/* The features of clip c as the network must see them: a plain colour stays what it is, however it is resized. */
static void features_of(float out[TOY_WIDTH], int clip, int first, int stride, int shift)
{
    uint8_t pixels[EVALUATED_SIDE * EVALUATED_SIDE * 3], before[3] = { 0 };
    double mean[TOY_WIDTH] = { 0 };

    for (int f = 0; f < 16; f++) {
        evaluated_paint(pixels, clip, first + f * stride, shift);
        for (int c = 0; c < 3; c++) {
            mean[c] += pixels[c] / 16.0;
            mean[3] += f ? abs(pixels[c] - before[c]) / 3.0 : 0;
        }
        memcpy(before, pixels, 3);
    }
    for (int c = 0; c < TOY_WIDTH; c++)
        out[c] = (float)mean[c];
}

/* --- metrics --------------------------------------------------------------------------------------------------- */

static void the_distance_is_that_of_the_features(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd");
    float a[EVALUATED_CLIPS][TOY_WIDTH], b[EVALUATED_CLIPS + 2][TOY_WIDTH];
    const cv_feature_set x = { .rows = a[0], .count = EVALUATED_CLIPS, .width = TOY_WIDTH },
                         y = { .rows = b[0], .count = EVALUATED_CLIPS + 2, .width = TOY_WIDTH };
    const cv_frechet_options how = { .draws = 200, .extrapolate = true }, biased = { .biased = true };
    cogvideo_evaluation result = { 0 };
    cv_frechet expected;
    cogvideo_error err;

    (void)state;
    for (int c = 0; c < EVALUATED_CLIPS; c++)
        features_of(a[c], c, 0, 1, 0);
    for (int c = 0; c < EVALUATED_CLIPS + 2; c++)
        features_of(b[c], c, 0, 1, 7);
    CHECK_OK(cv_frechet_distance(&x, &y, &how, &expected, &err), err);
    CHECK_OK(cogvideo_evaluate(&options, &result, &err), err);
    assert_int_equal(result.count, 1);
    assert_string_equal(result.metrics[0].name, "fvd");
    assert_string_equal(result.metrics[0].network, "i3d");
    CHECK_CLOSE(result.metrics[0].value, expected.distance, 1e-3);
    CHECK_CLOSE(result.metrics[0].low, expected.low, 1e-2);
    CHECK_CLOSE(result.metrics[0].high, expected.high, 1e-2);
    CHECK_CLOSE(result.metrics[0].extrapolated, expected.extrapolated, 1e-2);
    assert_true(result.metrics[0].value > 30);
    assert_int_equal(result.metrics[0].generated, EVALUATED_CLIPS);
    assert_int_equal(result.metrics[0].real, EVALUATED_CLIPS + 2);
    assert_int_equal(result.metrics[0].dimension, TOY_WIDTH);
    assert_int_equal(result.metrics[0].warning_count, 2); /* both sets are below 2048 */
    assert_string_equal(result.metrics[0].warnings[0], "6 generated clips: FVD is too large below 2048");
    cogvideo_evaluation_free(&result);

    /* Another divisor, other frames. */
    options.protocol.covariance = "n";
    options.protocol.bootstrap = 0;
    options.protocol.skip_first = 2;
    for (int c = 0; c < EVALUATED_CLIPS; c++)
        features_of(a[c], c, 2, 1, 0);
    for (int c = 0; c < EVALUATED_CLIPS + 2; c++)
        features_of(b[c], c, 2, 1, 7);
    CHECK_OK(cv_frechet_distance(&x, &y, &biased, &expected, &err), err);
    CHECK_OK(cogvideo_evaluate(&options, &result, &err), err);
    CHECK_CLOSE(result.metrics[0].value, expected.distance, 1e-3);
    assert_int_equal(result.metrics[0].has_interval, 0);
    cogvideo_evaluation_free(&result);

    /* A set is at no distance from itself. */
    options.real = options.generated;
    CHECK_OK(cogvideo_evaluate(&options, &result, &err), err);
    assert_true(result.metrics[0].value >= 0 && result.metrics[0].value < 1e-6);
    cogvideo_evaluation_free(&result);
}

static void scores_are_those_of_the_probabilities(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("is,image-is,fid");
    double p[EVALUATED_CLIPS * 3];
    cogvideo_evaluation result = { 0 };
    cv_inception_score expected;
    cogvideo_error err;

    (void)state;
    for (int c = 0; c < EVALUATED_CLIPS; c++) {
        float mean[TOY_WIDTH];
        double sum = 0;

        features_of(mean, c, 0, 1, 0);
        for (int k = 0; k < 3; k++)
            sum += p[3 * c + k] = exp((double)mean[k] / 32);
        for (int k = 0; k < 3; k++)
            p[3 * c + k] /= sum;
    }
    CHECK_OK(cv_inception_score_of(p, EVALUATED_CLIPS, 3, NULL, 2, &expected, &err), err);
    options.protocol.splits = 2;
    options.protocol.fid_frames = 5;
    CHECK_OK(cogvideo_evaluate(&options, &result, &err), err);
    assert_int_equal(result.count, 3);
    CHECK_CLOSE(result.metrics[0].value, expected.mean, 1e-5);
    CHECK_CLOSE(result.metrics[0].deviation, expected.deviation, 1e-5);
    assert_int_equal(result.metrics[0].real, 0);
    assert_string_equal(result.metrics[1].name, "image-is");
    assert_string_equal(result.metrics[2].name, "fid");
    assert_non_null(strstr(result.metrics[2].protocol, "\"frames_used\":5"));
    assert_non_null(strstr(result.metrics[2].warnings[0], "30 generated frames: FID is too large below 2048"));
    cogvideo_evaluation_free(&result);
}

static void clip_compares_with_the_prompt(void **state)
{
    static const char *const names[] = { "clipsim", "clipscore", "clip100" };
    cogvideo_evaluate_options options = evaluated_options("clip,clipscore,clip100");
    cogvideo_evaluation result = { 0 };
    double expected = 0;
    cogvideo_error err;

    (void)state;
    options.real = NULL;
    for (int c = 0; c < EVALUATED_CLIPS; c++) /* cosines first, then means */
        for (int f = 0; f < 16; f++) {
            uint8_t x[EVALUATED_SIDE * EVALUATED_SIDE * 3];

            evaluated_paint(x, c, f, 0);
            expected += (c % 2 ? x[1] : (x[0] + x[2]) / sqrt(2)) / sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]) /
                        (16 * EVALUATED_CLIPS);
        }
    CHECK_OK(cogvideo_evaluate(&options, &result, &err), err);
    for (int i = 0; i < 3; i++)
        assert_string_equal(result.metrics[i].name, names[i]);
    CHECK_CLOSE(result.metrics[0].value, expected, 1e-6);
    CHECK_CLOSE(result.metrics[1].value, 2.5 * expected, 1e-6);
    CHECK_CLOSE(result.metrics[2].value, 100 * expected, 1e-4);
    assert_int_equal(result.metrics[0].has_deviation, 1);
    assert_true(strlen(result.metrics[0].vocabulary_sha256) == 64);
    cogvideo_evaluation_free(&result);
}

static void every_field_is_printed(void **state)
{
    static const char *const fields[] = {
        "frames",    "stride",      "start",      "real_start",     "clips_per_video", "fps",         "size",
        "size_crop", "size_resize", "quantise",   "network_resize", "network_crop",    "value_range", "skip_first",
        "mirror",    "covariance",  "splits",     "shuffle",        "epsilon",         "samples",     "bootstrap",
        "seed",      "name",        "real_split",
    };
    cogvideo_evaluate_options options = evaluated_options("fvd");
    char *text;

    (void)state;
    options.protocol.real_split = "train";
    text = evaluated_json(&options);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char key[40];

        snprintf(key, sizeof key, "\"%s\":", fields[i]);
        if (!strstr(text, key))
            fail_msg("%s is missing in %s", key, text);
    }
    assert_non_null(strstr(text, "\"format\":\"cogvideo-evaluation\",\"version\":1"));
    assert_non_null(strstr(text, "\"samples\":{\"generated\":6,\"real\":8,\"left_out\":0}"));
    assert_null(strstr(text, "null"));
    free(text);
    for (int i = 0; cogvideo_protocol_name(i); i++) { /* each can be followed */
        cogvideo_error err;

        CHECK_OK(cogvideo_protocol_named(&options.protocol, cogvideo_protocol_name(i), &err), err);
        text = evaluated_json(&options);
        assert_non_null(strstr(text, cogvideo_protocol_name(i)));
        free(text);
    }
}

/* --- frames ----------------------------------------------------------------------------------------------------- */

static void frames_are_chosen(void **state)
{
    cogvideo_protocol given;
    cv_protocol p;
    double times[40];
    const cv_length timed = { 40, times, 0.1 }, plain = { 40, NULL, 0 };
    int out[16], again[16], have;
    cogvideo_error err;

    (void)state;
    for (int i = 0; i < 40; i++)
        times[i] = i * 0.1;
    CHECK_OK(cogvideo_protocol_named(&given, "cogvideo", &err), err);
    CHECK_OK(cv_protocol_resolve(&p, &given, &cv_family_toy_networks.feature_networks[0], evaluated_networks, false,
                                 NULL, &err),
             err);
    assert_false(cv_frames_need_length(&p, CV_GENERATED));
    assert_true(cv_frames_choose(&p, CV_GENERATED, NULL, "x", 1, out, &have)); /* the second clip follows the first */
    assert_int_equal(out[0], 16);
    assert_int_equal(out[15], 31);
    assert_false(cv_frames_choose(&p, CV_GENERATED, &plain, "x", 2, out, &have));
    p.stride = 2;
    p.given.skip_first = 3;
    assert_true(cv_frames_choose(&p, CV_GENERATED, &plain, "x", 0, out, &have));
    assert_int_equal(out[0], 3);
    assert_int_equal(out[15], 33);
    p.start[CV_REAL] = CV_START_CENTRE;
    assert_true(cv_frames_choose(&p, CV_REAL, &plain, "x", 0, out, &have));
    assert_int_equal(out[0], 6);
    p.start[CV_REAL] = CV_START_RANDOM;
    assert_true(cv_frames_choose(&p, CV_REAL, &plain, "x", 0, out, &have));
    assert_true(cv_frames_choose(&p, CV_REAL, &plain, "x", 0, again, &have));
    assert_memory_equal(out, again, sizeof out);
    assert_true(out[0] >= 3 && out[15] < 40);
    /* 10 frames a second, taken 5 and 20 times a second. */
    p.start[CV_REAL] = CV_START_FIRST;
    p.stride = 1;
    p.given.skip_first = 0;
    p.given.fps = 5;
    assert_true(cv_frames_choose(&p, CV_REAL, &timed, "x", 0, out, &have));
    assert_int_equal(have, 20);
    assert_int_equal(out[1], 2);
    assert_int_equal(out[15], 30);
    p.given.fps = 20;
    assert_true(cv_frames_choose(&p, CV_REAL, &timed, "x", 0, out, &have));
    assert_int_equal(have, 80);
    assert_int_equal(out[2], 1);
    p.given.fps = 3;
    assert_false(cv_frames_choose(&p, CV_REAL, &timed, "x", 0, out, &have));
    assert_int_equal(have, 12);
}

/* --- sets ------------------------------------------------------------------------------------------------------- */

static void sets_are_found_in_every_form(void **state)
{
    static const char list[] = "made/clip-03\ta \"blue\" one\n\nmade/clip-01\r\nmade/clip-01\t \n";
    uint8_t *pixels = calloc(EVALUATED_FRAMES, EVALUATED_SIDE * EVALUATED_SIDE * 3);
    const cogvideo_dataset_clip clip = { .frames = EVALUATED_FRAMES,
                                         .caption = "a red one",
                                         .source = "",
                                         .pixels = pixels };
    cv_dataset_writer *writer = NULL;
    cv_set set;
    int *chosen, count;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_set_find(&set, check_temp_path("made"), true, &err), err);
    assert_string_equal(set.name, "made");
    assert_int_equal(set.count, EVALUATED_CLIPS);
    assert_int_equal(set.items[2].kind, CV_ITEM_PICTURES);
    assert_string_equal(set.items[2].name, "clip-02");
    assert_string_equal(set.items[1].prompt, "green");
    cv_set_free(&set);

    check_write(check_temp_path("some.list"), list, strlen(list));
    CHECK_OK(cv_set_find(&set, check_temp_path("some.list"), true, &err), err);
    assert_string_equal(set.name, "some");
    assert_int_equal(set.count, 3);
    assert_string_equal(set.items[0].prompt, "a \"blue\" one");
    assert_string_equal(set.items[1].prompt, "green"); /* of the file beside it */
    assert_string_equal(set.items[2].prompt, "green"); /* a space is no prompt */
    cv_set_free(&set);

    CHECK_OK(cv_dataset_writer_open(&writer, check_temp_path("data"),
                                    &(cogvideo_dataset_info){ .size = EVALUATED_SIDE, .fps = 8 }, false, &err),
             err);
    CHECK_OK(cv_dataset_writer_clip(writer, &clip, &err), err);
    CHECK_OK(cv_dataset_writer_commit(&writer, &err), err);
    CHECK_OK(cv_set_find(&set, check_temp_path("data"), true, &err), err);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.items[0].kind, CV_ITEM_DATASET);
    assert_string_equal(set.items[0].prompt, "a red one");
    cv_set_free(&set);

    CHECK_FAILS(cv_set_find(&set, check_temp_path("nowhere"), true, &err), COGVIDEO_ERROR_IO, "does not exist", err);
    CHECK_FAILS(cv_set_find(&set, check_temp_path("networks"), true, &err), COGVIDEO_ERROR_FORMAT, "holds no video",
                err);

    CHECK_OK(cv_set_choose(&chosen, &count, 100, 10, 3, &err), err);
    assert_int_equal(count, 10);
    for (int i = 1; i < count; i++)
        assert_true(chosen[i] > chosen[i - 1]);
    cv_free(chosen);
    free(pixels);
}

static void prompts_stand_in_records(void **state)
{
    static const char record[] = "{\"prompt\":\"a blue star\",\"seed\":1}";
    char *prompt = NULL;
    cogvideo_error err;

    (void)state;
    check_write(check_temp_path("one.json"), record, strlen(record));
    check_write(check_temp_path("one.txt"), "not this", 8);
    CHECK_OK(cv_prompt_beside(&prompt, check_temp_path("one.mp4"), &err), err);
    assert_string_equal(prompt, "a blue star");
    cv_free(prompt);
    CHECK_OK(cv_prompt_beside(&prompt, check_temp_path("two.mp4"), &err), err);
    assert_null(prompt);
    check_write(check_temp_path("two.json"), "{\"prompt\":\" \"}", 14); /* nothing that a clip could fit */
    CHECK_OK(cv_prompt_beside(&prompt, check_temp_path("two.mp4"), &err), err);
    assert_null(prompt);
}

/* --- the shapes world, ranks -------------------------------------------------------------------------------------- */

static void real_clips_are_drawn(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd,is,clip");
    cogvideo_shapes_options world = { .clips = 40, .seed = 5 };
    cogvideo_evaluation result = { 0 };
    const cogvideo_metric *m;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("world"), &world, NULL, &err), err);
    options.generated = check_temp_path("world");
    options.real = NULL;
    options.networks = evaluated_shapes;
    options.protocol.samples = 36;
    options.protocol.fps = 1; /* this protocol has no room for what is not its own */
    options.protocol.skip_first = 9;
    options.protocol.mirror = 1;
    options.protocol.size = 8;
    options.protocol.clips_per_video = 2;
    options.few = 0;
    CHECK_OK(cogvideo_evaluate(&options, &result, &err), err);
    assert_non_null(strstr(evaluated_warnings, "the protocol's 'clips_per_video' as it was given counts for nothing"));
    m = result.metrics;
    assert_string_equal(m[0].name, "fvd-shapes");
    assert_int_equal(m[0].generated, 36);
    assert_int_equal(m[0].real, 36);
    assert_int_equal(m[0].detail_count, 2);
    assert_string_equal(m[0].details[0].name, "real");
    assert_string_equal(m[0].details[1].name, "frozen");
    assert_true(m[0].details[1].value > m[0].details[0].value); /* what stands still differs less from frame to frame */
    assert_non_null(strstr(m[0].protocol, "\"name\":\"shapes\",\"frames\":16,\"stride\":2"));
    assert_non_null(strstr(m[0].protocol, "\"clips_per_video\":1,\"fps\":0,\"skip_first\":0,\"mirror\":0,\"size\":0"));
    assert_non_null(strstr(m[0].protocol, "\"network_resize\":\"none\""));
    assert_string_equal(m[1].name, "is-shapes");
    assert_string_equal(m[1].network, "i3d");
    assert_int_equal(m[1].detail_count, 3);
    assert_string_equal(m[1].details[0].name, "colour");
    assert_true(m[1].value >= m[1].details[0].value);
    assert_string_equal(m[2].name, "clip-shapes");
    assert_int_equal(m[2].detail_count, 5);
    assert_string_equal(m[2].details[1].name, "colour");
    cogvideo_evaluation_free(&result);
    /* Its clips have 64x64 pixels, and no evaluated_others are taken. */
    options = evaluated_options("fvd");
    options.networks = evaluated_shapes;
    options.protocol.frames = 9;
    options.real = NULL;
    evaluated_write("long", EVALUATED_CLIPS, 33, 0);
    options.generated = check_temp_path("long");
    evaluated_refused(&options, COGVIDEO_ERROR_ARGUMENT, "has frames of 12x12 pixels; the network 'i3d' takes 64x64");
}

static void the_best_clip_comes_first(void **state)
{
    cogvideo_evaluate_options options = evaluated_options("fvd");
    cogvideo_ranked ranked[3];
    char paths[3][1000];
    const char *clips[3];
    cogvideo_error err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        char name[40];

        snprintf(name, sizeof name, "made/clip-%02d", 2 * i);
        snprintf(paths[i], sizeof paths[i], "%s", check_temp_path(name));
        clips[i] = paths[i];
    }
    /* Red is 40, 100, 160. */
    CHECK_OK(cogvideo_rank(&options, clips, 3, "red", ranked, &err), err);
    assert_int_equal(ranked[0].clip, 2);
    assert_int_equal(ranked[2].clip, 0);
    assert_true(ranked[0].score > ranked[1].score && ranked[1].score > ranked[2].score);
    CHECK_OK(cogvideo_rank(&options, clips, 3, NULL, ranked, &err), err);
    clips[1] = check_temp_path("made");
    CHECK_FAILS(cogvideo_rank(&options, clips, 3, NULL, ranked, &err), COGVIDEO_ERROR_ARGUMENT, "made: has no prompt",
                err);
    clips[1] = "nowhere";
    CHECK_FAILS(cogvideo_rank(&options, clips, 3, NULL, ranked, &err), COGVIDEO_ERROR_IO, "nowhere: does not exist",
                err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_distance_is_that_of_the_features),
        cmocka_unit_test(scores_are_those_of_the_probabilities),
        cmocka_unit_test(clip_compares_with_the_prompt),
        cmocka_unit_test(every_field_is_printed),
        cmocka_unit_test(frames_are_chosen),
        cmocka_unit_test(sets_are_found_in_every_form),
        cmocka_unit_test(prompts_stand_in_records),
        cmocka_unit_test(real_clips_are_drawn),
        cmocka_unit_test(the_best_clip_comes_first),
    };

    return cmocka_run_group_tests(tests, evaluated_start, evaluated_stop);
}
