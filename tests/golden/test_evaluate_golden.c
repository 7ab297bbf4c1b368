/* Evaluation from files to features, against what the original code made of the same pixels: checkpoints are imported,
 * clips and pictures read, resized and looked at by the program. Needs the goldens. */
#include "support/check.h"
#include "support/program.h"
#include "support/torch_file.h"

#include "base/json.h"

#include <cogvideo/video.h>
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

static cv_store *open_golden(const char *name)
{
    char path[100];
    cv_store *store = NULL;
    cogvideo_error err;

    snprintf(path, sizeof path, "metrics/%s", name);
    CHECK_OK(cv_store_open(&store, check_golden(path), &err), err);
    return store;
}

/* "TEMP/PATH", a picture without loss. */
static void write_picture(const char *path, const uint8_t *pixels, size_t height, size_t width)
{
    const cogvideo_video video = { .width = (int)width,
                                   .height = (int)height,
                                   .frames = 1,
                                   .pixels = (uint8_t *)(uintptr_t)pixels };
    cogvideo_error err;

    CHECK_OK(cogvideo_video_write(&video, check_temp_path(path), NULL, &err), err);
}

/* Clips [count][frames][height][width][3] as folders of pictures "TEMP/FOLDER/N". */
static void write_clips(const char *folder, const cv_tensor *clips)
{
    const size_t *shape = clips->shape, frame = shape[2] * shape[3] * 3;
    char path[200];

    assert_int_equal(mkdir(check_temp_path(folder), 0777), 0);
    for (size_t c = 0; c < shape[0]; c++) {
        snprintf(path, sizeof path, "%s/%zu", folder, c);
        assert_int_equal(mkdir(check_temp_path(path), 0777), 0);
        for (size_t f = 0; f < shape[1]; f++) {
            snprintf(path, sizeof path, "%s/%zu/%zu.ppm", folder, c, f);
            write_picture(path, (const uint8_t *)clips->data + (c * shape[1] + f) * frame, shape[2], shape[3]);
        }
    }
}

static int start(void **state)
{
    cv_store *golden;
    seeded_list mean = { 0 };

    (void)state;
    seeded_add(&mean, 105, "mean", 4, 3, 16, 128, 171);
    torch_write(&mean, check_temp_path("mean.pt"), CV_F32, 0);
    seeded_list_free(&mean);
    program_ok("import --i3d '%s' -q -o i3d", check_golden("metrics/checkpoints/i3d_tiny_40.pt"));
    program_ok("import --inception '%s' -q -o inception", check_golden("metrics/checkpoints/pt_inception_tiny.pth"));
    program_ok("import --c3d '%s' --c3d-mean mean.pt -q -o c3d",
               check_golden("metrics/checkpoints/conv3d_tiny_ucf.npz"));
    program_ok("import --clip '%s' --clip-vocabulary '%s' -q -o clip", check_golden("metrics/checkpoints/ViT-tiny.pt"),
               check_golden("metrics/text/bpe_small.txt.gz"));
    golden = open_golden("i3d.safetensors");
    write_clips("i3d-clips", check_tensor(golden, "clip.u8"));
    cv_store_close(&golden);
    golden = open_golden("c3d.safetensors");
    write_clips("c3d-clips", check_tensor(golden, "clip.u8"));
    cv_store_close(&golden);
    return 0;
}

/* The features that a run leaves, compared with a golden tensor: to 1e-4 of its largest value. */
static void compare(const char *folder, const char *tensor, const cv_store *golden, const char *expected)
{
    const cv_tensor *want = check_tensor(golden, expected), *have;
    DIR *dir = opendir(check_temp_path(folder));
    const struct dirent *entry;
    char path[600] = "";
    cv_store *store = NULL;
    cogvideo_error err;
    double largest = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        if (strstr(entry->d_name, ".safetensors"))
            snprintf(path, sizeof path, "%s/%.255s", folder, entry->d_name);
    closedir(dir);
    CHECK_OK(cv_store_open(&store, check_temp_path(path), &err), err);
    have = check_tensor(store, tensor);
    assert_int_equal(have->count, want->count);
    for (size_t i = 0; i < want->count; i++)
        largest = fmax(largest, fabs((double)((const float *)want->data)[i]));
    for (size_t i = 0; i < want->count; i++)
        CHECK_CLOSE((double)((const float *)have->data)[i], (double)((const float *)want->data)[i], 1e-4 * largest);
    cv_store_close(&store);
}

static void fvd_has_the_logits_of_the_original(void **state)
{
    cv_store *golden = open_golden("i3d.safetensors");

    (void)state;
    program_ok("evaluate i3d-clips --metrics i3d --network-resize torch-bilinear --features a --features-only -q");
    compare("a", "features", golden, "clip.eps1e-3.logits");
    program_ok("evaluate i3d-clips --metrics i3d --protocol cd-fvd --features b --features-only -q");
    compare("b", "features", golden, "clip.eps1e-5.logits");
    cv_store_close(&golden);
}

static void is_has_the_probabilities_of_the_original(void **state)
{
    cv_store *golden = open_golden("c3d.safetensors");

    (void)state;
    program_ok("evaluate c3d-clips --metrics c3d --metric is --features c --features-only -q");
    compare("c", "probabilities", golden, "prob");
    cv_store_close(&golden);
}

static void fid_has_the_features_of_both_schools(void **state)
{
    cv_store *golden = open_golden("inception.safetensors");
    const cv_tensor *pictures = check_tensor(golden, "picture.u8");

    (void)state;
    assert_int_equal(mkdir(check_temp_path("pictures"), 0777), 0);
    for (size_t i = 0; i < 2; i++) {
        char path[40];

        snprintf(path, sizeof path, "pictures/%zu.ppm", i);
        write_picture(path, (const uint8_t *)pictures->data + i * pictures->count / 2, pictures->shape[1],
                      pictures->shape[2]);
    }
    program_ok("evaluate pictures --metrics inception --metric fid --features d --features-only -q");
    compare("d", "features", golden, "picture_tf1.pool3");
    compare("d", "probabilities", golden, "picture_tf1.prob_no_bias");
    program_ok("evaluate pictures --metrics inception --metric fid --inception-input pytorch-fid --features e "
               "--features-only -q");
    compare("e", "features", golden, "picture.pool3");
    compare("e", "probabilities", golden, "picture.prob_no_bias");
    cv_store_close(&golden);
}

/* The cosines of pictures of any shape with their texts. */
static void clip_has_the_cosines_of_the_original(void **state)
{
    static const char *const texts[] = { "a large red star moves left", "a small cyan triangle bounces on gray" };
    cv_store *golden = open_golden("checkpoints/clip_tiny.expected.safetensors");
    const float *images = check_f32(golden, "quick.image_features"), *words = check_f32(golden, "quick.text_features");
    const size_t width = check_tensor(golden, "quick.image_features")->shape[1];
    double expected = 0, value;
    char list[200] = "";
    cv_json *json = NULL, *metrics;
    cogvideo_error err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        double dot = 0, a = 0, b = 0;
        char name[40];

        for (size_t k = (size_t)i * width; k < ((size_t)i + 1) * width; k++) {
            dot += (double)images[k] * (double)words[k];
            a += (double)images[k] * (double)images[k];
            b += (double)words[k] * (double)words[k];
        }
        expected += dot / sqrt(a * b) / 2;
        snprintf(name, sizeof name, "picture%d.u8", i);
        const cv_tensor *picture = check_tensor(golden, name);

        snprintf(name, sizeof name, "clip-%d.ppm", i);
        write_picture(name, picture->data, picture->shape[0], picture->shape[1]);
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s\t%s\n", name, texts[i]);
    }
    check_write(check_temp_path("pairs.list"), list, strlen(list));
    program_ok("evaluate pairs.list --metrics clip --metric clip --frames 1 -q --json");
    CHECK_OK(cv_json_parse(&json, program_output(), strlen(program_output()), "evaluate", &err), err);
    CHECK_OK(cv_json_array(json, "metrics", &metrics, "evaluate", &err), err);
    CHECK_OK(cv_json_double(cv_json_first(metrics), "value", -1, 1, &value, "evaluate", &err), err);
    CHECK_CLOSE(value, expected, 1e-4);
    cv_json_free(&json);
    cv_store_close(&golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fvd_has_the_logits_of_the_original),
        cmocka_unit_test(is_has_the_probabilities_of_the_original),
        cmocka_unit_test(fid_has_the_features_of_both_schools),
        cmocka_unit_test(clip_has_the_cosines_of_the_original),
    };

    if (!check_golden("metrics/checkpoints/i3d_tiny_40.pt"))
        return 77;
    return cmocka_run_group_tests(tests, start, NULL);
}
