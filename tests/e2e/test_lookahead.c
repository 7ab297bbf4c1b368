/* Lookahead changes nothing: any width, any guesses, any types, threads and samples end with the same codes; and it
 * takes as many steps as the guesses are worth. */
#include "support/check.h"
#include "support/clip.h"
#include "support/models.h"
#include "support/program.h"

#include "base/rng.h"
#include "family/cogvideo/steps/autoregress.h"

#include <math.h>
#include <signal.h>

#define PROMPT "一个红色的圆形向左移动"
#define OTHER "一个蓝色的圆形向右移动"
#define STRANDS 2

/* --- the loop itself ------------------------------------------------------------------------------------------ */

static cogvideo_model *model;

typedef enum luck_kind { OWN, RIGHT, WRONG, RANDOM } luck_kind;

/* A loop of two strands of noise frames, and how its guesses come about. */
typedef struct trial {
    cv_stage_kind kind;
    int given; /* 0: the first frame */
    bool guided;
    luck_kind luck;
    bool random_widths;
    int image_codes, places; /* of a strand */
    uint32_t drawn;
    const int32_t *right; /* [STRANDS][places]; NULL: not known yet */
    const int32_t *codes; /* of this run */
    int32_t *written;     /* the same, to be changed */
    cv_lookahead ahead;
} trial;

static uint32_t next_random(trial *t)
{
    const uint32_t counter[4] = { t->drawn++, 0, 0, 9 };
    uint32_t bits[4];

    cv_rng_block(bits, 17, counter);
    return bits[0];
}

static int random_width(void *user, int most)
{
    trial *t = user;

    return 1 + (int)(next_random(t) % (uint32_t)most);
}

static void guess(void *user, int sequence, int at, int count, int32_t *codes)
{
    trial *t = user;
    const int32_t *right = t->right + sequence * t->places + at;

    for (int i = 0; i < count; i++) {
        if (t->luck == RIGHT)
            codes[i] = right[i];
        if (t->luck == WRONG)
            codes[i] = (right[i] + 1) % t->image_codes;
        if (t->luck == RANDOM)
            codes[i] = (int32_t)(next_random(t) % (uint32_t)t->image_codes);
    }
}

/* Returns the codes [STRANDS][places], to be freed. */
static int32_t *run_loop(trial *t, int lookahead)
{
    const cv_cogvideo *own = cv_cogvideo_of(model);
    const cv_cogvideo_config *config = &own->description.network;
    const int L = cv_cogvideo_places(config), slots = t->given ? config->frames : 1;
    const cogvideo_sampling sampling = { .temperature = 1, .top_p = 1, .code_temperature = 1 };
    const cv_lookahead_trial hooks = { t->random_widths ? random_width : NULL, t->right ? guess : NULL, t };
    int32_t ids[] = { config->image_codes + 1, config->image_codes + 2, config->image_codes + 3 };
    uint32_t frames[64];
    cv_ids text = { ids, 3 }, other = { ids, 2 };
    cv_strand strands[STRANDS];
    cv_loop loop = { .model = own,
                     .text = &text,
                     .guide = t->guided ? &other : NULL,
                     .guidance = 2,
                     .plus = t->given > 0,
                     .given = t->given,
                     .slots = slots,
                     .sampling = &sampling,
                     .seed = 3,
                     .strands = strands,
                     .count = STRANDS,
                     .lookahead = lookahead,
                     .ahead = &t->ahead };
    cogvideo_error err;
    int32_t *codes;

    t->image_codes = config->image_codes;
    t->places = slots * L;
    t->ahead = (cv_lookahead){ .trial = &hooks };
    codes = calloc((size_t)(STRANDS * t->places), sizeof *codes);
    assert_non_null(codes);
    for (int i = 0; i < STRANDS * t->places; i++)
        codes[i] = i * 7 % config->image_codes;
    for (int i = 0; i < slots; i++)
        frames[i] = (uint32_t)i;
    for (int s = 0; s < STRANDS; s++)
        strands[s] = (cv_strand){ .codes = codes + s * t->places, .sample = (uint32_t)s, .frames = frames };
    if (t->given == 0)
        CHECK_OK(cv_need_trunk(own, &loop.stage, &err), err);
    else
        CHECK_OK(cv_need_stage(own, t->kind, &loop.stage, &err), err);
    CHECK_OK(cv_loop_run(&loop, &err), err);
    return codes;
}

static const trial loops[] = {
    { .kind = CV_STAGE_SEQUENTIAL },
    { .kind = CV_STAGE_SEQUENTIAL, .given = 1 },
    { .kind = CV_STAGE_SEQUENTIAL, .given = 1, .guided = true },
    { .kind = CV_STAGE_INTERPOLATE, .given = 3 },
};

static void guesses_change_steps_alone(void **state)
{
    static const int widths[] = { 1, 2, 3, 5, 8, 16, 64 };
    const int L = cv_cogvideo_places(&cv_cogvideo_of(model)->description.network);

    (void)state;
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        trial plain = loops[i];
        int32_t *right = run_loop(&plain, 0);
        const int made = STRANDS * (plain.places / L - plain.given);

        assert_int_equal(plain.ahead.sequence_steps, made * L);
        for (size_t w = CHECK_SANITIZED; w < sizeof widths / sizeof *widths; w += 1 + CHECK_SANITIZED)
            for (int luck = OWN; luck <= RANDOM; luck++) {
                trial t = loops[i];
                int32_t *codes;

                t.luck = (luck_kind)luck;
                t.right = right;
                codes = run_loop(&t, widths[w]);
                assert_memory_equal(codes, right, (size_t)(STRANDS * t.places) * sizeof *codes);
                assert_int_equal(t.ahead.decided, made * L);
                if (luck == RIGHT)
                    assert_int_equal(t.ahead.sequence_steps, made * ((L + widths[w] - 1) / widths[w]));
                if (luck == WRONG)
                    assert_int_equal(t.ahead.sequence_steps, made * L);
                free(codes);
            }
        free(right);
    }
}

static void widths_may_change_in_every_step(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        trial plain = loops[i], t = loops[i], chosen = loops[i];
        int32_t *right = run_loop(&plain, 0), *codes, *others;
        const size_t size = (size_t)(STRANDS * plain.places) * sizeof *right;

        t.random_widths = true;
        codes = run_loop(&t, 16);
        assert_memory_equal(codes, right, size);
        assert_true(t.ahead.looked > t.ahead.decided);
        others = run_loop(&chosen, -1);
        assert_memory_equal(others, right, size);
        free(right);
        free(codes);
        free(others);
    }
}

/* Whatever rows cost and however lucky guesses are: nearly as many codes a second as with the best of all widths. */
static void the_width_follows_time_and_luck(void **state)
{
    static const struct {
        double luck;   /* share of guesses that come true */
        double column; /* what a row costs, beside the 1 of the step itself */
    } cases[] = { { 0.9, 0 }, { 0.9, 0.05 }, { 0, 0.2 }, { 0.5, 0.5 }, { 0.5, 0.02 }, { 0.8, 0.15 } };

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const double luck = cases[c].luck, column = cases[c].column;
        cv_lookahead ahead = { 0 };
        trial t = { 0 };
        double best = 0, seconds = 0, share;

        for (int width = 1; width <= 16; width++) /* the sum of luck^i, over the time */
            best = fmax(best, (1 - pow(luck, width)) / (1 - luck) / (1 + column * (width - 1)));
        cv_lookahead_begin(&ahead, -1, 0, 1, 1, 400);
        assert_int_equal(ahead.most, 16);
        for (int step = 0; step < 1000; step++) {
            const int width = cv_lookahead_width(&ahead);
            const double took = 1 + column * (width - 1);
            int decided = 1;

            while (decided < width && next_random(&t) < luck * 4294967296.0)
                decided++;
            cv_lookahead_count(&ahead, width, decided);
            cv_lookahead_time(&ahead, width, took);
            seconds += took;
        }
        share = (double)ahead.decided / seconds / best;
        print_message("    luck %g, %g a row: %.0f %% of the best\n", luck, column, 100 * share);
        assert_true(share > 0.9);
    }
}

static void rooms_have_bounds(void **state)
{
    (void)state;
    assert_int_equal(cv_lookahead_rows(0, 40, 400), 40);
    assert_int_equal(cv_lookahead_rows(1, 40, 400), 40);
    assert_int_equal(cv_lookahead_rows(64, 4, 400), 256);
    assert_int_equal(cv_lookahead_rows(64, 4, 25), 100); /* a frame has no more places */
    assert_int_equal(cv_lookahead_rows(-1, 1, 400), 16);
    assert_int_equal(cv_lookahead_rows(-1, 8, 400), 32);
    assert_int_equal(cv_lookahead_rows(-1, 1000, 400), 1000);
    assert_int_equal(cv_lookahead_rows(0, 1, 400), CV_REPLAY); /* known codes go by so many */
}

/* A step that was disturbed once is measured again: no width is given up for good. */
static void one_bad_measurement_is_forgotten(void **state)
{
    cv_lookahead ahead = { 0 };
    long long wide = 0;

    (void)state;
    cv_lookahead_begin(&ahead, -1, 0, 1, 1, 400);
    for (int step = 0; step < 1000; step++) {
        const int width = cv_lookahead_width(&ahead);
        const bool disturbed = width >= 8 && step < 8;

        cv_lookahead_count(&ahead, width, width);
        cv_lookahead_time(&ahead, width, disturbed ? 30 : 1);
        wide += step >= 500 && width >= 12;
    }
    assert_true(wide > 400);
}

/* --- by the program ------------------------------------------------------------------------------------------- */

static const char *const lookaheads[] = { "2", "3", "5", "8", "16", "auto" };
#define LOOKAHEADS (sizeof lookaheads / sizeof *lookaheads)

/* Runs "cogvideo COMMAND", in which %s is the lookahead, %d the threads and %s a number for files' names. */
static void equal_runs(const char *name, const char *command)
{
    char told[400], first[60], other[60];

    snprintf(told, sizeof told, command, "0", 1, "0");
    program_ok("%s", told);
    snprintf(first, sizeof first, name, "0");
    for (size_t i = CHECK_SANITIZED; i < LOOKAHEADS; i += 1 + CHECK_SANITIZED) { /* sanitizers watch every other one */
        snprintf(told, sizeof told, command, lookaheads[i], 1 + (int)(i % 2), lookaheads[i]);
        program_ok("%s", told);
        snprintf(other, sizeof other, name, lookaheads[i]);
        program_equal_files(first, other);
    }
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && rm -f k-* i-* c-*"), 0);
}

static void files_are_equal(void **state)
{
    static const char *const types[] = { "f32", "f16", "q8", "q4" };
    static const char *const prompts[] = { PROMPT, OTHER };
    static const char *const given[] = { "", "--guidance 3", "--first key.jsonl --guidance 1", "--samples 3" };
    char command[400], parts[400];

    (void)state;
    program_ok("keyframes -q --model f32 " PROMPT " --seed 5 -o key.jsonl");
    for (int type = 0; type < 4; type += CHECK_SANITIZED ? 3 : 1) /* f32 and q4, and all ways, under sanitizers */
        for (int way = type % 2; way < 4; way += 2) {
            const bool many = way == 3;
            static const char *const caches[] = { "f32", "f16", "q8" };

            snprintf(
                command, sizeof command,
                "keyframes -q --model %s %s --seed %d --cache %s %s --lookahead %%s --threads %%d -o k-%%s%s.jsonl",
                types[type], prompts[way % 2], 5 + type, caches[(type + way) % 3], given[way], many ? "-%%d" : "");
            equal_runs(many ? "k-%s-2.jsonl" : "k-%s.jsonl", command);
            snprintf(parts, sizeof parts,
                     "interpolate -q --model %s key.jsonl --seed %d --cache %s --batch %d --rounds 1 --lookahead %%s "
                     "--threads %%d -o i-%%s.jsonl",
                     types[type], 5 + way, caches[(type + way) % 3], 1 + way);
            equal_runs("i-%s.jsonl", parts);
        }
}

static void completion_is_equal(void **state)
{
    (void)state;
    equal_runs("c-%s.jsonl", "picture -q --model f32 " PROMPT " --seed 5 --image photo.ppm --mask 10,14,40,32 "
                             "--lookahead %s --threads %d -o c-%s.jsonl");
    equal_runs("c-%s-1.jsonl", "picture -q --model q8 " PROMPT " --seed 5 --samples 2 --image photo.ppm "
                               "--mask 10,14,40,32 --lookahead %s --threads %d -o c-%s-%%d.jsonl");
}

#define CLIP "generate -q --model f32 " PROMPT " --seed 5 --rounds 2 --no-metadata "

/* Killed inside of a window, and gone on with another width. */
static void killed_runs_go_on(void **state)
{
    int at = 0;

    (void)state;
    program_ok(CLIP "--lookahead 0 -o straight.y4m");
    for (int lines = 1; lines < 100; lines += 9 + lines / 3, at++)
        program_interrupt(SIGKILL, "r.journal", lines, CLIP "--lookahead %s --resume -o r.y4m",
                          lookaheads[at % (int)LOOKAHEADS]);
    program_ok(CLIP "--lookahead 3 --resume -o r.y4m");
    program_equal_files("straight.y4m", "r.y4m");
    program_equal_files("straight.jsonl", "r.jsonl");
    program_equal_files("straight.keyframes.jsonl", "r.keyframes.jsonl");
}

static void widths_out_of_range_are_refused(void **state)
{
    (void)state;
    program_check("keyframes --model f32 x --lookahead 65 -o x.jsonl" STDERR, 2,
                  "--lookahead must be auto or a whole number from 0 to 64, not '65'");
    program_check("keyframes --model f32 x --lookahead -1 -o x.jsonl" STDERR, 2, "auto or a whole number");
    program_check("keyframes --model f32 x --lookahead wide -o x.jsonl" STDERR, 2, "auto or a whole number");
}

static int start(void **state)
{
    const cogvideo_model_options options = { .threads = 2 };
    cogvideo_video photo = clip_make(64, 64, 1);
    cogvideo_error err;

    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    models_write_small(check_temp());
    models_import_small("f32", "f32");
    models_import_small("f16", "f16");
    models_import_small("q8", "q8");
    models_import_small("q4", "q4");
    CHECK_OK(cogvideo_video_write(&photo, check_temp_path("photo.ppm"), NULL, &err), err);
    cogvideo_video_free(&photo);
    CHECK_OK(cogvideo_model_open(&model, check_temp_path("q8"), &options, &err), err);
    return 0;
}

static int end(void **state)
{
    (void)state;
    cogvideo_model_close(&model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guesses_change_steps_alone),
        cmocka_unit_test(widths_may_change_in_every_step),
        cmocka_unit_test(the_width_follows_time_and_luck),
        cmocka_unit_test(rooms_have_bounds),
        cmocka_unit_test(one_bad_measurement_is_forgotten),
        cmocka_unit_test(files_are_equal),
        cmocka_unit_test(completion_is_equal),
        cmocka_unit_test(killed_runs_go_on),
        cmocka_unit_test(widths_out_of_range_are_refused),
    };

    return cmocka_run_group_tests(tests, start, end);
}
