/* C-ViViT against the original code: every sublayer, the codes, and pixels from codes; four kinds of network. */
#include "support/phenaki_golden.h"
#include "support/phenaki_seeded.h"

#include "nn/blas.h"

#include <stdio.h>

typedef struct fixture {
    cv_store *golden, *weights;
    cv_cvivit_config config;
    cv_cvivit *network;
    cv_cvivit_box box;
    cv_exec exec;
    cv_arena arena;
} fixture;

static bool open_fixture(fixture *f, const char *name, int threads)
{
    char path[64];
    const char *full;
    cogvideo_error err;
    cv_json *network;
    int image[2];

    snprintf(path, sizeof path, "phenaki/cvivit/%s.safetensors", name);
    if (!(full = check_golden(path)))
        return false;
    *f = (fixture){ .exec = { .threads = threads } };
    check_kernels(&f->exec.kernels);
    CHECK_OK(cv_store_open(&f->golden, full, &err), err);
    network = phenaki_metadata(f->golden, "network");
    f->config = phenaki_cvivit_config(network);
    phenaki_pair(network, "image", image);
    f->box =
        (cv_cvivit_box){ phenaki_number(network, "B"), 1 + (phenaki_number(network, "F") - 1) / f->config.patch_frames,
                         image[0] / f->config.patch_height, image[1] / f->config.patch_width };
    f->weights = phenaki_seeded_store(phenaki_bind_cvivit, &f->config, phenaki_number(network, "seed"));
    cv_json_free(&network);
    CHECK_OK(cv_cvivit_open(&f->network, &f->config, f->weights, &err), err);
    CHECK_OK(cv_arena_create(&f->arena, cv_cvivit_scratch(&f->exec, f->network, &f->box), &err), err);
    return true;
}

static void close_fixture(fixture *f)
{
    cv_arena_free(&f->arena);
    cv_cvivit_close(&f->network);
    cv_store_close(&f->weights);
    cv_store_close(&f->golden);
}

/* The golden's clips as floats, or their first frames. */
static float *pixels_of(const fixture *f, bool image)
{
    const cv_tensor *video = check_tensor(f->golden, "video.u8");
    const size_t frames = video->shape[2], plane = video->shape[3] * video->shape[4], kept = image ? 1 : frames;
    const uint8_t *bytes = video->data;
    cogvideo_error err;
    float *pixels = cv_alloc(3 * (size_t)f->box.batch * kept * plane, sizeof *pixels, &err);

    assert_non_null(pixels);
    for (size_t c = 0; c < 3 * (size_t)f->box.batch; c++)
        for (size_t i = 0; i < kept * plane; i++)
            pixels[c * kept * plane + i] = (float)bytes[c * frames * plane + i] / 255.0f;
    return pixels;
}

typedef struct watched {
    const fixture *f;
    const char *kind; /* "video" or "image" */
    int seen;
} watched;

static void see(void *user, const char *name, const float *x, size_t numbers)
{
    watched *w = user;
    char full[96];
    const cv_tensor *expected;

    snprintf(full, sizeof full, "%s.%s", w->kind, name);
    expected = cv_store_find(w->f->golden, strcmp(name, "bias") == 0 ? name : full);
    if (!expected)
        fail_msg("%s: there is no such golden", full);
    assert_int_equal(expected->count, numbers);
    phenaki_check(full, expected, x);
    w->seen++;
}

static void check_codes(const fixture *f, const char *kind, const int32_t *codes, const float *margins)
{
    char name[64];
    const cv_tensor *tensor;
    const int32_t *expected;
    const float *firm;

    snprintf(name, sizeof name, "%s.codes", kind);
    tensor = check_tensor(f->golden, name);
    expected = tensor->data;
    snprintf(name, sizeof name, "%s.margin", kind);
    firm = check_tensor(f->golden, name)->data;
    for (size_t i = 0; i < tensor->count; i++) {
        if (firm[i] > 1e-3f && codes[i] != expected[i])
            fail_msg("%s: code %zu is %d, not %d", kind, i, codes[i], expected[i]);
        CHECK_CLOSE(margins[i], firm[i], 1e-4);
    }
}

/* Sublayers of a stack that are shown, with "in" and "out". */
static int shown(const cv_cvivit_config *c)
{
    return 8 + 2 * (c->spatial_layers * (2 + (c->spatial_peg != CV_PEG_NONE)) +
                    c->temporal_layers * (2 + (c->temporal_peg != CV_PEG_NONE)));
}

static void check_clips(fixture *f, bool image)
{
    const char *kind = image ? "image" : "video";
    const cv_cvivit_box all = f->box;
    watched w = { .f = f, .kind = kind };
    int32_t codes[256];
    float margins[256], *pixels;
    char name[64];

    if (image) /* the first frame of the first clip */
        f->box.batch = f->box.T = 1;
    pixels = pixels_of(f, image);
    cv_cvivit_encode(&f->exec, f->network, &f->box, codes, margins, pixels, see, &w, &f->arena);
    check_codes(f, kind, codes, margins);
    snprintf(name, sizeof name, "%s.codes", kind);
    cv_cvivit_decode(&f->exec, f->network, &f->box, pixels, check_tensor(f->golden, name)->data, see, &w, &f->arena);
    assert_int_equal(w.seen, shown(&f->config) + 3); /* bias twice, z */
    snprintf(name, sizeof name, "%s.pixels", kind);
    phenaki_check(name, check_tensor(f->golden, name), pixels);
    f->box = all;
    cv_free(pixels);
}

static void check_random(fixture *f)
{
    float *pixels = pixels_of(f, false);

    cv_cvivit_decode(&f->exec, f->network, &f->box, pixels, check_tensor(f->golden, "random.codes")->data, NULL, NULL,
                     &f->arena);
    phenaki_check("random.pixels", check_tensor(f->golden, "random.pixels"), pixels);
    cv_free(pixels);
}

static void clips_are_the_original_ones(void **state)
{
    static const char *const names[] = { "lfq", "obvious", "cosine", "own" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fixture f;

        if (!open_fixture(&f, names[i], 2))
            skip();
        print_message("%s\n", names[i]);
        check_clips(&f, false);
        check_clips(&f, true);
        check_random(&f);
        close_fixture(&f);
    }
}

static char *described(const cv_cvivit_config *config)
{
    cv_json *section = cv_json_new_object();
    cv_cvivit_config again;
    cogvideo_error err;
    char *text;

    cv_cvivit_config_put(section, config);
    CHECK_OK(cv_cvivit_config_read(&again, section, "the section", &err), err);
    cv_json_free(&section);
    section = cv_json_new_object();
    cv_cvivit_config_put(section, &again);
    text = cv_json_print(section, false, &err);
    assert_non_null(text);
    cv_json_free(&section);
    return text;
}

static void sizes_are_read_off_a_file(void **state)
{
    static const char *const names[] = { "lfq", "obvious", "cosine", "own" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fixture f;
        cv_cvivit_config read = { 0 };
        char *expected, *found;
        cogvideo_error err;

        if (!open_fixture(&f, names[i], 1))
            skip();
        read.patch_height = f.config.patch_height;
        read.patch_width = f.config.patch_width;
        CHECK_OK(cv_cvivit_measure(&read, f.weights, &err), err);
        if (strcmp(names[i], "own") == 0) /* whose order of places no file tells */
            read.temporal_peg = CV_PEG_TRUE;
        expected = described(&f.config);
        found = described(&read);
        assert_string_equal(found, expected);
        cv_free(expected);
        cv_free(found);
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clips_are_the_original_ones),
        cmocka_unit_test(sizes_are_read_off_a_file),
    };

    cv_blas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
