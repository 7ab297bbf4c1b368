/* I3D, C3D and Inception as networks of features of a model: small ones of seeded numbers, through the family's
 * table. */
#include "support/check.h"
#include "support/seeded.h"

#include "family/family.h"
#include "family/metrics/network/c3d.h"
#include "family/metrics/network/i3d.h"
#include "family/metrics/network/inception.h"

#define DIVISOR 16

static void divide(cv_convnet_config *net)
{
    for (int u = 0; u < CV_CONVNET_UNITS; u++)
        net->widths[u] = net->widths[u] / DIVISOR > 0 ? net->widths[u] / DIVISOR : net->widths[u] > 0;
}

/* Writes seeded numbers for all that was claimed of a plan. */
static void write_part(cv_store **plan, const char *file)
{
    seeded_list list = { 0 };

    for (size_t t = 0; t < cv_store_count(*plan); t++) {
        const cv_tensor *tensor = cv_store_at(*plan, t);

        seeded_add(&list, 7, tensor->name, 1, 1);
        list.tensors[t].rank = tensor->rank;
        memcpy(list.tensors[t].shape, tensor->shape, (size_t)tensor->rank * sizeof(size_t));
    }
    seeded_write(&list, check_temp_path(file), CV_F32);
    seeded_list_free(&list);
    cv_store_close(plan);
}

static void write_i3d(const char *file, bool scaled)
{
    cogvideo_error err;
    cv_i3d_config config;
    cv_store *plan;
    cv_i3d i3d;

    cv_i3d_published(&config);
    divide(&config.net);
    config.net.scaled = scaled;
    config.classes = 10;
    CHECK_OK(cv_store_plan(&plan, "plan", &err), err);
    CHECK_OK(cv_i3d_bind(&i3d, plan, &config, &err), err);
    write_part(&plan, file);
}

static void write_others(void)
{
    cv_inception_config inception_config;
    cv_c3d_config c3d_config;
    cv_inception inception;
    cogvideo_error err;
    cv_store *plan;
    cv_c3d c3d;

    cv_c3d_published(&c3d_config);
    divide(&c3d_config.net);
    c3d_config.widths[0] = c3d_config.widths[1] = 24;
    c3d_config.widths[2] = 7;
    CHECK_OK(cv_store_plan(&plan, "plan", &err), err);
    CHECK_OK(cv_c3d_bind(&c3d, plan, &c3d_config, &err), err);
    write_part(&plan, "c3d.safetensors");
    cv_inception_published(&inception_config);
    divide(&inception_config.net);
    inception_config.classes = 9;
    CHECK_OK(cv_store_plan(&plan, "plan", &err), err);
    CHECK_OK(cv_inception_bind(&inception, plan, &inception_config, &err), err);
    write_part(&plan, "inception.safetensors");
}

static int set_up(void **state)
{
    static const char description[] =
        "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"metrics\",\"name\":\"small\",\"parts\":{"
        "\"i3d\":{\"file\":\"i3d.safetensors\"},\"c3d\":{\"file\":\"c3d.safetensors\"},"
        "\"inception\":{\"file\":\"inception.safetensors\"}}}";

    (void)state;
    write_i3d("i3d.safetensors", true);
    write_others();
    check_write(check_temp_path("model.json"), description, sizeof description - 1);
    return 0;
}

static cogvideo_model *open_model(int threads)
{
    const cogvideo_model_options options = { .threads = threads };
    cogvideo_model *model;
    cogvideo_error err;

    CHECK_OK(cv_model_open(&model, check_temp(), &options, &err), err);
    return model;
}

static const cv_feature_network *network_of(const cogvideo_model *model, const char *name)
{
    const cv_feature_network *network = cv_model_feature_network(model, name);

    assert_non_null(network);
    return network;
}

/* Features and probabilities of `count` seeded items, `batch` in a call. */
static void run(const char *name, int threads, int batch, const cv_feature_settings *wanted, int count, float *features,
                float *probabilities)
{
    cogvideo_model *model = open_model(threads);
    const cv_feature_network *network = network_of(model, name);
    cv_feature_settings settings = *wanted;
    size_t item = (size_t)(settings.frames * 3 * settings.height * settings.width);
    float *pixels = calloc((size_t)count * item, sizeof *pixels);
    cv_feature_run *opened = NULL;
    cv_feature_info info;
    cogvideo_error err;
    uint64_t bytes;

    for (size_t i = 0; i < (size_t)count * item; i++)
        pixels[i] = 127.5f + 127.5f * seeded_unit(11, "pixels", i);
    settings.batch = batch;
    network->info(model, &info);
    CHECK_OK(network->plan(model, &settings, &bytes, &err), err);
    assert_true(bytes > 0);
    CHECK_OK(network->open(&opened, model, &settings, &err), err);
    for (int i = 0; i < count; i += batch) {
        int some = count - i < batch ? count - i : batch;

        CHECK_OK(network->run(opened, pixels + (size_t)i * item, some, features + i * info.width,
                              probabilities ? probabilities + i * info.classes : NULL, &err),
                 err);
    }
    network->close(&opened);
    assert_null(opened);
    cogvideo_model_close(&model);
    free(pixels);
}

/* The same to the last bit with other threads, other batches, and where nobody wants probabilities. */
static void check_network(const char *name, int width, int classes, const cv_feature_settings *settings)
{
    float features[3][512], probabilities[2][64];

    assert_true(3 * width <= 512 && 3 * classes <= 64);
    run(name, 1, 1, settings, 3, features[0], probabilities[0]);
    run(name, 3, 2, settings, 3, features[1], probabilities[1]);
    run(name, 2, 3, settings, 3, features[2], NULL);
    assert_memory_equal(features[0], features[1], (size_t)(3 * width) * sizeof(float));
    assert_memory_equal(features[0], features[2], (size_t)(3 * width) * sizeof(float));
    assert_memory_equal(probabilities[0], probabilities[1], (size_t)(3 * classes) * sizeof(float));
    assert_memory_not_equal(features[0], features[0] + width, (size_t)width * sizeof(float));
    for (int i = 0; i < 3; i++) {
        double sum = 0;

        for (int c = 0; c < classes; c++)
            sum += (double)probabilities[0][i * classes + c];
        CHECK_CLOSE(sum, 1, 1e-5);
    }
}

static void results_depend_on_the_item_alone(void **state)
{
    (void)state;
    check_network("i3d", 10, 10, &(cv_feature_settings){ .frames = 9, .height = 224, .width = 224 });
    check_network("inception", 2048 / DIVISOR, 9, &(cv_feature_settings){ .frames = 1, .height = 99, .width = 99 });
}

static void settings_change_what_is_computed(void **state)
{
    cv_feature_settings settings = { .frames = 10, .height = 224, .width = 224 };
    float features[3][2048 / DIVISOR];

    (void)state;
    run("i3d", 2, 1, &settings, 1, features[0], NULL);
    settings.epsilon = 1e-3;
    run("i3d", 2, 1, &settings, 1, features[1], NULL);
    settings.epsilon = 1e-5;
    run("i3d", 2, 1, &settings, 1, features[2], NULL);
    assert_memory_equal(features[0], features[1], 10 * sizeof(float));
    assert_memory_not_equal(features[0], features[2], 10 * sizeof(float));
    settings = (cv_feature_settings){ .frames = 1, .height = 80, .width = 90 };
    run("inception", 2, 1, &settings, 1, features[0], NULL);
    settings.pytorch_input = true;
    run("inception", 2, 1, &settings, 1, features[1], NULL);
    assert_memory_not_equal(features[0], features[1], sizeof features[0]);
}

static void what_does_not_fit_is_refused(void **state)
{
    static const struct {
        const char *network;
        cv_feature_settings settings;
        const char *words;
    } cases[] = {
        { "i3d", { .frames = 8, .height = 224, .width = 224 }, "at least 9 frames, not of 8" },
        { "i3d", { .frames = 16, .height = 112, .width = 112 }, "224x224" },
        { "i3d", { .frames = 1 << 30, .height = 224, .width = 224 }, "at most" },
        { "c3d", { .frames = 15, .height = 112, .width = 112 }, "16 frames of 112x112 pixels, not of 15" },
        { "c3d", { .frames = 16, .height = 224, .width = 224 }, "112x112" },
        { "inception", { .frames = 2, .height = 299, .width = 299 }, "single frames, not 2" },
        { "inception", { .frames = 1, .height = 32, .width = 32 }, "at least 75x75" },
    };
    cogvideo_model *model = open_model(1);
    cv_feature_run *opened = NULL;
    cogvideo_error err;
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cv_feature_network *network = network_of(model, cases[i].network);

        CHECK_FAILS(network->plan(model, &cases[i].settings, &bytes, &err), COGVIDEO_ERROR_ARGUMENT, cases[i].words,
                    err);
        CHECK_FAILS(network->open(&opened, model, &cases[i].settings, &err), COGVIDEO_ERROR_ARGUMENT, cases[i].words,
                    err);
        assert_null(opened);
    }
    cogvideo_model_close(&model);
}

/* TensorFlow's norms have no weight: the same as ones. */
/* Features that were kept are not those of a C3D with another mean, though its weights are the same. */
static void a_c3d_is_told_from_one_of_another_mean(void **state)
{
    const char digest[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    cogvideo_model *model = NULL;
    cv_feature_info info;
    cogvideo_error err;
    char text[600];

    (void)state;
    snprintf(text, sizeof text,
             "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"metrics\",\"name\":\"m\",\"parts\":{"
             "\"c3d\":{\"file\":\"c3d.safetensors\",\"mean_sha256\":\"%s\"}}}",
             digest);
    check_write(check_temp_path("model.json"), text, strlen(text));
    CHECK_OK(cogvideo_model_open(&model, check_temp(), NULL, &err), err);
    network_of(model, "c3d")->info(model, &info);
    assert_non_null(strstr(info.config, digest));
    cogvideo_model_close(&model);
}

static void a_missing_gamma_is_ones(void **state)
{
    cv_convnet folded[2];
    cv_i3d bound[2];
    cv_i3d_config config;
    cv_store *file, *ones;
    cogvideo_error err;

    (void)state;
    write_i3d("without.safetensors", false);
    CHECK_OK(cv_store_open(&file, check_temp_path("without.safetensors"), &err), err);
    CHECK_OK(cv_i3d_measure(&config, file, &err), err);
    assert_false(config.net.scaled);
    CHECK_OK(cv_i3d_bind(&bound[0], file, &config, &err), err);

    CHECK_OK(cv_store_open(&ones, check_temp_path("i3d.safetensors"), &err), err);
    CHECK_OK(cv_i3d_measure(&config, ones, &err), err);
    assert_true(config.net.scaled);
    CHECK_OK(cv_i3d_bind(&bound[1], ones, &config, &err), err);
    for (int u = 0; u < bound[1].net.unit_count; u++) { /* all else is the same in both */
        static float weight[1024];

        for (int c = 0; c < 1024; c++)
            weight[c] = 1;
        bound[1].net.units[u].norm.weight = weight;
    }
    CHECK_OK(cv_convnet_fold(&folded[0], &bound[0].net, 1e-3f, &err), err);
    CHECK_OK(cv_convnet_fold(&folded[1], &bound[1].net, 1e-3f, &err), err);
    assert_memory_equal(folded[0].folded, folded[1].folded, cv_convnet_fold_bytes(&bound[0].net));
    cv_convnet_free(&folded[0]);
    cv_convnet_free(&folded[1]);
    cv_store_close(&file);
    cv_store_close(&ones);
}

static void c3d_gives_its_fc7(void **state)
{
    const cv_feature_settings settings = { .frames = 16, .height = 112, .width = 112 };
    float features[2][24], probabilities[2][7];

    (void)state;
    run("c3d", 1, 1, &settings, 1, features[0], probabilities[0]);
    run("c3d", 4, 1, &settings, 1, features[1], probabilities[1]);
    assert_memory_equal(features[0], features[1], sizeof features[0]);
    assert_memory_equal(probabilities[0], probabilities[1], sizeof probabilities[0]);
    for (int i = 0; i < 24; i++)
        assert_true(features[0][i] >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_depend_on_the_item_alone),
        cmocka_unit_test(settings_change_what_is_computed),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_missing_gamma_is_ones),
        cmocka_unit_test(c3d_gives_its_fc7),
        cmocka_unit_test(a_c3d_is_told_from_one_of_another_mean), /* the last one: it describes the model anew */
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
