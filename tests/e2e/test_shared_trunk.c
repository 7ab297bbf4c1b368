/* CogView2's networks whose checkpoints hold the same trunk: imported together it is stored once, and pictures come out
 * as from networks that each have a file of their own. */
#include "support/check.h"
#include "support/models.h"
#include "support/networks.h"
#include "support/program.h"
#include "support/torch_file.h"

#include "base/json.h"
#include "family/cogvideo/train/parts.h"
#include "family/cogvideo/train/recipes.h"

#include <cogvideo/cogvideo.h>
#include <sys/stat.h>

#define PROMPT "一个红色的圆形向左移动"
#define WITH                                                                                                    \
    "import --config '%s/small-cogview2.json' --text-tokenizer '%s' %s -o %s 2>&1", getenv("COGVIDEO_CONFIGS"), \
        check_data("text/ice_text.model")

enum { LAYERS = 3, HIDDEN = 64, VOCABULARY = 1600, POSITIONS = 1024, PLACES = 24 * 24 };

static void write_checkpoint(seeded_list *list, const char *name)
{
    torch_write(list, check_temp_path(name), CV_F16, 0);
    seeded_list_free(list);
}

/* A trunk of one seed, and what the upscaler has beside it of another: a refiner may have it, too. */
static void write_plus(const char *name, int trunk, int seed)
{
    seeded_list list = { 0 };

    networks_trunk(&list, trunk, LAYERS, HIDDEN, VOCABULARY, POSITIONS);
    networks_plus(&list, seed, LAYERS, HIDDEN, PLACES);
    write_checkpoint(&list, name);
}

static int start(void **state)
{
    seeded_list list = { 0 };

    (void)state;
    setenv("COGVIDEO_TEST_TEMP", check_temp(), 1);
    networks_trunk(&list, 81, LAYERS, HIDDEN, VOCABULARY, POSITIONS);
    write_checkpoint(&list, "coglm.pt");
    write_plus("dsr.pt", 81, 83);
    write_plus("itersr.pt", 81, 84);
    write_plus("other-dsr.pt", 85, 83);
    networks_refiner(&list, 85, LAYERS, HIDDEN, VOCABULARY, POSITIONS, PLACES);
    write_checkpoint(&list, "other-itersr.pt");
    program_ok(WITH, "--coglm coglm.pt --upscaler dsr.pt --refiner itersr.pt", "shared");
    return 0;
}

static cv_json *description(const char *model)
{
    cogvideo_error err;
    cv_json *json = NULL;
    char path[1200];

    snprintf(path, sizeof path, "%s/%s/model.json", check_temp(), model);
    CHECK_OK(cv_json_read(&json, path, 1 << 20, &err), err);
    return json;
}

/* A member of a part, or "" where there is none. */
static void check_part(const char *model, const char *part, const char *key, const char *expected)
{
    cv_json *json = description(model);
    const cv_json *member = cv_json_get(cv_json_get(cv_json_get(json, "parts"), part), key);

    assert_string_equal(member ? cv_json_text(member) : "", expected);
    cv_json_free(&json);
}

static uint64_t file_size(const char *model, const char *file)
{
    char path[1200];
    struct stat info;

    snprintf(path, sizeof path, "%s/%s/%s", check_temp(), model, file);
    if (stat(path, &info) != 0)
        fail_msg("%s is missing", path);
    return (uint64_t)info.st_size;
}

/* What the import of the start said is still the program's last output. */
static void an_equal_trunk_is_stored_once(void **state)
{
    (void)state;
    assert_non_null(strstr(program_output(), "the trunks of CogLM and the upscaler are equal in every bit"));
    assert_non_null(strstr(program_output(), "the trunks of CogLM and the refiner are equal in every bit"));
    assert_non_null(strstr(program_output(), "itersr.pt: skipped 12 tensors 'mixins.attention_plus.*'"));
    check_part("shared", "trunk", "file", "trunk.safetensors");
    check_part("shared", "upscaler", "trunk", "trunk.safetensors");
    check_part("shared", "upscaler", "own", "upscaler.safetensors");
    check_part("shared", "upscaler", "file", "");
    check_part("shared", "refiner", "trunk", "trunk.safetensors");
    check_part("shared", "refiner", "own", "refiner.safetensors");
    program_check("info --json shared", 0, "\"shared_trunk\":true");
}

/* A step over one picture of side x side codes. */
static uint64_t planned_weights(const cogvideo_model *model, const char *step, int side)
{
    cogvideo_shape shape = { .kind = COGVIDEO_KIND_CODES, .frames = 1, .height = side, .width = side };
    cogvideo_generate_options options;
    cogvideo_plan plan;
    cogvideo_error err;

    shape.rate = 8;
    shape.frames_per_code = shape.video_frames = shape.scene_frames = 1;
    cogvideo_generate_defaults(model, &options);
    options.prompt = PROMPT;
    CHECK_OK(cogvideo_set_sampling(&options, "greedy", 1, &err), err);
    CHECK_OK(cogvideo_plan_step(model, step, &options, &shape, &plan, &err), err);
    return plan.weights;
}

/* Each file once: in all, and of what a step reads. */
static void a_shared_file_counts_once(void **state)
{
    const uint64_t trunk = file_size("shared", "trunk.safetensors"),
                   upscaler = file_size("shared", "upscaler.safetensors"),
                   refiner = file_size("shared", "refiner.safetensors");
    cogvideo_model *model = NULL;
    cogvideo_model_info info;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_model_open(&model, check_temp_path("shared"), NULL, &err), err);
    cogvideo_model_get_info(model, &info);
    assert_int_equal(info.file_bytes, trunk + upscaler + refiner + file_size("shared", "text.model"));
    assert_int_equal(planned_weights(model, "upscale", 8), trunk + upscaler);
    assert_int_equal(planned_weights(model, "refine", 24), trunk + refiner);
    cogvideo_model_close(&model);
    assert_true(refiner < trunk / 4);
}

static void it_draws_what_whole_files_draw(void **state)
{
    (void)state;
    program_ok(WITH, "--upscaler dsr.pt", "dsr");
    program_ok(WITH, "--refiner itersr.pt", "itersr");
    check_part("dsr", "upscaler", "file", "upscaler.safetensors");
    check_part("itersr", "refiner", "file", "refiner.safetensors");
    program_check("info --json dsr", 0, "\"shared_trunk\":false");
    program_ok("keyframes -q --model shared " PROMPT " --seed 5 --top-k 20 -o key.jsonl");
    program_ok("upscale -q --model shared key.jsonl --seed 5 --top-k 20 -o high.jsonl");
    program_ok("refine -q --model shared high.jsonl --seed 5 -o fine.jsonl");
    program_ok("upscale -q --model dsr key.jsonl --seed 5 --top-k 20 -o dsr.jsonl");
    program_ok("refine -q --model itersr high.jsonl --seed 5 -o itersr.jsonl");
    program_ok("tokens compare -q high.jsonl dsr.jsonl");
    program_ok("tokens compare -q fine.jsonl itersr.jsonl");
}

/* So do quantized copies, whether they were made on import or afterwards. */
static void it_can_be_quantized(void **state)
{
    (void)state;
    program_ok("quantize shared q8 --type q8 -q");
    program_ok(WITH, "-q --type q8 --coglm coglm.pt --upscaler dsr.pt --refiner itersr.pt", "imported-q8");
    assert_true(file_size("q8", "trunk.safetensors") < file_size("shared", "trunk.safetensors") * 2 / 3);
    program_ok("upscale -q --model q8 key.jsonl --seed 5 --top-k 20 -o q8.jsonl");
    program_ok("upscale -q --model imported-q8 key.jsonl --seed 5 --top-k 20 -o imported.jsonl");
    program_ok("tokens compare -q q8.jsonl imported.jsonl");
}

static void trunks_that_differ_are_all_kept(void **state)
{
    (void)state;
    program_ok(WITH, "--coglm coglm.pt --upscaler dsr.pt --refiner other-itersr.pt", "apart");
    assert_non_null(strstr(program_output(), "the trunks of CogLM and the refiner differ, first in "
                                             "'transformer.word_embeddings.weight': both are kept"));
    check_part("apart", "upscaler", "trunk", "trunk.safetensors");
    check_part("apart", "refiner", "file", "refiner.safetensors");
    check_part("apart", "refiner", "trunk", "");
    program_ok("refine -q --model apart high.jsonl --seed 5 -o apart.jsonl");
    program_check("tokens compare -q fine.jsonl apart.jsonl", 1, "");
    /* both super-resolutions have one, which is not CogLM's */
    program_ok(WITH, "--coglm coglm.pt --upscaler other-dsr.pt --refiner other-itersr.pt", "two");
    check_part("two", "trunk", "file", "trunk.safetensors");
    check_part("two", "upscaler", "trunk", "upscaler.trunk.safetensors");
    check_part("two", "refiner", "trunk", "upscaler.trunk.safetensors");
    program_ok("refine -q --model two high.jsonl --seed 5 -o two.jsonl");
    program_ok("tokens compare -q two.jsonl apart.jsonl");
}

static void write_stage(const char *name, int trunk, int seed)
{
    seeded_list list = { 0 };

    networks_trunk(&list, trunk, LAYERS, HIDDEN, VOCABULARY, POSITIONS);
    networks_stage(&list, seed, LAYERS, HIDDEN, 320);
    write_checkpoint(&list, name);
}

/* Of two stages that differ, the one whose trunk it is. */
static void a_stage_shares_its_trunk(void **state)
{
    (void)state;
    write_stage("stage1.pt", 86, 87);
    write_stage("stage2.pt", 81, 88);
    program_ok(WITH, "--stage1 stage1.pt --stage2 stage2.pt --upscaler dsr.pt", "stages");
    check_part("stages", "stage1", "trunk", "stage1.trunk.safetensors");
    check_part("stages", "stage2", "trunk", "stage2.trunk.safetensors");
    check_part("stages", "upscaler", "trunk", "stage2.trunk.safetensors");
    program_ok("upscale -q --model stages key.jsonl --seed 5 --top-k 20 -o stages.jsonl");
    program_ok("tokens compare -q high.jsonl stages.jsonl");
    program_ok(WITH, "--stage2 stage2.pt --coglm coglm.pt --upscaler dsr.pt --refiner itersr.pt", "all");
    check_part("all", "trunk", "file", "");
    check_part("all", "stage2", "trunk", "trunk.safetensors");
    check_part("all", "refiner", "trunk", "trunk.safetensors");
    program_run(WITH, "--stage1 stage1.pt --coglm coglm.pt", "none");
    assert_non_null(strstr(program_output(), "coglm.pt: its trunk is not that of stage1.pt, they differ first in "
                                             "'transformer.word_embeddings.weight'"));
}

/* A new trunk would be read by super-resolution networks that know the old one. */
static void a_shared_trunk_is_not_trained_over(void **state)
{
    static const char *const names[] = { "shared", "dsr" };
    const cv_part *part = &cv_cogvideo_parts[CV_PART_IMAGE];
    const cv_transformer_recipe recipe = { .train_trunk = false }, whole = { .train_trunk = true };
    cogvideo_model *stages = NULL;
    cogvideo_error told;

    (void)state;
    for (int i = 0; i < 2; i++) {
        cogvideo_model *model = NULL;
        cogvideo_error err;

        CHECK_OK(cogvideo_model_open(&model, check_temp_path(names[i]), NULL, &err), err);
        assert_int_equal(part->dependents(model, &recipe.head, true) != NULL, i == 0);
        assert_null(cv_cogvideo_parts[CV_PART_STAGE1].dependents(model, &recipe.head, true));
        cogvideo_model_close(&model);
    }
    CHECK_OK(cogvideo_model_open(&stages, check_temp_path("stages"), NULL, &told), told);
    assert_null(cv_cogvideo_parts[CV_PART_STAGE2].dependents(stages, &recipe.head, true));
    assert_null(cv_cogvideo_parts[CV_PART_STAGE1].dependents(stages, &whole.head, true));
    assert_non_null(cv_cogvideo_parts[CV_PART_STAGE2].dependents(stages, &whole.head, true));
    cogvideo_model_close(&stages);
}

/* Opens "shared" with a changed model.json: in section or part `where` of `parent`, `key` becomes the JSON `value`. */
static void refused(const char *parent, const char *where, const char *key, const char *value, const char *words)
{
    cv_json *json = description("shared"), *changed = NULL, *at = parent ? cv_json_get(json, parent) : json;
    char path[1200], text[200];
    cogvideo_error err;
    cogvideo_model *model = NULL;

    snprintf(text, sizeof text, "{\"v\":%s}", value);
    CHECK_OK(cv_json_parse(&changed, text, strlen(text), "value", &err), err);
    if (where)
        at = cv_json_get(at, where);
    cv_json_set_copy(at, key, cv_json_get(changed, "v"));
    snprintf(path, sizeof path, "%s/broken/model.json", check_temp());
    CHECK_OK(cv_json_write(json, true, path, &err), err);
    cv_json_free(&changed);
    cv_json_free(&json);
    if (cogvideo_model_open(&model, check_temp_path("broken"), NULL, &err) == COGVIDEO_OK)
        fail_msg("%s.%s = %s was taken", where, key, value);
    if (!strstr(err.message, words))
        fail_msg("'%s' does not say '%s'", err.message, words);
}

static void other_trunks_are_refused(void **state)
{
    (void)state;
    program_ok("quantize shared broken --type f16 -q");
    refused(NULL, "upscaler", "layers", "2",
            "trunk.safetensors: is a trunk whose 'layers' is 3, but the 'upscaler' that model.json lets read it has 2");
    refused(NULL, "upscaler", "layers", "4", "'layers' is 3, but the 'upscaler'");
    refused(NULL, "upscaler", "hidden", "32", "'hidden' is 64, but the 'upscaler'");
    refused(NULL, "upscaler", "mlp", "255", "'mlp' is 256");
    refused(NULL, "refiner", "vocabulary", "1601", "'vocabulary' is 1600, but the 'refiner'");
    refused(NULL, "refiner", "positions", "1023", "'positions' is 1024, but the 'refiner'");
    refused("parts", "upscaler", "trunk", "\"refiner.safetensors\"",
            "refiner.safetensors: tensor 'transformer.position_embeddings.weight' is missing");
    refused("parts", "upscaler", "trunk", "\"text.model\"", "text.model");
    refused("parts", "upscaler", "trunk", "\"../shared/trunk.safetensors\"", "no plain file name");
    refused("parts", "upscaler", "trunk", "7", "parts.upscaler");
    refused("parts", "upscaler", "file", "\"upscaler.safetensors\"", "either 'file' or 'trunk' and 'own', not both");
    refused("parts", "refiner", "own", "\"nowhere.safetensors\"", "nowhere.safetensors");
    refused("parts", "upscaler", "own", "\"refiner.safetensors\"",
            "attention_plus.query_key_value.0.weight' [192, 64]");
    refused("parts", "refiner", "own", "\"trunk.safetensors\"", "extra_position_embedding");
    refused("parts", NULL, "refiner", "{\"own\":\"refiner.safetensors\"}", "'trunk'");
    refused("parts", NULL, "refiner", "{\"trunk\":\"trunk.safetensors\"}", "'own'");
    refused("parts", NULL, "refiner", "{\"file\":\"refiner.safetensors\"}",
            "word_embeddings.weight' [1600, 64] is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_equal_trunk_is_stored_once),      cmocka_unit_test(a_shared_file_counts_once),
        cmocka_unit_test(it_draws_what_whole_files_draw),     cmocka_unit_test(it_can_be_quantized),
        cmocka_unit_test(trunks_that_differ_are_all_kept),    cmocka_unit_test(a_stage_shares_its_trunk),
        cmocka_unit_test(a_shared_trunk_is_not_trained_over), cmocka_unit_test(other_trunks_are_refused),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
