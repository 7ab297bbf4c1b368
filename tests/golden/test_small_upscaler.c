/* The small super-resolution network of CogView2 against the original: logits, and codes drawn from recorded numbers,
 * also those of two samples on their way from a text to refined codes. */
#include "support/check.h"
#include "support/networks.h"
#include "support/softmax.h"

#include "family/cogvideo/upscaler/upscaler.h"
#include "nn/blas.h"
#include "sample/sampler.h"

#include <math.h>

enum { LOW = 64, SIDE = 24, N = SIDE * SIDE, CODES = 1024, EVERY = 31, COLUMNS = (CODES + EVERY - 1) / EVERY };

static const cv_upscaler_config upscaler_config = { .layers = 3,
                                                    .hidden = 64,
                                                    .heads = 4,
                                                    .mlp = 256,
                                                    .vocabulary = 1600,
                                                    .image_codes = CODES,
                                                    .start_of_image = 1526,
                                                    .grid = 8,
                                                    .upscaled_grid = SIDE,
                                                    .text_places = 24,
                                                    .positions = 1024,
                                                    .low_position = 513,
                                                    .cross_kernel = 5,
                                                    .own_kernel = 5,
                                                    .norm_epsilon = 1e-5 };

static cv_store *small_upscaler, *pipeline, *store;
static cv_upscaler *upscaler;
static cv_clusters *clusters;
static cv_exec exec = { .threads = 2 };
static cv_arena arena, drawing;

static int open_all(void **state)
{
    seeded_list list = { 0 };
    cv_store *pictures = NULL;
    cogvideo_error err;

    (void)state;
    if (!check_golden("cogview2/small/upscaler.safetensors"))
        return 0;
    cv_blas_init();
    check_kernels(&exec.kernels);
    CHECK_OK(cv_store_open(&small_upscaler, check_golden("cogview2/small/upscaler.safetensors"), &err), err);
    CHECK_OK(cv_store_open(&pipeline, check_golden("cogview2/small/pipeline.safetensors"), &err), err);
    CHECK_OK(cv_store_open(&pictures, check_golden("cogview2/small/text2image.safetensors"), &err), err);
    CHECK_OK(cv_clusters_create(&clusters, check_i32(pictures, "cluster_labels"), CODES, &err), err);
    cv_store_close(&pictures);
    networks_upscaler(&list, 83, 3, 64, 1600, 1024, N);
    seeded_write(&list, check_temp_path("upscaler.safetensors"), CV_F32);
    seeded_list_free(&list);
    CHECK_OK(cv_store_open(&store, check_temp_path("upscaler.safetensors"), &err), err);
    CHECK_OK(cv_upscaler_open(&upscaler, store, store, &upscaler_config, &err), err);
    CHECK_OK(cv_arena_create(&arena, cv_upscaler_scratch(upscaler, &exec), &err), err);
    CHECK_OK(cv_arena_create(&drawing, cv_sampler_scratch(CODES, clusters), &err), err);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    cv_upscaler_close(&upscaler);
    cv_clusters_free(&clusters);
    cv_store_close(&small_upscaler);
    cv_store_close(&pipeline);
    cv_store_close(&store);
    cv_arena_free(&arena);
    cv_arena_free(&drawing);
    return 0;
}

/* A picture's logits: compared where `logits` is not NULL, and a code drawn of each place. */
typedef struct picture {
    const float *logits, *lse; /* of every fourth place; of all */
    const double *u;           /* [N][2] */
    cogvideo_sampling sampling;
    int32_t codes[N];
    double worst;
} picture;

static void see(void *user, int first, int count, const float *logits)
{
    picture *p = user;

    for (int i = 0; i < count; i++, logits += CODES) {
        const int place = first + i;

        p->codes[place] =
            cv_sample(logits, CODES, &p->sampling, clusters, p->u[2 * place], p->u[2 * place + 1], &drawing);
        if (!p->logits)
            continue;
        p->worst = fmax(p->worst, fabs(softmax_log_sum_exp(logits, CODES) - (double)p->lse[place]));
        for (int c = 0; place % 4 == 0 && c < COLUMNS; c++)
            p->worst = fmax(p->worst, fabs((double)logits[c * EVERY] - (double)p->logits[place / 4 * COLUMNS + c]));
    }
}

static void run(picture *p, const cv_tensor *text, int count, const int32_t *low)
{
    const cv_upscaler_callbacks callbacks = { .logits = see, .user = p };
    cogvideo_error err;

    CHECK_OK(cv_upscaler_run(&exec, upscaler, text->data, count, low, &callbacks, &arena, &err), err);
}

static void pictures_are_upscaled_as_in_the_original(void **state)
{
    static const struct {
        const char *name;
        int clusters;
        double code_temperature;
    } styles[] = { { "sampled.mainbody", 100, 0.89 }, { "sampled.flat", 5, 0.4 } };

    (void)state;
    if (!upscaler) {
        skip();
        return;
    }
    for (size_t s = 0; s < sizeof styles / sizeof *styles; s++)
        for (int i = 0; i < 2; i++) {
            const cv_tensor *text = check_tensor(small_upscaler, "text");
            const int32_t *codes = check_member(small_upscaler, styles[s].name, "codes");
            picture p = { .logits = check_f32(small_upscaler, "logits") + (size_t)i * (N / 4) * COLUMNS,
                          .lse = check_f32(small_upscaler, "lse") + (size_t)i * N,
                          .u = (const double *)check_member(small_upscaler, styles[s].name, "u") + (size_t)i * 2 * N,
                          .sampling = { .temperature = 1,
                                        .clusters = styles[s].clusters,
                                        .code_temperature = styles[s].code_temperature,
                                        .top_p = 1 } };

            run(&p, text, (int)text->count, check_i32(small_upscaler, "low") + i * LOW);
            assert_memory_equal(p.codes, codes + i * N, sizeof p.codes);
            assert_true(p.worst < 5e-5);
        }
}

/* From the first codes on: their making is tested in test_coglm.c, and rounds of refining in test_refiner.c. */
static void pictures_of_the_pipeline_are_upscaled(void **state)
{
    (void)state;
    if (!upscaler) {
        skip();
        return;
    }
    for (int i = 0; i < 2; i++) {
        const cv_tensor *text = check_tensor(pipeline, "text");
        picture p = { .u = (const double *)check_tensor(pipeline, "upscale.u")->data + (size_t)i * 2 * N,
                      .sampling = { .temperature = 1, .clusters = 100, .code_temperature = 0.89, .top_p = 1 } };

        run(&p, text, (int)text->count - 1, check_i32(pipeline, "generate.codes") + i * LOW);
        assert_memory_equal(p.codes, check_i32(pipeline, "upscale.codes") + i * N, sizeof p.codes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_upscaled_as_in_the_original),
        cmocka_unit_test(pictures_of_the_pipeline_are_upscaled),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
