/* Training through the program: every part in turn, small; a run resumed half way equals the straight run bit for bit,
 * on any number of threads; the model that comes out makes a clip. */
#include "support/check.h"
#include "support/program.h"

#include "base/file.h"

#include <unistd.h>

#define SHEET "\"samples\":2,\"sample_every\":4"

/* configs/shapes-model.json made small, and a recipe of a few steps. */
static void write_model(void)
{
    static const char *const swaps[][2] = {
        { "\"layers\": 6", "\"layers\": 2" },
        { "\"hidden\": 192", "\"hidden\": 32" },
        { "\"heads\": 6", "\"heads\": 2" },
        { "\"mlp\": 768", "\"mlp\": 64" },
        { "\"image_codes\": 4096", "\"image_codes\": 64" },
        { "\"codes\": 4096", "\"codes\": 64" },
        { "\"colours\": 11,", "" },
        { "\"colour_pairs\": 24,", "" },
        { "\"start_of_image\": 4172", "\"start_of_image\": 140" },
        { "\"vocabulary\": 4192", "\"vocabulary\": 160" },
        { "\"channels\": 24", "\"channels\": 8" },
        { "\"groups\": 8", "\"groups\": 4" },
        { "\"latent\": 192", "\"latent\": 8" },
        { "\"width\": 128", "\"width\": 8" },
        { "\"encoder\": { \"patch\": 8 }", "\"encoder\": { \"patch\": 8, \"width\": 16, \"blocks\": 1 }" },
        { "\"parts\": {}", "\"parts\": { \"text_tokenizer\": { \"file\": \"text.model\" } }" },
    };
    static const char recipe[] =
        "{\"format\":\"cogvideo-recipe\",\"version\":1,"
        "\"image-tokenizer\":{\"steps\":8,\"batch\":4,\"plain_steps\":2,\"busy\":0.5,\"muon_rate\":0.01,\"clusters\":4,\"evaluate_every\":4,"
        "\"evaluate_batches\":1,\"save_every\":100," SHEET "},"
        "\"image\":{\"steps\":8,\"batch\":3,\"accumulate\":2,\"dropout\":0.1,\"text_dropout\":0.3,\"norm_gain\":0.15,\"muon_rate\":0.02,"
        "\"evaluate_every\":4,\"evaluate_batches\":1," SHEET "},"
        "\"coglm\":{\"steps\":8,\"batch\":3,\"accumulate\":2,\"image_to_text\":0.4,\"text\":0.3,\"hole_min\":2,\"hole_max\":3,"
        "\"dropout\":0.1,\"muon_rate\":0.02,\"evaluate_every\":4,\"evaluate_batches\":6," SHEET "},"
        "\"stage1\":{\"steps\":8,\"batch\":2,\"text_dropout\":0.3,\"evaluate_every\":8,\"evaluate_batches\":1," SHEET
        "},"
        "\"stage2\":{\"steps\":8,\"batch\":2,\"train_trunk\":1,\"muon_rate\":0.01,\"evaluate_every\":8,\"evaluate_batches\":1," SHEET
        "}}";
    cogvideo_error err;
    cv_buffer text = { 0 }, out = { 0 };
    const char *configs = getenv("COGVIDEO_CONFIGS");
    char path[1024], *at;

    snprintf(path, sizeof path, "%s/shapes-model.json", configs ? configs : "configs");
    CHECK_OK(cv_file_read(&text, path, 1 << 20, &err), err);
    for (at = text.data; *at;) {
        size_t skip = 0;

        for (size_t i = 0; i < sizeof swaps / sizeof *swaps && !skip; i++)
            if (strncmp(at, swaps[i][0], strlen(swaps[i][0])) == 0) {
                CHECK_OK(cv_buffer_append(&out, swaps[i][1], strlen(swaps[i][1]), &err), err);
                skip = strlen(swaps[i][0]);
            }
        if (!skip)
            CHECK_OK(cv_buffer_append(&out, at, skip = 1, &err), err);
        at += skip;
    }
    assert_int_equal(system(
                         "mkdir -p \"$COGVIDEO_TEST_TEMP/model\" && cp \"$COGVIDEO_CONFIGS/../tokenizer/shapes.model\" "
                         "\"$COGVIDEO_TEST_TEMP/model/text.model\""),
                     0);
    check_write(check_temp_path("model/model.json"), out.data, out.size);
    check_write(check_temp_path("recipe.json"), recipe, sizeof recipe - 1);
    cv_buffer_free(&text);
    cv_buffer_free(&out);
}

/* The same with a codebook of 8 colours and 7 pairs of these, each with 8 patterns. */
static void write_pairs(void)
{
    assert_int_equal(
        system("cd \"$COGVIDEO_TEST_TEMP\" && mkdir pairs && cp model/text.model pairs && "
               "sed 's/\"latent\": 8/\"latent\": 192/; s/\"encoder\": {[^}]*}/\"encoder\": { \"patch\": 8 }/; "
               "s/\"codes\": 64/\"codes\": 64, \"colours\": 8, \"colour_pairs\": 7/' model/model.json "
               ">pairs/model.json"),
        0);
}

static int start(void **state)
{
    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    write_model();
    write_pairs();
    program_ok("dataset shapes --clips 6 --seed 3 -q -o data");
    program_ok("dataset shapes --held-out --clips 3 --seed 4 -q -o held");
    return 0;
}

static bool is_there(const char *name)
{
    return access(check_temp_path(name), R_OK) == 0;
}

/* A straight run, and one that stops half way and goes on with another number of threads: the same checkpoint. */
static void train_twice_in(const char *model, const char *run, const char *part, const char *data, const char *held_out)
{
    char straight[60], halves[60];

    snprintf(straight, sizeof straight, "%s-straight", run);
    snprintf(halves, sizeof halves, "%s-halves", run);
    program_ok("train %s %s --held-out %s --recipe recipe.json --model %s -o %s --threads 1 -q --steps 4", part, data,
               held_out, model, halves);
    program_ok("train %s %s --held-out %s --recipe recipe.json --model %s -o %s --threads 3 -q --resume", part, data,
               held_out, model, halves);
    program_ok("train %s %s --held-out %s --recipe recipe.json --model %s -o %s --threads 2 -q -f", part, data,
               held_out, model, straight);
    snprintf(straight, sizeof straight, "%s-straight/checkpoint.safetensors", run);
    snprintf(halves, sizeof halves, "%s-halves/checkpoint.safetensors", run);
    program_equal_files(straight, halves);
    snprintf(straight, sizeof straight, "%s-straight/samples-000004.jpg", run);
    snprintf(halves, sizeof halves, "%s-halves/samples-000008.jpg", run);
    assert_true(is_there(straight) && is_there(halves));
}

static void train_twice(const char *part, const char *data, const char *held_out)
{
    train_twice_in("model", part, part, data, held_out);
}

static void make_tokenizer(void)
{
    train_twice("image-tokenizer", "data", "held");
}

/* "before" is the model that has nothing of a transformer yet. */
static void make_rows(void)
{
    program_ok("dataset tokens data --model model --for image -q -o image.rows");
    program_ok("dataset tokens data --model model --for stage1 -q -o stage1.rows");
    program_ok("dataset tokens data --model model --for stage2 -q -o stage2.rows");
    assert_int_equal(system("cp -r \"$COGVIDEO_TEST_TEMP/model\" \"$COGVIDEO_TEST_TEMP/before\""), 0);
}

static void make_trunk(void)
{
    train_twice("image", "image.rows stage1.rows", "image.rows");
}

static void make_stages(void)
{
    train_twice("stage1", "stage1.rows", "stage1.rows");
    train_twice("stage2", "stage2.rows", "stage2.rows");
}

typedef enum step { TOKENIZER, ROWS, TRUNK, STAGES } step;

/* What a test begins with: all up to `last`, each made once, when a test first needs it. */
static void need(step last)
{
    static void (*const make[])(void) = { make_tokenizer, make_rows, make_trunk, make_stages };
    static step made;

    while (made <= last)
        make[made++]();
}

static void the_image_tokenizer_learns(void **state)
{
    (void)state;
    need(TOKENIZER);
    program_ok("info --model model");
    assert_non_null(strstr(program_output(), "codes            64, "));
    assert_non_null(strstr(program_output(), "image tokenizer  yes"));
    assert_non_null(strstr(program_output(), "code clusters    yes"));
}

/* A number of the JSON object that the program printed last. */
static long long printed(const char *key)
{
    char quoted[60];
    const char *at;

    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    at = strstr(program_output(), quoted);
    assert_non_null(at);
    return strtoll(at + strlen(quoted), NULL, 10);
}

/* Codes that are made of their own pixels alone change where these do. */
static void a_tokenizer_is_checked(void **state)
{
    (void)state;
    need(TOKENIZER);
    program_ok("dataset tokens held --model model --check --json -q");
    assert_int_equal(printed("clips"), 3);
    assert_int_equal(printed("frames"), 99);
    assert_int_equal(printed("places"), 3 * 4 * 64);
    assert_true(printed("still") > 400 && printed("patterns") > 100 && printed("codes_used") > 1);
    assert_int_equal(printed("still_changed"), 0);
    assert_true(printed("changed") > 0);
    assert_int_equal(printed("patterns_kept"), printed("patterns"));
    assert_true(printed("plain_colours") >= 2);
    assert_int_equal(printed("plain_codes"), printed("plain_colours"));
    assert_true(printed("key_psnr") > 5 && printed("between_psnr") > 5);
    program_ok("dataset tokens held --model model --check --clips 2 -q");
    assert_non_null(strstr(program_output(), "checked           2 clips, 66 frames\n"));
    assert_non_null(strstr(program_output(), "unchanged         0.00 % of "));
    program_check("dataset tokens held --model model --check -o rows" STDERR, 2,
                  "--check writes nothing and cannot be combined with -o");
    program_check("dataset tokens held --model model" STDERR, 2, "an output is missing");
}

/* One first frame a clip; one window of key frames; 2 + 4 + 8 windows of interpolation. */
static void rows_are_counted(void **state)
{
    static const char *const rows[][2] = { { "image", "6" }, { "stage1", "6" }, { "stage2", "84" } };

    (void)state;
    need(ROWS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[40], wanted[40];
        cv_buffer text = { 0 };
        cogvideo_error err;

        snprintf(name, sizeof name, "%s.rows.json", rows[i][0]);
        snprintf(wanted, sizeof wanted, "\"rows\":\t%s,", rows[i][1]);
        CHECK_OK(cv_file_read(&text, check_temp_path(name), 1 << 16, &err), err);
        assert_non_null(strstr(text.data, wanted));
        cv_buffer_free(&text);
    }
}

/* Another decoder, the same codes; and of codes that are all merged one is left. */
static void a_decoder_learns_alone(void **state)
{
    static const char recipe[] =
        "{\"format\":\"cogvideo-recipe\",\"version\":1,\"image-tokenizer\":{\"steps\":2,\"batch\":2,\"samples\":0,"
        "\"decoder_only\":1,\"weight_decay\":0,\"merge\":%s,\"learning_rate\":%s,\"final_learning_rate\":0,"
        "\"evaluate_every\":1,\"evaluate_batches\":1}}";
    static const char *const cases[][3] = { { "0", "0.01", "moved" }, { "999", "0", "merged" } };

    (void)state;
    need(ROWS);
    assert_int_equal(system("cp -r \"$COGVIDEO_TEST_TEMP/before\" \"$COGVIDEO_TEST_TEMP/codes\""), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[600];

        snprintf(text, sizeof text, recipe, cases[i][0], cases[i][1]);
        check_write(check_temp_path("decoder.json"), text, strlen(text));
        program_ok(
            "train image-tokenizer data --held-out held --finetune --recipe decoder.json --model codes -o decoder-%s -q",
            cases[i][2]);
        if (i == 0) {
            assert_int_not_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && cmp -s codes/image_tokenizer.safetensors "
                                        "before/image_tokenizer.safetensors"),
                                 0);
            program_ok("dataset tokens data --model codes --for image -q -o codes.rows");
            program_equal_files("codes.rows", "image.rows");
        }
    }
    assert_int_equal(system("grep -q '\"codes_used\":1[,}]' \"$COGVIDEO_TEST_TEMP/decoder-merged/log.jsonl\""), 0);
}

static void the_trunk_learns(void **state)
{
    (void)state;
    need(TRUNK);
    program_ok("keyframes --model model \"a small red circle moves left\" --count 1 --seed 1 -q -o first.jsonl");
    assert_int_equal(system("cp -r \"$COGVIDEO_TEST_TEMP/before\" \"$COGVIDEO_TEST_TEMP/another\""), 0);
    program_check("train image image.rows --recipe recipe.json --model another -o told --steps 1" STDERR, 0,
                  "0 of 1 steps done; ");
}

static void the_stages_learn(void **state)
{
    (void)state;
    need(STAGES);
    assert_int_equal(
        system(
            "sed 's/\"batch\":2/\"batch\":3/g' \"$COGVIDEO_TEST_TEMP/recipe.json\" >\"$COGVIDEO_TEST_TEMP/other.json\""),
        0);
    program_check("train stage1 stage1.rows --recipe other.json --model model -o stage1-halves --resume" STDERR, 0,
                  "the recipe is not that of stage1-halves/checkpoint.safetensors: batch was 2 and is 3\n");
    assert_int_equal(
        system("sed 's/\"text_dropout\":0.3,\"eval/\"muon_rate\":0.02,\"eval/' \"$COGVIDEO_TEST_TEMP/recipe.json\" "
               ">\"$COGVIDEO_TEST_TEMP/other.json\""),
        0);
    program_check("train stage1 stage1.rows --recipe other.json --model model -o stage1-halves --resume" STDERR, 1,
                  "was trained without Muon, and its averages mean nothing to another optimizer: set 'muon_rate' to 0");
}

static void check_logged(const char *run, const char *member)
{
    char command[200];

    snprintf(command, sizeof command, "grep -q '\"%s\":[0-9]' \"$COGVIDEO_TEST_TEMP/%s/log.jsonl\"", member, run);
    assert_int_equal(system(command), 0);
}

/* A model with a position for the last code as an input; it scores captions. */
static void coglm_learns(void **state)
{
    static const char *const losses[] = { "codes", "holes", "text", "spans" };
    static const char *const bad[][2] = {
        { "\"image_to_text\":0.7,\"text\":0.4", "image_to_text (0.7), text (0.4) and completion (0) are more than 1" },
        { "\"hole_min\":5", "holes of hole_min (5) to hole_max (4)" },
        { "\"hole_max\":8", "so 1 to 7 were expected" },
        { "\"text_dropout\":0.1", "unknown key 'text_dropout'" },
    };

    (void)state;
    need(ROWS);
    assert_int_equal(system("cd \"$COGVIDEO_TEST_TEMP\" && cp -r before coglm && cp -r before short && sed -i "
                            "'s/\"positions\":[[:space:]]*129/\"positions\": 128/' short/model.json"),
                     0);
    program_check("train coglm image.rows --recipe recipe.json --model short -o x" STDERR, 1,
                  "the model has 128 rows of positions; one more behind a picture's, 129 in all, were expected");
    train_twice_in("coglm", "coglm", "coglm", "image.rows stage1.rows", "image.rows");
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        check_logged("coglm-straight", losses[i]);
    program_ok("keyframes --model coglm \"a small red circle moves left\" --count 1 --seed 1 -q -o picture.jsonl");
    program_ok("score --caption \"a small red circle\" --model coglm picture.jsonl --json");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char recipe[400];

        snprintf(recipe, sizeof recipe, "{\"format\":\"cogvideo-recipe\",\"version\":1,\"coglm\":{%s}}", bad[i][0]);
        check_write(check_temp_path("bad.json"), recipe, strlen(recipe));
        program_check("train coglm image.rows --recipe bad.json --model coglm -o x --finetune" STDERR, 1, bad[i][1]);
    }
}

/* The optimizer, which lets matrices decay, has left the codebook as it was; embeddings are sums. */
static void check_pairs(void)
{
    enum { COLOURS = 8, PATTERNS = 8, WIDTH = 32 };
    cogvideo_error err;
    cv_store *store;
    const float *table, *patterns, *pairs;

    CHECK_OK(cv_store_open(&store, check_temp_path("pairs-straight/checkpoint.safetensors"), &err), err);
    assert_memory_equal(check_f32(store, "weights/quantize.embed.weight"), check_f32(store, "state/quantize.embed_avg"),
                        check_tensor(store, "weights/quantize.embed.weight")->count * sizeof(float));
    cv_store_close(&store);
    CHECK_OK(cv_store_open(&store, check_temp_path("sums-straight/checkpoint.safetensors"), &err), err);
    table = check_f32(store, "weights/transformer.word_embeddings.weight");
    patterns = check_f32(store, "shared_weights/patterns");
    pairs = check_f32(store, "shared_weights/pairs");
    for (int i = 0; i < WIDTH; i++)
        assert_true(table[(COLOURS + 2 * PATTERNS + 3) * WIDTH + i] == patterns[3 * WIDTH + i] + pairs[2 * WIDTH + i]);
    cv_store_close(&store);
}

/* And a trunk whose embeddings are sums of theirs. The model has parts after the first training. */
static void colours_and_patterns_are_apart(void **state)
{
    static const char *const bad[][2] = {
        { "s/\"colour_pairs\": 7/\"colour_pairs\": 29/", "'colour_pairs' is 29, it must be from 1 to 28" },
        { "s/\"codes\": 64/\"codes\": 14/",
          "8 colours and one pattern at least for each of 7 pairs need more than 14" },
        { "s/\"patch\": 8 }/\"patch\": 8, \"width\": 16, \"blocks\": 1 }/", "'encoder' must be bare patches" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char command[300];

        snprintf(command, sizeof command,
                 "cd \"$COGVIDEO_TEST_TEMP\" && mkdir -p wrong && sed '%s' pairs/model.json >wrong/model.json",
                 bad[i][0]);
        assert_int_equal(system(command), 0);
        program_check("info wrong" STDERR, 1, bad[i][1]);
    }
    train_twice_in("pairs", "pairs", "image-tokenizer", "data", "held");
    program_ok("dataset tokens data --model pairs --for stage1 -q -o pairs.rows");
    train_twice_in("pairs", "sums", "image", "pairs.rows", "pairs.rows");
    check_pairs();
    assert_int_equal(
        system("cd \"$COGVIDEO_TEST_TEMP\" && \"$COGVIDEO_PROGRAM\" train image pairs.rows --finetune --steps 1 "
               "--recipe recipe.json --model pairs -q -o goes-on 2>said && ! grep 'were not sums' said"),
        0);
}

/* Number by number: -0 and 0 are equal. */
static void check_equal_weights(const char *a, const char *b)
{
    cv_store *stores[2];
    cogvideo_error err;

    CHECK_OK(cv_store_open(&stores[0], check_temp_path(a), &err), err);
    CHECK_OK(cv_store_open(&stores[1], check_temp_path(b), &err), err);
    assert_int_equal(cv_store_count(stores[0]), cv_store_count(stores[1]));
    for (size_t t = 0; t < cv_store_count(stores[0]); t++) {
        const cv_tensor *x = cv_store_at(stores[0], t), *y = check_tensor(stores[1], x->name);

        assert_int_equal(x->count, y->count);
        for (size_t i = 0; i < x->count; i++) {
            float values[2];

            cv_to_f32(&values[0], (const char *)x->data + i * cv_dtype_size(x->dtype), x->dtype, 1);
            cv_to_f32(&values[1], (const char *)y->data + i * cv_dtype_size(y->dtype), y->dtype, 1);
            assert_true(values[0] == values[1]);
        }
    }
    cv_store_close(&stores[0]);
    cv_store_close(&stores[1]);
}

/* At a learning rate of 0 what comes out is what went in. */
static void write_rest(void)
{
    static const char recipe[] =
        "{\"format\":\"cogvideo-recipe\",\"version\":1,\"stage1\":{\"steps\":1,\"batch\":2,\"samples\":0,"
        "\"learning_rate\":0,\"final_learning_rate\":0}}";

    check_write(check_temp_path("rest.json"), recipe, sizeof recipe - 1);
}

static void finetuning_begins_with_what_is_there(void **state)
{
    (void)state;
    need(STAGES);
    write_rest();
    assert_int_equal(system("cp -r \"$COGVIDEO_TEST_TEMP/model\" \"$COGVIDEO_TEST_TEMP/tuned\""), 0);
    program_ok("train stage1 stage1.rows --finetune --recipe rest.json --model tuned -o tuned-run -q");
    check_equal_weights("tuned/stage1.safetensors", "model/stage1.safetensors");
    program_check("train stage1 stage1.rows --recipe rest.json --model tuned -o new-run" STDERR, 1,
                  "tuned: has a trained 'stage1'");
    program_ok("train stage1 stage1.rows --force --recipe rest.json --model tuned -o new-run -q");
    assert_int_not_equal(system(
                             "cd \"$COGVIDEO_TEST_TEMP\" && cmp -s tuned/stage1.safetensors model/stage1.safetensors"),
                         0);
}

static void finetuning_wants_something_there(void **state)
{
    (void)state;
    need(STAGES);
    write_rest();
    program_check("train image-tokenizer data --finetune --recipe recipe.json --model model -o x" STDERR, 1,
                  "cannot be fine-tuned as a whole");
    assert_int_equal(
        system("cd \"$COGVIDEO_TEST_TEMP\" && cp -r model bare && sed -i '/\"stage1\"/,/}/d' bare/model.json"), 0);
    program_check("train stage1 stage1.rows --finetune --recipe rest.json --model bare -o x" STDERR, 1,
                  "bare: has no file of 'stage1' yet, which is trained first");
    assert_int_equal(
        system(
            "\"$COGVIDEO_PROGRAM\" quantize \"$COGVIDEO_TEST_TEMP/model\" \"$COGVIDEO_TEST_TEMP/eight\" --type q8 -q"),
        0);
    program_check("train stage1 stage1.rows --finetune --recipe rest.json --model eight -o x" STDERR, 1,
                  "has type I8; F32, F16 or BF16 was expected");
}

static void the_model_makes_a_clip(void **state)
{
    (void)state;
    need(STAGES);
    program_ok("generate --model model \"a small red circle moves left\" --seed 1 -q -o clip.y4m");
    program_ok("tokens show clip.jsonl");
    assert_non_null(strstr(program_output(), "33"));
    program_check(
        "keyframes --model model \"a small red dog moves left on a field\" --count 1 -f -o first.jsonl" STDERR, 0,
        "has never seen 'dog, field'; it knows: black white");
}

/* Rows know their tokenizers, a checkpoint its trunk, and a run its folder. */
static void what_does_not_belong_together_is_refused(void **state)
{
    (void)state;
    need(STAGES);
    assert_int_equal(
        system(
            "cd \"$COGVIDEO_TEST_TEMP\" && cp -r before alone && for end in \"\" .json; do cp stage1.rows$end strange.rows$end; done && "
            "sed -i 's/\"tokenizers\":.*/\"tokenizers\": \"0123456789abcdef\"/' strange.rows.json"),
        0);
    program_check("train stage1 strange.rows --recipe recipe.json --model model -o x -f" STDERR, 1,
                  "made with other tokenizers");
    program_ok("train image image.rows --recipe recipe.json --model alone -o alone-run -q --steps 1");
    program_check("train stage1 stage1.rows --recipe recipe.json --model alone -o stage1-halves --resume" STDERR, 1,
                  "was trained on another trunk than that of alone");
    assert_int_equal(
        system(
            "cd \"$COGVIDEO_TEST_TEMP\" && flock stage1-halves \"$COGVIDEO_PROGRAM\" train stage1 stage1.rows --recipe recipe.json "
            "--model model -o stage1-halves --resume 2>&1 | grep -q 'another run is using this folder'"),
        0);
}

static void what_is_wrong_is_said(void **state)
{
    static const char broken[] = "{\"format\":\"cogvideo-recipe\",\"version\":1,\"image\":{\"steps\":0}}";
    static const char foreign[] = "{\"format\":\"cogvideo-recipe\",\"version\":1,\"image\":{\"merge\":1}}";
    static const char unknown[] = "{\"format\":\"cogvideo-recipe\",\"version\":1,\"image\":{\"stepps\":5}}";

    (void)state;
    need(STAGES);
    check_write(check_temp_path("broken.json"), broken, sizeof broken - 1);
    check_write(check_temp_path("foreign.json"), foreign, sizeof foreign - 1);
    check_write(check_temp_path("unknown.json"), unknown, sizeof unknown - 1);
    program_check("train image image.rows --recipe broken.json --model model -o x" STDERR, 1, "'steps' is 0");
    program_check("train image image.rows --recipe unknown.json --model model -o x" STDERR, 1, "unknown key 'stepps'");
    program_check("train trunk image.rows --recipe recipe.json --model model -o x" STDERR, 1,
                  "not a part of the family");
    program_check("train image image.rows --recipe recipe.json -o x" STDERR, 2, "--model DIR is missing");
    program_check("train stage1 none.rows --recipe recipe.json --model model -o x" STDERR, 1, "none.rows");
    program_check("train image image.rows --recipe recipe.json --model model -o x" STDERR, 1,
                  "has stages that were trained on");
    program_check("train image-tokenizer data --recipe recipe.json --model model -o x" STDERR, 1,
                  "has a trunk that was trained on");
    program_check("train image image.rows --recipe recipe.json --model model -o image-halves --resume --steps 9" STDERR,
                  0, "model is left as it is, for it has stages");
    program_check("train stage1 image.rows --recipe recipe.json --model model -o x" STDERR, 1, "stage1 wants its own");
    program_check("train image image.rows --recipe foreign.json --model model -o x" STDERR, 1, "unknown key 'merge'");
    program_check("train stage1 stage1.rows --recipe recipe.json --model model -o stage1-straight" STDERR, 1,
                  "already exists");
    program_check("train stage2 stage2.rows --recipe recipe.json --model model -o image-straight --resume" STDERR, 1,
                  "is a checkpoint of 'image'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_image_tokenizer_learns),
        cmocka_unit_test(a_tokenizer_is_checked),
        cmocka_unit_test(rows_are_counted),
        cmocka_unit_test(a_decoder_learns_alone),
        cmocka_unit_test(the_trunk_learns),
        cmocka_unit_test(coglm_learns),
        cmocka_unit_test(colours_and_patterns_are_apart),
        cmocka_unit_test(the_stages_learn),
        cmocka_unit_test(finetuning_begins_with_what_is_there),
        cmocka_unit_test(finetuning_wants_something_there),
        cmocka_unit_test(the_model_makes_a_clip),
        cmocka_unit_test(what_does_not_belong_together_is_refused),
        cmocka_unit_test(what_is_wrong_is_said),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
