/* metric-clip: which pairs stand in a batch, how captions are measured, and a small training on clips of the shapes
 * world: resumed or not and on any number of threads the same bits, and a model that reads clips and captions. */
#include "support/check.h"
#include "support/seeded.h"

#include "base/file.h"
#include "family/metrics/model/model.h"
#include "family/metrics/train/clip_measure.h"
#include "family/metrics/train/clip_pairs.h"
#include "nn/blas.h"

#include <cogvideo/train.h>
#include <sys/stat.h>

static cv_shapes *world;

/* --- pairs ---------------------------------------------------------------------------------------------------- */

enum { BATCH = 96 };

/* How many attributes of two combinations differ, and which was the last. */
static int differences(int a, int b, int *which)
{
    cv_shapes_combination one = cv_shapes_at(world, a), other = cv_shapes_at(world, b);
    int count = 0;

    for (int i = 0; i < CV_SHAPES_ATTRIBUTES; i++)
        if (*cv_shapes_value(&one, i) != *cv_shapes_value(&other, i)) {
            *which = i;
            count++;
        }
    return count;
}

/* Two clips of each combination that training sees. */
static cv_shapes_clips trained_clips(void)
{
    cv_shapes_clips clips = { .combinations = cv_alloc(2 * (size_t)cv_shapes_count(world), sizeof(int), NULL) };

    for (int i = 0; i < 2 * cv_shapes_count(world); i++)
        if (!cv_shapes_held_out(world, i / 2))
            clips.combinations[clips.info.clips++] = i / 2;
    return clips;
}

static void check_family(const cv_clip_pair *family)
{
    bool changed[CV_SHAPES_ATTRIBUTES] = { false };

    for (int i = 1; i < CV_CLIP_FAMILY; i++) {
        int which = 0;

        assert_int_equal(differences(family[0].combination, family[i].combination, &which), 1);
        assert_false(changed[which]);
        changed[which] = true;
    }
    assert_true(changed[CV_SHAPES_MOTION]);
}

static void batches_are_families(void **state)
{
    cv_shapes_clips clips = trained_clips();
    cv_clip_pair pairs[BATCH], again[BATCH], other[BATCH];
    cv_clip_pairs *drawing;
    int chinese = 0;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_clip_pairs_open(&drawing, world, &clips, BATCH, &err), err);
    for (uint64_t index = 0; index < 20; index++) {
        cv_clip_pairs_draw(drawing, 5, index, pairs);
        for (int i = 0; i < BATCH; i += CV_CLIP_FAMILY)
            check_family(pairs + i);
        for (int i = 0; i < BATCH; i++) {
            assert_int_equal(clips.combinations[pairs[i].clip], pairs[i].combination);
            chinese += pairs[i].language == CV_SHAPES_CHINESE;
            for (int k = 0; k < i; k++)
                assert_int_not_equal(pairs[i].combination, pairs[k].combination);
        }
    }
    assert_true(chinese > 20 * BATCH * 4 / 10 && chinese < 20 * BATCH * 6 / 10);
    cv_clip_pairs_draw(drawing, 5, 19, again);
    assert_memory_equal(pairs, again, sizeof pairs);
    cv_clip_pairs_draw(drawing, 6, 19, other);
    assert_memory_not_equal(pairs, other, sizeof pairs);
    cv_clip_pairs_close(&drawing);
    cv_free(clips.combinations);
}

/* Combinations without neighbours make batches all the same. */
static void a_small_dataset_makes_batches(void **state)
{
    cv_shapes_clips clips = trained_clips();
    cv_clip_pair pairs[8];
    cv_clip_pairs *drawing = NULL;
    cogvideo_error err;

    (void)state;
    for (int i = 0; i < 10; i++)
        clips.combinations[i] = clips.combinations[200 * i + 7];
    clips.info.clips = 10;
    CHECK_OK(cv_clip_pairs_open(&drawing, world, &clips, 8, &err), err);
    cv_clip_pairs_draw(drawing, 1, 0, pairs);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < i; k++)
            assert_int_not_equal(pairs[i].combination, pairs[k].combination);
    cv_clip_pairs_close(&drawing);
    CHECK_FAILS(cv_clip_pairs_open(&drawing, world, &clips, 12, &err), COGVIDEO_ERROR_ARGUMENT, "the dataset has 10",
                err);
    CHECK_FAILS(cv_clip_pairs_open(&drawing, world, &clips, 6, &err), COGVIDEO_ERROR_ARGUMENT, "multiple of 4", err);
    assert_null(drawing);
    cv_free(clips.combinations);
}

/* --- measures ------------------------------------------------------------------------------------------------- */

/* Vectors that say all attributes but colour: a caption's equals that of every other colour. */
static void measures_are_shares(void **state)
{
    enum { WIDTH = 5 * CV_SHAPES_MOST };
    const int count = cv_shapes_count(world), own[2] = { 3, 700 };
    float *captions = cv_alloc((size_t)count * CV_SHAPES_LANGUAGES * WIDTH, sizeof *captions, NULL), clips[2 * WIDTH];
    cv_clip_measure_in in = { world, clips, own, captions, 2, WIDTH, 10 };
    cv_clip_measures measures;

    (void)state;
    for (int i = 0; i < count * CV_SHAPES_LANGUAGES; i++) {
        cv_shapes_combination c = cv_shapes_at(world, i / CV_SHAPES_LANGUAGES);

        for (int a = 0; a < CV_SHAPES_ATTRIBUTES; a++)
            captions[i * WIDTH + a * CV_SHAPES_MOST + (a == 1 ? 0 : *cv_shapes_value(&c, a))] = sqrtf(0.2f);
    }
    for (int i = 0; i < 2; i++)
        memcpy(clips + i * WIDTH, captions + own[i] * CV_SHAPES_LANGUAGES * WIDTH, WIDTH * sizeof *clips);
    cv_clip_measure_captions(&in, &measures);
    CHECK_CLOSE(measures.cosine, 1, 1e-6);
    assert_true(measures.first == 0 && measures.attribute[1] == 0);
    for (int a = 0; a < CV_SHAPES_ATTRIBUTES; a++)
        assert_true(a == 1 || measures.attribute[a] == 1);
    assert_true(measures.loss > log(8));
    cv_free(captions);
}

/* --- training ------------------------------------------------------------------------------------------------- */

#define MODEL                                                                                        \
    "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"metrics\",\"name\":\"m\",\"parts\":{" \
    "\"text_tokenizer\":{\"file\":\"text.model\"}%s}}"
#define I3D                                                                                                    \
    ",\"i3d\":{\"file\":\"i3d.safetensors\",\"variant\":\"shapes\",\"frames\":16,\"side\":64,\"features\":24," \
    "\"heads\":{\"size\":[\"small\",\"large\"]}}"

static void copy_text_model(const char *folder)
{
    const char *configs = getenv("COGVIDEO_CONFIGS");
    cv_buffer text = { 0 };
    cogvideo_error err;
    char path[1024];

    snprintf(path, sizeof path, "%s/../tokenizer/shapes.model", configs ? configs : "configs");
    CHECK_OK(cv_file_read(&text, path, 1 << 24, &err), err);
    snprintf(path, sizeof path, "%s/text.model", folder);
    check_write(path, text.data, text.size);
    cv_buffer_free(&text);
}

/* An I3D of seeded numbers. */
static void write_i3d(const char *folder)
{
    static const char section[] =
        "{\"frames\":16,\"side\":64,\"features\":24,\"heads\":{\"size\":[\"small\",\"large\"]}}";
    seeded_list list = { 0 };
    cv_i3d_config config;
    cogvideo_error err;
    char path[1024];
    cv_store *plan;
    cv_json *json;
    cv_i3d i3d;

    CHECK_OK(cv_json_parse(&json, section, strlen(section), "i3d", &err), err);
    CHECK_OK(cv_i3d_config_parse(&config, json, "i3d", &err), err);
    CHECK_OK(cv_store_plan(&plan, "an I3D", &err), err);
    CHECK_OK(cv_i3d_bind(&i3d, plan, &config, &err), err);
    seeded_add_store(&list, 9, plan);
    snprintf(path, sizeof path, "%s/i3d.safetensors", folder);
    seeded_write(&list, path, CV_F16);
    seeded_list_free(&list);
    cv_store_close(&plan);
    cv_json_free(&json);
}

/* TEMP/NAME: a model with a text model and, where wanted, an I3D. */
static const char *write_model(const char *name, bool with_i3d)
{
    static char folder[600];
    char path[700], text[1000];

    snprintf(folder, sizeof folder, "%s", check_temp_path(name));
    mkdir(folder, 0777);
    copy_text_model(folder);
    if (with_i3d)
        write_i3d(folder);
    snprintf(text, sizeof text, MODEL, with_i3d ? I3D : "");
    snprintf(path, sizeof path, "%s/model.json", folder);
    check_write(path, text, strlen(text));
    return folder;
}

static void write_datasets(void)
{
    cogvideo_shapes_options options = { .clips = 40, .seed = 3, .motions = "left,still", .language = COGVIDEO_CHINESE };
    cogvideo_error err;

    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("data"), &options, NULL, &err), err);
    options = (cogvideo_shapes_options){ .clips = 5, .seed = 4, .held_out = 1 };
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("held"), &options, NULL, &err), err);
}

static cogvideo_status train(const char *model, const char *run, int steps, int resume, int threads,
                             cogvideo_error *err)
{
    static const char recipe[] =
        "{\"format\":\"cogvideo-recipe\",\"version\":1,\"metric-clip\":{\"steps\":6,\"batch\":8,\"learning_rate\":1e-3,"
        "\"warmup\":2,\"weight_decay\":0.02,\"width\":24,\"heads\":3,\"blocks\":1,\"embed\":16,\"evaluate_every\":3,"
        "\"samples\":0,\"dtype\":\"f32\"}}";
    const char *data = check_temp_path("data");
    cogvideo_train_options options = { .part = "metric-clip",
                                       .recipe = check_temp_path("recipe.json"),
                                       .model = model,
                                       .data = &data,
                                       .data_count = 1,
                                       .held_out = check_temp_path("held"),
                                       .output = run,
                                       .steps = steps,
                                       .resume = resume,
                                       .threads = threads };

    check_write(options.recipe, recipe, strlen(recipe));
    return cogvideo_train(&options, err);
}

static void check_same_file(const char *folder, const char *other)
{
    cv_buffer a = { 0 }, b = { 0 };
    cogvideo_error err;
    char path[1024];

    snprintf(path, sizeof path, "%s/clip.safetensors", folder);
    CHECK_OK(cv_file_read(&a, path, 1 << 24, &err), err);
    snprintf(path, sizeof path, "%s/clip.safetensors", other);
    CHECK_OK(cv_file_read(&b, path, 1 << 24, &err), err);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    cv_buffer_free(&a);
    cv_buffer_free(&b);
}

/* The log has the losses and the evaluations. */
static void check_log(const char *run)
{
    cv_buffer text = { 0 };
    cogvideo_error err;
    char path[1024];

    snprintf(path, sizeof path, "%s/log.jsonl", run);
    CHECK_OK(cv_file_read(&text, path, 1 << 20, &err), err);
    assert_non_null(strstr(text.data, "\"motion\":"));
    assert_non_null(strstr(text.data, "\"first\":"));
    cv_buffer_free(&text);
}

/* Clips and captions by the trained part. */
static void check_network(const char *folder)
{
    const cv_feature_settings settings = { .frames = 16, .height = 64, .width = 64, .batch = 2 };
    static float planes[2 * 16 * 3 * 64 * 64];
    const cv_feature_network *network = NULL;
    float together[32], alone[16], text[16];
    cv_feature_run *run = NULL;
    cogvideo_model *model = NULL;
    cv_shapes_clips clips;
    cv_feature_info info;
    cogvideo_error err;

    CHECK_OK(cogvideo_model_open(&model, folder, NULL, &err), err);
    network = cv_model_feature_network(model, "clip");
    assert_non_null(network);
    CHECK_OK(network->need(model, &err), err);
    network->info(model, &info);
    assert_true(!info.frames && info.shapes && info.min == 16 && info.max == 16 && info.side == 64 && info.width == 16);
    CHECK_OK(cv_shapes_clips_open(&clips, world, check_temp_path("held"), &err), err);
    CHECK_OK(cv_shapes_clips_planes(&clips, 0, 16, 64, planes, &err), err);
    CHECK_OK(cv_shapes_clips_planes(&clips, 1, 16, 64, planes + 16 * 3 * 64 * 64, &err), err);
    CHECK_OK(network->open(&run, model, &settings, &err), err);
    CHECK_OK(network->run(run, planes, 2, together, NULL, &err), err);
    CHECK_OK(network->run(run, planes + 16 * 3 * 64 * 64, 1, alone, NULL, &err), err);
    assert_memory_equal(together + 16, alone, sizeof alone);
    network->close(&run);
    CHECK_OK(network->text(model, "a small red circle moves left on a black background", false, text, &err), err);
    CHECK_FAILS(network->text(model, "a b c d e f g h i j k l m n o p q r s t u v w x y z", false, text, &err),
                COGVIDEO_ERROR_ARGUMENT, "--cut-text", err);
    CHECK_OK(network->text(model, "a b c d e f g h i j k l m n o p q r s t u v w x y z", true, text, &err), err);
    cv_shapes_clips_close(&clips);
    cogvideo_model_close(&model);
}

static void training_is_repeatable(void **state)
{
    char straight[600], resumed[600], run[600];
    cogvideo_error err;

    (void)state;
    snprintf(straight, sizeof straight, "%s", write_model("straight", true));
    snprintf(resumed, sizeof resumed, "%s", write_model("resumed", true));
    snprintf(run, sizeof run, "%s", check_temp_path("run-straight"));
    CHECK_OK(train(straight, run, 0, 0, 1, &err), err);
    check_log(run);
    snprintf(run, sizeof run, "%s", check_temp_path("run-resumed"));
    CHECK_OK(train(resumed, run, 3, 0, 2, &err), err);
    CHECK_OK(train(resumed, run, 0, 1, 2, &err), err);
    check_same_file(straight, resumed);
    check_network(straight);
}

static void what_is_missing_is_told(void **state)
{
    char model[600], run[600];
    cogvideo_error err;

    (void)state;
    snprintf(model, sizeof model, "%s", write_model("bare", false));
    snprintf(run, sizeof run, "%s", check_temp_path("run-bare"));
    CHECK_FAILS(train(model, run, 0, 0, 1, &err), COGVIDEO_ERROR_MODEL, "metric-i3d", err);
}

static int set_up(void **state)
{
    cogvideo_error err;

    (void)state;
    cv_blas_init();
    CHECK_OK(cv_shapes_open(&world, NULL, &err), err);
    write_datasets();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cv_shapes_close(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_families),    cmocka_unit_test(a_small_dataset_makes_batches),
        cmocka_unit_test(measures_are_shares),     cmocka_unit_test(training_is_repeatable),
        cmocka_unit_test(what_is_missing_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
