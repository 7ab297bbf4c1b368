/* Super-resolution against the original's logits, and the same bits whatever the threads and the file's dtype. */
#include "support/check.h"
#include "support/networks.h"

#include "family/cogvideo/upscaler/upscaler.h"
#include "nn/blas.h"

#define PLACES 3600
#define CODES 20000
#define LOW 400
#define PLACE_STEP 9 /* of the logits in the golden file */
#define CODE_STEP 499
#define STORED 41

static const cv_upscaler_config config = {
    .layers = 4,
    .hidden = 64,
    .heads = 4,
    .mlp = 256,
    .vocabulary = 20512,
    .image_codes = CODES,
    .start_of_image = 20502,
    .grid = 20,
    .upscaled_grid = 60,
    .text_places = 96,
    .positions = 1024,
    .low_position = 513,
    .cross_kernel = 5,
    .own_kernel = 5,
    .norm_epsilon = 1e-5,
};

typedef struct network {
    cv_store *store;
    cv_upscaler *upscaler;
} network;

static cv_store *golden;
static network f32, f16;

static void open_network(network *out, const char *name, cv_dtype dtype)
{
    seeded_list list = { 0 };
    cogvideo_error err;

    networks_upscaler(&list, 61, config.layers, config.hidden, config.vocabulary, config.positions, PLACES);
    seeded_write(&list, check_temp_path(name), dtype);
    seeded_list_free(&list);
    CHECK_OK(cv_store_open(&out->store, check_temp_path(name), &err), err);
    CHECK_OK(cv_upscaler_open(&out->upscaler, out->store, out->store, &config, &err), err);
}

static int set_up(void **state)
{
    cogvideo_error err;

    (void)state;
    cv_blas_init();
    CHECK_OK(cv_store_open(&golden, check_data("upscaler/forced.safetensors"), &err), err);
    open_network(&f32, "f32.safetensors", CV_F32);
    open_network(&f16, "f16.safetensors", CV_F16);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cv_store_close(&golden);
    cv_upscaler_close(&f32.upscaler);
    cv_upscaler_close(&f16.upscaler);
    cv_store_close(&f32.store);
    cv_store_close(&f16.store);
    return 0;
}

static void run_frame(const network *of, int threads, int frame, const cv_upscaler_callbacks *callbacks)
{
    cv_exec exec = { .threads = threads };
    const cv_tensor *text = check_tensor(golden, "text");
    cogvideo_error err;
    cv_arena arena;

    check_kernels(&exec.kernels);
    CHECK_OK(cv_arena_create(&arena, cv_upscaler_scratch(of->upscaler, &exec), &err), err);
    CHECK_OK(cv_upscaler_run(&exec, of->upscaler, text->data, (int)text->count,
                             check_i32(golden, "frames") + frame * LOW, callbacks, &arena, &err),
             err);
    cv_arena_free(&arena);
}

typedef struct comparison {
    int frame, next;
} comparison;

static void compare_place(const comparison *c, int place, const float *logits)
{
    size_t at = (size_t)c->frame * PLACES + (size_t)place;
    const float *expected = check_f32(golden, "logits") + at / PLACE_STEP * STORED;
    double sum = 0;
    int best = 0;

    for (int i = 0; place % PLACE_STEP == 0 && i < STORED; i++)
        CHECK_CLOSE(logits[i * CODE_STEP], expected[i], 2e-3);
    for (int code = 1; code < CODES; code++)
        best = logits[code] > logits[best] ? code : best;
    for (int code = 0; code < CODES; code++)
        sum += (double)expf(logits[code] - logits[best]);
    CHECK_CLOSE(logits[best] + log(sum), check_f32(golden, "lse")[at], 2e-3);
    if (check_f32(golden, "margin")[at] > 1e-2f)
        assert_int_equal(best, check_i32(golden, "argmax")[at]);
}

static void compare(void *user, int first, int count, const float *logits)
{
    comparison *c = user;

    assert_int_equal(first, c->next);
    for (int i = 0; i < count; i++)
        compare_place(c, first + i, logits + (size_t)i * CODES);
    c->next = first + count;
}

static void logits_are_the_originals(void **state)
{
    (void)state;
    for (int frame = 0; frame < 2; frame++) {
        comparison c = { .frame = frame };

        run_frame(&f16, 2, frame, &(cv_upscaler_callbacks){ .logits = compare, .user = &c });
        assert_int_equal(c.next, PLACES);
    }
}

/* FNV-1a over the bits of all logits. */
static void hash_logits(void *user, int first, int count, const float *logits)
{
    uint64_t *hash = user;

    (void)first;
    for (size_t i = 0; i < (size_t)count * CODES; i++) {
        uint32_t bits;

        memcpy(&bits, &logits[i], sizeof bits);
        *hash = (*hash ^ bits) * 0x100000001b3;
    }
}

static uint64_t frame_hash(const network *of, int threads)
{
    uint64_t hash = 0xcbf29ce484222325;

    run_frame(of, threads, 0, &(cv_upscaler_callbacks){ .logits = hash_logits, .user = &hash });
    return hash;
}

static void threads_change_no_bit(void **state)
{
    const network *const networks[] = { &f32, &f16 }; /* by BLAS, and by kernels */

    (void)state;
    for (int n = 0; n < 2; n++) {
        uint64_t expected = frame_hash(networks[n], 1);

        assert_true(expected == frame_hash(networks[n], 2));
        assert_true(expected == frame_hash(networks[n], 3));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_the_originals),
        cmocka_unit_test(threads_change_no_bit),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
