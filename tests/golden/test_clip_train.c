/* CLIP in training against the original's losses and gradients: both towers, the text tower against another network's
 * features, and clips by a tower over their frames. */
#include "support/check.h"
#include "support/seeded.h"

#include "base/json.h"
#include "family/metrics/network/clip_train.h"
#include "nn/blas.h"
#include "nn/contrastive.h"

enum { MOST = 6 };

typedef struct fixture {
    cv_store *golden;
    const char *prefix; /* of names in the golden: "quick." */
    cv_store *weights, *gradients;
    cv_clip_train *train;
    cv_exec exec;
    int batch, embed;
    float ditems[MOST * 64], dtexts[MOST * 64];
    double loss;
} fixture;

static const char *named(const fixture *f, const char *part, const char *name)
{
    static char text[2][200];
    static int at;

    at = !at;
    snprintf(text[at], sizeof text[at], "%s%s%s", f->prefix, part, name);
    return text[at];
}

/* A text of the golden's metadata as JSON, which the caller frees; NULL where it has none. */
static cv_json *metadata(const fixture *f, const char *key)
{
    const char *text = cv_store_metadata(f->golden, key);
    cogvideo_error err;
    cv_json *json;

    if (!text)
        return NULL;
    CHECK_OK(cv_json_parse(&json, text, strlen(text), key, &err), err);
    return json;
}

/* `path` NULL: the golden is not here. */
static bool open_fixture(fixture *f, const char *path, const char *prefix, const cv_clip_config *config, int seed,
                         int batch)
{
    cogvideo_error err;
    cv_store *plan;
    cv_clip *clip;

    *f = (fixture){ .prefix = prefix, .exec = { .threads = 2 }, .batch = batch, .embed = config->embed };
    if (!path)
        return false;
    check_kernels(&f->exec.kernels);
    CHECK_OK(cv_store_open(&f->golden, path, &err), err);
    CHECK_OK(cv_store_plan(&plan, "a CLIP", &err), err);
    CHECK_OK(cv_clip_open(&clip, plan, config, &err), err);
    CHECK_OK(cv_store_create_like(&f->weights, "weights", plan, &err), err);
    CHECK_OK(cv_store_create_like(&f->gradients, "gradients", plan, &err), err);
    cv_clip_close(&clip);
    cv_store_close(&plan);
    seeded_fill(f->weights, seed);
    CHECK_OK(cv_clip_train_open(&f->train, &f->exec, f->weights, f->gradients, config, batch, &err), err);
    return true;
}

static void close_fixture(fixture *f)
{
    cv_clip_train_close(&f->train);
    cv_store_close(&f->weights);
    cv_store_close(&f->gradients);
    cv_store_close(&f->golden);
}

static void check_close(const char *name, const float *values, size_t every, const cv_tensor *expected, double share)
{
    const float *numbers = expected->data;
    double most = 0;

    for (size_t i = 0; i < expected->count; i++)
        most = fmax(most, fabs((double)numbers[i]));
    for (size_t i = 0; i < expected->count; i++)
        if (!(fabs((double)values[i * every] - (double)numbers[i]) <= share * most))
            fail_msg("%s: number %zu is %.9g, %.9g was expected", name, i, (double)values[i * every],
                     (double)numbers[i]);
}

static void check_golden_numbers(const fixture *f, const char *name, const float *values)
{
    check_close(name, values, 1, check_tensor(f->golden, named(f, "", name)), 1e-4);
}

/* Every gradient's norm, and those that the golden keeps number by number. */
static void check_gradients(const fixture *f)
{
    cv_json *norms = metadata(f, named(f, "", "gradient_norms")), *everies = metadata(f, "grad_every");
    size_t checked = 0;

    for (const cv_json *norm = cv_json_first(norms); norm; norm = cv_json_next(norm)) {
        const cv_tensor *gradient = check_tensor(f->gradients, cv_json_key(norm));
        const char *name = named(f, "grad.", cv_json_key(norm));
        const cv_tensor *kept = cv_store_find(f->golden, name);
        const cv_json *every = everies ? cv_json_get(everies, name) : NULL;
        double sum = 0, expected = cv_json_number(norm);

        for (size_t i = 0; i < gradient->count; i++)
            sum += pow((double)cv_tensor_values(gradient)[i], 2);
        if (!(fabs(sqrt(sum) - expected) <= 1e-3 * expected))
            fail_msg("the gradient of %s has norm %.9g, %.9g was expected", gradient->name, sqrt(sum), expected);
        if (kept)
            check_close(name, cv_tensor_values(gradient), every ? (size_t)cv_json_number(every) : 1, kept, 1e-3);
        checked++;
    }
    for (size_t t = 0; t < cv_store_count(f->gradients); t++)
        if (strncmp(cv_store_at(f->gradients, t)->name, "feature_", 8) == 0)
            checked++;
    assert_int_equal(checked, cv_store_count(f->gradients));
    cv_json_free(&norms);
    cv_json_free(&everies);
}

static void run(fixture *f, const float *from, const int32_t *ids)
{
    cv_clip_train *train = f->train;
    const cv_contrastive pairs = { .image = train->items,
                                   .text = train->texts,
                                   .logit_scale = *cv_clip_train_scale(train->clip),
                                   .rows = f->batch,
                                   .width = f->embed };
    const cv_contrastive_gradients to = { f->ditems, f->dtexts, cv_clip_train_scale(train->grad) };
    cv_arena measure = { 0 }, arena;
    cogvideo_error err;

    cv_clip_train_forward(train, from, ids);
    cv_contrastive_loss(&pairs, &to, &measure);
    CHECK_OK(cv_arena_create(&arena, measure.peak, &err), err);
    f->loss = cv_contrastive_loss(&pairs, &to, &arena);
    cv_arena_free(&arena);
    cv_clip_train_backward(train, f->ditems, f->dtexts, ids);
    CHECK_CLOSE(f->loss, check_f32(f->golden, named(f, "", "loss"))[0], 1e-4 * f->loss);
}

static double cosine(const float *a, const float *b, int width)
{
    double dot = 0, aa = 0, bb = 0;

    for (int i = 0; i < width; i++) {
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return dot / sqrt(aa * bb);
}

static void check_logits(const fixture *f, const char *name)
{
    float logits[MOST * MOST];

    for (int i = 0; i < f->batch * f->batch; i++)
        logits[i] = (float)cosine(f->train->items + i / f->batch * f->embed, f->train->texts + i % f->batch * f->embed,
                                  f->embed) *
                    cv_clip_scale(f->train->clip);
    check_golden_numbers(f, name, logits);
}

static void pictures_and_texts(void **state)
{
    enum { ITEMS = 4, PIXELS = 3 * 32 * 32 };
    static const cv_gelu_form forms[] = { CV_GELU_QUICK, CV_GELU_ERF };
    static float pixels[ITEMS * PIXELS];

    (void)state;
    for (int i = 0; i < 2; i++) {
        const cv_clip_config config = {
            .image = { .width = 128, .layers = 2, .heads = 2, .mlp = 512 },
            .text = { .width = 128, .layers = 2, .heads = 2, .mlp = 512 },
            .resolution = 32,
            .patch = 8,
            .context = 24,
            .vocabulary = 710,
            .end = -1,
            .embed = 32,
            .gelu = forms[i],
        };
        const cv_clip_config *opened;
        fixture f;

        if (!open_fixture(&f, check_golden("metrics/clip.safetensors"), i ? "gelu." : "quick.", &config, 107, ITEMS))
            skip();
        opened = cv_clip_config_of(f.train->clip);
        for (int k = 0; k < ITEMS * PIXELS; k++) {
            int c = k / (32 * 32) % 3;

            pixels[k] = rintf(255 * (check_f32(f.golden, "pixels")[k] * opened->deviation[c] + opened->mean[c]));
        }
        run(&f, pixels, check_i32(f.golden, "ids"));
        check_golden_numbers(&f, "image_features", f.train->items);
        check_golden_numbers(&f, "text_features", f.train->texts);
        check_logits(&f, "logits_per_image");
        check_gradients(&f);
        close_fixture(&f);
    }
}

static void texts_and_features(void **state)
{
    const cv_clip_config config = {
        .text = { .width = 32, .layers = 2, .heads = 2, .mlp = 128 },
        .context = 12,
        .vocabulary = 40,
        .end = 2,
        .features = 12,
        .embed = 16,
        .gelu = CV_GELU_ERF,
    };
    fixture f;

    (void)state;
    assert_true(open_fixture(&f, check_data("metrics/shapes_text.safetensors"), "", &config, 112, 6));
    memcpy((float *)f.train->clip->feature_mean, check_f32(f.golden, "feature_mean"), 12 * sizeof(float));
    memcpy((float *)f.train->clip->feature_deviation, check_f32(f.golden, "feature_deviation"), 12 * sizeof(float));
    run(&f, check_f32(f.golden, "features"), check_i32(f.golden, "ids"));
    for (int i = 0; i < 6; i++)
        assert_int_equal(f.train->text.ends[i], check_i32(f.golden, "end")[i]);
    check_golden_numbers(&f, "clip_features", f.train->items);
    check_golden_numbers(&f, "text_features", f.train->texts);
    check_logits(&f, "logits");
    check_gradients(&f);
    close_fixture(&f);
}

/* [clips][frames][rows][columns][3] to planes. */
static void to_planes(float *planes, const uint8_t *pixels, int frames, int side)
{
    for (int f = 0; f < frames; f++)
        for (int i = 0; i < side * side; i++)
            for (int c = 0; c < 3; c++)
                planes[(f * 3 + c) * side * side + i] = pixels[(f * side * side + i) * 3 + c];
}

static void clips_by_their_frames(void **state)
{
    enum { CLIPS = 5, FRAMES = 4, SIDE = 24, E = 16 };
    static float planes[CLIPS * FRAMES * 3 * SIDE * SIDE];
    const cv_clip_config config = {
        .image = { .width = 32, .layers = 2, .heads = 2, .mlp = 128 },
        .text = { .width = 32, .layers = 2, .heads = 2, .mlp = 128 },
        .time = { .width = 32, .layers = 1, .heads = 2, .mlp = 128 },
        .resolution = SIDE,
        .patch = 8,
        .frames = FRAMES,
        .context = 12,
        .vocabulary = 40,
        .end = 2,
        .embed = E,
        .gelu = CV_GELU_ERF,
        .mean = { 0.5f, 0.5f, 0.5f },
        .deviation = { 0.5f, 0.5f, 0.5f },
    };
    float frames[CLIPS * FRAMES * E], normed[CLIPS * FRAMES * 32];
    fixture f;

    (void)state;
    assert_true(open_fixture(&f, check_data("metrics/shapes_clip.safetensors"), "", &config, 111, CLIPS));
    to_planes(planes, check_tensor(f.golden, "clips.u8")->data, CLIPS * FRAMES, SIDE);
    run(&f, planes, check_i32(f.golden, "ids"));
    check_golden_numbers(&f, "clip_features", f.train->items);
    check_golden_numbers(&f, "text_features", f.train->texts);
    cv_clip_head_run(&f.exec, &f.train->clip->picture_head, frames, normed, f.train->image.tops, CLIPS * FRAMES);
    check_golden_numbers(&f, "frame_features", frames);
    check_logits(&f, "logits");
    check_gradients(&f);
    for (int i = 0; i < CLIPS; i++) {
        double sum = 0;

        for (int k = 0; k < FRAMES; k++)
            sum += cosine(frames + (i * FRAMES + k) * E, f.train->texts + i * E, E) / FRAMES;
        CHECK_CLOSE(sum, check_f32(f.golden, "clipsim")[i], 1e-5);
        CHECK_CLOSE(cosine(f.train->items + i * E, f.train->texts + i * E, E), check_f32(f.golden, "clip_cosine")[i],
                    1e-5);
    }
    close_fixture(&f);
}

static int set_up(void **state)
{
    (void)state;
    cv_blas_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_and_texts),
        cmocka_unit_test(texts_and_features),
        cmocka_unit_test(clips_by_their_frames),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
