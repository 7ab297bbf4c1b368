/* Stories of a family that is not Phenaki: scenes, what they begin with, their files, and going on. */
#include "support/check.h"
#include "support/seen.h"
#include "support/toy_story.h"

#include "base/file.h"

#include <cogvideo/pipeline.h>

#include <unistd.h>

const cv_family *const cv_families[] = { &cv_family_toy_story, NULL };

static const cogvideo_scene scenes[] = { { .prompt = "a" }, { .prompt = "bb", .seconds = 0.75 }, { .prompt = "c" } };

typedef struct watch {
    int sketches, stop; /* the sketch with which the run stops; 0 = none */
    int last_scene, last_done;
} watch;

static int on_sketch(void *user, const cogvideo_sketch *sketch)
{
    watch *w = user;

    assert_string_equal(sketch->step, "fill");
    assert_int_equal(sketch->total, TOY_STORY_STEPS);
    assert_null(sketch->box->scenes);
    w->last_scene = sketch->scene;
    w->last_done = sketch->done;
    return ++w->sketches == w->stop;
}

static cogvideo_model *open_story(void)
{
    static const char description[] =
        "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"toy_story\",\"name\":\"story\"}";
    cogvideo_model *model = NULL;
    cogvideo_error err;

    check_write(check_temp_path("model.json"), description, sizeof description - 1);
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    return model;
}

static cogvideo_generate_options options_of(const cogvideo_model *model, watch *w)
{
    cogvideo_generate_options options;

    cogvideo_generate_defaults(model, &options);
    options.scenes = scenes;
    options.scene_count = 3;
    options.seed = 4;
    options.callbacks.sketch = w ? on_sketch : NULL;
    options.callbacks.user = w;
    return options;
}

static cogvideo_run_options run_of(const cogvideo_model *model, const char *name)
{
    static char path[4][300];
    static int next;
    cogvideo_run_options run;

    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s", check_temp_path(name));
    cogvideo_run_defaults(model, &run);
    run.output = path[next];
    return run;
}

static void same_files(const char *a, const char *b)
{
    cv_buffer one = { 0 }, other = { 0 };
    cogvideo_error err;

    CHECK_OK(cv_file_read(&one, check_temp_path(a), 1 << 20, &err), err);
    CHECK_OK(cv_file_read(&other, check_temp_path(b), 1 << 20, &err), err);
    assert_int_equal(one.size, other.size);
    assert_memory_equal(one.data, other.data, one.size);
    cv_buffer_free(&one);
    cv_buffer_free(&other);
}

/* Codes and video of three scenes: what a scene takes over is in the codes, and is not shown again. */
static void scenes_follow_each_other(void **state)
{
    cogvideo_model *model = open_story();
    watch w = { 0 };
    cogvideo_generate_options options = options_of(model, &w);
    cogvideo_run_options run = run_of(model, "whole.y4m");
    cogvideo_result result = { 0 };
    cogvideo_tokens clip = { 0 };
    cogvideo_video video = { 0 };
    cogvideo_error err;
    int first, frames, given;

    (void)state;
    CHECK_OK(cogvideo_generate(model, &options, &run, &result, &err), err);
    assert_int_equal(w.sketches, 3 * TOY_STORY_STEPS);
    assert_true(w.last_scene == 2 && w.last_done == TOY_STORY_STEPS);
    CHECK_OK(cogvideo_tokens_load(&clip, check_temp_path("whole.jsonl"), &err), err);
    assert_true(cogvideo_tokens_scene(&clip, 0, &first, &frames, &given) && frames == 3 && given == 0);
    assert_true(cogvideo_tokens_scene(&clip, 1, &first, &frames, &given) && first == 3 && frames == 5 && given == 2);
    assert_true(cogvideo_tokens_scene(&clip, 2, &first, &frames, &given) && first == 8 && frames == 4 && given == 2);
    assert_int_equal(cogvideo_tokens_video_frames(&clip), 5 + 6 + 4);
    assert_int_equal(clip.rate, 4);
    assert_int_equal(clip.rate_across, 2);
    assert_int_equal(result.clips[0].shape.video_frames, 15);
    assert_int_equal(result.clips[0].shape.scene_frames, 5);
    for (int f = 0; f < clip.frames; f++) { /* pictures are numbered as they are shown */
        static const int pictures[] = { 0, 1, 3, -1, -1, 5, 7, 9, -1, -1, 11, 13 };

        assert_int_equal(cogvideo_tokens_video_frame(&clip, f), pictures[f]);
    }
    if (have_ffmpeg()) {
        CHECK_OK(cogvideo_video_read(&video, check_temp_path("whole.y4m"), NULL, &err), err);
        assert_int_equal(video.frames, 15);
        assert_true(video.width == 6 && video.height == 8);
    }
    /* the tail of the first scene: its last three pictures begin the second */
    for (int i = 0; i < 2; i++)
        assert_memory_equal(clip.codes + (size_t)(3 + i) * 6, clip.codes + (size_t)(i + 1) * 6, 6 * sizeof *clip.codes);
    cogvideo_video_free(&video);
    cogvideo_tokens_free(&clip);
    cogvideo_result_free(&result);
    cogvideo_model_close(&model);
}

/* Stopped after any step of any scene, a run goes on to the same files; other scenes are another run. */
static void stories_go_on(void **state)
{
    cogvideo_model *model = open_story();
    cogvideo_error err;

    (void)state;
    for (int stop = 1; stop < 3 * TOY_STORY_STEPS; stop += 2) {
        const cogvideo_scene others[] = { scenes[0], { .prompt = "bb", .seconds = 1 }, scenes[2] };
        watch w = { .stop = stop };
        cogvideo_generate_options options = options_of(model, &w);
        cogvideo_run_options run = run_of(model, "part.y4m");
        cogvideo_result result = { 0 };

        run.force = 1;
        CHECK_FAILS(cogvideo_generate(model, &options, &run, &result, &err), COGVIDEO_ERROR_CANCELLED, "cancelled",
                    err);
        assert_int_equal(result.resumable, 1);
        cogvideo_result_free(&result);
        run.force = 0;
        run.resume = 1;
        options.callbacks.sketch = NULL;
        options.scenes = others;
        CHECK_FAILS(cogvideo_generate(model, &options, &run, &result, &err), COGVIDEO_ERROR_ARGUMENT,
                    "\"seconds\":", err);
        cogvideo_result_free(&result);
        options.scenes = scenes;
        CHECK_OK(cogvideo_generate(model, &options, &run, &result, &err), err);
        cogvideo_result_free(&result);
        same_files("whole.y4m", "part.y4m");
        same_files("whole.jsonl", "part.jsonl");
    }
    cogvideo_model_close(&model);
}

/* A clip that the first scene goes on from is part of what a run is told by: with another one it is another run. */
static void stories_go_on_from_a_clip(void **state)
{
    cogvideo_model *model = open_story();
    cogvideo_generate_options options = options_of(model, NULL);
    cogvideo_run_options run = run_of(model, "on.y4m");
    cogvideo_value first = { .kind = COGVIDEO_KIND_PIXELS }, codes = { .kind = COGVIDEO_KIND_CODES };
    cogvideo_result result = { 0 };
    cogvideo_tokens clip = { 0 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_video_alloc(&first.pixels, 6, 8, 4, 8, &err), err);
    memset(first.pixels.pixels, 80, (size_t)3 * 6 * 8 * 4);
    options.scene_count = 1;
    run.first = &first;
    CHECK_OK(cogvideo_generate(model, &options, &run, &result, &err), err);
    CHECK_OK(cogvideo_tokens_load(&clip, check_temp_path("on.jsonl"), &err), err);
    assert_int_equal(clip.frames, 4);
    assert_int_equal(cogvideo_tokens_video_frames(&clip), 4);
    for (int i = 0; i < 2 * 6; i++)
        assert_int_equal(clip.codes[i], 1);
    cogvideo_result_free(&result);
    cogvideo_tokens_free(&clip);
    run.resume = 1;
    CHECK_OK(cogvideo_generate(model, &options, &run, &result, &err), err);
    assert_int_equal(result.finished, 1);
    cogvideo_result_free(&result);
    first.pixels.pixels[0] = 160;
    CHECK_FAILS(cogvideo_generate(model, &options, &run, &result, &err), COGVIDEO_ERROR_ARGUMENT, "\"pixels\":", err);
    cogvideo_result_free(&result);
    run.first = &codes;
    CHECK_FAILS(cogvideo_generate(model, &options, &run, &result, &err), COGVIDEO_ERROR_ARGUMENT, "at least 1 frame",
                err);
    cogvideo_result_free(&result);
    cogvideo_value_free(&first);
    cogvideo_model_close(&model);
}

static void impossible_stories_are_refused(void **state)
{
    static const cogvideo_scene short_one[] = { { .prompt = "a", .seconds = 0.01 } }, silent[] = { { .seconds = 1 } },
                                broken[] = { { .prompt = "a" }, { .prompt = "\xff" } };
    cogvideo_model *model = open_story();
    cogvideo_generate_options options = options_of(model, NULL);
    cogvideo_value out = { 0 };
    cogvideo_error err;

    (void)state;
#define REFUSED(list, count, words)                                                                               \
    do {                                                                                                          \
        options.scenes = list;                                                                                    \
        options.scene_count = count;                                                                              \
        CHECK_FAILS(cogvideo_run_step(model, "fill", &options, NULL, &out, &err), COGVIDEO_ERROR_ARGUMENT, words, \
                    err);                                                                                         \
    } while (0)
    REFUSED(short_one, 1, "scene 1: seconds must be from 0.1 to 1000, not 0.01");
    REFUSED(silent, 1, "scene 1 has no prompt");
    REFUSED(broken, 2, "the prompt of scene 2 is not UTF-8");
    REFUSED(scenes, COGVIDEO_MAX_SCENES + 1, "from 1 to 10000 scenes, not 10001");
    cogvideo_model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenes_follow_each_other),
        cmocka_unit_test(stories_go_on),
        cmocka_unit_test(stories_go_on_from_a_clip),
        cmocka_unit_test(impossible_stories_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
