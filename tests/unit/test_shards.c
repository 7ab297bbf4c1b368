/* Networks in several files, which an index lists: read as one source, and refused when the index lies. */
#include "support/check.h"
#include "support/torch_file.h"

#include "import/source.h"

#include <sys/stat.h>
#include <unistd.h>

static const char *in(const char *file)
{
    char path[200];

    snprintf(path, sizeof path, "net/%s", file);
    return check_temp_path(path);
}

static void write_index(const char *text)
{
    check_write(in("model.safetensors.index.json"), text, strlen(text));
}

/* Two shards: one.bin of torch.save with "b.weight", two.safetensors with "a.weight" and "c.bias". */
static int write_net(void **state)
{
    static const char *const keys[] = { NULL };
    seeded_list one = { 0 }, two = { 0 };

    (void)state;
    mkdir(check_temp_path("net"), 0777);
    seeded_add(&one, 7, "b.weight", 2, 3, 4);
    seeded_add(&two, 7, "c.bias", 1, 5);
    seeded_add(&two, 7, "a.weight", 2, 2, 2);
    torch_write_as(&one, in("one.bin"), CV_F32, &(torch_form){ .keys = keys });
    seeded_write(&two, in("two.safetensors"), CV_F32);
    write_index("{\"metadata\":{},\"weight_map\":{\"a.weight\":\"two.safetensors\",\"b.weight\":\"one.bin\","
                "\"c.bias\":\"two.safetensors\"}}");
    seeded_list_free(&one);
    seeded_list_free(&two);
    return 0;
}

static void check_values(cv_source *source, const char *name, int rank, int rows, int columns)
{
    const cv_source_tensor *tensor = cv_source_find(source, name);
    float found[20], expected[20];
    cv_source_stream *stream;
    seeded_list list = { 0 };
    cogvideo_error err;

    assert_non_null(tensor);
    assert_int_equal(tensor->rank, rank);
    seeded_add(&list, 7, name, rank, rows, columns);
    seeded_values(&list.tensors[0], 0, tensor->count, expected);
    CHECK_OK(cv_source_stream_open(&stream, source, tensor, &err), err);
    CHECK_OK(cv_source_stream_read(stream, found, tensor->bytes, &err), err);
    assert_memory_equal(found, expected, tensor->bytes);
    cv_source_stream_close(&stream);
    seeded_list_free(&list);
}

/* By its folder or its index; shards may be of different containers. */
static void shards_are_one_source(void **state)
{
    char paths[2][500];

    (void)state;
    snprintf(paths[0], sizeof paths[0], "%s", check_temp_path("net"));
    snprintf(paths[1], sizeof paths[1], "%s", in("model.safetensors.index.json"));
    for (int i = 0; i < 2; i++) {
        cogvideo_error err;
        cv_source *source;

        CHECK_OK(cv_source_open(&source, paths[i], &err), err);
        assert_int_equal(cv_source_count(source), 3);
        assert_string_equal(cv_source_at(source, 0)->name, "a.weight");
        assert_string_equal(cv_source_at(source, 2)->name, "c.bias");
        assert_string_equal(strrchr(cv_source_path(source), '/'), "/model.safetensors.index.json");
        check_values(source, "a.weight", 2, 2, 2);
        check_values(source, "b.weight", 2, 3, 4);
        check_values(source, "c.bias", 1, 5, 0);
        assert_null(cv_source_find(source, "d.weight"));
        cv_source_close(&source);
    }
}

/* A folder with one file needs no index; a folder without any is told. */
static void a_folder_may_have_one_file(void **state)
{
    cogvideo_error err;
    cv_source *source;

    (void)state;
    assert_int_equal(unlink(in("model.safetensors.index.json")), 0);
    CHECK_FAILS(cv_source_open(&source, check_temp_path("net"), &err), COGVIDEO_ERROR_IO, "an index of shards", err);
    assert_int_equal(rename(in("one.bin"), in("pytorch_model.bin")), 0);
    CHECK_OK(cv_source_open(&source, check_temp_path("net"), &err), err);
    assert_int_equal(cv_source_count(source), 1);
    cv_source_close(&source);
    assert_int_equal(unlink(in("pytorch_model.bin")), 0);
}

static void check_refused(const char *words)
{
    cv_source *source = NULL;
    cogvideo_error err;

    if (cv_source_open(&source, check_temp_path("net"), &err) == COGVIDEO_OK)
        fail_msg("was opened; '%s' was expected", words);
    assert_null(source);
    if (!strstr(err.message, words))
        fail_msg("'%s' does not mention '%s'", err.message, words);
}

static void an_index_that_lies_is_refused(void **state)
{
    static const struct {
        const char *index, *words;
    } bad[] = {
        { "", "model.safetensors.index.json" },
        { "{\"weight_map\":{\"a.weight\":\"two.safe", "model.safetensors.index.json" },
        { "[]", "model.safetensors.index.json" },
        { "{}", "weight_map" },
        { "{\"weight_map\":[\"two.safetensors\"]}", "weight_map" },
        { "{\"weight_map\":{}}", "is empty" },
        { "{\"weight_map\":{\"a.weight\":null}}", "a file in the same folder" },
        { "{\"weight_map\":{\"a.weight\":\"\"}}", "a file in the same folder" },
        { "{\"weight_map\":{\"a.weight\":\"..\"}}", "a file in the same folder" },
        { "{\"weight_map\":{\"a.weight\":\"../net/two.safetensors\"}}", "a file in the same folder" },
        { "{\"weight_map\":{\"a.weight\":\"/etc/passwd\"}}", "a file in the same folder" },
        { "{\"weight_map\":{\"a.weight\":\"three.safetensors\"}}", "three.safetensors" },
        { "{\"weight_map\":{\"a.weight\":\"model.safetensors.index.json\"}}", "model.safetensors.index.json" },
        { "{\"weight_map\":{\"b.weight\":\"two.safetensors\"}}", "is not in 'two.safetensors'" },
        { "{\"weight_map\":{\"a.weight\":\"one.bin\",\"c.bias\":\"two.safetensors\"}}", "is not in 'one.bin'" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_index(bad[i].index);
        check_refused(bad[i].words);
    }
}

static void shards_that_overlap_are_refused(void **state)
{
    (void)state;
    write_index("{\"weight_map\":{\"a.weight\":\"two.safetensors\",\"c.bias\":\"again.safetensors\"}}");
    assert_int_equal(link(in("two.safetensors"), in("again.safetensors")), 0);
    check_refused("is both in");
    assert_int_equal(unlink(in("again.safetensors")), 0);
}

static void a_shard_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    assert_int_equal(truncate(in("two.safetensors"), 100), 0);
    check_refused("two.safetensors");
}

/* More files than any network has. */
static void too_many_shards_are_refused(void **state)
{
    cv_buffer text = { 0 };
    cogvideo_error err;

    (void)state;
    for (int i = 0; i <= 1000; i++)
        CHECK_OK(cv_buffer_printf(&text, &err, "%s\"%d\":\"%d.bin\"", i ? "," : "{\"weight_map\":{", i, i), err);
    CHECK_OK(cv_buffer_printf(&text, &err, "}}"), err);
    write_index(text.data);
    check_refused("more than 1000 files");
    cv_buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(shards_are_one_source, write_net),
        cmocka_unit_test_setup(a_folder_may_have_one_file, write_net),
        cmocka_unit_test_setup(an_index_that_lies_is_refused, write_net),
        cmocka_unit_test_setup(shards_that_overlap_are_refused, write_net),
        cmocka_unit_test_setup(a_shard_that_is_cut_off_is_refused, write_net),
        cmocka_unit_test_setup(too_many_shards_are_refused, write_net),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
