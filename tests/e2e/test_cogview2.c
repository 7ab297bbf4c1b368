/* CogView2's checkpoints through the lines that a person would type: import, a first picture, both super-resolutions,
 * captions. Without the goldens nothing runs here. */
#include "support/check.h"
#include "support/clip.h"
#include "support/program.h"

#define PROMPT "一个红色的圆形向左移动，梵高风格"
#define CHECKPOINTS "cogview2/checkpoints"

static int import_all(void **state)
{
    char folder[1024];

    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    if (!check_golden(CHECKPOINTS))
        return 0;
    snprintf(folder, sizeof folder, "%s", check_golden(CHECKPOINTS));
    program_ok(
        "import -q --config '%s/small-cogview2.json' --coglm '%s/coglm' --upscaler '%s/cogview2-dsr' "
        "--refiner '%s/cogview2-itersr' --clusters '%s/cluster_label.npy' --text-tokenizer '%s' --type f32 -o m 2>&1",
        getenv("COGVIDEO_CONFIGS"), folder, folder, folder, folder, check_data("text/ice_text.model"));
    return 0;
}

/* The golden's tokens, but for near ties; what follows a tie is not compared. */
static void the_first_picture_is_the_originals(void **state)
{
    const char *path = check_golden("cogview2/small/text2image.safetensors");
    cv_store *golden = NULL;
    cogvideo_error err;
    const int32_t *tokens;
    const float *margin;
    cogvideo_tokens clip;

    (void)state;
    if (!path) {
        skip();
        return;
    }
    CHECK_OK(cv_store_open(&golden, path, &err), err);
    program_ok("keyframes -q --model m " PROMPT " --greedy -o first.jsonl");
    clip = clip_load_codes("first.jsonl", 8, 1);
    tokens = check_i32(golden, "greedy.tokens");
    margin = check_f32(golden, "greedy.margin");
    for (int i = 0; i < 64 && margin[i] > 1e-3f; i++)
        assert_int_equal(clip.codes[i], tokens[i]);
    cogvideo_tokens_free(&clip);
    cv_store_close(&golden);
}

static void it_becomes_finer_twice(void **state)
{
    cogvideo_tokens high, fine;
    int changed = 0;

    (void)state;
    if (!check_golden(CHECKPOINTS)) {
        skip();
        return;
    }
    program_ok("upscale -q --model m first.jsonl --seed 1 -o high.jsonl");
    program_ok("refine -q --model m high.jsonl --seed 1 -o fine.jsonl");
    high = clip_load_codes("high.jsonl", 24, 1);
    fine = clip_load_codes("fine.jsonl", 24, 1);
    for (int i = 0; i < 24 * 24; i++)
        changed += high.codes[i] != fine.codes[i];
    assert_in_range(changed, 1, 23 * 16); /* of the 23 in 36 that are drawn */
    cogvideo_tokens_free(&high);
    cogvideo_tokens_free(&fine);
}

/* One line of output for each picture, with the golden's score. */
static void captions_are_scored(const cv_store *golden, const char *name, const char *arguments)
{
    char full[40];
    const double *score;
    const char *at;

    snprintf(full, sizeof full, "%s.score", name);
    score = check_tensor(golden, full)->data;
    program_ok("score -q --model m %s pictures.jsonl", arguments);
    at = program_output();
    for (int i = 0; i < 4; i++) {
        assert_non_null(at = strstr(at, "\"score\":"));
        at += strlen("\"score\":");
        assert_true(fabs(strtod(at, NULL) - score[i]) < 1e-4);
    }
}

static void captions_are_the_originals(void **state)
{
    const char *path = check_golden("cogview2/small/caption.safetensors");
    cv_store *golden = NULL;
    cogvideo_error err;
    cogvideo_tokens clip = { 0 };

    (void)state;
    if (!path) {
        skip();
        return;
    }
    CHECK_OK(cv_store_open(&golden, path, &err), err);
    CHECK_OK(cogvideo_tokens_alloc(&clip, 8, 8, 8, 4, &err), err);
    memcpy(clip.codes, check_i32(golden, "images"), 4 * 64 * sizeof *clip.codes);
    CHECK_OK(cogvideo_tokens_save(&clip, check_temp_path("pictures.jsonl"), &err), err);
    cogvideo_tokens_free(&clip);
    captions_are_scored(golden, "zh", "--caption " PROMPT);
    captions_are_scored(golden, "en", "--caption 'a red circle moves left'");
    captions_are_scored(golden, "en_as_english", "--caption 'a red circle moves left' --english");
    program_check("score --model m --caption '' pictures.jsonl" STDERR, 1, "the caption has 0 tokens");
    program_check("score --model m --caption a --stage 2 pictures.jsonl" STDERR, 2, "scored by itself");
    program_check("score --model m --caption \"$(printf '\\377')\" pictures.jsonl" STDERR, 1, "not UTF-8");
    program_ok("score -q --model m --cut-text --caption \"$(printf '红%%.0s' $(seq 90))\" pictures.jsonl 2>&1");
    program_check("score --model m --english pictures.jsonl" STDERR, 2, "belongs to --caption");
    cv_store_close(&golden);
}

/* The ids of a text, as --text-ids takes them. */
static void list_ids(char *out, size_t size, const cv_tensor *text)
{
    size_t length = 0;

    for (size_t i = 0; i < text->count; i++)
        length +=
            (size_t)snprintf(out + length, size - length, "%s%d", i ? "," : "", (int)((const int32_t *)text->data)[i]);
}

/* White where codes are drawn anew. */
static void save_mask(const uint8_t *mask, const char *name)
{
    cogvideo_video picture = { 0 };
    cogvideo_error err;

    CHECK_OK(cogvideo_video_alloc(&picture, 8, 8, 1, 0, &err), err);
    for (int i = 0; i < 3 * 64; i++)
        picture.pixels[i] = mask[i / 3] ? 255 : 0;
    CHECK_OK(cogvideo_video_write(&picture, check_temp_path(name), NULL, &err), err);
    cogvideo_video_free(&picture);
}

/* Codes are drawn row by row; what follows a near tie is not compared. */
static void same_but_for_ties(const int32_t *codes, const int32_t *expected, const uint8_t *mask, const float *margin)
{
    int drawn = 0;

    for (int i = 0; i < 64; i++) {
        if (mask[i] && margin[drawn++] < 1e-3f)
            break;
        assert_int_equal(codes[i], expected[i]);
    }
}

static void holes_are_filled_as_the_original_does(void **state)
{
    static const char *const masks[] = { "middle", "left", "corner", "blobs", "top", "scattered" };
    const char *path = check_golden("cogview2/small/completion.safetensors");
    cv_store *golden = NULL;
    cogvideo_error err;
    char ids[2000];

    (void)state;
    if (!path) {
        skip();
        return;
    }
    CHECK_OK(cv_store_open(&golden, path, &err), err);
    list_ids(ids, sizeof ids, check_tensor(golden, "text"));
    clip_save_codes("image.jsonl", check_i32(golden, "image"), 8, 1);
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        char name[40], line[3000];
        const int32_t *grid;
        cogvideo_tokens clip;

        save_mask(check_member(golden, masks[m], "mask"), "mask.ppm");
        snprintf(line, sizeof line,
                 "picture -q -f --model m --text-ids %s --image image.jsonl --mask mask.ppm --no-upscale --greedy -o "
                 "full.jsonl",
                 ids);
        program_ok("%s", line);
        snprintf(name, sizeof name, "%s.greedy", masks[m]);
        grid = check_member(golden, name, "grid");
        clip = clip_load_codes("full.jsonl", 8, 1);
        same_but_for_ties(clip.codes, grid, check_member(golden, masks[m], "mask"),
                          check_member(golden, name, "margin"));
        cogvideo_tokens_free(&clip);
    }
    cv_store_close(&golden);
}

static void same_codes(const char *a, const char *b)
{
    cogvideo_tokens one = clip_load_codes(a, 8, 1), other = clip_load_codes(b, 8, 1);

    assert_memory_equal(one.codes, other.codes, 64 * sizeof *one.codes);
    cogvideo_tokens_free(&one);
    cogvideo_tokens_free(&other);
}

/* The same codes for any batch and number of threads, and from a run that is gone on with. */
static void holes_are_filled_alike(void **state)
{
    (void)state;
    if (!check_golden(CHECKPOINTS)) {
        skip();
        return;
    }
    program_ok("picture -q --model m " PROMPT
               " --image first.jsonl --mask 2,1,4,5 --samples 3 --seed 4 --no-upscale -o b%%d.jsonl");
    program_ok("picture -q --model m " PROMPT
               " --image first.jsonl --mask 2,1,4,5 --first-sample 2 --threads 1 --seed 4 "
               "--no-upscale -o one.jsonl");
    same_codes("b2.jsonl", "one.jsonl");
    program_ok("picture -q --model m " PROMPT
               " --image first.jsonl --mask 0.25,0.125,0.5,0.625 --seed 4 --first-sample "
               "2 --no-upscale -o share.jsonl");
    same_codes("share.jsonl", "one.jsonl");
}

static void masks_are_checked(void **state)
{
    (void)state;
    if (!check_golden(CHECKPOINTS)) {
        skip();
        return;
    }
#define COMPLETE "picture --model m " PROMPT " --image first.jsonl -o no.jsonl --mask "
    program_check(COMPLETE "0,0,8,8" STDERR, 1, "marks all of the picture's 8x8 codes");
    program_check(COMPLETE "0.01,0.01,0.01,0.01" STDERR, 1, "marks none of the 8x8 codes");
    program_check(COMPLETE "4,4,5,1" STDERR, 1, "does not lie within the picture of 8x8");
    program_check(COMPLETE "1,2,3" STDERR, 2, "x,y,w,h");
    program_check(COMPLETE "missing.png" STDERR, 1, "missing.png");
    program_check("picture --model m " PROMPT " --image high.jsonl -o no.jsonl --mask 1,1,2,2" STDERR, 1,
                  "has pictures of 24x24 codes, and this model draws 8x8");
    program_check("picture --model m " PROMPT " --image first.jsonl -o no.jsonl" STDERR, 2, "--mask is missing");
    program_check("picture --model m " PROMPT " --mask 1,1,2,2 -o no.jsonl" STDERR, 2, "--image is missing");
    program_check("picture --model m " PROMPT " --style cubism -o no.jsonl" STDERR, 1,
                  "no style 'cubism': it has none, mainbody, photo");
}

/* Of the samples the best go on, best first, and nothing is left of the others. */
static void the_best_are_kept(void **state)
{
    double first = 0, second = 0;
    const char *at;

    (void)state;
    if (!check_golden(CHECKPOINTS)) {
        skip();
        return;
    }
    program_ok("picture -q --model m " PROMPT " --style flat --samples 4 --keep 2 --seed 9 --json -o k%%d.jsonl");
    assert_non_null(at = strstr(program_output(), "\"score\":"));
    first = strtod(at + 8, NULL);
    assert_non_null(at = strstr(at + 8, "\"score\":"));
    second = strtod(at + 8, NULL);
    assert_true(first >= second && first < 0);
    assert_null(strstr(at + 8, "\"score\":"));
    program_ok("picture -q --model m " PROMPT
               " --style flat --samples 4 --keep 2 --seed 9 --json --resume -o k%%d.jsonl");
    assert_non_null(at = strstr(program_output(), "\"score\":"));
    assert_true(strtod(at + 8, NULL) == first);
    program_check("picture --model m --text-ids 1030 --samples 2 --keep 1 -o x%d.jsonl" STDERR, 2, "needs a prompt");
}

/* Parts that are not one model's are refused by what differs. */
static void foreign_parts_are_refused(void **state)
{
    char line[3000];

    (void)state;
    if (!check_golden(CHECKPOINTS)) {
        skip();
        return;
    }
    snprintf(line, sizeof line, "import --coglm '%s/coglm' -o x" STDERR, check_golden(CHECKPOINTS));
    program_check(line, 1, "import its text model too");
    snprintf(line, sizeof line, "import --refiner '%s/coglm' -o x" STDERR, check_golden(CHECKPOINTS));
    program_check(line, 1, "mixins.extra_position_embedding.position_embeddings.weight' is missing");
    snprintf(line, sizeof line, "import --coglm '%s/cogview2-dsr' --config '%s/small-cogview2.json' -o x" STDERR,
             check_golden(CHECKPOINTS), getenv("COGVIDEO_CONFIGS"));
    program_check(line, 1, "mixins.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_picture_is_the_originals),
        cmocka_unit_test(it_becomes_finer_twice),
        cmocka_unit_test(captions_are_the_originals),
        cmocka_unit_test(holes_are_filled_as_the_original_does),
        cmocka_unit_test(holes_are_filled_alike),
        cmocka_unit_test(masks_are_checked),
        cmocka_unit_test(the_best_are_kept),
        cmocka_unit_test(foreign_parts_are_refused),
    };

    return cmocka_run_group_tests(tests, import_all, NULL);
}
