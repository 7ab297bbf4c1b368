/* The image tokenizer against what the original computed, for f32 and f16 weights and any number of threads; and
 * pictures of any size on their way to codes as ICETK takes them. */
#include "support/check.h"
#include "support/networks.h"

#include "media/icetk.h"
#include "model/image_tokenizer/image_tokenizer.h"
#include "nn/blas.h"

#define SEED 51
#define CHANNELS 32
#define LATENT 16
#define CODES 20000
#define SIDE 160

static cv_store *golden, *stores[2];
static cv_image_tokenizer *tokenizers[2]; /* f32, f16 */
static cv_json *description;
static cv_image_tokenizer_config config;

static const char *weights_path(cv_dtype dtype)
{
    return check_temp_path(dtype == CV_F32 ? "f32.safetensors" : "f16.safetensors");
}

/* A description's section; *json owns it. */
static void read_config(cv_image_tokenizer_config *out, cv_json **json, const char *name)
{
    const char *configs = getenv("COGVIDEO_CONFIGS");
    char path[1024];
    cogvideo_error err;

    snprintf(path, sizeof path, "%s/%s", configs ? configs : "configs", name);
    CHECK_OK(cv_json_read(json, path, 1 << 20, &err), err);
    CHECK_OK(cv_image_tokenizer_config_parse(out, cv_json_get(*json, "image_tokenizer"), path, &err), err);
}

/* The small description, with the goldens' codebook. */
static int open_all(void **state)
{
    cogvideo_error err;
    seeded_list list = { 0 };

    (void)state;
    cv_blas_init();
    read_config(&config, &description, "small.json");
    config.codes = CODES;
    CHECK_OK(cv_store_open(&golden, check_data("image_tokenizer/forced.safetensors"), &err), err);
    networks_image_tokenizer(&list, SEED, CHANNELS, LATENT, CODES);
    for (cv_dtype dtype = CV_F32; dtype <= CV_F16; dtype++) {
        seeded_write(&list, weights_path(dtype), dtype);
        CHECK_OK(cv_store_open(&stores[dtype], weights_path(dtype), &err), err);
        CHECK_OK(cv_image_tokenizer_open(&tokenizers[dtype], stores[dtype], &config, &err), err);
        CHECK_OK(cv_store_check_claimed(stores[dtype], &err), err);
    }
    seeded_list_free(&list);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        cv_image_tokenizer_close(&tokenizers[i]);
        cv_store_close(&stores[i]);
    }
    cv_store_close(&golden);
    cv_json_free(&description);
    return 0;
}

static cv_exec exec_with(int threads)
{
    cv_exec exec = { .threads = threads };

    check_kernels(&exec.kernels);
    return exec;
}

static void *room(size_t count, size_t size)
{
    cogvideo_error err;
    void *block = cv_alloc(count, size, &err);

    if (!block)
        fail_msg("%s", err.message);
    return block;
}

/* Exactly the bytes that were planned, so that a memory checker sees one that is not. */
static void encode(int32_t *codes, float *z, int rate, cv_dtype dtype, int threads)
{
    cv_exec exec = exec_with(threads);
    cogvideo_error err;
    size_t size = cv_image_tokenizer_encode_scratch(tokenizers[dtype], &exec, SIDE, SIDE);
    cv_arena arena;

    CHECK_OK(cv_arena_create(&arena, size, &err), err);
    CHECK_OK(cv_image_tokenizer_encode(&exec, tokenizers[dtype], codes, z, check_tensor(golden, "image.u8")->data, SIDE,
                                       SIDE, rate, &arena, &err),
             err);
    cv_arena_free(&arena);
}

static void decode(float *rgb, const cv_tensor *codes, int rate, cv_dtype dtype, int threads)
{
    int height = (int)codes->shape[0], width = (int)codes->shape[1];
    cv_exec exec = exec_with(threads);
    cogvideo_error err;
    size_t size = cv_image_tokenizer_decode_scratch(tokenizers[dtype], &exec, width, height, rate);
    cv_arena arena;

    CHECK_OK(cv_arena_create(&arena, size, &err), err);
    CHECK_OK(cv_image_tokenizer_decode(&exec, tokenizers[dtype], rgb, codes->data, width, height, rate, &arena, &err),
             err);
    cv_arena_free(&arena);
}

static void encodes_like_the_original(void **state)
{
    (void)state;
    for (int rate = 4; rate <= 16; rate *= 2) {
        size_t places = (size_t)(SIDE / rate) * (SIDE / rate);
        int32_t *codes = room(places, sizeof *codes), *again = room(places, sizeof *again);
        float *z = room(places * LATENT, sizeof *z);
        char name[64];
        const float *expected_z, *margin;
        const int32_t *expected;

        encode(codes, z, rate, CV_F32, 2);
        encode(again, NULL, rate, CV_F32, 2);
        assert_memory_equal(again, codes, places * sizeof *codes);
        snprintf(name, sizeof name, "encode.r%d.z", rate);
        expected_z = check_f32(golden, name);
        for (size_t i = 0; i < places * LATENT; i++)
            CHECK_CLOSE(z[i], expected_z[i], 2e-3);
        snprintf(name, sizeof name, "encode.r%d.tokens", rate);
        expected = check_i32(golden, name);
        snprintf(name, sizeof name, "encode.r%d.margin", rate);
        margin = check_f32(golden, name);
        for (size_t i = 0; i < places; i++)
            if (margin[i] > 1e-3f)
                assert_int_equal(codes[i], expected[i]);
        cv_free(codes);
        cv_free(again);
        cv_free(z);
    }
}

static void decodes_like_the_original(void **state)
{
    (void)state;
    for (int rate = 4; rate <= 16; rate *= 2) {
        char name[64];
        const cv_tensor *codes, *expected;
        float *rgb;

        snprintf(name, sizeof name, "decode.r%d.tokens", rate);
        codes = check_tensor(golden, name);
        snprintf(name, sizeof name, "decode.r%d.rgb", rate);
        expected = check_tensor(golden, name);
        assert_int_equal(expected->shape[0], codes->shape[0] * (size_t)rate);
        rgb = room(expected->count, sizeof *rgb);
        decode(rgb, codes, rate, CV_F32, 2);
        for (size_t i = 0; i < expected->count; i++)
            CHECK_CLOSE(rgb[i], ((const float *)expected->data)[i], 1e-3);
        cv_free(rgb);
    }
}

static void enlarged_picture_is_the_original_one(void **state)
{
    const float *expected = check_f32(golden, "decode.r8.rgb480_nearest_strided");
    float *rgb = room(SIDE * SIDE * 3, sizeof *rgb);

    (void)state;
    decode(rgb, check_tensor(golden, "decode.r8.tokens"), 8, CV_F32, 2);
    for (int row = 0; row < 480; row += 7)
        for (int column = 0; column < 480; column += 7)
            for (int c = 0; c < 3; c++, expected++)
                CHECK_CLOSE(rgb[(row / 3 * SIDE + column / 3) * 3 + c], *expected, 1e-3);
    cv_free(rgb);
}

static void threads_and_dtypes_change_no_bit(void **state)
{
    const cv_tensor *tokens = check_tensor(golden, "decode.r16.tokens");
    float *first = room(SIDE * SIDE * 3, sizeof *first), *other = room(SIDE * SIDE * 3, sizeof *other);
    float first_z[100 * LATENT], other_z[100 * LATENT];
    int32_t first_codes[100], other_codes[100];

    (void)state;
    decode(first, tokens, 16, CV_F32, 1);
    encode(first_codes, first_z, 16, CV_F32, 1);
    for (int threads = 1; threads <= 3; threads++)
        for (cv_dtype dtype = CV_F32; dtype <= CV_F16; dtype++) {
            decode(other, tokens, 16, dtype, threads);
            assert_memory_equal(other, first, SIDE * SIDE * 3 * sizeof *first);
            encode(other_codes, other_z, 16, dtype, threads);
            assert_memory_equal(other_z, first_z, sizeof first_z);
            assert_memory_equal(other_codes, first_codes, sizeof first_codes);
        }
    cv_free(first);
    cv_free(other);
}

/* --- pictures of any size ---------------------------------------------------------------------------------------- */

/* NULL where the goldens are not there. */
static cv_store *open_pictures(void)
{
    const char *path = check_golden("cogview2/icetk/images.safetensors");
    cv_store *store = NULL;
    cogvideo_error err;

    if (path)
        CHECK_OK(cv_store_open(&store, path, &err), err);
    return store;
}

static const cv_tensor *picture_tensor(const cv_store *store, const char *picture, const char *rest)
{
    char name[128];

    snprintf(name, sizeof name, "%s.%s", picture, rest);
    return check_tensor(store, name);
}

/* Codes of bytes or, where those are NULL, of planes. */
static int32_t *codes_of(const uint8_t *rgb, const float *planes, int width, int height, int rate)
{
    int32_t *codes = room((size_t)(width / rate) * (size_t)(height / rate), sizeof *codes);
    const cv_exec exec = exec_with(2);
    cv_arena arena;
    cogvideo_error err;

    CHECK_OK(cv_arena_create(&arena, cv_image_tokenizer_encode_scratch(tokenizers[0], &exec, width, height), &err),
             err);
    CHECK_OK(rgb ? cv_image_tokenizer_encode(&exec, tokenizers[0], codes, NULL, rgb, width, height, rate, &arena, &err)
                 : cv_image_tokenizer_encode_planes(&exec, tokenizers[0], codes, NULL, planes, width, height, rate,
                                                    &arena, &err),
             err);
    cv_arena_free(&arena);
    return codes;
}

/* Compares codes where they are no near tie. */
static void check_codes(const int32_t *codes, const cv_tensor *expected, const float *margin)
{
    for (size_t i = 0; i < expected->count; i++)
        if (!margin || margin[i] > 1e-3f)
            assert_int_equal(codes[i], ((const int32_t *)expected->data)[i]);
}

/* Returns the picture's planes of 0 .. 1. */
static float *planes_of(const cv_tensor *picture)
{
    const size_t pixels = picture->count / 3;
    float *planes = room(picture->count, sizeof *planes);

    for (size_t i = 0; i < picture->count; i++)
        planes[i % 3 * pixels + i / 3] = (float)((const uint8_t *)picture->data)[i] / 255.0f;
    return planes;
}

/* Resizes a picture in both ways, and compares; the results are the caller's. */
static void resize_picture(const cv_store *store, const char *picture, uint8_t **rgb, float **planes, int *size)
{
    const cv_tensor *image = picture_tensor(store, picture, "image.u8");
    const cv_tensor *bytes = picture_tensor(store, picture, "resized.u8");
    const float *numbers = picture_tensor(store, picture, "resized.f32")->data;
    const int height = (int)image->shape[0], width = (int)image->shape[1];
    float *given = planes_of(image);
    size_t pixels = bytes->count / 3, other = 0;
    cogvideo_error err;

    *size = (int)bytes->shape[0];
    *rgb = room(bytes->count, 1);
    *planes = room(bytes->count, sizeof **planes);
    CHECK_OK(cv_icetk_resize(*rgb, *size, image->data, height, width, &err), err);
    CHECK_OK(cv_icetk_resize_planes(*planes, *size, given, height, width, &err), err);
    for (size_t i = 0; i < bytes->count; i++) {
        const int a = (*rgb)[i], b = ((const uint8_t *)bytes->data)[i];
        const double exact = 255.0 * (double)numbers[i];

        CHECK_CLOSE((*planes)[i % 3 * pixels + i / 3], numbers[i], 1e-6);
        other += a != b;
        if (a != b && fabs(exact - floor(exact) - 0.5) > 1e-4) /* beside a half either may be */
            fail_msg("%s: value %zu is %d, not %d of %g", picture, i, a, b, exact);
    }
    assert_true(other <= 4);
    cv_free(given);
}

static void pictures_are_resized_and_encoded_like_the_original(void **state)
{
    static const char *const pictures[] = { "wide", "tall", "enlarged", "odd" };
    cv_store *store = open_pictures();

    (void)state;
    if (!store)
        skip();
    for (size_t p = 0; p < sizeof pictures / sizeof *pictures; p++) {
        uint8_t *rgb;
        float *planes;
        int size;

        resize_picture(store, pictures[p], &rgb, &planes, &size);
        for (int rate = 4; rate <= (size % 16 == 0 ? 16 : 8); rate *= 2) { /* there are no others of the odd size */
            int32_t *codes = codes_of(rgb, NULL, size, size, rate), *others = codes_of(NULL, planes, size, size, rate);
            char name[64];
            const float *margin;

            snprintf(name, sizeof name, "r%d.margin", rate);
            margin = picture_tensor(store, pictures[p], name)->data;
            snprintf(name, sizeof name, "r%d.tokens", rate);
            check_codes(codes, picture_tensor(store, pictures[p], name), margin);
            snprintf(name, sizeof name, "float.r%d.tokens", rate);
            check_codes(others, picture_tensor(store, pictures[p], name), margin);
            cv_free(codes);
            cv_free(others);
        }
        cv_free(rgb);
        cv_free(planes);
    }
    cv_store_close(&store);
}

/* Sides that are no multiples of the rate lose what is over at each halving. */
static void pictures_of_any_shape_are_encoded_like_the_original(void **state)
{
    cv_store *store = open_pictures();
    const cv_tensor *image, *expected;
    int32_t *codes;

    (void)state;
    if (!store)
        skip();
    image = check_tensor(store, "unsized.image.u8");
    expected = check_tensor(store, "unsized.r8.tokens");
    assert_int_equal(expected->count, 8 * 7);
    codes = codes_of(image->data, NULL, (int)image->shape[1], (int)image->shape[0], 8);
    check_codes(codes, expected, NULL);
    cv_free(codes);
    cv_store_close(&store);
}

static void impossible_sizes_and_ids_are_refused(void **state)
{
    static const int bad[][3] = { { 160, 15, 16 }, { 160, 160, 2 }, { 160, 160, 32 }, { 0, 160, 8 },
                                  { 160, -8, 8 },  { 8192, 8, 8 },  { 160, 160, 0 } };
    cv_exec exec = exec_with(1);
    cogvideo_error err;
    int32_t codes[4] = { 0, CODES, 0, -1 };
    float rgb[16 * 16 * 3];
    uint8_t pixel[3] = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(cv_image_tokenizer_encode(&exec, tokenizers[0], codes, NULL, pixel, bad[i][0], bad[i][1], bad[i][2],
                                              NULL, &err),
                    COGVIDEO_ERROR_ARGUMENT, "cannot be encoded at rate", err);
    assert_int_equal(cv_image_tokenizer_encode_scratch(tokenizers[0], &exec, 160, 3), 0);
    CHECK_FAILS(cv_image_tokenizer_decode(&exec, tokenizers[0], rgb, codes, 2, 1, 8, NULL, &err),
                COGVIDEO_ERROR_ARGUMENT, "id 20000 at place 1", err);
    CHECK_FAILS(cv_image_tokenizer_decode(&exec, tokenizers[0], rgb, codes + 2, 1, 2, 8, NULL, &err),
                COGVIDEO_ERROR_ARGUMENT, "id -1 at place 1", err);
    CHECK_FAILS(cv_image_tokenizer_decode(&exec, tokenizers[0], rgb, codes, 1, 1, 2, NULL, &err),
                COGVIDEO_ERROR_ARGUMENT, "no decoder of that rate", err);
    CHECK_FAILS(cv_image_tokenizer_decode(&exec, tokenizers[0], rgb, codes, 513, 1, 8, NULL, &err),
                COGVIDEO_ERROR_ARGUMENT, "513x1 codes", err);
    CHECK_FAILS(cv_image_tokenizer_decode(&exec, tokenizers[0], rgb, codes, 0, 1, 8, NULL, &err),
                COGVIDEO_ERROR_ARGUMENT, "0x1 codes", err);
    assert_int_equal(cv_image_tokenizer_decode_scratch(tokenizers[0], &exec, 513, 1, 8), 0);
}

/* Writes the network with one tensor left out or in another shape, and opens it. */
static cogvideo_status open_damaged(size_t damaged, bool missing, cogvideo_error *err)
{
    cogvideo_status status;
    seeded_list list = { 0 };
    cv_store *store = NULL;
    cv_image_tokenizer *tokenizer = NULL;
    cv_image_tokenizer_config small = config;

    small.codes = 8;
    networks_image_tokenizer(&list, SEED, CHANNELS, LATENT, 8);
    for (size_t i = 0; i < list.count; i++)
        if (i == damaged && missing)
            strcpy(list.tensors[i].name, "other");
        else if (i == damaged)
            list.tensors[i].shape[0]++;
    seeded_write(&list, check_temp_path("damaged.safetensors"), CV_BF16);
    seeded_list_free(&list);
    CHECK_OK(cv_store_open(&store, check_temp_path("damaged.safetensors"), err), *err);
    status = cv_image_tokenizer_open(&tokenizer, store, &small, err);
    assert_true((status == COGVIDEO_OK) == (tokenizer != NULL));
    cv_image_tokenizer_close(&tokenizer);
    cv_store_close(&store);
    return status;
}

static void damaged_networks_are_refused(void **state)
{
    seeded_list list = { 0 };
    cogvideo_error err;

    (void)state;
    networks_image_tokenizer(&list, SEED, CHANNELS, LATENT, 8);
    CHECK_OK(open_damaged(list.count, true, &err), err);
    for (size_t i = 0; i < list.count; i += 31) { /* a sample from the end on, where the codebook stands */
        size_t damaged = list.count - 1 - i;

        CHECK_FAILS(open_damaged(damaged, true, &err), COGVIDEO_ERROR_MODEL, list.tensors[damaged].name, err);
        CHECK_FAILS(open_damaged(damaged, false, &err), COGVIDEO_ERROR_MODEL, list.tensors[damaged].name, err);
    }
    seeded_list_free(&list);
}

static void full_size_is_described(void **state)
{
    cv_image_tokenizer_config full;
    cv_json *json = NULL;

    (void)state;
    read_config(&full, &json, "cogvideo.json");
    cv_json_free(&json);
    assert_int_equal(full.channels, 128);
    assert_int_equal(full.latent, 256);
    assert_int_equal(full.codes, 20000);
    assert_int_equal(full.groups, 32);
    CHECK_CLOSE(full.norm_epsilon, 1e-6, 1e-12);
    CHECK_CLOSE(full.mean[2], 0.75340, 1e-6);
    CHECK_CLOSE(full.std[0], 0.30379, 1e-6);
    assert_int_equal(full.encoder.count, 3);
    assert_int_equal(full.encoder.widths[2], 512);
    assert_int_equal(full.decoder_count, 3);
    assert_int_equal(full.decoders[0].attention, 4);
    assert_int_equal(full.decoders[1].attention, -1);
    assert_int_equal(cv_image_tokenizer_rate(&full.decoders[1]), 8);
    assert_int_equal(full.decoders[1].widths[2], 256);
    assert_int_equal(full.down_samplers, 2);
}

static cogvideo_status parse_with(const char *key, const char *value, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *section = cv_json_copy(cv_json_get(description, "image_tokenizer")), *parsed = NULL;
    cv_image_tokenizer_config out;

    CHECK_OK(cv_json_parse(&parsed, value, strlen(value), "value", err), *err);
    cv_json_set_copy(section, key, parsed);
    status = cv_image_tokenizer_config_parse(&out, section, "model.json", err);
    cv_json_free(&parsed);
    cv_json_free(&section);
    return status;
}

static void senseless_descriptions_are_refused(void **state)
{
    static const struct {
        const char *key, *value, *words;
    } bad[] = {
        { "channels", "0", "'channels'" },
        { "channels", "2048", "'channels'" },
        { "channels", "\"32\"", "'channels'" },
        { "channels", "48", "48 channels cannot be split into 32 groups" },
        { "latent", "0", "'latent'" },
        { "latent", "1e99", "'latent'" },
        { "codes", "-1", "'codes'" },
        { "codes", "2000000", "'codes'" },
        { "groups", "0", "'groups'" },
        { "norm_epsilon", "0", "'norm_epsilon'" },
        { "norm_epsilon", "null", "'norm_epsilon'" },
        { "mean", "[0, 1]", "'mean' must hold three numbers" },
        { "mean", "[0, 1, \"2\"]", "'mean'" },
        { "std", "[0, 1, 1]", "'std'" },
        { "encoder", "[]", "'encoder' must hold 1 to 8 widths" },
        { "encoder", "[1, 1, 1, 1, 1, 1, 1, 1, 1]", "not 9" },
        { "encoder", "[1, 0]", "'encoder'" },
        { "encoder", "[1, 1000]", "'encoder'" },
        { "encoder", "{}", "'encoder'" },
        { "encoder", "{\"patch\": 6, \"width\": 8, \"blocks\": 1}",
          "the side of a patch must be a power of two, not 6" },
        { "encoder", "{\"patch\": 256, \"width\": 8, \"blocks\": 1}", "'patch'" },
        { "encoder", "{\"patch\": 8, \"width\": 0, \"blocks\": 1}", "'width'" },
        { "encoder", "{\"patch\": 8, \"width\": 8, \"blocks\": 9}", "'blocks'" },
        { "encoder", "{\"patch\": 8, \"width\": 8}", "'blocks'" },
        { "encoder", "{\"patch\": 2}", "bare patches of 3 x 2 x 2 numbers" },
        { "encoder", "{\"patch\": 8, \"width\": 8, \"blocks\": 1, \"rate\": 8}", "rate" },
        { "encoder", "{\"patch\": 2, \"width\": 8, \"blocks\": 1}", "the encoder makes one of each patch of 2 pixels" },
        { "decoders", "[]", "'decoders' must hold" },
        { "decoders", "[4]", "must be an object" },
        { "decoders", "[{\"rate\": 8, \"widths\": [1, 2, 4]}]", "which make rate 4" },
        { "decoders", "[{\"rate\": 2, \"widths\": [1, 2]}, {\"rate\": 2, \"widths\": [1, 1]}]", "rate 2 twice" },
        { "decoders", "[{\"rate\": 2, \"widths\": [1, 2], \"attention\": 2}]", "'attention'" },
        { "decoders", "[{\"widths\": [1, 2]}]", "'rate' is missing" },
        { "decoders", "[{\"patch\": 8}]", "'width'" },
        { "decoders", "[{\"patch\": 3, \"width\": 8, \"blocks\": 1}]", "not 3" },
        { "decoders", "[{\"patch\": 8, \"widths\": [1, 1, 1, 1]}]", "widths" },
        { "decoders", "[{\"patch\": 2, \"width\": 8, \"blocks\": 1}, {\"rate\": 2, \"widths\": [1, 2]}]",
          "rate 2 twice" },
    };
    cogvideo_error err;
    cv_image_tokenizer_config out;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(parse_with(bad[i].key, bad[i].value, &err), COGVIDEO_ERROR_FORMAT, bad[i].words, err);
    CHECK_OK(parse_with("decoders", "[{\"rate\": 2, \"widths\": [1, 2], \"attention\": 0}]", &err), err);
    CHECK_OK(parse_with("decoders", "[{\"patch\": 16, \"width\": 8, \"blocks\": 0}]", &err), err);
    CHECK_FAILS(cv_image_tokenizer_config_parse(&out, NULL, "model.json", &err), COGVIDEO_ERROR_FORMAT,
                "model.json: must be an object", err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_like_the_original),
        cmocka_unit_test(decodes_like_the_original),
        cmocka_unit_test(enlarged_picture_is_the_original_one),
        cmocka_unit_test(threads_and_dtypes_change_no_bit),
        cmocka_unit_test(pictures_are_resized_and_encoded_like_the_original),
        cmocka_unit_test(pictures_of_any_shape_are_encoded_like_the_original),
        cmocka_unit_test(impossible_sizes_and_ids_are_refused),
        cmocka_unit_test(damaged_networks_are_refused),
        cmocka_unit_test(full_size_is_described),
        cmocka_unit_test(senseless_descriptions_are_refused),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
