/* Training a Phenaki model through the program: every part in turn, tiny; a run that was killed half way and resumed
 * equals the straight run bit for bit, on any number of threads; the model that comes out makes a clip. */
#include "support/check.h"
#include "support/damage.h"
#include "support/program.h"

#include "base/file.h"

#include <math.h>
#include <signal.h>
#include <unistd.h>

static const char model[] =
    "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"phenaki\",\"name\":\"tiny\","
    "\"clip\":{\"height\":64,\"width\":64,\"frames\":33,\"fps\":8,\"context\":9},"
    "\"video_tokenizer\":{\"width\":24,\"heads\":2,\"head_width\":8,\"spatial_layers\":1,\"temporal_layers\":1,"
    "\"patch_height\":16,\"patch_width\":16,\"patch_frames\":8,\"codes\":16,\"code_width\":4},"
    "\"text_encoder\":{\"layers\":1,\"heads\":2,\"head_width\":8,\"inner\":16,\"width\":16,\"vocabulary\":76,\"gated\":true},"
    "\"masked\":{\"layers\":2,\"width\":16,\"heads\":2,\"head_width\":8,\"inner\":32,\"text_width\":16,\"codes\":16,"
    "\"places\":80,\"cosine\":true},"
    "\"critic\":{\"kind\":\"token\",\"layers\":1,\"width\":16,\"heads\":2,\"head_width\":8,\"inner\":32,\"text_width\":16,"
    "\"codes\":16,\"places\":80,\"cosine\":true},"
    "\"sampling\":{\"scenes\":{\"steps\":3,\"temperature\":0.9,\"guidance\":2}},\"parts\":{}}";

static const char recipe[] =
    "{\"format\":\"cogvideo-recipe\",\"version\":1,"
    "\"video-tokenizer\":{\"steps\":8,\"batch\":2,\"plain_steps\":2,\"pictures\":0.4,\"muon_rate\":0.01,\"start_batches\":2,"
    "\"evaluate_every\":4,\"evaluate_batches\":1,\"save_every\":3,\"samples\":2,\"sample_every\":4},"
    "\"masked\":{\"steps\":8,\"batch\":3,\"accumulate\":2,\"text_dropout\":0.3,\"given\":0.4,\"pictures\":0.3,\"picture_steps\":2,"
    "\"train_text\":1,\"muon_rate\":0.02,\"evaluate_every\":4,\"evaluate_batches\":1,\"save_every\":3,\"samples\":1,"
    "\"sample_every\":4},"
    "\"critic\":{\"steps\":8,\"batch\":2,\"text_dropout\":0.3,\"evaluate_every\":4,\"evaluate_batches\":1,\"save_every\":3}}";

static const char decoder[] =
    "{\"format\":\"cogvideo-recipe\",\"version\":1,"
    "\"video-tokenizer\":{\"steps\":3,\"batch\":2,\"decoder_only\":1,\"weight_decay\":0,\"samples\":0}}";

static const char frozen[] = "{\"format\":\"cogvideo-recipe\",\"version\":1,"
                             "\"masked\":{\"steps\":3,\"batch\":2,\"samples\":0}}";

static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    check_write(check_temp_path("tiny.json"), model, sizeof model - 1);
    check_write(check_temp_path("recipe.json"), recipe, sizeof recipe - 1);
    check_write(check_temp_path("decoder.json"), decoder, sizeof decoder - 1);
    check_write(check_temp_path("frozen.json"), frozen, sizeof frozen - 1);
    program_ok(
        "import -q --config tiny.json --text-tokenizer \"$COGVIDEO_CONFIGS/../tokenizer/shapes.model\" -o model");
    program_ok("dataset shapes --clips 6 --seed 3 -q -o data");
    program_ok("dataset shapes --clips 4 --seed 5 --context 9 -q -o second");
    program_ok("dataset shapes --held-out --clips 3 --seed 4 -q -o held");
    return 0;
}

static bool is_there(const char *name)
{
    return access(check_temp_path(name), R_OK) == 0;
}

/* A straight run, and one that is killed half way and goes on with another number of threads: the same checkpoint. */
static void train_twice(const char *part, const char *data, const char *held_out)
{
    char straight[80], killed[80], log[100];

    snprintf(killed, sizeof killed, "%s-killed", part);
    snprintf(log, sizeof log, "%s/log.jsonl", killed);
    program_interrupt(SIGKILL, log, 5,
                      "train %s %s --held-out %s --recipe recipe.json --model model -o %s --threads 1 -q", part, data,
                      held_out, killed);
    program_ok("train %s %s --held-out %s --recipe recipe.json --model model -o %s --threads 3 -q --resume", part, data,
               held_out, killed);
    program_ok("train %s %s --held-out %s --recipe recipe.json --model model -o %s-straight --threads 2 -q -f", part,
               data, held_out, part);
    snprintf(straight, sizeof straight, "%s-straight/checkpoint.safetensors", part);
    snprintf(killed, sizeof killed, "%s-killed/checkpoint.safetensors", part);
    program_equal_files(straight, killed);
}

static void make_tokenizer(void)
{
    train_twice("video-tokenizer", "data", "held");
    assert_true(is_there("video-tokenizer-straight/samples-000008.jpg"));
}

/* "before" is the model that has no transformer yet. */
static void make_rows(void)
{
    program_ok("dataset tokens data --model model --for masked -q -o clips.rows");
    program_ok("dataset tokens second --model model --for masked -q -o second.rows");
    program_ok("dataset tokens data --model model --for image -q -o pictures.rows");
    program_ok("dataset tokens held --model model --for masked -q -o held.rows");
    assert_int_equal(system("cp -r \"$COGVIDEO_TEST_TEMP/model\" \"$COGVIDEO_TEST_TEMP/before\""), 0);
}

static void make_masked(void)
{
    train_twice("masked", "clips.rows second.rows pictures.rows", "held.rows");
    assert_true(is_there("masked-straight/samples-000008.jpg"));
    assert_int_equal(system("cp -r \"$COGVIDEO_TEST_TEMP/model\" \"$COGVIDEO_TEST_TEMP/uncritical\""), 0);
}

static void make_critic(void)
{
    train_twice("critic", "clips.rows", "held.rows");
}

typedef enum step { TOKENIZER, ROWS, MASKED, CRITIC } step;

/* What a test begins with: all up to `last`, each made once, when a test first needs it. */
static void need(step last)
{
    static void (*const make[])(void) = { make_tokenizer, make_rows, make_masked, make_critic };
    static step made;

    while (made <= last)
        make[made++]();
}

static void log_has(const char *log, const char *words)
{
    cv_buffer text = { 0 };
    cogvideo_error err;

    CHECK_OK(cv_file_read(&text, check_temp_path(log), 1 << 20, &err), err);
    if (!strstr(text.data, words))
        fail_msg("%s has no %s: %s", log, words, text.data);
    cv_buffer_free(&text);
}

static void the_tokenizer_is_trained(void **state)
{
    (void)state;
    need(TOKENIZER);
    log_has("video-tokenizer-straight/log.jsonl", "\"psnr\"");
    log_has("video-tokenizer-straight/log.jsonl", "\"picture_psnr\"");
    log_has("video-tokenizer-straight/log.jsonl", "\"codes_used\"");
    program_check("dataset tokens held --check --clips 0 --model model", 0, "checked           3 clips, 99 frames");
}

/* A box of 5 latent frames of 4 x 4 codes. */
static void rows_tell_their_box(void **state)
{
    (void)state;
    need(ROWS);
    log_has("clips.rows.json", "[5, 4, 4]");
    log_has("pictures.rows.json", "[1, 4, 4]");
    log_has("second.rows.json", "\"context\":\t2");
    program_ok("dataset shapes --clips 1 --context 5 -q -o half");
    program_check("dataset tokens half --model model --for masked -o x.rows" STDERR, 1, "must be 1 + 8 n frames");
    program_check("dataset tokens second --model model --for image -o x.rows" STDERR, 1,
                  "begin with 9 frames of what came before");
    program_check("dataset tokens data --model model --for stage1 -o x.rows" STDERR, 1, "'masked'");
    program_check("train masked held --recipe recipe.json --model model -o x" STDERR, 1, "is a folder");
}

/* Codes keep their meaning while the decoder goes on. */
static void a_decoder_is_trained_alone(void **state)
{
    (void)state;
    need(ROWS);
    program_ok("train video-tokenizer data --finetune --recipe decoder.json --model before -o run-decoder -q");
    program_ok("dataset tokens held --model before --for masked -q -o after.rows");
    program_equal_files("held.rows", "after.rows");
    program_check("train video-tokenizer data --finetune --recipe recipe.json --model before -o x" STDERR, 1,
                  "decoder_only");
}

static void the_masked_transformer_is_trained(void **state)
{
    (void)state;
    need(MASKED);
    log_has("masked-straight/log.jsonl", "\"wrong_text\"");
    log_has("masked-straight/log.jsonl", "\"shares\"");
    program_check("train video-tokenizer data --force --recipe recipe.json --model model -o x" STDERR, 1,
                  "a masked transformer that was trained on its codes");
}

/* Without 'train_text' the model's own stays as it is; where there is none, that is an error. */
static void a_text_encoder_may_be_frozen(void **state)
{
    (void)state;
    need(MASKED);
    program_ok("train masked clips.rows --finetune --recipe frozen.json --model uncritical -o run-frozen -q");
    program_equal_files("model/text_encoder.safetensors", "uncritical/text_encoder.safetensors");
    program_check("train masked clips.rows --recipe frozen.json --model before -o x" STDERR, 1, "has no text encoder");
    program_check("train critic clips.rows --recipe recipe.json --model before -o x" STDERR, 1,
                  "has no masked transformer");
}

/* Vectors of NaN have no code. */
static void damaged_weights_are_named(void **state)
{
    damage d;

    (void)state;
    need(ROWS);
    d = damage_put("before", "video_tokenizer.safetensors", "to_patch_emb.1.weight", 3, NAN);
    program_check("dataset tokens held --model before --for masked -o nan.rows" STDERR, 1,
                  "encoding, clip 0: the network gives NaN in place of numbers");
    assert_false(is_there("nan.rows"));
    program_check("dataset tokens held --model before --check" STDERR, 1,
                  "tensor 'to_patch_emb.1.weight' holds NaN or an infinite number as element 3");
    damage_undo(&d);
}

/* The codes of another tokenizer mean something else. */
static void rows_of_another_tokenizer_are_refused(void **state)
{
    (void)state;
    need(ROWS);
    program_ok(
        "import -q --config tiny.json --text-tokenizer \"$COGVIDEO_CONFIGS/../tokenizer/shapes.model\" -o other");
    program_ok("train video-tokenizer held --recipe recipe.json --model other -o run-other -q");
    program_check("train masked clips.rows --recipe recipe.json --model other -o x" STDERR, 1, "other tokenizers");
}

static void the_model_makes_clips(void **state)
{
    (void)state;
    need(CRITIC);
    log_has("critic-straight/log.jsonl", "\"wrong\"");
    program_ok(
        "generate -q --model model \"a large red star moves left on a white background\" --sampler critic -o clip.y4m");
    assert_true(is_there("clip.y4m"));
    program_check("train masked clips.rows --force --recipe recipe.json --model model -o x" STDERR, 1,
                  "a critic that was trained on its draws");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tokenizer_is_trained),     cmocka_unit_test(rows_tell_their_box),
        cmocka_unit_test(a_decoder_is_trained_alone),   cmocka_unit_test(the_masked_transformer_is_trained),
        cmocka_unit_test(a_text_encoder_may_be_frozen), cmocka_unit_test(rows_of_another_tokenizer_are_refused),
        cmocka_unit_test(damaged_weights_are_named),    cmocka_unit_test(the_model_makes_clips),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
