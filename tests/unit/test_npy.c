/* NumPy's .npy files: read as they are, refused when they lie. */
#include "support/check.h"

#include <cogvideo/tokens.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "tokens/npy.h"

/* A file of version 1 with this header and data. */
static cogvideo_status read_npy(cv_npy *npy, const char *header, const void *data, size_t size, int32_t max,
                                cogvideo_error *err)
{
    char file[512] = "\x93NUMPY\1\0";
    size_t length = strlen(header);

    file[8] = (char)length;
    memcpy(file + 10, header, length);
    memcpy(file + 10 + length, data, size);
    check_write(check_temp_path("a.npy"), file, 10 + length + size);
    return cv_npy_read(npy, check_temp_path("a.npy"), 0, max, err);
}

static void arrays_are_read(void **state)
{
    const int64_t wide[] = { 5, 1, 7, 1LL << 40 };
    const int32_t narrow[] = { 3, 2, 1 };
    cogvideo_error err;
    cv_npy npy;

    (void)state;
    CHECK_OK(read_npy(&npy, "{'descr': '<i8', 'fortran_order': False, 'shape': (3, 1), }\n", wide, 24, 7, &err), err);
    assert_int_equal(npy.rank, 2);
    assert_int_equal(npy.count, 3);
    assert_int_equal(npy.values[2], 7);
    cv_npy_free(&npy);
    CHECK_OK(read_npy(&npy, "{\"shape\":(3,),\"fortran_order\":False,\"descr\":\"<i4\"}", narrow, 12, 3, &err), err);
    assert_memory_equal(npy.values, narrow, 12);
    cv_npy_free(&npy);
    CHECK_FAILS(read_npy(&npy, "{'descr': '<i8', 'fortran_order': False, 'shape': (4,)}", wide, 32, INT32_MAX, &err),
                COGVIDEO_ERROR_FORMAT, "1099511627776", err);
    assert_int_equal(read_npy(&npy, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", narrow, 12, 3, &err),
                     COGVIDEO_ERROR_FORMAT);
}

static void lying_arrays_are_refused(void **state)
{
#define PLAIN(shape) "{'descr': '<i4', 'fortran_order': False, 'shape': " shape
    static const char *const headers[] = {
        "",
        "{",
        "{}",
        "{'descr': '<i4'}",
        PLAIN("(3,)"),
        "{'descr': '<i4', 'fortran_order': True, 'shape': (3,)}",
        "{'descr': '>i4', 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}",
        PLAIN("(4,)}"),
        PLAIN("(-3,)}"),
        PLAIN("(3 3)}"),
        PLAIN("(4294967296, 4294967296)}"),
        PLAIN("(99999999999999999999,)}"),
        PLAIN("(1,1,1,1,1,1,1,1,3)}"),
        PLAIN("3}"),
        PLAIN("(3,)} x}"),
        PLAIN("(3,), 'descr': '<i4'}"),
        PLAIN("(3,), 'other': False}"),
    };
    static const char zeros[16];
    cogvideo_error err;
    cv_npy npy;
    cv_buffer file = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_int_equal(read_npy(&npy, headers[i], zeros, 12, 9, &err), COGVIDEO_ERROR_FORMAT);
    CHECK_OK(read_npy(&npy, PLAIN("(3,)}"), zeros, 12, 9, &err), err);
#undef PLAIN
    cv_npy_free(&npy);
    CHECK_OK(cv_file_read(&file, check_temp_path("a.npy"), 1 << 20, &err), err);
    for (size_t size = 0; size < file.size; size++) {
        check_write(check_temp_path("cut.npy"), file.data, size);
        assert_int_equal(cv_npy_read(&npy, check_temp_path("cut.npy"), 0, 9, &err), COGVIDEO_ERROR_FORMAT);
    }
    file.data[6] = 2; /* a longer length field */
    check_write(check_temp_path("cut.npy"), file.data, file.size);
    assert_int_equal(cv_npy_read(&npy, check_temp_path("cut.npy"), 0, 9, &err), COGVIDEO_ERROR_FORMAT);
    cv_buffer_free(&file);
}

/* Also where another kind of file was expected. */
static void archives_of_arrays_are_named(void **state)
{
    static const char zip[] = "PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\11\0\0\0arr_0.npy\0\0\0\0";
    cogvideo_tokens tokens;
    cogvideo_error err;
    cv_npy npy;

    (void)state;
    check_write(check_temp_path("a.npy"), zip, sizeof zip - 1);
    CHECK_FAILS(cv_npy_read(&npy, check_temp_path("a.npy"), 0, 9, &err), COGVIDEO_ERROR_FORMAT, "is a .npz archive",
                err);
    CHECK_FAILS(cogvideo_tokens_load(&tokens, check_temp_path("a.npy"), &err), COGVIDEO_ERROR_FORMAT,
                "is a .npz archive", err);
    for (size_t size = 1; size < sizeof zip - 5; size++)
        if (strstr(cv_file_kind(zip, size) ? cv_file_kind(zip, size) : "", ".npz"))
            fail_msg("%zu bytes are no archive yet", size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_read),
        cmocka_unit_test(lying_arrays_are_refused),
        cmocka_unit_test(archives_of_arrays_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
