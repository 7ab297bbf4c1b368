/* Published files of the networks for metrics, in every layout, small and of full structure: all become the tensors of
 * the network, under its names. Needs the goldens. */
#include "support/check.h"
#include "support/seeded.h"
#include "support/sources.h"
#include "support/torch_file.h"

#include "base/file.h"
#include "base/json.h"
#include "family/family.h"
#include "nn/exec.h"

#include <cogvideo/model.h>

static cogvideo_error err;
static char output[1024];
static cv_buffer heard;

static void on_log(void *user, cogvideo_log_level level, const char *message)
{
    (void)user;
    (void)level;
    cv_buffer_printf(&heard, NULL, "%s\n", message);
}

static cogvideo_status import(cogvideo_import_options options)
{
    cogvideo_status status;

    cv_buffer_free(&heard);
    snprintf(output, sizeof output, "%s", check_temp_path("model"));
    options.output = output;
    options.force = 1;
    options.log = (cogvideo_log){ on_log, NULL };
    status = cogvideo_import(&options, &err);
    return status;
}
#define IMPORT(...) import((cogvideo_import_options){ SOURCES(__VA_ARGS__) })

static const char *checkpoint(const char *name)
{
    char path[200];

    snprintf(path, sizeof path, "metrics/checkpoints/%s", name);
    return check_golden(path);
}

/* Opens FILE of the model that was imported. */
static cv_store *open_part(const char *file)
{
    cv_store *store = NULL;
    char path[1200];

    snprintf(path, sizeof path, "%s/%s", output, file);
    CHECK_OK(cv_store_open(&store, path, &err), err);
    return store;
}

/* The model opens: each network claims every tensor of its part. */
static void check_model(const char *part)
{
    cogvideo_model *model = NULL;

    CHECK_OK(cogvideo_model_open(&model, output, NULL, &err), err);
    assert_int_equal(cogvideo_model_number(model, part), 1);
    cogvideo_model_close(&model);
}

/* Every tensor of the part is the seeded one of its name, to the bit. */
static void check_seeded(const char *file, int seed, size_t tensors)
{
    cv_store *store = open_part(file);

    assert_int_equal(cv_store_count(store), tensors);
    for (size_t t = 0; t < tensors; t++) {
        const cv_tensor *tensor = cv_store_at(store, t);
        seeded_tensor seeded = { .rank = tensor->rank, .seed = seed };
        float *expected = malloc(tensor->count * sizeof *expected), *found = malloc(tensor->count * sizeof *found);

        snprintf(seeded.name, sizeof seeded.name, "%s", tensor->name);
        for (int d = 0; d < tensor->rank; d++)
            seeded.shape[d] = tensor->shape[d];
        seeded_values(&seeded, 0, tensor->count, expected);
        cv_to_f32(found, tensor->data, tensor->dtype, tensor->count);
        if (memcmp(found, expected, tensor->count * sizeof *found) != 0)
            fail_msg("%s: '%s' is not the seeded one", file, tensor->name);
        free(expected);
        free(found);
    }
    cv_store_close(&store);
}

/* --- small checkpoints ---------------------------------------------------------------------------------------- */

/* A copy of a golden under the name that its config is looked for beside. */
static void copy(const char *from, const char *to)
{
    cv_buffer file = { 0 };

    CHECK_OK(cv_file_read(&file, checkpoint(from), 1 << 24, &err), err);
    check_write(check_temp_path(to), file.data, file.size);
    cv_buffer_free(&file);
}

enum { CLIP_SEED = 108, CLIP_TENSORS = 38 };

/* Both rows, of `count` numbers, point the same way. */
static void check_direction(const float *a, const float *b, int count)
{
    double product = 0, a2 = 0, b2 = 0;

    for (int i = 0; i < count; i++) {
        product += (double)a[i] * b[i];
        a2 += (double)a[i] * a[i];
        b2 += (double)b[i] * b[i];
    }
    CHECK_CLOSE(product / sqrt(a2 * b2), 1, 1e-6);
}

/* The imported network, run by its row in the family's table, gives the features of the original. */
static void check_clip_features(void)
{
    static const char *const texts[] = { "a large red star moves left", "a small cyan triangle bounces on gray" };
    static const float mean[3] = { 0.48145466f, 0.4578275f, 0.40821073f };
    static const float deviation[3] = { 0.26862954f, 0.26130258f, 0.27577711f };
    enum { SIDE = 32, WIDTH = 24, PLANE = SIDE * SIDE };
    const cv_feature_settings settings = { .frames = 1, .height = SIDE, .width = SIDE, .batch = 2 };
    const cv_feature_network *network = NULL;
    cogvideo_model *model = NULL;
    cv_feature_run *run = NULL;
    cv_store *golden = NULL;
    static float pixels[2 * 3 * PLANE];
    float features[2 * WIDTH];

    CHECK_OK(cv_store_open(&golden, checkpoint("clip_tiny.expected.safetensors"), &err), err);
    CHECK_OK(cogvideo_model_open(&model, output, NULL, &err), err);
    network = cv_model_feature_network(model, "clip");
    assert_non_null(network);
    for (int i = 0; i < 2 * 3 * PLANE; i++)
        pixels[i] = 255 * (check_f32(golden, "pixels")[i] * deviation[i / PLANE % 3] + mean[i / PLANE % 3]);
    CHECK_OK(network->open(&run, model, &settings, &err), err);
    CHECK_OK(network->run(run, pixels, 2, features, NULL, &err), err);
    network->close(&run);
    for (int i = 0; i < 2; i++)
        check_direction(features + i * WIDTH, check_f32(golden, "quick.image_features") + i * WIDTH, WIDTH);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(network->text(model, texts[i], false, features, &err), err);
        check_direction(features, check_f32(golden, "quick.text_features") + i * WIDTH, WIDTH);
    }
    cogvideo_model_close(&model);
    cv_store_close(&golden);
}

static void one_clip_in_three_layouts(void **state)
{
    char vocabulary[1024];

    (void)state;
    if (!checkpoint("ViT-tiny.pt"))
        skip();
    snprintf(vocabulary, sizeof vocabulary, "%s", check_golden("metrics/text/bpe_small.txt.gz"));
    CHECK_OK(IMPORT({ "clip", checkpoint("ViT-tiny.pt") }, { "clip-vocabulary", vocabulary }), err);
    check_seeded("clip.safetensors", CLIP_SEED, CLIP_TENSORS);
    check_clip_features();

    copy("hf_model.safetensors", "model.safetensors");
    CHECK_FAILS(IMPORT({ "clip", check_temp_path("model.safetensors") }), COGVIDEO_ERROR_MODEL, "--clip-act", err);
    CHECK_OK(IMPORT({ "clip", check_temp_path("model.safetensors") }, { "clip-act", "gelu" }), err);
    copy("hf_config.json", "config.json");
    CHECK_OK(IMPORT({ "clip", check_temp_path("model.safetensors") }, { "clip-vocabulary", vocabulary }), err);
    check_seeded("clip.safetensors", CLIP_SEED, CLIP_TENSORS);
    check_clip_features();

    copy("open_clip_model.safetensors", "open_clip_model.safetensors");
    copy("open_clip_config.json", "open_clip_config.json");
    CHECK_OK(IMPORT({ "clip", check_temp_path("open_clip_model.safetensors") }, { "clip-vocabulary", vocabulary }),
             err);
    check_seeded("clip.safetensors", CLIP_SEED, CLIP_TENSORS);
    check_clip_features();
}

static void i3d_inception_and_c3d(void **state)
{
    seeded_list mean = { 0 };
    char npz[1024];

    (void)state;
    if (!checkpoint("conv3d_tiny_ucf.npz"))
        skip();
    snprintf(npz, sizeof npz, "%s", checkpoint("conv3d_tiny_ucf.npz"));
    CHECK_OK(IMPORT({ "i3d", checkpoint("i3d_tiny_40.pt") }, { "inception", checkpoint("pt_inception_tiny.pth") }),
             err);
    check_model("i3d");
    check_model("inception");
    CHECK_FAILS(IMPORT({ "c3d", npz }), COGVIDEO_ERROR_MODEL, "mean2.npz", err);
    seeded_add(&mean, 1, "mean", 4, 3, 16, 128, 171);
    torch_write(&mean, check_temp_path("mean.pt"), CV_F32, 0); /* any container will do */
    CHECK_OK(IMPORT({ "c3d", npz }, { "c3d-mean", check_temp_path("mean.pt") }), err);
    assert_non_null(strstr(heard.data, "no licence is known"));
    check_model("c3d");
    CHECK_FAILS(IMPORT({ "i3d", npz }), COGVIDEO_ERROR_MODEL, "another network", err);
    seeded_list_free(&mean);
}

static void a_vocabulary_is_checked_and_kept(void **state)
{
    const char *vocabulary = check_golden("metrics/text/bpe_small.txt.gz");

    (void)state;
    if (!vocabulary)
        skip();
    CHECK_OK(IMPORT({ "clip-vocabulary", vocabulary }), err);
    check_model("clip_vocabulary");
    check_write(check_temp_path("no.txt"), "\x1f\x8bnothing", 9);
    assert_int_not_equal(IMPORT({ "clip-vocabulary", check_temp_path("no.txt") }), COGVIDEO_OK);
    CHECK_FAILS(IMPORT({ "clip-vocabulary", vocabulary }, { "stage1", vocabulary }), COGVIDEO_ERROR_ARGUMENT,
                "import one model after the other", err);
}

/* --- of full structure ---------------------------------------------------------------------------------------- */

/* The tensors of a published file, each axis that is a multiple of `unit` divided by `by`, so that files stay small:
 * what is equal stays equal. */
static void read_structure(seeded_list *list, const char *file, size_t unit, size_t by)
{
    cv_json *json = NULL, *entry, *tensors;

    CHECK_OK(cv_json_read(&json, check_golden("metrics/structure.json"), 1 << 22, &err), err);
    CHECK_OK(cv_json_object(json, file, &entry, file, &err), err);
    CHECK_OK(cv_json_array(entry, "tensors", &tensors, file, &err), err);
    for (cv_json *row = cv_json_first(tensors); row; row = cv_json_next(row)) {
        const cv_json *name = cv_json_first(row), *dtype = cv_json_next(name), *shape = cv_json_next(dtype);
        seeded_tensor *tensor;

        if (strncmp(cv_json_text(dtype), "float", 5) != 0)
            continue;
        seeded_add(list, 9, cv_json_text(name), 0);
        tensor = &list->tensors[list->count - 1];
        for (const cv_json *size = cv_json_first((cv_json *)(uintptr_t)shape); size;
             size = cv_json_next((cv_json *)(uintptr_t)size)) {
            size_t whole = (size_t)cv_json_number(size);

            tensor->shape[tensor->rank++] = whole % unit == 0 ? whole / by : whole;
        }
    }
    cv_json_free(&json);
}

typedef void (*writer)(const seeded_list *list, const char *path, cv_dtype dtype);

static void write_checkpoint(const seeded_list *list, const char *path, cv_dtype dtype)
{
    torch_write(list, path, dtype, 0);
}

/* A file of published structure is imported; not so where a tensor is misshapen or another stands in its place. */
static void check_structure(const char *file, const char *source, writer write, size_t unit, size_t by, size_t tensors)
{
    seeded_list list = { 0 };
    char path[1024], mean_path[1024], part[64];
    const char *mean = strcmp(source, "c3d") == 0 ? mean_path : NULL;
    cv_store *store;

    snprintf(path, sizeof path, "%s", check_temp_path("published.pt"));
    snprintf(mean_path, sizeof mean_path, "%s", check_temp_path("mean.pt"));
    read_structure(&list, file, unit, by);
    write(&list, path, CV_F16);
    CHECK_OK(IMPORT({ source, path }, { "c3d-mean", mean }), err);
    check_model(source);
    snprintf(part, sizeof part, "%s.safetensors", source);
    store = open_part(part);
    assert_int_equal(cv_store_count(store), tensors);
    cv_store_close(&store);
    list.tensors[9].shape[0]++;
    write(&list, path, CV_F16);
    CHECK_FAILS(IMPORT({ source, path }, { "c3d-mean", mean }), COGVIDEO_ERROR_MODEL, "was expected", err);
    list.tensors[9].shape[0]--;
    snprintf(list.tensors[9].name, sizeof list.tensors[9].name, "layers.stranger.weight");
    write(&list, path, CV_F16);
    CHECK_FAILS(IMPORT({ source, path }, { "c3d-mean", mean }), COGVIDEO_ERROR_MODEL, "is missing", err);
    remove(path);
    seeded_list_free(&list);
}

static void published_structures_are_imported(void **state)
{
    seeded_list mean = { 0 };

    (void)state;
    if (!check_golden("metrics/structure.json"))
        skip();
    check_structure("i3d_pretrained_400.pt", "i3d", write_checkpoint, 8, 8, 287);
    check_structure("i3d_torchscript.pt", "i3d", torch_write_script, 8, 8, 287);
    check_structure("pt_inception-2015-12-05-6726825d.pth", "inception", write_checkpoint, 8, 8, 472);
    check_structure("inception-2015-12-05.pt", "inception", torch_write_script, 8, 8, 378);
    check_structure("ViT-B-32.pt", "clip", torch_write_script, 64, 4, 302); /* heads stay 64 wide */
    read_structure(&mean, "mean2.npz", 1, 1);
    torch_write(&mean, check_temp_path("mean.pt"), CV_F32, 0);
    check_structure("conv3d_deepnetA_ucf.npz", "c3d", write_checkpoint, 8, 8, 23);
    seeded_list_free(&mean);
}

/* Units of the other layouts are those of the same place: shapes say which they are, and numbers come from there. */
static void other_names_are_the_same_units(void **state)
{
    static const struct {
        const char *file, *source, *from, *to;
    } cases[] = {
        { "i3d_torchscript.pt", "i3d", "mixed_4d.branch_2.1.batch3d.running_var", "Mixed_4d.b2b.bn.running_var" },
        { "i3d_torchscript.pt", "i3d", "conv3d_0c_1x1.conv3d.bias", "logits.conv3d.bias" },
        { "inception-2015-12-05.pt", "inception", "layers.mixed_3.tower.conv_2.mean",
          "Mixed_6a.branch3x3dbl_3.bn.running_mean" },
        { "inception-2015-12-05.pt", "inception", "layers.mixed_10.tower_1_mixed_conv.beta",
          "Mixed_7c.branch3x3dbl_3a.bn.bias" },
        { "inception-2015-12-05.pt", "inception", "layers.mixed_6.tower_1.conv_3.weight",
          "Mixed_6d.branch7x7dbl_4.conv.weight" },
    };
    char path[1024], part[64];

    (void)state;
    if (!check_golden("metrics/structure.json"))
        skip();
    snprintf(path, sizeof path, "%s", check_temp_path("other.pt"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        seeded_list list = { 0 };
        const seeded_tensor *from = NULL;
        const cv_tensor *to;
        cv_store *store;
        float first;

        read_structure(&list, cases[i].file, 8, 8);
        torch_write_script(&list, path, CV_F32);
        CHECK_OK(import((cogvideo_import_options){ SOURCES({ cases[i].source, path }) }), err);
        snprintf(part, sizeof part, "%s.safetensors", cases[i].source);
        store = open_part(part);
        for (size_t t = 0; t < list.count; t++)
            if (strcmp(list.tensors[t].name, cases[i].from) == 0)
                from = &list.tensors[t];
        assert_non_null(from);
        to = check_tensor(store, cases[i].to);
        assert_int_equal(to->rank, from->rank);
        seeded_values(from, 0, 1, &first);
        CHECK_CLOSE(*(const float *)to->data, first, 0);
        cv_store_close(&store);
        seeded_list_free(&list);
    }
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_clip_in_three_layouts),        cmocka_unit_test(i3d_inception_and_c3d),
        cmocka_unit_test(a_vocabulary_is_checked_and_kept), cmocka_unit_test(published_structures_are_imported),
        cmocka_unit_test(other_names_are_the_same_units),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    cv_buffer_free(&heard);
    return failed;
}
