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
    program_check("score --model m --english pictures.jsonl" STDERR, 2, "belongs to --caption");
    cv_store_close(&golden);
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
        cmocka_unit_test(foreign_parts_are_refused),
    };

    return cmocka_run_group_tests(tests, import_all, NULL);
}
