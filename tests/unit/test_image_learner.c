/* The image tokenizer's gradients against differences of its loss, on a network that has every kind of layer. */
#include "support/check.h"
#include "support/seeded.h"

#include "model/image_tokenizer/learn.h"
#include "nn/blas.h"
#include "train/init.h"

#define SIDE 8
#define BATCH 9 /* one part has two pictures */
#define RATE 4
#define STEP 4e-3

#define MEANS .mean = { 0.5f, 0.4f, 0.6f }, .std = { 0.3f, 0.25f, 0.35f }
#define PATCHES                                                                   \
    {                                                                             \
        .count = 1, .widths = { 10 }, .attention = -1, .patch = RATE, .blocks = 2 \
    }

static const cv_image_tokenizer_config looking_around = {
    .latent = 3,
    .codes = 16,
    .groups = 2,
    .norm_epsilon = 1e-6f,
    MEANS,
    .channels = 4,
    .encoder = { .count = 2, .widths = { 4, 8 }, .attention = -1 },
    .decoder_count = 1,
    .decoders = { { .count = 3, .widths = { 4, 4, 8 }, .attention = 2 } },
    .down_samplers = 1,
};
static const cv_image_tokenizer_config local = {
    .latent = 3,
    .codes = 16,
    .groups = 2,
    .norm_epsilon = 1e-6f,
    MEANS,
    .channels = 4,
    .encoder = PATCHES,
    .decoder_count = 1,
    .decoders = { PATCHES },
};
static const cv_image_tokenizer_config bare = {
    /* patches as they are */
    .latent = 3 * RATE * RATE,
    .codes = 16,
    .groups = 2,
    .norm_epsilon = 1e-6f,
    MEANS,
    .channels = 4,
    .encoder = { .count = 1, .attention = -1, .patch = RATE },
    .decoder_count = 1,
    .decoders = { PATCHES },
};
static cv_image_tokenizer_config config; /* one of these */

typedef struct bench {
    cv_store *weights, *gradients;
    cv_image_learner *learner;
    cv_exec exec;
    uint8_t rgb[BATCH * SIDE * SIDE * 3];
} bench;

static int start(void **state)
{
    (void)state;
    config = looking_around;
    cv_blas_init();
    return 0;
}

static int start_local(void **state)
{
    (void)state;
    config = local;
    cv_blas_init();
    return 0;
}

static int start_bare(void **state)
{
    (void)state;
    config = bare;
    cv_blas_init();
    return 0;
}

/* What a place's code is made of: its own pixels, wherever it stands. */
static void local_codes_are_of_their_own_pixels(void **state)
{
    enum { ROW = SIDE * 3 };
    cv_exec exec = { .threads = 2 };
    cogvideo_error err;
    cv_store *plan, *weights;
    cv_image_tokenizer *tokenizer;
    uint8_t rgb[SIDE * ROW], moved[SIDE * ROW];
    float z[4 * 3], after[4 * 3];
    int32_t codes[4], others[4];
    cv_arena arena;

    (void)state;
    cv_kernels_plain(&exec.kernels);
    CHECK_OK(cv_image_tokenizer_plan(&plan, &local, &err), err);
    CHECK_OK(cv_store_create_like(&weights, "weights", plan, &err), err);
    cv_store_close(&plan);
    cv_init_store(weights, 3, &(cv_init_rule){ "*.bias", CV_INIT_NORMAL, 0.1f }, 1);
    CHECK_OK(cv_image_tokenizer_open(&tokenizer, weights, &local, &err), err);
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(127.5f + 127 * seeded_unit(1, "rgb", i));
    CHECK_OK(cv_arena_create(&arena, cv_image_tokenizer_encode_scratch(tokenizer, &exec, SIDE, SIDE), &err), err);
    CHECK_OK(cv_image_tokenizer_encode(&exec, tokenizer, codes, z, rgb, SIDE, SIDE, RATE, &arena, &err), err);
    for (int y = 0; y < SIDE; y++) /* left and right half change places */
        for (int i = 0; i < ROW; i++)
            moved[y * ROW + i] = rgb[y * ROW + (i + RATE * 3) % ROW];
    CHECK_OK(cv_image_tokenizer_encode(&exec, tokenizer, others, after, moved, SIDE, SIDE, RATE, &arena, &err), err);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(others[i], codes[i ^ 1]);
        for (int k = 0; k < 3; k++)
            CHECK_CLOSE(after[i * 3 + k], z[(i ^ 1) * 3 + k], 1e-5);
    }
    memcpy(moved, rgb, sizeof rgb);
    moved[0] ^= 64;
    CHECK_OK(cv_image_tokenizer_encode(&exec, tokenizer, others, after, moved, SIDE, SIDE, RATE, &arena, &err), err);
    assert_true(memcmp(after, z, 3 * sizeof *z) != 0);
    assert_memory_equal(after + 3, z + 3, 9 * sizeof *z);
    cv_arena_free(&arena);
    cv_image_tokenizer_close(&tokenizer);
    cv_store_close(&weights);
}

static void bench_open(bench *b, int threads, double l1, double l2, double commitment)
{
    static const cv_init_rule rules[] = { { "quantize.embed.weight", CV_INIT_NORMAL, 1.0f },
                                          { "*.bias", CV_INIT_NORMAL, 0.1f } };
    cv_image_learning options = { .batch = BATCH,
                                  .side = SIDE,
                                  .rate = RATE,
                                  .l1 = l1,
                                  .l2 = l2,
                                  .commitment = commitment };
    cogvideo_error err;
    cv_store *plan;

    *b = (bench){ .exec = { .threads = threads } };
    cv_kernels_plain(&b->exec.kernels);
    CHECK_OK(cv_image_tokenizer_plan(&plan, &config, &err), err);
    CHECK_OK(cv_store_create_like(&b->weights, "weights", plan, &err), err);
    CHECK_OK(cv_store_create_like(&b->gradients, "gradients", plan, &err), err);
    cv_store_close(&plan);
    cv_init_store(b->weights, 3, rules, 2);
    for (size_t i = 0; i < sizeof b->rgb; i++)
        b->rgb[i] = (uint8_t)(127.5f + 127 * seeded_unit(1, "rgb", i));
    CHECK_OK(cv_image_learner_open(&b->learner, &b->exec, b->weights, b->gradients, &config, &options, &err), err);
}

static void bench_close(bench *b)
{
    cv_image_learner_close(&b->learner);
    cv_store_close(&b->weights);
    cv_store_close(&b->gradients);
}

static float *values_of(cv_store *store, const char *name)
{
    return cv_tensor_values(check_tensor(store, name));
}

/* The slope of `which` loss where `count` numbers move together; no code may change. */
static double slope(bench *b, float *const *moving, int count, double (*which)(const cv_image_losses *))
{
    int32_t before[BATCH * SIDE / RATE * SIDE / RATE];
    double found[2];

    assert_int_equal(cv_image_learner_rows(b->learner), sizeof before / sizeof *before);
    memcpy(before, cv_image_learner_codes(b->learner), sizeof before);
    for (int side = 0; side < 2; side++) {
        cv_image_losses losses;
        float by = side == 0 ? (float)STEP : (float)-STEP;

        for (int i = 0; i < count; i++)
            *moving[i] += by;
        cv_image_learner_measure(b->learner, &losses, b->rgb);
        for (int i = 0; i < count; i++)
            *moving[i] -= by;
        found[side] = which(&losses);
        if (memcmp(before, cv_image_learner_codes(b->learner), sizeof before) != 0)
            return NAN;
    }
    return (found[0] - found[1]) / (2 * STEP);
}

static double commitment(const cv_image_losses *losses)
{
    return losses->commitment;
}
static double reconstruction(const cv_image_losses *losses)
{
    return losses->l2;
}

/* A few places of every tensor whose name starts with `prefix`. */
static void check_tensors(bench *b, const char *prefix, double (*which)(const cv_image_losses *))
{
    int checked = 0;

    for (size_t t = 0; t < cv_store_count(b->weights); t++) {
        const cv_tensor *tensor = cv_store_at(b->weights, t);
        const float *gradient = cv_store_at(b->gradients, t)->data;
        double square = 0;

        if (strncmp(tensor->name, prefix, strlen(prefix)) != 0)
            continue;
        for (size_t i = 0; i < tensor->count; i++)
            square += (double)gradient[i] * (double)gradient[i] / (double)tensor->count;
        for (size_t i = 0; i < tensor->count; i += 1 + tensor->count / 5) {
            float *value = cv_tensor_values(tensor) + i;
            double expected = slope(b, &value, 1, which);

            if (isnan(expected))
                continue;
            checked++;
            if (!(fabs((double)gradient[i] - expected) <= 1e-2 * (fabs(expected) + sqrt(square)) + 5e-6))
                fail_msg("%s [%zu]: gradient %.6g, slope %.6g, size %.3g", tensor->name, i, (double)gradient[i],
                         expected, sqrt(square));
        }
    }
    assert_true(checked > (config.encoder.patch ? 40 : 60));
}

static void decoders_learn_from_the_picture(void **state)
{
    bench b;
    cv_image_losses losses;

    (void)state;
    bench_open(&b, 2, 0, 1, 0);
    cv_image_learner_run(b.learner, &losses, b.rgb);
    CHECK_CLOSE(losses.psnr, -10 * log10(losses.l2), 1e-9);
    check_tensors(&b, "decs.", reconstruction);
    for (int i = 0; i < config.codes * config.latent; i++)
        assert_true(values_of(b.gradients, "quantize.embed.weight")[i] == 0);
    bench_close(&b);
}

static void encoders_learn_to_commit(void **state)
{
    bench b;
    cv_image_losses losses;

    (void)state;
    bench_open(&b, 2, 0, 0, 1);
    cv_image_learner_run(b.learner, &losses, b.rgb);
    check_tensors(&b, "enc.", commitment);
    for (size_t t = 0; t < cv_store_count(b.gradients); t++) {
        const cv_tensor *tensor = cv_store_at(b.gradients, t);

        for (size_t i = 0; strncmp(tensor->name, "decs.", 5) == 0 && i < tensor->count; i++)
            assert_true(cv_tensor_values(tensor)[i] == 0);
    }
    bench_close(&b);
}

/* Where all codes move together with the encoder's last bias no vector changes its code, so that the loss has a slope:
 * the one that the straight-through gradient claims. */
static void gradients_pass_straight_through(void **state)
{
    bench b;
    cv_image_losses losses;

    (void)state;
    bench_open(&b, 2, 0, 1, 0);
    cv_image_learner_run(b.learner, &losses, b.rgb);
    for (int k = 0; k < config.latent; k++) {
        float *moving[17];
        double gradient = (double)values_of(b.gradients, "quantize.proj.bias")[k], expected;

        moving[16] = values_of(b.weights, "quantize.proj.bias") + k;
        for (int code = 0; code < config.codes; code++)
            moving[code] = values_of(b.weights, "quantize.embed.weight") + code * config.latent + k;
        expected = slope(&b, moving, 17, reconstruction);
        CHECK_CLOSE(gradient, expected, 1e-2 * fabs(expected) + 1e-5);
    }
    bench_close(&b);
}

/* Without quantization the loss has slopes everywhere. */
static void autoencoders_learn(void **state)
{
    bench b;
    cv_image_losses losses;

    (void)state;
    bench_open(&b, 2, 0, 1, 5);
    cv_image_learner_quantize(b.learner, false);
    cv_image_learner_run(b.learner, &losses, b.rgb);
    check_tensors(&b, "", reconstruction);
    bench_close(&b);
}

static void threads_change_nothing(void **state)
{
    bench a, b;
    cv_image_losses losses[2];

    (void)state;
    bench_open(&a, 1, 1, 1, 0.25);
    bench_open(&b, 3, 1, 1, 0.25);
    for (int step = 0; step < 2; step++) { /* the second adds */
        cv_image_learner_run(a.learner, &losses[0], a.rgb);
        cv_image_learner_run(b.learner, &losses[1], b.rgb);
        assert_memory_equal(&losses[0], &losses[1], sizeof losses[0]);
        for (size_t t = 0; t < cv_store_count(a.gradients); t++)
            assert_memory_equal(cv_store_at(a.gradients, t)->data, cv_store_at(b.gradients, t)->data,
                                cv_store_at(a.gradients, t)->count * sizeof(float));
    }
    assert_true(cv_image_learner_bytes(a.learner) > 0);
    bench_close(&a);
    bench_close(&b);
}

/* What learns is what runs. L1 has no slope where a difference is 0, so its gradient is counted here: the signs'
 * sum. */
static void the_forward_pass_is_the_one_of_inference(void **state)
{
    bench b;
    cv_image_losses losses;
    cv_image_tokenizer *tokenizer;
    cogvideo_error err;
    int32_t codes[4];
    float rgb[SIDE * SIDE * 3];
    double l2 = 0, signs[3] = { 0 };
    cv_arena arena;

    (void)state;
    bench_open(&b, 1, 1, 0, 1);
    cv_image_learner_run(b.learner, &losses, b.rgb);
    CHECK_OK(cv_image_tokenizer_open(&tokenizer, b.weights, &config, &err), err);
    CHECK_OK(cv_arena_create(&arena,
                             cv_image_tokenizer_encode_scratch(tokenizer, &b.exec, SIDE, SIDE) +
                                 cv_image_tokenizer_decode_scratch(tokenizer, &b.exec, SIDE / RATE, SIDE / RATE, RATE),
                             &err),
             err);
    for (size_t i = 0; i < BATCH; i++) {
        const uint8_t *picture = b.rgb + i * sizeof rgb / sizeof *rgb;

        CHECK_OK(cv_image_tokenizer_encode(&b.exec, tokenizer, codes, NULL, picture, SIDE, SIDE, RATE, &arena, &err),
                 err);
        assert_memory_equal(codes, cv_image_learner_codes(b.learner) + 4 * i, sizeof codes);
        CHECK_OK(cv_image_tokenizer_decode(&b.exec, tokenizer, rgb, codes, 2, 2, RATE, &arena, &err), err);
        for (size_t j = 0; j < sizeof rgb / sizeof *rgb; j++) {
            double d = (double)rgb[j] - (double)picture[j] / 255;

            l2 += d * d / sizeof b.rgb;
            signs[j % 3] += (d > 0) - (d < 0);
        }
    }
    for (int c = 0; c < 3; c++) {
        const int biases = config.decoders[0].patch ? RATE * RATE : 1; /* of a colour */
        double gradient = 0;

        for (int i = 0; i < biases; i++)
            gradient += (double)values_of(b.gradients, "decs.0.conv_out.bias")[c * biases + i];
        CHECK_CLOSE(gradient, signs[c] * (double)config.std[c] / sizeof b.rgb, 1e-6);
    }
    CHECK_CLOSE(l2, losses.l2, 1e-6);
    cv_arena_free(&arena);
    cv_image_tokenizer_close(&tokenizer);
    bench_close(&b);
}

static void vectors_are_patches(void **state)
{
    bench b;
    cv_image_losses losses;

    (void)state;
    bench_open(&b, 2, 1, 0, 1);
    cv_image_learner_measure(b.learner, &losses, b.rgb);
    for (int i = 0; i < 3 * RATE * RATE; i++) { /* of the first picture's first place */
        int c = i / (RATE * RATE), y = i / RATE % RATE, x = i % RATE;
        double pixel = (double)b.rgb[(y * SIDE + x) * 3 + c] / 255;

        CHECK_CLOSE(cv_image_learner_vectors(b.learner)[i], (pixel - (double)config.mean[c]) / (double)config.std[c],
                    1e-5);
    }
    bench_close(&b);
}

static void senseless_options_are_refused(void **state)
{
    bench b;
    cv_image_learner *learner = NULL;
    cogvideo_error err;
    const cv_image_learning wrong[] = {
        { .batch = 0, .side = SIDE, .rate = RATE },     { .batch = 1, .side = SIDE, .rate = 2 },
        { .batch = 1, .side = SIDE + 1, .rate = RATE }, { .batch = 1, .side = 1 << 30, .rate = RATE },
        { .batch = 1, .side = SIDE, .rate = 0 },        { .batch = 1, .side = -SIDE, .rate = RATE },
    };

    (void)state;
    bench_open(&b, 1, 1, 1, 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_FAILS(cv_image_learner_open(&learner, &b.exec, b.weights, b.gradients, &config, &wrong[i], &err),
                    COGVIDEO_ERROR_ARGUMENT, wrong[i].batch ? "cannot be trained" : "batch", err);
    assert_null(learner);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoders_learn_from_the_picture), cmocka_unit_test(encoders_learn_to_commit),
        cmocka_unit_test(gradients_pass_straight_through), cmocka_unit_test(autoencoders_learn),
        cmocka_unit_test(threads_change_nothing),          cmocka_unit_test(the_forward_pass_is_the_one_of_inference),
        cmocka_unit_test(senseless_options_are_refused),
    };
    const struct CMUnitTest own[] = { cmocka_unit_test(local_codes_are_of_their_own_pixels) }, without_encoder[] = {
        cmocka_unit_test(decoders_learn_from_the_picture),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(the_forward_pass_is_the_one_of_inference),
        cmocka_unit_test(vectors_are_patches),
    };

    return cmocka_run_group_tests(tests, start, NULL) + cmocka_run_group_tests(tests, start_local, NULL) +
           cmocka_run_group_tests(own, start_local, NULL) + cmocka_run_group_tests(without_encoder, start_bare, NULL);
}
