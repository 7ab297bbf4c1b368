/* What metrics compute without a network, against what the original code computed: resizings, Frechet distances,
 * Inception Scores. The committed files are parts of larger ones, which are read too where they are. */
#include "support/check.h"

#include "base/json.h"
#include "media/scale.h"

/* Runs `test` on the committed part of a golden file, and on the whole of it where that is there. */
static void on_golden(const char *name, void (*test)(const cv_store *))
{
    const char *paths[] = { check_data(name), check_golden(name) };

    for (int i = 0; i < 2 && paths[i]; i++) {
        cogvideo_error err;
        cv_store *store;

        CHECK_OK(cv_store_open(&store, paths[i], &err), err);
        test(store);
        cv_store_close(&store);
    }
}

/* --- resizings ---------------------------------------------------------------------------------------------------- */

/* The golden's words, and how far from it we may be, of 255. */
static const struct {
    const char *word;
    cv_scale scale;
    double tolerance;
} kinds[] = {
    { "pil_bicubic", CV_SCALE_PIL_BICUBIC, 0 },
    { "pil_bilinear", CV_SCALE_PIL_BILINEAR, 0 },
    { "pil_lanczos", CV_SCALE_PIL_LANCZOS, 0 },
    { "torch_bilinear", CV_SCALE_TORCH_BILINEAR, 4e-5 },
    { "torch_bilinear_antialias", CV_SCALE_TORCH_ANTIALIAS, 4e-5 },
    { "tf1_bilinear", CV_SCALE_TF1, 4e-5 },
    { "nvidia_bilinear", CV_SCALE_TF1, 255 * 5e-4 },
    { "chainer_bilinear", CV_SCALE_ALIGN_CORNERS, 1e-4 },
};

/* A golden picture: u8 [H, W, 3], or f32 [3, H, W]. */
static void compare_picture(const cv_tensor *golden, const float *out, double scale, double offset, double tolerance)
{
    bool bytes = golden->dtype == CV_U8;
    size_t plane = golden->count / 3;

    for (size_t i = 0; i < golden->count; i++) {
        size_t at = bytes ? i % 3 * plane + i / 3 : i;
        double expected = bytes ? ((const uint8_t *)golden->data)[i] : (double)((const float *)golden->data)[i];

        if (!(fabs((double)out[at] * scale + offset - expected) <= tolerance))
            fail_msg("%s: value %zu is %.7g, not %.7g", golden->name, i, (double)out[at] * scale + offset, expected);
    }
}

static void resize_one(const cv_tensor *golden, const cv_tensor *picture, const char *word)
{
    int height = (int)picture->shape[0], width = (int)picture->shape[1], out_height, out_width, side = 0;
    double scale = 1, offset = 0, tolerance = 0;
    cogvideo_error err;
    float *out = calloc(golden->count, sizeof *out), *planes = calloc(picture->count, sizeof *planes);
    bool known = false;

    for (size_t i = 0; i < picture->count; i++)
        planes[i % 3 * (picture->count / 3) + i / 3] = ((const uint8_t *)picture->data)[i];
    if (sscanf(word, "clip%d", &side) == 1) {
        CHECK_OK(cv_scale_to_square(out, side, picture->data, height, width, CV_SCALE_PIL_BICUBIC, CV_CROP_SHORT_EVEN,
                                    &err),
                 err);
        known = true;
    } else if (sscanf(word, "short%d", &side) == 1) {
        CHECK_OK(cv_scale_planes_to_square(out, side, planes, height, width, CV_SCALE_TORCH_BILINEAR,
                                           CV_CROP_SHORT_CEIL, &err),
                 err);
        known = true;
        scale = 2 / 255.0;
        offset = -1;
        tolerance = 1e-6;
    }
    for (size_t k = 0; !known && k < sizeof kinds / sizeof *kinds; k++) {
        char name[64];

        if (sscanf(word, "%dx%d.%63s", &out_height, &out_width, name) != 3 || strcmp(name, kinds[k].word) != 0)
            continue;
        tolerance = kinds[k].tolerance;
        CHECK_OK(cv_scale_planes(out, out_height, out_width, planes, height, width, kinds[k].scale, &err), err);
        compare_picture(golden, out, 1, 0, tolerance);
        memset(out, 0, golden->count * sizeof *out);
        CHECK_OK(cv_scale_u8(out, out_height, out_width, picture->data, height, width, kinds[k].scale, &err), err);
        known = true;
    }
    if (!known)
        fail_msg("no test of %s", golden->name);
    compare_picture(golden, out, scale, offset, tolerance);
    free(out);
    free(planes);
}

static void resize_all(const cv_store *golden)
{
    int tested = 0;

    for (size_t i = 0; i < cv_store_count(golden); i++) {
        const cv_tensor *tensor = cv_store_at(golden, i);
        const char *word = strchr(tensor->name, '.') + 1;
        char picture[64];

        if (strcmp(word, "u8") == 0)
            continue;
        snprintf(picture, sizeof picture, "%.*su8", (int)(word - tensor->name), tensor->name);
        resize_one(tensor, check_tensor(golden, picture), word);
        tested++;
    }
    assert_true(tested >= 20);
}

static void frames_are_resized_as_by_the_originals(void **state)
{
    (void)state;
    on_golden("metrics/resize.safetensors", resize_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_resized_as_by_the_originals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
