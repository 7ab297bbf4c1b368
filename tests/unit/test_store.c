/* Number formats and safetensors files: written, read back, and refused when they lie. */
#include "support/check.h"
#include "support/seeded.h"

#include "base/file.h"
#include "base/path.h"

static void halves_round_trip(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        float wide = cv_f16_to_f32((uint16_t)bits);

        if ((bits & 0x7fff) > 0x7c00)
            assert_true(isnan(wide) && (cv_f32_to_f16(wide) & 0x7fff) > 0x7c00);
        else
            assert_int_equal(cv_f32_to_f16(wide), bits);
        wide = cv_bf16_to_f32((uint16_t)bits);
        if (!isnan(wide))
            assert_int_equal(cv_f32_to_bf16(wide), bits);
    }
}

static void halves_round_to_nearest_even(void **state)
{
    (void)state;
    assert_int_equal(cv_f32_to_f16(1.0f + 0x1p-11f), 0x3c00);
    assert_int_equal(cv_f32_to_f16(1.0f + 3 * 0x1p-11f), 0x3c02);
    assert_int_equal(cv_f32_to_f16(65519.0f), 0x7bff);
    assert_int_equal(cv_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(cv_f32_to_f16(-0x1p-25f), 0x8000);
    assert_int_equal(cv_f32_to_f16(0x1.8p-25f), 0x0001);
    assert_int_equal(cv_f32_to_f16(0x1p-14f - 0x1p-25f), 0x0400);
    assert_int_equal(cv_f32_to_bf16(1.0f + 0x1p-8f), 0x3f80);
}

/* The check values that define the seeded weights. */
static void seeded_weights_are_the_agreed_ones(void **state)
{
    (void)state;
    CHECK_CLOSE(seeded_unit(1, "a.weight", 0), 0.5383947, 1e-7);
    CHECK_CLOSE(seeded_unit(1, "a.weight", 1), 0.23552883, 1e-7);
    CHECK_CLOSE(seeded_unit(1, "a.weight", 2), -0.05053115, 1e-7);
    CHECK_CLOSE(seeded_unit(1, "a.weight", 3), 0.5235014, 1e-7);
}

static void write_sample(const char *path)
{
    seeded_list list = { 0 };

    seeded_add(&list, 1, "b.weight", 2, 3, 5);
    seeded_add(&list, 1, "a.bias", 1, 7);
    seeded_write(&list, path, CV_F16);
    seeded_list_free(&list);
}

static void tensors_are_written_and_claimed(void **state)
{
    cogvideo_error err;
    cv_store *store = NULL;
    const cv_tensor *tensor;
    float values[7];

    (void)state;
    write_sample(check_temp_path("a.safetensors"));
    CHECK_OK(cv_store_open(&store, check_temp_path("a.safetensors"), &err), err);
    assert_int_equal(cv_store_count(store), 2);
    CHECK_OK(cv_store_claim(store, &tensor, "a.bias", 1, (size_t[]){ 7 }, &err), err);
    cv_to_f32(values, tensor->data, tensor->dtype, 7);
    CHECK_CLOSE(values[3], seeded_unit(1, "a.bias", 3) / 8, 1e-4);
    CHECK_FAILS(cv_store_check_claimed(store, &err), COGVIDEO_ERROR_MODEL, "'b.weight'", err);
    CHECK_FAILS(cv_store_claim(store, &tensor, "b.weight", 2, (size_t[]){ 5, 3 }, &err), COGVIDEO_ERROR_MODEL,
                "has shape [3, 5]; [5, 3] was expected", err);
    CHECK_FAILS(cv_store_claim(store, &tensor, "c", 2, (size_t[]){ 5, 3 }, &err), COGVIDEO_ERROR_MODEL,
                "'c' [5, 3] is missing", err);
    CHECK_OK(cv_store_claim(store, &tensor, "b.weight", 2, (size_t[]){ 3, 5 }, &err), err);
    CHECK_OK(cv_store_check_claimed(store, &err), err);
    cv_store_close(&store);
}

static cogvideo_status open_text(const char *header, size_t header_size, size_t data_size, cogvideo_error *err)
{
    unsigned char file[4096] = { 0 };
    size_t length = strlen(header);
    cv_store *store = NULL;
    cogvideo_status status;

    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)((uint64_t)header_size >> 8 * i);
    memcpy(file + 8, header, length);
    check_write(check_temp_path("bad.safetensors"), file, 8 + length + data_size);
    status = cv_store_open(&store, check_temp_path("bad.safetensors"), err);
    cv_store_close(&store);
    return status;
}

static void lying_headers_are_refused(void **state)
{
    static const struct {
        const char *header, *words;
        size_t data;
    } bad[] = {
        { "[]", "JSON object", 0 },
        { "{\"a\":1}", "must be an object", 0 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "'data_offsets' is missing", 4 },
        { "{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,40]}}", "within", 4 },
        { "{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,2]}}", "truncated or padded", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "do not match", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,4]}}", "do not match", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "each a whole number", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,6]}}", "each a whole number", 6 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", "at most 8", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[281474976710656,281474976710656],\"data_offsets\":[0,4]}}",
          "does not fit", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", "each a whole number",
          0 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "do not match", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,400]}}", "within", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", "within", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", "two numbers", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "truncated or padded", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "0 was expected", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
          "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
          "4 was expected", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
          "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
          "twice", 8 },
    };
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(open_text(bad[i].header, strlen(bad[i].header), bad[i].data, &err), COGVIDEO_ERROR_FORMAT,
                    bad[i].words, err);
    CHECK_FAILS(open_text("{}", 0, 0, &err), COGVIDEO_ERROR_FORMAT, "not a safetensors", err);
    CHECK_FAILS(open_text("{\"__metadata__\":{\"a\":\"\xc0\xaf\"}}", 27, 0, &err), COGVIDEO_ERROR_FORMAT, "UTF-8", err);
    CHECK_FAILS(open_text("{\"a\":[[[[}", 10, 0, &err), COGVIDEO_ERROR_FORMAT, "not valid JSON", err);
    CHECK_FAILS(open_text("{}", SIZE_MAX, 0, &err), COGVIDEO_ERROR_FORMAT, "not a safetensors", err);
    CHECK_FAILS(open_text("{}", 3, 0, &err), COGVIDEO_ERROR_FORMAT, "not a safetensors", err);
    CHECK_OK(open_text("{}", 2, 0, &err), err);
    CHECK_OK(open_text("{\"__metadata__\":{\"a\":\"b\"}}", 26, 0, &err), err);
}

/* Tensors of types and shapes that no network has lie beside the others in peace; weights that nobody asks for do
 * not. */
static void only_weights_must_be_claimed(void **state)
{
    static const char header[] =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"empty\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[8,8]},"
        "\"mask\":{\"dtype\":\"BOOL\",\"shape\":[2,2],\"data_offsets\":[8,12]},\"ids\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[12,20]},"
        "\"new\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[20,22]},\"more\":{\"dtype\":\"U16\",\"shape\":[1],\"data_offsets\":[22,24]}}";
    const cv_tensor *tensor;
    cogvideo_error err;
    cv_store *store = NULL;

    (void)state;
    CHECK_OK(open_text(header, sizeof header - 1, 24, &err), err);
    CHECK_OK(cv_store_open(&store, check_temp_path("bad.safetensors"), &err), err);
    CHECK_FAILS(cv_store_check_claimed(store, &err), COGVIDEO_ERROR_MODEL, "tensor 'a' does not belong to this model",
                err);
    CHECK_OK(cv_store_claim(store, &tensor, "a", 1, (size_t[]){ 2 }, &err), err);
    CHECK_OK(cv_store_check_claimed(store, &err), err);
    CHECK_FAILS(cv_store_claim(store, &tensor, "mask", 2, (size_t[]){ 2, 2 }, &err), COGVIDEO_ERROR_MODEL,
                "has type BOOL; F32, F16", err);
    CHECK_FAILS(cv_store_claim(store, &tensor, "new", 1, (size_t[]){ 4 }, &err), COGVIDEO_ERROR_MODEL,
                "has type an unknown type", err);
    CHECK_FAILS(cv_store_claim(store, &tensor, "empty", 2, (size_t[]){ 2, 3 }, &err), COGVIDEO_ERROR_MODEL,
                "has shape [0, 3]", err);
    cv_store_close(&store);
}

static void numbers_that_are_none_are_found(void **state)
{
    enum { N = 9000 };
    static const cv_dtype dtypes[] = { CV_F32, CV_F16, CV_BF16 };
    static const float odd[] = { NAN, INFINITY, -INFINITY };
    static float values[N];
    static char bytes[4 * N + 1];

    (void)state;
    for (int i = 0; i < N; i++)
        values[i] = i % 2 ? 65504.0f : -1e-7f;
    for (int d = 0; d < 3; d++)
        for (int at = 0; at < N; at += at < 4090 ? 409 : 1) {
            float kept = values[at];

            values[at] = odd[at % 3];
            cv_from_f32(bytes + 1, dtypes[d], values, N); /* unaligned */
            values[at] = kept;
            assert_int_equal(cv_dtype_not_finite(dtypes[d], bytes + 1, N), at);
            assert_int_equal(cv_dtype_not_finite(dtypes[d], bytes + 1, (size_t)at), at);
            if (at > 4200)
                at += 997;
        }
}

static void truncation_at_every_byte_is_refused(void **state)
{
    cogvideo_error err;
    cv_buffer file = { 0 };
    cv_store *store = NULL;

    (void)state;
    write_sample(check_temp_path("whole.safetensors"));
    CHECK_OK(cv_file_read(&file, check_temp_path("whole.safetensors"), 1 << 20, &err), err);
    for (size_t size = 0; size < file.size; size++) {
        check_write(check_temp_path("cut.safetensors"), file.data, size);
        assert_int_equal(cv_store_open(&store, check_temp_path("cut.safetensors"), &err), COGVIDEO_ERROR_FORMAT);
    }
    cv_buffer_free(&file);
}

static void writer_demands_all_bytes(void **state)
{
    cogvideo_error err;
    cv_store_writer *writer = NULL;

    (void)state;
    CHECK_OK(cv_store_writer_create(&writer, check_temp_path("short.safetensors"), &err), err);
    CHECK_OK(cv_store_writer_declare(writer, "a", CV_F32, 1, (size_t[]){ 2 }, &err), err);
    CHECK_OK(cv_store_writer_data(writer, "1234", 4, &err), err);
    CHECK_FAILS(cv_store_writer_commit(&writer, &err), COGVIDEO_ERROR_ARGUMENT, "4 of 8", err);
    assert_null(writer);
    assert_false(cv_path_exists(check_temp_path("short.safetensors")));
    assert_false(cv_path_exists(check_temp_path("short.safetensors.partial")));
}

/* What a network claims of a plan is what a store in memory is made of. */
static void plans_become_stores_in_memory(void **state)
{
    const size_t shapes[3][2] = { { 3, 5 }, { 7 }, { (size_t)1 << 40, (size_t)1 << 40 } };
    const cv_tensor *tensor;
    const float *vector;
    cv_store *plan, *store;
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_store_plan(&plan, "plan", &err), err);
    for (int again = 0; again < 2; again++) {
        CHECK_OK(cv_store_claim(plan, &tensor, "b.weight", 2, shapes[0], &err), err);
        assert_null(tensor->data);
        CHECK_OK(cv_store_claim_vector(plan, &vector, "c.bias", 7, &err), err);
        CHECK_OK(cv_store_claim_vector(plan, &vector, "a.bias", 7, &err), err);
    }
    CHECK_FAILS(cv_store_claim(plan, &tensor, "a.bias", 2, shapes[0], &err), COGVIDEO_ERROR_MODEL, "was expected", err);
    CHECK_FAILS(cv_store_claim(plan, &tensor, "d", 2, shapes[2], &err), COGVIDEO_ERROR_MEMORY, "does not fit", err);
    CHECK_OK(cv_store_create_like(&store, "memory", plan, &err), err);
    cv_store_close(&plan);
    assert_int_equal(cv_store_count(store), 3);
    assert_string_equal(cv_store_at(store, 0)->name, "a.bias");
    assert_string_equal(cv_store_at(store, 1)->name, "b.weight");
    CHECK_OK(cv_store_claim(store, &tensor, "b.weight", 2, shapes[0], &err), err);
    for (int i = 0; i < 15; i++) {
        assert_true(cv_tensor_values(tensor)[i] == 0);
        cv_tensor_values(tensor)[i] = 1;
    }
    assert_true(check_f32(store, "a.bias")[6] == 0 && check_f32(store, "c.bias")[0] == 0);
    CHECK_FAILS(cv_store_claim(store, &tensor, "d", 2, shapes[0], &err), COGVIDEO_ERROR_MODEL, "is missing", err);
    cv_store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_round_trip),
        cmocka_unit_test(halves_round_to_nearest_even),
        cmocka_unit_test(seeded_weights_are_the_agreed_ones),
        cmocka_unit_test(tensors_are_written_and_claimed),
        cmocka_unit_test(lying_headers_are_refused),
        cmocka_unit_test(only_weights_must_be_claimed),
        cmocka_unit_test(numbers_that_are_none_are_found),
        cmocka_unit_test(truncation_at_every_byte_is_refused),
        cmocka_unit_test(writer_demands_all_bytes),
        cmocka_unit_test(plans_become_stores_in_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
