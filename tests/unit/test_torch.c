/* Torch archives: read as they are, refused when they lie. */
#include "support/check.h"
#include "support/torch_file.h"

#include "base/file.h"
#include "import/torch.h"

#include <sys/stat.h>

static cogvideo_status open_file(const char *path, cogvideo_error *err)
{
    cv_torch *torch = NULL;
    cogvideo_status status = cv_torch_open(&torch, path, err);

    assert_true((status == COGVIDEO_OK) == (torch != NULL));
    cv_torch_close(&torch);
    return status;
}

/* A checkpoint of one tensor 'a' and a storage of `bytes` bytes under data/0. */
static cogvideo_status open_one(const pickle_tensor *tensor, size_t bytes, cogvideo_error *err)
{
    static const char zeros[256];
    cv_buffer pickle = { 0 };
    cogvideo_status status;

    pickle_begin_module(&pickle);
    pickle_text(&pickle, "a");
    pickle_put_tensor(&pickle, tensor);
    pickle_end_module(&pickle);
    torch_write_zip(check_temp_path("one.pt"),
                    (torch_entry[]){ { "x/data.pkl", pickle.data, pickle.size, 0 }, { "x/data/0", zeros, bytes, 0 } },
                    2);
    cv_buffer_free(&pickle);
    status = open_file(check_temp_path("one.pt"), err);
    return status;
}

static void check_flaw(const pickle_tensor *tensor, const char *words)
{
    cogvideo_error err;
    cv_torch *torch = NULL;
    const cv_source_tensor *found;

    CHECK_OK(open_one(tensor, 16, &err), err);
    CHECK_OK(cv_torch_open(&torch, check_temp_path("one.pt"), &err), err);
    found = cv_torch_find(torch, "a");
    assert_non_null(found);
    if (words ? !found->flaw || !strstr(found->flaw, words) : found->flaw != NULL)
        fail_msg("'%s' was expected, the flaw is '%s'", words ? words : "nothing", found->flaw ? found->flaw : "none");
    cv_torch_close(&torch);
}

static void refuse_one(pickle_tensor tensor, const char *words)
{
    cogvideo_error err;

    CHECK_FAILS(open_one(&tensor, 16, &err), COGVIDEO_ERROR_FORMAT, words, err);
}

static const pickle_tensor good = { .storage_class = "HalfStorage",
                                    .key = "0",
                                    .elements = 8,
                                    .offset = 2,
                                    .rank = 2,
                                    .shape = { 2, 3 },
                                    .stride = { 3, 1 } };

static void lying_tensors_are_refused(void **state)
{
    cogvideo_error err;
    pickle_tensor bad;

#define BAD(change, words) (bad = good, bad.change, refuse_one(bad, words))
    (void)state;
    CHECK_OK(open_one(&good, 16, &err), err);
    CHECK_FAILS(open_one(&good, 15, &err), COGVIDEO_ERROR_FORMAT, "has 15 bytes", err);
    CHECK_FAILS(open_one(&good, 18, &err), COGVIDEO_ERROR_FORMAT, "has 18 bytes", err);
    BAD(offset = 3, "past the end");
    BAD(offset = -1, "impossible offset");
    BAD(offset = INT64_MAX, "past the end");
    BAD(shape[0] = 3, "past the end");
    BAD(shape[1] = -3, "shape");
    BAD(shape[0] = INT64_MAX, "fit in memory");
    BAD(elements = 7, "7 elements");
    BAD(elements = 0, "impossible");
    BAD(elements = INT64_MAX, "elements");
    BAD(key = "1", "is missing");
    BAD(key = "../0", "impossible name");
    BAD(key = "", "impossible name");
    BAD(key = "0123456789012345678901234567890123456789", "impossible name");
    BAD(storage_class = "FloatStorage", "elements of F32");
#undef BAD
}

/* Tensors that cannot be read as weights lie beside others in peace, and say what they are to whom they are asked for
 * by. */
static void what_is_no_weight_is_kept_with_its_flaw(void **state)
{
    pickle_tensor other;

#define FLAW(change, words) (other = good, other.change, check_flaw(&other, words))
    (void)state;
    FLAW(shape[0] = 0, "is empty");
    FLAW(shape[1] = 0, "is empty");
    FLAW(stride[0] = 1, "is not contiguous");
    FLAW(stride[1] = 2, "is not contiguous");
    FLAW(stride[0] = -3, "is not contiguous");
    FLAW(storage_class = "QInt8Storage", "unsupported type QInt8Storage");
    FLAW(storage_class = "load", "unsupported type load");
    check_flaw(&good, NULL);
#undef FLAW
}

/* --- what is read --------------------------------------------------------------------------------------------- */

static void check_bytes(cv_torch *torch, const char *name, const char *expected, size_t size)
{
    cogvideo_error err;
    const cv_source_tensor *tensor = cv_torch_find(torch, name);
    cv_zip_stream *stream = NULL;
    char bytes[64];

    assert_non_null(tensor);
    assert_int_equal(tensor->bytes, size);
    CHECK_OK(cv_torch_stream(&stream, torch, tensor, &err), err);
    CHECK_OK(cv_zip_stream_read(stream, bytes, size, &err), err);
    assert_memory_equal(bytes, expected, size);
    cv_zip_stream_close(&stream);
}

/* Two tensors in one storage, stored or deflated, under `module` or bare, as a parameter or not. */
static void shared_storages_are_read(void **state)
{
    cogvideo_error err;

    (void)state;
    for (int variant = 0; variant < 8; variant++) {
        pickle_tensor tensor = { .storage_class = "ByteStorage", .key = "7" };
        cv_buffer pickle = { 0 };
        cv_torch *torch = NULL;

        if (variant & 1)
            pickle_begin_module(&pickle);
        else
            PICKLE(&pickle, "\x80\x02}(");
        pickle_tensor_shape(&tensor, 1, (size_t[]){ 4 });
        tensor.elements = 10;
        tensor.offset = 6;
        pickle_text(&pickle, "b");
        if (variant & 2) {
            PICKLE(&pickle, "ctorch._utils\n_rebuild_parameter\n");
            pickle_put_tensor(&pickle, &tensor);
            PICKLE(&pickle, "\x88}\x87R");
        } else {
            pickle_put_tensor(&pickle, &tensor);
        }
        pickle_text(&pickle, "a");
        tensor.offset = 0;
        pickle_put_tensor(&pickle, &tensor);
        if (variant & 1)
            pickle_end_module(&pickle);
        else
            PICKLE(&pickle, "u.");
        torch_write_zip(check_temp_path("s.pt"),
                        (torch_entry[]){ { "m/data.pkl", pickle.data, pickle.size, 1 },
                                         { "m/data/7", "0123456789", 10, variant & 4 },
                                         { "m/byteorder", "little", 6, 0 } },
                        3);
        CHECK_OK(cv_torch_open(&torch, check_temp_path("s.pt"), &err), err);
        assert_int_equal(cv_torch_count(torch), 2);
        check_bytes(torch, "a", "0123", 4);
        check_bytes(torch, "b", "6789", 4);
        assert_null(cv_torch_find(torch, "c"));
        cv_torch_close(&torch);
        cv_buffer_free(&pickle);
    }
}

static cogvideo_status open_pickle(const char *bytes, size_t size, cogvideo_error *err)
{
    torch_write_zip(check_temp_path("p.pt"), &(torch_entry){ "m/data.pkl", bytes, size, 0 }, 1);
    return open_file(check_temp_path("p.pt"), err);
}

static void other_dictionaries_are_refused(void **state)
{
    cogvideo_error err;
#define OPEN(literal) open_pickle(literal, sizeof(literal) - 1, &err)

    (void)state;
    CHECK_FAILS(OPEN("\x80\x02]."), COGVIDEO_ERROR_FORMAT, "a dictionary", err);
    CHECK_FAILS(OPEN("\x80\x02}."), COGVIDEO_ERROR_FORMAT, "its keys are none", err);
    CHECK_FAILS(OPEN("\x80\x02}X\6\0\0\0moduleNs."), COGVIDEO_ERROR_FORMAT, "its keys are 'module'", err);
    CHECK_FAILS(OPEN("\x80\x02}X\6\0\0\0module}s."), COGVIDEO_ERROR_FORMAT, "no dictionary of tensors", err);
    CHECK_FAILS(OPEN("\x80\x02}X\6\0\0\0module}K\1K\1ss."), COGVIDEO_ERROR_FORMAT, "no dictionary of tensors", err);
    CHECK_FAILS(OPEN("\x80\x02}X\6\0\0\0module}X\1\0\0\0aK\1ss."), COGVIDEO_ERROR_FORMAT, "no dictionary of tensors",
                err);
    CHECK_OK(OPEN("\x80\x02}X\6\0\0\0module}X\1\0\0\0actorch._utils\n_rebuild_tensor_v2\n)Rss."), err);
    CHECK_FAILS(OPEN("\x80\x02}X\6\0\0\0module}X\1\0\0\0actorch._utils\n_rebuild_tensor_v2\n(NNNNtRss."),
                COGVIDEO_ERROR_FORMAT, "a shape that cannot be read", err);
#undef OPEN
}

/* --- archives ------------------------------------------------------------------------------------------------- */

static void other_files_are_called_by_their_names(void **state)
{
    static const struct {
        const char *bytes, *words;
        size_t size;
    } files[] = {
        { "", "an empty file", 0 },
        { "<!DOCTYPE html><p>404", "an HTML page", 21 },
        { "\x1f\x8b\x08xxxxxxx", "a gzip archive", 10 },
        { "\x80\x02}q\x01.", "a bare pickle", 6 },
        { "version https://git-lfs.github.com/spec/v1", "a Git LFS pointer", 42 },
        { "PK\3\4xxxxxxxxxxxxxxxxxxxxxxxxxxxx", "truncated or damaged", 32 },
        { "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "truncated or damaged", 22 },
        { "hello", "something else", 5 },
    };
    cogvideo_error err;
    char path[1024];

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        check_write(check_temp_path("other.pt"), files[i].bytes, files[i].size);
        CHECK_FAILS(open_file(check_temp_path("other.pt"), &err), COGVIDEO_ERROR_FORMAT, files[i].words, err);
    }
    check_write(check_temp_path("old.pt"), "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02", 17);
    CHECK_FAILS(open_file(check_temp_path("old.pt"), &err), COGVIDEO_ERROR_UNSUPPORTED, "before 1.6", err);
    CHECK_FAILS(open_file(check_temp(), &err), COGVIDEO_ERROR_IO, "a directory", err);
    CHECK_FAILS(open_file(check_temp_path("none.pt"), &err), COGVIDEO_ERROR_IO, "cannot be opened", err);
    CHECK_FAILS(open_file("/dev/zero", &err), COGVIDEO_ERROR_IO, "regular file", err);
    snprintf(path, sizeof path, "%s", check_temp_path("pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    CHECK_FAILS(open_file(path, &err), COGVIDEO_ERROR_IO, "regular file", err);
}

static void other_archives_are_refused(void **state)
{
    static const char *const names[][2] = {
        { "../data.pkl", "unsafe name" },      { "/m/data.pkl", "unsafe name" }, { "m/../data.pkl", "unsafe name" },
        { "m\\data.pkl", "unsafe name" },      { "m/..", "unsafe name" },        { "data.pkl", "0 entries named" },
        { "a/b/data.pkl", "0 entries named" },
    };
    const torch_entry two[] = { { "a/data.pkl", "N.", 2, 0 }, { "b/data.pkl", "N.", 2, 0 } };
    const torch_entry big_endian[] = { { "a/data.pkl", "N.", 2, 0 }, { "a/byteorder", "big", 3, 0 } };
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        torch_write_zip(check_temp_path("n.pt"), &(torch_entry){ names[i][0], "N.", 2, 0 }, 1);
        CHECK_FAILS(open_file(check_temp_path("n.pt"), &err), COGVIDEO_ERROR_FORMAT, names[i][1], err);
    }
    torch_write_zip(check_temp_path("n.pt"), two, 2);
    CHECK_FAILS(open_file(check_temp_path("n.pt"), &err), COGVIDEO_ERROR_FORMAT, "2 entries named", err);
    torch_write_zip(check_temp_path("n.pt"), big_endian, 2);
    CHECK_FAILS(open_file(check_temp_path("n.pt"), &err), COGVIDEO_ERROR_UNSUPPORTED, "byte order is 'big'", err);
}

/* A small good checkpoint, in memory. */
static void sample(cv_buffer *file, int deflated)
{
    cogvideo_error err;
    seeded_list list = { 0 };

    seeded_add(&list, 1, "a.weight", 2, 20, 10);
    seeded_add(&list, 1, "b.bias", 1, 7);
    torch_write(&list, check_temp_path("sample.pt"), CV_F16, deflated);
    seeded_list_free(&list);
    CHECK_OK(cv_file_read(file, check_temp_path("sample.pt"), 1 << 20, &err), err);
}

/* Writes the bytes, opens them and reads every tensor. */
static cogvideo_status read_everything(const cv_buffer *file, size_t size, cogvideo_error *err)
{
    cogvideo_status status;
    cv_torch *torch = NULL;
    cv_zip_stream *stream = NULL;
    char bytes[512];

    check_write(check_temp_path("read.pt"), file->data, size);
    CV_TRY(cv_torch_open(&torch, check_temp_path("read.pt"), err));
    for (size_t i = 0; i < cv_torch_count(torch); i++) {
        CV_TRY(cv_torch_stream(&stream, torch, cv_torch_at(torch, i), err));
        CV_TRY(cv_zip_stream_read(stream, bytes, cv_torch_at(torch, i)->bytes, err));
        cv_zip_stream_close(&stream);
    }
done:
    cv_zip_stream_close(&stream);
    cv_torch_close(&torch);
    return status;
}

static void truncated_archives_are_refused(void **state)
{
    cogvideo_error err;
    cv_buffer file = { 0 };

    (void)state;
    sample(&file, 0);
    CHECK_OK(read_everything(&file, file.size, &err), err);
    for (size_t size = 0; size < file.size; size++)
        assert_int_equal(read_everything(&file, size, &err), COGVIDEO_ERROR_FORMAT);
    cv_buffer_free(&file);
}

/* Data that was changed is caught by its checksum, headers that were changed by everything else. */
static void changed_archives_are_survived(void **state)
{
    for (int deflated = 0; deflated < 2; deflated++) {
        cogvideo_error err;
        cv_buffer file = { 0 };
        size_t refused = 0;

        (void)state;
        sample(&file, deflated);
        CHECK_OK(read_everything(&file, file.size, &err), err);
        for (size_t at = 0; at < file.size; at++) {
            char kept = file.data[at];

            file.data[at] = (char)(kept ^ (at % 2 ? 0xff : 0x01));
            refused += read_everything(&file, file.size, &err) != COGVIDEO_OK;
            file.data[at] = kept;
        }
        assert_true(refused > file.size / 2);
        cv_buffer_free(&file);
    }
}

/* Sets `count` bytes at `offset` after each of the archive's signatures of that kind. */
static void patch(cv_buffer *file, const char *signature, size_t offset, const char *bytes, size_t count)
{
    for (size_t i = 0; i + 46 < file->size; i++)
        if (memcmp(file->data + i, signature, 4) == 0)
            memcpy(file->data + i + offset, bytes, count);
}

static void lying_headers_are_refused(void **state)
{
    cogvideo_error err;
    cv_buffer file = { 0 };
    char *name;

    (void)state;
    sample(&file, 0);
    patch(&file, "PK\1\2", 24, "\xff\xff\xff\x7f", 4); /* unpacked size */
    CHECK_FAILS(read_everything(&file, file.size, &err), COGVIDEO_ERROR_FORMAT, "which is impossible", err);
    cv_buffer_free(&file);
    sample(&file, 1);
    patch(&file, "PK\1\2", 24, "\xff\xff\xff\x7f", 4);
    CHECK_FAILS(read_everything(&file, file.size, &err), COGVIDEO_ERROR_FORMAT, "which is impossible", err);
    cv_buffer_free(&file);
    sample(&file, 0);
    patch(&file, "PK\1\2", 8, "\1", 1); /* encrypted */
    patch(&file, "PK\3\4", 6, "\1", 1);
    CHECK_FAILS(read_everything(&file, file.size, &err), COGVIDEO_ERROR_UNSUPPORTED, "encrypted", err);
    cv_buffer_free(&file);
    sample(&file, 0);
    patch(&file, "PK\1\2", 10, "\x0c", 1); /* bzip2 */
    patch(&file, "PK\3\4", 8, "\x0c", 1);
    CHECK_FAILS(read_everything(&file, file.size, &err), COGVIDEO_ERROR_UNSUPPORTED, "method 12", err);
    cv_buffer_free(&file);
    sample(&file, 0);
    for (name = file.data; (name = memmem(name, file.size - (size_t)(name - file.data), "data/1", 6)); name++)
        name[5] = '0';
    CHECK_FAILS(read_everything(&file, file.size, &err), COGVIDEO_ERROR_FORMAT, "occurs twice", err);
    cv_buffer_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lying_tensors_are_refused),
        cmocka_unit_test(what_is_no_weight_is_kept_with_its_flaw),
        cmocka_unit_test(shared_storages_are_read),
        cmocka_unit_test(other_dictionaries_are_refused),
        cmocka_unit_test(other_files_are_called_by_their_names),
        cmocka_unit_test(other_archives_are_refused),
        cmocka_unit_test(truncated_archives_are_refused),
        cmocka_unit_test(changed_archives_are_survived),
        cmocka_unit_test(lying_headers_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
