/* The judge reads clips of the shapes world: fresh from the renderer, and blurred, noisy and shifted in colour. */
#include "support/check.h"

#include "base/rng.h"
#include "judge/judge.h"

#include <cogvideo/video.h>
#include <sys/wait.h>

typedef struct fixture {
    cv_shapes *world;
    judge *judge;
    uint8_t *clip, *spare;
    size_t bytes;
} fixture;

static fixture open_fixture(void)
{
    cogvideo_error err;
    fixture f = { 0 };

    CHECK_OK(cv_shapes_open(&f.world, NULL, &err), err);
    CHECK_OK(judge_open(&f.judge, f.world, &err), err);
    f.bytes = (size_t)f.world->frames * (size_t)(f.world->side * f.world->side) * 3;
    f.clip = malloc(f.bytes);
    f.spare = malloc(f.bytes);
    return f;
}

static void close_fixture(fixture *f)
{
    free(f->clip);
    free(f->spare);
    judge_close(&f->judge);
    cv_shapes_close(&f->world);
}

static double unit(uint64_t seed, uint32_t a, uint32_t b)
{
    uint32_t random[4];

    cv_rng_block(random, seed, (uint32_t[4]){ a, b, 7, 7 });
    return cv_rng_unit(random[0], random[1]);
}

/* Two passes of 1 2 1 in both directions, a shift of each frame's channels by up to +-8, and noise of deviation 10. */
static void spoil(fixture *f, uint64_t seed)
{
    const int side = f->world->side, row = 3 * side;
    double shift[3] = { 0 };

    for (int pass = 0; pass < 4; pass++) {
        const int step = pass % 2 ? row : 3;

        for (size_t i = 0; i < f->bytes; i++) {
            size_t in_frame = i % (size_t)(row * side);
            int a = in_frame >= (size_t)step ? f->clip[i - (size_t)step] : f->clip[i];
            int b = in_frame + (size_t)step < (size_t)(row * side) ? f->clip[i + (size_t)step] : f->clip[i];

            f->spare[i] = (uint8_t)((a + 2 * f->clip[i] + b + 2) / 4);
        }
        memcpy(f->clip, f->spare, f->bytes);
    }
    for (size_t i = 0; i < f->bytes; i++) {
        uint32_t random[4], frame = (uint32_t)(i / (size_t)(row * side));
        double radius, value;

        if (i % (size_t)(row * side) == 0)
            for (int channel = 0; channel < 3; channel++)
                shift[channel] = 16 * unit(seed, frame, (uint32_t)channel) - 8;
        cv_rng_block(random, seed, (uint32_t[4]){ (uint32_t)i, 1, 2, 3 });
        radius = 10 * sqrt(-2 * log(1 - cv_rng_unit(random[0], random[1])));
        value = f->clip[i] + shift[i % 3] + radius * cos(6.283185307 * cv_rng_unit(random[2], random[3]));
        f->clip[i] = (uint8_t)fmin(fmax(value, 0), 255);
    }
}

/* Judges `clips` clips; returns the share of those seen right in all aspects. Prints what was mistaken for what. */
static double judge_clips(fixture *f, int clips, bool spoiled, double *worst_jump)
{
    int right = 0, confused[JUDGE_ASPECTS][CV_SHAPES_MOST][CV_SHAPES_MOST + 1] = { { { 0 } } };

    *worst_jump = 0;
    for (int i = 0; i < clips; i++) {
        int index = (int)(unit(99, (uint32_t)i, spoiled) * cv_shapes_count(f->world));
        cv_shapes_combination truth = cv_shapes_at(f->world, index);
        judge_verdict verdict;

        cv_shapes_render(f->world, index, (uint64_t)i, f->clip);
        if (spoiled)
            spoil(f, (uint64_t)i);
        judge_look(f->judge, f->clip, f->world->frames, &verdict);
        right += memcmp(&verdict.seen, &truth, sizeof truth) == 0;
        *worst_jump = fmax(*worst_jump, verdict.jump);
        for (int a = 0; a < JUDGE_ASPECTS; a++)
            confused[a][judge_aspect(&truth, a)][judge_aspect(&verdict.seen, a) + 1]++;
    }
    for (int a = 0; a < JUDGE_ASPECTS; a++)
        for (int t = 0; t < CV_SHAPES_MOST; t++)
            for (int s = 0; s <= CV_SHAPES_MOST; s++)
                if (confused[a][t][s] && s != t + 1)
                    print_message("%s: %s seen as %s %d times\n", judge_aspects[a], judge_name(f->world, a, t),
                                  judge_name(f->world, a, s - 1), confused[a][t][s]);
    print_message("%d of %d clips seen right, centre moves at most %.2f pixels a frame\n", right, clips, *worst_jump);
    return (double)right / clips;
}

static void fresh_clips_are_seen_right(void **state)
{
    fixture f = open_fixture();
    double jump;

    (void)state;
    assert_true(judge_clips(&f, 2000, false, &jump) >= 0.99);
    assert_true(jump < 4);
    close_fixture(&f);
}

static void spoiled_clips_are_seen_right(void **state)
{
    fixture f = open_fixture();
    double jump;

    (void)state;
    assert_true(judge_clips(&f, 300, true, &jump) >= 0.96);
    assert_true(jump < 5);
    close_fixture(&f);
}

/* The five key frames alone tell the same, and the first frame all but size and motion. */
static void fewer_frames_are_enough(void **state)
{
    fixture f = open_fixture();
    size_t frame = f.bytes / (size_t)f.world->frames;
    int right = 0, clips = 200;

    (void)state;
    for (int i = 0; i < clips; i++) {
        int index = (int)(unit(3, (uint32_t)i, 0) * cv_shapes_count(f.world));
        cv_shapes_combination truth = cv_shapes_at(f.world, index);
        judge_verdict verdict;

        for (int k = 0; k < 5; k++)
            cv_shapes_frame(f.world, index, (uint64_t)i, 8 * k, f.clip + (size_t)k * frame);
        judge_look(f.judge, f.clip, 5, &verdict);
        right += memcmp(&verdict.seen, &truth, sizeof truth) == 0;
        judge_look(f.judge, f.clip, 1, &verdict);
        assert_int_equal(verdict.seen.shape, truth.shape);
        assert_int_equal(verdict.seen.colour, truth.colour);
        assert_int_equal(verdict.seen.background, truth.background);
    }
    assert_true(right >= clips * 98 / 100);
    close_fixture(&f);
}

static void what_is_missing_is_said_to_be(void **state)
{
    fixture f = open_fixture();
    size_t frame = f.bytes / (size_t)f.world->frames;
    judge_verdict verdict;

    (void)state;
    memset(f.clip, 240, f.bytes);
    judge_look(f.judge, f.clip, f.world->frames, &verdict);
    assert_int_equal(verdict.visible, 0);
    assert_int_equal(verdict.seen.shape, -1);
    assert_string_equal(judge_name(f.world, JUDGE_BACKGROUND, verdict.seen.background), "white");
    cv_shapes_render(f.world, 0, 1, f.clip);
    memset(f.clip + 20 * frame, 12, frame);
    judge_look(f.judge, f.clip, f.world->frames, &verdict);
    assert_int_equal(verdict.visible, f.world->frames - 1);
    CHECK_CLOSE(verdict.jump, f.world->side, 0);
    assert_int_equal(verdict.seen.motion, cv_shapes_at(f.world, 0).motion);
    close_fixture(&f);
}

static int run_judge(const char *arguments)
{
    char command[4096];
    int status;

    snprintf(command, sizeof command, "%s %s > %s 2>&1", getenv("COGVIDEO_JUDGE"), arguments, check_temp_path("said"));
    status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_said(const char *words)
{
    char said[8192] = "";
    FILE *file = fopen(check_temp_path("said"), "rb");

    assert_non_null(file);
    assert_true(fread(said, 1, sizeof said - 1, file) > 0);
    fclose(file);
    if (!strstr(said, words))
        fail_msg("'%s' does not mention '%s'", said, words);
}

static void the_program_reads_files(void **state)
{
    fixture f = open_fixture();
    cogvideo_error err;
    cogvideo_video video = { 64, 64, 33, 8, f.clip, 0 }, large = { 0 };
    char arguments[2048], caption[CV_SHAPES_CAPTION];
    int index = 1234;

    (void)state;
    cv_shapes_render(f.world, index, 5, f.clip);
    cv_shapes_caption(f.world, index, CV_SHAPES_CHINESE, caption);
    CHECK_OK(cogvideo_video_nearest(&large, &video, 256, 256, &err), err);
    CHECK_OK(cogvideo_video_write(&large, check_temp_path("clip.mjpeg"), NULL, &err), err);
    snprintf(arguments, sizeof arguments, "%s --json --expect %s", check_temp_path("clip.mjpeg"), caption);
    assert_int_equal(run_judge(arguments), 0);
    assert_said("\"all\":true");
    snprintf(arguments, sizeof arguments, "%s --expect %d", check_temp_path("clip.mjpeg"), index + 1);
    assert_int_equal(run_judge(arguments), 1);
    assert_said("was expected");
    snprintf(arguments, sizeof arguments, "%s\t%s\n%s\t%d\n", check_temp_path("clip.mjpeg"), caption,
             check_temp_path("clip.mjpeg"), index + 1);
    check_write(check_temp_path("list"), arguments, strlen(arguments));
    snprintf(arguments, sizeof arguments, "--json --list %s", check_temp_path("list"));
    assert_int_equal(run_judge(arguments), 1);
    assert_said("{\"clips\":2,\"background\":1.0000,");
    assert_said("\"all\":0.5000");
    assert_int_equal(run_judge("nothing-here.mjpeg"), 2);
    assert_int_equal(run_judge("a b"), 2);
    assert_int_equal(run_judge("--expect 'a huge circle' a.mjpeg"), 2);
    assert_said("neither a caption");
    cogvideo_video_free(&large);
    close_fixture(&f);
}

/* A clip, and a second scene that begins with its last five frames: the object stays where it is, goes elsewhere, or
 * becomes another one. */
static void stories_are_looked_at(void **state)
{
    enum { MORE = 28 };
    static const struct {
        int motion, colour;
        const char *said;
    } second[] = { { 0, 0, "1 keep colour and shape through all scenes, and 1 have no jump" },
                   { 1, 0, "1 keep colour and shape through all scenes, and 0 have no jump" },
                   { 0, 1, "0 keep colour and shape through all scenes, and " } };
    fixture f = open_fixture();
    const size_t frame = f.bytes / (size_t)f.world->frames;
    uint8_t *story = malloc(f.bytes + MORE * frame);
    cogvideo_video video = { 64, 64, f.world->frames + MORE, 8, story, 0 };
    cv_shapes_combination c = { .motion = 0 }; /* moves left, so that it ends far from where it begins to move right */
    char caption[CV_SHAPES_CAPTION], arguments[2048];
    cogvideo_error err;

    (void)state;
    cv_shapes_caption(f.world, cv_shapes_index(f.world, c), CV_SHAPES_ENGLISH, caption);
    snprintf(arguments, sizeof arguments, "%s\t%s\t%s\n", check_temp_path("story.mjpeg"), caption, caption);
    check_write(check_temp_path("stories"), arguments, strlen(arguments));
    for (size_t i = 0; i < sizeof second / sizeof *second; i++) {
        cv_shapes_combination other = c;

        other.colour = second[i].colour;
        other.motion = second[i].motion;
        cv_shapes_render(f.world, cv_shapes_index(f.world, c), 3, story);
        cv_shapes_render(f.world, cv_shapes_index(f.world, other), 3, f.clip);
        for (int k = 0; k < MORE; k++) /* of the same motion the last frame, of another one the first */
            memcpy(story + f.bytes + (size_t)k * frame, f.clip + (second[i].motion ? 31 : 32) * frame, frame);
        CHECK_OK(cogvideo_video_write(&video, check_temp_path("story.mjpeg"),
                                      &(cogvideo_write_options){ .quality = 100 }, &err),
                 err);
        snprintf(arguments, sizeof arguments, "--stories %s", check_temp_path("stories"));
        assert_int_equal(run_judge(arguments), i > 0);
        assert_said(second[i].said);
    }
    assert_int_equal(run_judge("--json --stories x"), 2);
    snprintf(arguments, sizeof arguments, "%s\n", check_temp_path("story.mjpeg"));
    check_write(check_temp_path("stories"), arguments, strlen(arguments));
    snprintf(arguments, sizeof arguments, "--stories %s", check_temp_path("stories"));
    assert_int_equal(run_judge(arguments), 2);
    assert_said("a caption for each scene");
    free(story);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_clips_are_seen_right), cmocka_unit_test(spoiled_clips_are_seen_right),
        cmocka_unit_test(fewer_frames_are_enough),    cmocka_unit_test(what_is_missing_is_said_to_be),
        cmocka_unit_test(the_program_reads_files),    cmocka_unit_test(stories_are_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
