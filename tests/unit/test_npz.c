/* NumPy's .npz: arrays of a zip archive, packed or not. */
#include "support/check.h"
#include "support/torch_file.h"

#include "import/source.h"

static cogvideo_error err;

static const char *archive(void)
{
    return check_temp_path("arrays.npz");
}

/* A file of version 1 with this header and `size` bytes after it; returns its bytes. */
static size_t npy(char out[512], const char *header, const void *data, size_t size)
{
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = 118;
    out[9] = 0;
    memset(out + 10, ' ', 118);
    memcpy(out + 10, header, strlen(header));
    out[127] = '\n';
    memcpy(out + 128, data, size);
    return 128 + size;
}

static const float values[6] = { 0.5f, -1, 2, 3, 4, 5 };

static void arrays_are_read(void **state)
{
    char bytes[2][512];
    torch_entry entries[2];
    cv_source *source = NULL;
    float read[6];

    (void)state;
    entries[0] = (torch_entry){
        "conv1a/W.npy", bytes[0],
        npy(bytes[0], "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", values, sizeof values), 1
    };
    entries[1] =
        (torch_entry){ "b.npy", bytes[1],
                       npy(bytes[1], "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", values, sizeof *values),
                       0 };
    torch_write_zip(archive(), entries, 2);
    CHECK_OK(cv_source_open(&source, archive(), &err), err);
    assert_int_equal(cv_source_container(source), CV_CONTAINER_NPZ);
    assert_int_equal(cv_source_count(source), 2);
    assert_int_equal(cv_source_find(source, "b")->rank, 0);
    const cv_source_tensor *tensor = cv_source_find(source, "conv1a/W");
    cv_source_stream *stream = NULL;

    assert_non_null(tensor);
    assert_int_equal(tensor->dtype, CV_F32);
    assert_int_equal(tensor->rank, 2);
    assert_int_equal(tensor->shape[1], 3);
    CHECK_OK(cv_source_stream_open(&stream, source, tensor, &err), err);
    CHECK_OK(cv_source_stream_read(stream, read, sizeof read, &err), err);
    assert_memory_equal(read, values, sizeof values);
    cv_source_stream_close(&stream);
    cv_source_close(&source);
}

static void what_cannot_be_read_is_said(void **state)
{
    static const struct {
        const char *header, *words;
        bool flaw; /* of one array; else the whole file is refused */
    } cases[] = {
        { "{'descr': '>f4', 'fortran_order': False, 'shape': (6,)}", "unsupported type >f4", true },
        { "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", "Fortran order", true },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}", "is empty", true },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (7,)}", "its header says 7 numbers", false },
        { "{'descr': '<f4', 'shape': (6,)}", "is not a dictionary", false },
    };
    char bytes[512];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cv_source *source = NULL;
        const torch_entry entry = { "x.npy", bytes, npy(bytes, cases[i].header, values, sizeof values), 0 };

        torch_write_zip(archive(), &entry, 1);
        if (cases[i].flaw) {
            CHECK_OK(cv_source_open(&source, archive(), &err), err);
            assert_non_null(strstr(cv_source_find(source, "x")->flaw, cases[i].words));
            cv_source_close(&source);
        } else {
            CHECK_FAILS(cv_source_open(&source, archive(), &err), COGVIDEO_ERROR_FORMAT, cases[i].words, err);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_read),
        cmocka_unit_test(what_cannot_be_read_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
