/* The original's files through the program: import, greedy key frames and interpolation code by code, scores. Both
 * geometries: the small one from seeded checkpoints, the full grid from the golden checkpoints where they are. */
#include "support/check.h"
#include "support/clip.h"
#include "support/program.h"
#include "support/models.h"

#include "base/json.h"

#define MAX_PLACES 400
#define FRAMES 5
#define WINDOWS 2
#define CLIP (WINDOWS * (FRAMES - 1) + 1)

/* Slots of a stage 2 window in time order: three were given, two are generated between them. */
static const int slots_in_time[FRAMES] = { 0, 3, 1, 4, 2 };

typedef struct geometry {
    const char *folder; /* of the goldens */
    int grid;
    cv_store *forced, *greedy;
} geometry;

static void open_golden(cv_store **store, const char *folder, const char *file)
{
    cogvideo_error err;
    char name[100];

    snprintf(name, sizeof name, "%s/%s.safetensors", folder, file);
    CHECK_OK(cv_store_open(store, check_data(name), &err), err);
}

/* "20009,20044" of a golden's text; the text is static, valid until the next call but one. */
static const char *ids(const cv_store *golden, const char *name)
{
    static char texts[2][600];
    static int next;
    const cv_tensor *tensor = check_tensor(golden, name);
    char *text = texts[next++ % 2];
    size_t used = 0;

    for (size_t i = 0; i < tensor->count; i++)
        used += (size_t)snprintf(text + used, sizeof texts[0] - used, "%s%d", i ? "," : "",
                                 (int)((const int32_t *)tensor->data)[i]);
    return text;
}

/* --- clips ---------------------------------------------------------------------------------------------------- */

/* Equal up to a first place whose margin is a near tie, on which what follows depends; nine in ten must have been
 * compared by then. Gives the places compared. */
static int check_codes(const char *what, const int32_t *codes, const int32_t *golden, const float *margin, int count)
{
    for (int i = 0; i < count; i++)
        if (codes[i] != golden[i]) {
            if ((double)margin[i] < 1e-3 && 10 * i >= 9 * count)
                return i;
            fail_msg("%s: code %d is %d, not %d (margin %g)", what, i, (int)codes[i], (int)golden[i],
                     (double)margin[i]);
        }
    return count;
}

/* The golden's windows, [window][slot][L], as a clip in time order. */
static void save_windows(const geometry *g, const char *name, const int32_t *windows)
{
    size_t L = (size_t)(g->grid * g->grid);
    int32_t clip[CLIP * MAX_PLACES];

    for (int w = 0; w < WINDOWS; w++)
        for (int t = 0; t < FRAMES; t++)
            memcpy(clip + (size_t)(w * (FRAMES - 1) + t) * L, windows + (size_t)(w * FRAMES + slots_in_time[t]) * L,
                   L * sizeof *clip);
    clip_save_codes(name, clip, g->grid, CLIP);
}

/* --- greedy --------------------------------------------------------------------------------------------------- */

/* "NAME-DTYPE.jsonl" against the golden of that name. */
static void check_keyframes(const geometry *g, const char *name, const char *dtype, int first, int frames)
{
    char file[60], tokens[60], margin[60];
    cogvideo_tokens clip;
    size_t L = (size_t)(g->grid * g->grid);
    int generated = (frames - first) * (int)L, compared;

    snprintf(file, sizeof file, "%s-%s.jsonl", name, dtype);
    snprintf(tokens, sizeof tokens, "%s.tokens", name);
    snprintf(margin, sizeof margin, "%s.margin", name);
    clip = clip_load_codes(file, g->grid, frames);
    if (first > 0)
        assert_memory_equal(clip.codes, check_i32(g->greedy, tokens), L * sizeof *clip.codes);
    compared = check_codes(name, clip.codes + (size_t)first * L, check_i32(g->greedy, tokens) + (size_t)first * L,
                           check_f32(g->greedy, margin), generated);
    print_message("    %s %s: %d of %d codes equal\n", g->folder, name, compared, generated);
    cogvideo_tokens_free(&clip);
}

static void greedy_keyframes(const geometry *g, const char *model, const char *dtype)
{
    const char *text;

    program_ok("keyframes -q --model %s --greedy --count 1 --text-ids %s -f -o first-%s.jsonl", model,
               ids(g->greedy, "first.text"), dtype);
    check_keyframes(g, "first", dtype, 0, 1);
    text = ids(g->greedy, "seq.text");
    clip_save_codes("given.jsonl", check_i32(g->greedy, "seq.guided.tokens"), g->grid, 1);
    program_ok("keyframes -q --model %s --greedy --first given.jsonl --text-ids %s --guide-ids %s --guidance 3 -f "
               "-o seq.guided-%s.jsonl",
               model, text, ids(g->greedy, "seq.guide_text"), dtype);
    check_keyframes(g, "seq.guided", dtype, 1, FRAMES);
    clip_save_codes("given.jsonl", check_i32(g->greedy, "seq.plain.tokens"), g->grid, 1);
    program_ok("keyframes -q --model %s --greedy --first given.jsonl --text-ids %s --guidance 1 -f "
               "-o seq.plain-%s.jsonl",
               model, text, dtype);
    check_keyframes(g, "seq.plain", dtype, 1, FRAMES);
}

static void greedy_interpolation(const geometry *g, const char *model)
{
    const int32_t *golden = check_i32(g->greedy, "interp.tokens");
    const float *margin = check_f32(g->greedy, "interp.margin");
    size_t L = (size_t)(g->grid * g->grid);
    cogvideo_tokens clip;
    int32_t generated[2 * MAX_PLACES];

    save_windows(g, "windows.jsonl", golden);
    clip = clip_load_codes("windows.jsonl", g->grid, CLIP);
    for (int i = 0; i < FRAMES; i++) /* its even frames are the parents */
        memmove(clip.codes + (size_t)i * L, clip.codes + (size_t)(2 * i) * L, L * sizeof *clip.codes);
    clip_save_codes("parents.jsonl", clip.codes, g->grid, FRAMES);
    cogvideo_tokens_free(&clip);
    program_ok("interpolate -q --model %s --greedy --rounds 1 --text-ids %s parents.jsonl -f -o between.jsonl", model,
               ids(g->greedy, "seq.text"));
    clip = clip_load_codes("between.jsonl", g->grid, CLIP);
    for (int w = 0; w < WINDOWS; w++) {
        const int32_t *window = clip.codes + (size_t)(w * (FRAMES - 1)) * L;
        int compared;

        for (int t = 0; t < FRAMES; t += 2)
            assert_memory_equal(window + (size_t)t * L, golden + (size_t)(w * FRAMES + slots_in_time[t]) * L,
                                L * sizeof *window);
        memcpy(generated, window + L, L * sizeof *generated);
        memcpy(generated + L, window + 3 * L, L * sizeof *generated);
        compared = check_codes("interp", generated, golden + (size_t)(w * FRAMES + 3) * L, margin + (size_t)w * 2 * L,
                               (int)(2 * L));
        print_message("    %s interp window %d: %d of %d codes equal\n", g->folder, w, compared, (int)(2 * L));
    }
    cogvideo_tokens_free(&clip);
}

/* --- scores --------------------------------------------------------------------------------------------------- */

/* The lines of a score: a frame of `step` from `first` each, L numbers of `golden` one after the other. */
static void check_scores(const geometry *g, const char *what, int first, int step, int frames, const float *golden)
{
    cogvideo_error err;
    const char *line = program_output();
    double worst = 0;

    for (int frame = first; frame < frames; frame += step) {
        const char *end = strchr(line, '\n');
        cv_json *json = NULL, *numbers = NULL;
        int64_t number;

        if (!end)
            fail_msg("%s: no line for frame %d", what, frame);
        CHECK_OK(cv_json_parse(&json, line, (size_t)(end - line), what, &err), err);
        CHECK_OK(cv_json_int(json, "frame", 0, frames, &number, what, &err), err);
        assert_int_equal(number, frame);
        CHECK_OK(cv_json_array(json, "logprob", &numbers, what, &err), err);
        assert_int_equal(cv_json_count(numbers), g->grid * g->grid);
        for (const cv_json *item = cv_json_first(numbers); item; item = cv_json_next(item))
            worst = fmax(worst, fabs(cv_json_number(item) - (double)*golden++));
        cv_json_free(&json);
        line = end + 1;
    }
    assert_int_equal(*line, '\0');
    print_message("    %s score %s: within %.1e\n", g->folder, what, worst);
    assert_true(worst < 2e-3);
}

static void scores(const geometry *g, const char *model)
{
    const char *text = ids(g->forced, "seq.text");

    clip_save_codes("guided.jsonl", check_i32(g->forced, "seq.guided.tokens"), g->grid, FRAMES);
    program_ok("score -q --cache f32 --model %s --stage 1 --text-ids %s --guide-ids %s --guidance 3 guided.jsonl",
               model, text, ids(g->forced, "seq.guide_text"));
    check_scores(g, "guided", 1, 1, FRAMES, check_f32(g->forced, "seq.guided.logprob"));
    clip_save_codes("plain.jsonl", check_i32(g->forced, "seq.plain.tokens"), g->grid, FRAMES);
    program_ok("score -q --cache f32 --model %s --stage 1 --text-ids %s --guidance 1 plain.jsonl", model, text);
    check_scores(g, "plain", 1, 1, FRAMES, check_f32(g->forced, "seq.plain.logprob"));
    clip_save_codes("first.jsonl", check_i32(g->forced, "first.tokens"), g->grid, 1);
    program_ok("score -q --cache f32 --model %s --stage 1 --first-frame --text-ids %s first.jsonl", model,
               ids(g->forced, "first.text"));
    check_scores(g, "first", 0, 1, 1, check_f32(g->forced, "first.logprob"));
    save_windows(g, "windows.jsonl", check_i32(g->forced, "interp.tokens"));
    program_ok("score -q --cache f32 --model %s --stage 2 --text-ids %s windows.jsonl", model,
               ids(g->forced, "seq.text"));
    check_scores(g, "stage 2", 1, 2, CLIP, check_f32(g->forced, "interp.logprob"));
}

/* --- tests ---------------------------------------------------------------------------------------------------- */

static void open_geometry(geometry *g)
{
    open_golden(&g->forced, g->folder, "forced");
    open_golden(&g->greedy, g->folder, "greedy");
}

static void close_geometry(geometry *g)
{
    cv_store_close(&g->forced);
    cv_store_close(&g->greedy);
}

/* The small checkpoints in f32, and their key frames. */
static int start(void **state)
{
    geometry g = { .folder = "small", .grid = 8 };

    (void)state;
    open_geometry(&g);
    models_write_small(check_temp());
    models_import_small("f32", "small-f32");
    greedy_keyframes(&g, "small-f32", "f32");
    close_geometry(&g);
    return 0;
}

static void small_checkpoints_give_the_originals_codes(void **state)
{
    geometry g = { .folder = "small", .grid = 8 };

    (void)state;
    open_geometry(&g);
    program_check("info --json small-f32", 0, "\"shared_trunk\":true");
    greedy_interpolation(&g, "small-f32");
    scores(&g, "small-f32");
    close_geometry(&g);
}

/* The seeded values are f16-exact, so f16 changes no code; bf16 rounds them. */
static void narrow_weights_work(void **state)
{
    geometry g = { .folder = "small", .grid = 8 };
    cogvideo_tokens clip;

    (void)state;
    open_geometry(&g);
    models_import_small("f16", "small-f16");
    greedy_keyframes(&g, "small-f16", "f16");
    program_check("tokens compare -q seq.guided-f32.jsonl seq.guided-f16.jsonl", 0, "");
    program_check("tokens compare -q seq.plain-f32.jsonl seq.plain-f16.jsonl", 0, "");
    greedy_interpolation(&g, "small-f16");
    scores(&g, "small-f16");
    models_import_small("bf16", "small-bf16");
    program_ok("keyframes -q --model small-bf16 --greedy --text-ids %s --guide-ids %s -o bf16.jsonl",
               ids(g.greedy, "seq.text"), ids(g.greedy, "seq.guide_text"));
    clip = clip_load_codes("bf16.jsonl", g.grid, FRAMES);
    cogvideo_tokens_free(&clip);
    close_geometry(&g);
}

static void golden_checkpoints_give_the_originals_codes(void **state)
{
    geometry g = { .folder = "cogvideo", .grid = 20 };

    (void)state;
    if (CHECK_SANITIZED || !check_golden("checkpoints"))
        skip();
    open_geometry(&g);
    models_import_golden("large");
    greedy_keyframes(&g, "large", "f32");
    greedy_interpolation(&g, "large");
    scores(&g, "large");
    close_geometry(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_checkpoints_give_the_originals_codes),
        cmocka_unit_test(narrow_weights_work),
        cmocka_unit_test(golden_checkpoints_give_the_originals_codes),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
