/* The library's look inside, with the model that ships: its numbers are those of cogvideo_score, whoever watches, and
 * attention is a distribution over what a place may see. */
#include "support/check.h"

#include <cogvideo/cogvideo.h>

enum { FRAMES = 9, KEYS = 5, MOST = FRAMES * 64 };

typedef struct fixture {
    cogvideo_model *model;
    cogvideo_model_info info;
    int places, layers;
    cogvideo_tokens clip;
    cogvideo_generate_options options;
} fixture;

/* What an empty white frame is made of. */
static int32_t white(const cogvideo_model *model, const cogvideo_model_info *info)
{
    cogvideo_video video = { 0 };
    cogvideo_tokens codes = { 0 };
    cogvideo_error err;
    int32_t code;

    CHECK_OK(cogvideo_video_alloc(&video, info->width * info->rate, info->height * info->rate, 1, 0, &err), err);
    memset(video.pixels, 255, (size_t)video.width * (size_t)video.height * 3);
    CHECK_OK(cogvideo_encode(model, &video, info->rate, NULL, &codes, &err), err);
    code = codes.codes[0];
    cogvideo_tokens_free(&codes);
    cogvideo_video_free(&video);
    return code;
}

static int set_up(void **state)
{
    static fixture f;
    const char *weights = getenv("COGVIDEO_WEIGHTS");
    char folder[1000];
    cogvideo_error err;
    int32_t background;

    snprintf(folder, sizeof folder, "%s/shapes", weights ? weights : "weights");
    CHECK_OK(cogvideo_model_open(&f.model, folder, NULL, &err), err);
    cogvideo_model_get_info(f.model, &f.info);
    f.layers = (int)cogvideo_model_number(f.model, "layers");
    f.places = f.info.height * f.info.width;
    assert_true(FRAMES * f.places <= MOST);
    CHECK_OK(cogvideo_tokens_alloc(&f.clip, f.info.height, f.info.width, f.info.rate, FRAMES, &err), err);
    background = white(f.model, &f.info);
    for (int i = 0; i < FRAMES * f.places; i++)
        f.clip.codes[i] = i * 7 % 10 < 6 ? background : i * 31 % f.info.image_codes;
    cogvideo_generate_defaults(f.model, &f.options);
    f.options.prompt = "a large red star moves left on a white background";
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    cogvideo_tokens_free(&f->clip);
    cogvideo_model_close(&f->model);
    return 0;
}

/* --- numbers -------------------------------------------------------------------------------------------------- */

/* Bit for bit the score's; entropy from 0 to that of an even choice, and no less than the surprise of the likeliest
 * code. */
static void check_numbers(const fixture *f, const cogvideo_score_options *what, const cogvideo_tokens *clip,
                          const cogvideo_inspection *seen)
{
    static double logprob[MOST];
    static int scored[FRAMES];
    int likeliest = 0;
    cogvideo_error err;

    CHECK_OK(cogvideo_score(f->model, &f->options, what, clip, logprob, scored, &err), err);
    assert_int_equal(seen->frames, clip->frames);
    assert_int_equal(seen->places, f->places);
    assert_memory_equal(seen->scored, scored, (size_t)clip->frames * sizeof *scored);
    for (int i = 0; i < clip->frames * f->places; i++) {
        if (!scored[i / f->places])
            continue;
        assert_memory_equal(&seen->logprob[i], &logprob[i], sizeof *logprob);
        assert_true(seen->entropy[i] >= -1e-9 && seen->entropy[i] <= log(f->info.image_codes) + 1e-9);
        assert_in_range(seen->likeliest[i], 0, f->info.image_codes - 1);
        if (seen->likeliest[i] == clip->codes[i]) {
            assert_true(-seen->logprob[i] <= seen->entropy[i] + 1e-6);
            likeliest++;
        }
    }
    assert_true(likeliest > 0);
}

static void check_alpha(const cogvideo_inspection *seen)
{
    for (int i = 0; i < seen->layers * seen->hidden; i++)
        assert_true(seen->alpha[i] > 0 && seen->alpha[i] < 1);
}

/* --- attention ------------------------------------------------------------------------------------------------ */

typedef struct watch {
    const fixture *f;
    int calls[2], through_time; /* those of the second channel that give weight to another frame */
    int layer, place;           /* all that is wanted; -1 = all */
} watch;

static int wanted(void *user, int layer, int frame, int place)
{
    const watch *w = user;

    (void)frame;
    return (w->layer < 0 || layer == w->layer) && (w->place < 0 || place == w->place);
}

static void look(void *user, const cogvideo_attention *a)
{
    watch *w = user;
    int places = w->f->places;
    double sum = 0, elsewhere = 0;

    assert_true(w->layer < 0 || a->layer == w->layer);
    assert_true(w->place < 0 || a->place == w->place);
    assert_in_range(a->frame, a->first_frame, a->first_frame + a->frame_count - 1);
    for (int t = 0; t < a->text_count; t++) {
        assert_true(a->text[t] > 0);
        sum += (double)a->text[t];
    }
    for (int i = 0; i < a->frame_count * places; i++) {
        int own = a->first_frame + i / places == a->frame;

        assert_true(a->frames[i] >= 0);
        sum += (double)a->frames[i];
        elsewhere += own ? 0 : (double)a->frames[i];
        if (own && i % places > a->place) /* what comes later is hidden */
            CHECK_CLOSE((double)a->frames[i], 0, 0);
        if (!a->second)
            assert_true(i % places > a->place || a->frames[i] > 0);
    }
    CHECK_CLOSE(sum, 1, 1e-4);
    w->calls[a->second]++;
    w->through_time += a->second && elsewhere > 0.01;
}

/* --- tests ---------------------------------------------------------------------------------------------------- */

/* A stage watched in all layers; `predicted` frames in both channels, and `alone` in the base channel. */
static void check_stage(const fixture *f, int stage, int frames, int predicted, int alone)
{
    watch w = { .f = f, .layer = -1, .place = -1 };
    cogvideo_inspect_options what = { .score = { .stage = stage, .first_frame = stage == 1 },
                                      .attention = look,
                                      .wanted = wanted,
                                      .user = &w };
    cogvideo_tokens clip = f->clip;
    cogvideo_inspection seen = { 0 };
    cogvideo_error err;

    clip.frames = frames;
    CHECK_OK(cogvideo_inspect(f->model, &f->options, &what, &clip, &seen, &err), err);
    check_numbers(f, &what.score, &clip, &seen);
    check_alpha(&seen);
    assert_int_equal(w.calls[0], f->layers * f->places * (predicted + alone));
    assert_int_equal(w.calls[1], f->layers * f->places * predicted);
    assert_true(w.through_time > w.calls[1] / 2);
    assert_true(seen.text_count > 0);
    assert_true((seen.first_count > 0) == (alone > 0));
    cogvideo_inspection_free(&seen);
}

static void stage1_is_what_score_gives(void **state)
{
    fixture *f = *state;

    check_stage(f, 1, KEYS, KEYS - 1, 1);
    cogvideo_find_step(&f->options, "keyframes")->guidance = 3; /* the prompt alone is watched */
    check_stage(f, 1, KEYS, KEYS - 1, 1);
    cogvideo_find_step(&f->options, "keyframes")->guidance = 1;
}

static void stage2_is_what_score_gives(void **state)
{
    check_stage(*state, 2, FRAMES, (FRAMES - 1) / 2, 0);
}

static void only_what_is_wanted_is_looked_at(void **state)
{
    const fixture *f = *state;
    watch w = { .f = f, .layer = f->layers - 1, .place = 20 };
    cogvideo_inspect_options what = { .score = { .stage = 2 }, .attention = look, .wanted = wanted, .user = &w };
    cogvideo_inspection seen = { 0 };
    cogvideo_error err;

    CHECK_OK(cogvideo_inspect(f->model, &f->options, &what, &f->clip, &seen, &err), err);
    assert_int_equal(w.calls[0], (FRAMES - 1) / 2);
    assert_int_equal(w.calls[1], (FRAMES - 1) / 2);
    cogvideo_inspection_free(&seen);
    what.attention = NULL;
    CHECK_OK(cogvideo_inspect(f->model, &f->options, &what, &f->clip, &seen, &err), err);
    check_numbers(f, &what.score, &f->clip, &seen);
    cogvideo_inspection_free(&seen);
    cogvideo_inspection_free(&seen);
    cogvideo_inspection_free(NULL);
}

static void wrong_clips_are_refused(void **state)
{
    const fixture *f = *state;
    cogvideo_inspect_options what = { .score = { .stage = 2 } };
    cogvideo_tokens clip = f->clip;
    cogvideo_inspection seen = { 0 };
    cogvideo_error err;

    clip.frames = 8;
    CHECK_FAILS(cogvideo_inspect(f->model, &f->options, &what, &clip, &seen, &err), COGVIDEO_ERROR_ARGUMENT,
                "whole windows", err);
    what.score.stage = 3;
    CHECK_FAILS(cogvideo_inspect(f->model, &f->options, &what, &f->clip, &seen, &err), COGVIDEO_ERROR_ARGUMENT,
                "1 or 2, not 3", err);
    assert_int_equal(cogvideo_code_cluster(f->model, 0), -1); /* this model has none */
    assert_int_equal(cogvideo_code_cluster(f->model, -1), -1);
}

/* Its networks know square frames, each of one video frame: other codes, which another family may have made, are
 * refused by all that takes a clip. */
static void clips_of_other_shapes_are_refused(void **state)
{
    static const char *const steps[] = { "keyframes", "interpolate", "upscale", "decode" };
    static const struct {
        int height, width, frames_per_code;
        const char *words;
    } shapes[] = {
        { 4, 16, 1, "the clip has frames of 16x4 codes" },
        { 8, 8, 2, "the codes of the clip stand for 2 video frames each" },
    };
    const fixture *f = *state;
    const cogvideo_inspect_options what = { .score = { .stage = 2 } };
    cogvideo_inspection seen = { 0 };
    cogvideo_value out = { 0 };
    cogvideo_error err;

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        cogvideo_value in = { .kind = COGVIDEO_KIND_CODES, .codes = f->clip };
        double logprob[MOST];
        int scored[FRAMES];

        in.codes.height = shapes[i].height;
        in.codes.width = shapes[i].width;
        in.codes.frames_per_code = shapes[i].frames_per_code;
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
            if (strcmp(steps[s], "upscale") != 0 || cogvideo_model_number(f->model, "upscaler") != 0)
                CHECK_FAILS(cogvideo_run_step(f->model, steps[s], &f->options, &in, &out, &err),
                            COGVIDEO_ERROR_ARGUMENT, shapes[i].words, err);
        CHECK_FAILS(cogvideo_score(f->model, &f->options, &what.score, &in.codes, logprob, scored, &err),
                    COGVIDEO_ERROR_ARGUMENT, shapes[i].words, err);
        CHECK_FAILS(cogvideo_inspect(f->model, &f->options, &what, &in.codes, &seen, &err), COGVIDEO_ERROR_ARGUMENT,
                    shapes[i].words, err);
        CHECK_FAILS(cogvideo_compare(f->model, &f->options, f->model, &f->options, &what.score, 0, &in.codes,
                                     &(cogvideo_comparison){ 0 }, &err),
                    COGVIDEO_ERROR_ARGUMENT, shapes[i].words, err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stage1_is_what_score_gives),        cmocka_unit_test(stage2_is_what_score_gives),
        cmocka_unit_test(only_what_is_wanted_is_looked_at),  cmocka_unit_test(wrong_clips_are_refused),
        cmocka_unit_test(clips_of_other_shapes_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
