/* The part metric-i3d: training on labelled clips, the same with any threads and after a stop; what is refused. */
#include "support/check.h"

#include "base/file.h"
#include "base/json.h"
#include "dataset/dataset.h"
#include "family/family.h"

#include <cogvideo/cogvideo.h>
#include <sys/stat.h>

#define HEADS                                                                                                       \
    "\"heads\":{\"size\":[\"a\",\"b\"],\"colour\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\"],"               \
    "\"shape\":[\"c\",\"s\",\"t\",\"r\"],\"motion\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"0\"]," \
    "\"background\":[\"x\",\"y\",\"z\"]}"
#define MODEL(part) \
    "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"metrics\",\"name\":\"m\",\"parts\":{" part "}}"
#define I3D(more) "\"i3d\":{\"variant\":\"shapes\",\"frames\":5,\"side\":64,\"features\":8," HEADS more "}"
/* Narrow, so that a step takes no time. */
#define SMALL                                                                           \
    ",\"widths\":{\"Conv3d_1a_7x7\":[4],\"Conv3d_2b_1x1\":[4],\"Conv3d_2c_3x3\":[6],"   \
    "\"Mixed_3b\":[4,4,4,2,2,2],\"Mixed_3c\":[4,4,4,2,2,2],\"Mixed_4b\":[4,4,4,2,2,2]," \
    "\"Mixed_4f\":[4,4,4,2,2,2],\"Mixed_5c\":[6,4,6,2,4,4]}"
#define RECIPE(keys) "{\"format\":\"cogvideo-recipe\",\"version\":1,\"metric-i3d\":{" keys "}}"
#define STEPS(n)                                                                                                 \
    "\"steps\":" n ",\"batch\":6,\"warmup\":2,\"learning_rate\":3e-3,\"evaluate_every\":100,\"save_every\":100," \
    "\"samples\":0,\"dtype\":\"f32\""

static const char *write_text(const char *name, const char *text)
{
    const char *path = check_temp_path(name);

    check_write(path, text, strlen(text));
    return path;
}

static void make_model(const char *folder, const char *description)
{
    char name[64];

    mkdir(check_temp_path(folder), 0777);
    snprintf(name, sizeof name, "%s/model.json", folder);
    write_text(name, description);
}

static int set_up(void **state)
{
    cogvideo_shapes_options shapes = { .clips = 24, .seed = 3 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("data"), &shapes, NULL, &err), err);
    shapes.clips = 4;
    shapes.held_out = 1;
    CHECK_OK(cogvideo_dataset_shapes(check_temp_path("held"), &shapes, NULL, &err), err);
    return 0;
}

/* Where a training takes place; names in the temporary folder. */
typedef struct place {
    const char *model, *run, *recipe, *data, *held_out;
} place;

static cogvideo_status train(const place *p, int steps, int threads, bool resume, cogvideo_error *err)
{
    char paths[5][256];
    const char *const names[] = { p->model, p->run, p->recipe, p->data ? p->data : "data", p->held_out }, *data;

    for (int i = 0; i < 5; i++)
        snprintf(paths[i], sizeof paths[i], "%s", names[i] ? check_temp_path(names[i]) : "");
    data = paths[3];
    return cogvideo_train(&(cogvideo_train_options){ .part = "metric-i3d",
                                                     .model = paths[0],
                                                     .output = paths[1],
                                                     .recipe = paths[2],
                                                     .data = &data,
                                                     .data_count = 1,
                                                     .held_out = p->held_out ? paths[4] : NULL,
                                                     .steps = steps,
                                                     .threads = threads,
                                                     .resume = resume },
                          err);
}

static void read_all(cv_buffer *out, const char *name)
{
    cogvideo_error err;

    CHECK_OK(cv_file_read(out, check_temp_path(name), 1 << 26, &err), err);
}

static void check_equal_files(const char *a, const char *b)
{
    cv_buffer first = { 0 }, second = { 0 };

    read_all(&first, a);
    read_all(&second, b);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    cv_buffer_free(&first);
    cv_buffer_free(&second);
}

static void training_does_not_depend_on_threads_or_stops(void **state)
{
    const place one = { "one", "run-one", "recipe.json", NULL, "held" };
    const place three = { "three", "run-three", "recipe.json", NULL, "held" };
    const place two = { "two", "run-two", "recipe.json", NULL, "held" };
    cogvideo_error err;

    (void)state;
    write_text("recipe.json", RECIPE(STEPS("4")));
    make_model("one", MODEL(I3D(SMALL)));
    make_model("two", MODEL(I3D(SMALL)));
    make_model("three", MODEL(I3D(SMALL)));
    CHECK_OK(train(&one, 0, 1, false, &err), err);
    CHECK_OK(train(&three, 0, 3, false, &err), err);
    check_equal_files("one/i3d.safetensors", "three/i3d.safetensors");
    check_equal_files("run-one/checkpoint.safetensors", "run-three/checkpoint.safetensors");
    CHECK_OK(train(&two, 2, 2, false, &err), err);
    CHECK_OK(train(&two, 0, 2, true, &err), err);
    check_equal_files("one/i3d.safetensors", "two/i3d.safetensors");
    check_equal_files("run-one/checkpoint.safetensors", "run-two/checkpoint.safetensors");
}

/* What a log line says of a head; -1 where it says nothing. */
static double accuracy(const char *log, const char *head)
{
    cv_buffer text = { 0 };
    const char *at;
    char key[32];
    double value = -1;

    read_all(&text, log);
    snprintf(key, sizeof key, "\"%s\":", head);
    at = strstr(text.data, "\"accuracy\":{");
    at = at ? strstr(at, key) : NULL;
    if (at)
        value = atof(at + strlen(key));
    cv_buffer_free(&text);
    return value;
}

/* Evaluated on what it learns from, it knows colours and backgrounds soon, by its running statistics too; the file is
 * a network of features. */
static void it_learns_and_is_published(void **state)
{
    const place p = { "learned", "run-learned", "learn.json", NULL, "data" };
    const cv_feature_network *network;
    cv_feature_info info;
    cogvideo_model *model;
    cogvideo_error err;

    (void)state;
    write_text("learn.json",
               RECIPE("\"steps\":100,\"batch\":12,\"warmup\":5,\"learning_rate\":5e-3,\"evaluate_every\":100,"
                      "\"evaluate_batches\":2,\"save_every\":100,\"samples\":0"));
    make_model("learned", MODEL(I3D(SMALL)));
    CHECK_OK(train(&p, 0, 2, false, &err), err);
    assert_true(accuracy("run-learned/log.jsonl", "background") > 0.9);
    assert_true(accuracy("run-learned/log.jsonl", "colour") > 0.3);
    assert_true(accuracy("run-learned/log.jsonl", "motion") >= 0);
    CHECK_OK(cv_model_open(&model, check_temp_path("learned"), NULL, &err), err);
    network = &model->family->feature_networks[0];
    assert_string_equal(network->name, "i3d");
    CHECK_OK(network->need(model, &err), err);
    network->info(model, &info);
    assert_true(info.shapes);
    assert_int_equal(info.width, 8);
    assert_int_equal(info.classes, 27);
    assert_int_equal(info.head_count, 5);
    assert_string_equal(info.heads[3].name, "motion");
    assert_int_equal(info.heads[3].classes, 10);
    assert_int_equal(info.min, 5);
    assert_int_equal(info.max, 5);
    assert_string_equal(info.origin, "clips of the shapes world");
    assert_int_equal(strlen(info.sha256), 64);
    cogvideo_model_close(&model);
}

static void what_does_not_fit_is_refused(void **state)
{
    place p = { "refused", "run-refused", "recipe.json", NULL, NULL };
    uint8_t pixels[8 * 8 * 3] = { 0 };
    cv_dataset_writer *writer;
    cogvideo_error err;

    (void)state;
    write_text("recipe.json", RECIPE(STEPS("4")));
    make_model("refused", MODEL(""));
    CHECK_FAILS(train(&p, 0, 1, false, &err), COGVIDEO_ERROR_MODEL, "shapes-metrics.json", err);
    make_model("refused", MODEL(I3D(",\"widths\":{\"Conv3d_1a_7x7\":[4,4]}")));
    CHECK_FAILS(train(&p, 0, 1, false, &err), COGVIDEO_ERROR_FORMAT, "Conv3d_1a_7x7 has 2 numbers and needs 1", err);
    make_model("refused",
               MODEL("\"i3d\":{\"variant\":\"shapes\",\"frames\":5,\"side\":64,\"features\":8,\"heads\":{}}"));
    CHECK_FAILS(train(&p, 0, 1, false, &err), COGVIDEO_ERROR_FORMAT, "at least one head", err);
    make_model("refused", MODEL("\"i3d\":{\"variant\":\"shapes\",\"frames\":5,\"side\":64,\"features\":8,"
                                "\"heads\":{\"size\":[\"a\",\"b\"]}}"));
    CHECK_FAILS(train(&p, 0, 1, false, &err), COGVIDEO_ERROR_ARGUMENT, "the labels of clip 0", err);
    make_model("refused", MODEL(I3D(SMALL)));
    write_text("accumulate.json", RECIPE(STEPS("4") ",\"accumulate\":2"));
    p.recipe = "accumulate.json";
    CHECK_FAILS(train(&p, 0, 1, false, &err), COGVIDEO_ERROR_ARGUMENT, "accumulate is 2", err);
    p.recipe = "recipe.json";
    CHECK_OK(cv_dataset_writer_open(&writer, check_temp_path("plain"), &(cogvideo_dataset_info){ .size = 8, .fps = 8 },
                                    false, &err),
             err);
    CHECK_OK(cv_dataset_writer_clip(
                 writer, &(cogvideo_dataset_clip){ .frames = 1, .caption = "gray", .source = "s", .pixels = pixels },
                 &err),
             err);
    CHECK_OK(cv_dataset_writer_commit(&writer, &err), err);
    p.data = "plain";
    CHECK_FAILS(train(&p, 0, 1, false, &err), COGVIDEO_ERROR_ARGUMENT, "no labels of the shapes world", err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_does_not_depend_on_threads_or_stops),
        cmocka_unit_test(it_learns_and_is_published),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
