/* CLIP as a network of features: a model with a seeded CLIP and a small vocabulary, pictures and texts through the
 * family's table, and one clear sentence for each thing that is wrong. */
#include "support/check.h"
#include "support/seeded.h"

#include "family/metrics/model/model.h"
#include "family/metrics/network/clip_network.h"

enum { SIDE = 16, E = 8, CONTEXT = 6, PIXELS = 3 * SIDE * SIDE, PICTURES = 3 };

#define VOCABULARY "\"clip_vocabulary\":{\"file\":\"bpe.txt.gz\"}"
#define CLIP(more) "\"clip\":{\"file\":\"clip.safetensors\"" more "}"

static void write_clip(int vocabulary)
{
    const cv_clip_config config = {
        .image = { .width = 12, .layers = 1, .heads = 3, .mlp = 20 },
        .text = { .width = 12, .layers = 1, .heads = 2, .mlp = 16 },
        .resolution = SIDE,
        .patch = 8,
        .context = CONTEXT,
        .vocabulary = vocabulary,
        .end = -1,
        .embed = E,
    };
    seeded_list list = { 0 };
    cogvideo_error err;
    cv_store *plan;
    cv_clip *clip;

    CHECK_OK(cv_store_plan(&plan, "a CLIP", &err), err);
    CHECK_OK(cv_clip_open(&clip, plan, &config, &err), err);
    seeded_add_store(&list, 5, plan);
    seeded_write(&list, check_temp_path("clip.safetensors"), CV_F16);
    seeded_list_free(&list);
    cv_clip_close(&clip);
    cv_store_close(&plan);
}

static cogvideo_status open_model(cogvideo_model **out, const char *parts, cogvideo_error *err)
{
    char text[1000];

    snprintf(text, sizeof text,
             "{\"format\":\"cogvideo-model\",\"version\":1,\"family\":\"metrics\",\"name\":\"m\",\"parts\":{%s}}",
             parts);
    check_write(check_temp_path("model.json"), text, strlen(text));
    return cogvideo_model_open(out, check_temp(), NULL, err);
}

static const cv_feature_network *network_of(const cogvideo_model *model)
{
    const cv_feature_network *network = cv_model_feature_network(model, "clip");

    assert_non_null(network);
    return network;
}

static void fill(float *pixels)
{
    for (int i = 0; i < PICTURES * PIXELS; i++)
        pixels[i] = floorf(128 + 127 * seeded_unit(1, "pixels", (uint64_t)i));
}

static void check_unit(const float *feature)
{
    double sum = 0;

    for (int e = 0; e < E; e++)
        sum += (double)feature[e] * (double)feature[e];
    CHECK_CLOSE(sum, 1, 1e-6);
}

static const char parts[] = CLIP(
    ",\"act\":\"gelu\",\"image_heads\":3,\"text_heads\":2,\"mean\":[0.5,0.5,0.5],\"deviation\":[0.5,0.25,0.5]") "," VOCABULARY;

static void pictures_go_through_the_table(void **state)
{
    cv_feature_settings settings = { .frames = 1, .height = SIDE, .width = SIDE, .batch = PICTURES };
    static float pixels[PICTURES * PIXELS];
    float together[PICTURES * E], alone[E];
    const cv_feature_network *network;
    cogvideo_model *model = NULL;
    cv_feature_run *run = NULL;
    cv_feature_info info;
    cogvideo_error err;
    uint64_t bytes;

    (void)state;
    CHECK_OK(open_model(&model, parts, &err), err);
    network = network_of(model);
    CHECK_OK(network->need(model, &err), err);
    network->info(model, &info);
    assert_true(info.frames && info.side == SIDE && info.width == E && info.min == 1 && info.max == 1 && !info.shapes);
    assert_int_equal(strlen(info.sha256), 64);
    assert_int_equal(strlen(info.vocabulary_sha256), 64);
    assert_non_null(strstr(info.config, " gelu; 2 text heads; 3 image heads; mean "));
    CHECK_OK(network->plan(model, &settings, &bytes, &err), err);
    assert_true(bytes > 0);
    CHECK_OK(network->open(&run, model, &settings, &err), err);
    fill(pixels);
    CHECK_OK(network->run(run, pixels, PICTURES, together, NULL, &err), err);
    for (int i = 0; i < PICTURES; i++) {
        CHECK_OK(network->run(run, pixels + i * PIXELS, 1, alone, NULL, &err), err);
        assert_memory_equal(alone, together + i * E, sizeof alone);
        check_unit(alone);
    }
    network->close(&run);
    settings.width++;
    CHECK_FAILS(network->plan(model, &settings, &bytes, &err), COGVIDEO_ERROR_ARGUMENT, "16x16 pixels, not 1 of 17x16",
                err);
    CHECK_FAILS(network->open(&run, model, &settings, &err), COGVIDEO_ERROR_ARGUMENT, "17x16", err);
    assert_null(run);
    cogvideo_model_close(&model);
}

static void texts_go_through_the_table(void **state)
{
    float feature[E], same[E];
    const cv_feature_network *network;
    cogvideo_model *model = NULL;
    cogvideo_error err;

    (void)state;
    CHECK_OK(open_model(&model, parts, &err), err);
    network = network_of(model);
    CHECK_OK(network->text(model, "Red", false, feature, &err), err);
    CHECK_OK(network->text(model, " red\n", false, same, &err), err);
    assert_memory_equal(feature, same, sizeof same);
    check_unit(feature);
    CHECK_FAILS(network->text(model, "0 1 2 3 4 5 6 7 8 9", false, feature, &err), COGVIDEO_ERROR_ARGUMENT,
                "--cut-text", err);
    CHECK_OK(network->text(model, "0 1 2 3 4 5 6 7 8 9", true, feature, &err), err);
    CHECK_OK(network->text(model, "0 1 2 3", false, same, &err), err);
    assert_memory_equal(feature, same, sizeof same);
    cogvideo_model_close(&model);
}

static void what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *parts, *words;
        cogvideo_status status;
    } cases[] = {
        { CLIP(""), "act", COGVIDEO_ERROR_FORMAT },
        { CLIP(",\"act\":\"relu\""), "'quick' or 'gelu'", COGVIDEO_ERROR_FORMAT },
        { CLIP(",\"act\":\"gelu\""), "0 heads", COGVIDEO_ERROR_MODEL },
        { CLIP(",\"act\":\"gelu\",\"image_heads\":5,\"text_heads\":2"), "5 heads", COGVIDEO_ERROR_MODEL },
        { CLIP(",\"act\":\"gelu\",\"mean\":[0,0,0]"), "together", COGVIDEO_ERROR_FORMAT },
        { CLIP(",\"act\":\"gelu\",\"mean\":[0,0,0],\"deviation\":[1,1]"), "three numbers", COGVIDEO_ERROR_FORMAT },
        { CLIP(",\"act\":\"gelu\",\"mean\":[0,0,0],\"deviation\":[1,0,1]"), "three numbers", COGVIDEO_ERROR_FORMAT },
    };
    cogvideo_model *model = NULL;
    cogvideo_error err;
    float feature[E];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_FAILS(open_model(&model, cases[i].parts, &err), cases[i].status, cases[i].words, err);
        assert_null(model);
    }
    CHECK_OK(open_model(&model, "", &err), err);
    CHECK_FAILS(network_of(model)->need(model, &err), COGVIDEO_ERROR_MODEL, "cogvideo import --clip", err);
    cogvideo_model_close(&model);
    CHECK_OK(open_model(&model, CLIP(",\"act\":\"gelu\",\"image_heads\":3,\"text_heads\":2"), &err), err);
    CHECK_FAILS(network_of(model)->text(model, "red", false, feature, &err), COGVIDEO_ERROR_MODEL,
                "vocabulary for CLIP", err);
    cogvideo_model_close(&model);
    write_clip(711);
    CHECK_FAILS(open_model(&model, parts, &err), COGVIDEO_ERROR_MODEL, "has 710 ids", err);
    assert_null(model);
}

static int set_up(void **state)
{
    static char bytes[4096];
    FILE *file = fopen(check_data("text/bpe_small.txt.gz"), "rb");
    size_t size;

    (void)state;
    assert_non_null(file);
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    check_write(check_temp_path("bpe.txt.gz"), bytes, size);
    write_clip(710);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_go_through_the_table),
        cmocka_unit_test(texts_go_through_the_table),
        cmocka_unit_test(what_is_wrong_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
