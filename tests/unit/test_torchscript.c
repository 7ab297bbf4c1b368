/* TorchScript archives: nested objects become names of tensors; nothing but tensors and objects is looked at, and no
 * object leads the reader astray. */
#include "support/check.h"
#include "support/torch_file.h"

#include "import/source.h"

static cogvideo_error err;
static cv_buffer pickle;

static const char *archive(void)
{
    return check_temp_path("script.pt");
}

/* Writes an archive of the pickle so far, with one storage of 4 floats. */
static void write_archive(void)
{
    static const float values[4] = { 1, 2, 3, 4 };
    const torch_entry entries[] = { { "m/data.pkl", pickle.data, pickle.size, 0 },
                                    { "m/data/0", values, sizeof values, 0 },
                                    { "m/constants/0", values, sizeof values, 0 } };

    torch_write_zip(archive(), entries, 3);
    cv_buffer_free(&pickle);
}

static void begin(void)
{
    PICKLE(&pickle, "\x80\x02");
}

static void put_vector(const char *name)
{
    const pickle_tensor tensor = { .storage_class = "FloatStorage",
                                   .key = "0",
                                   .elements = 4,
                                   .rank = 1,
                                   .shape = { 4 },
                                   .stride = { 1 } };

    pickle_text(&pickle, name);
    pickle_put_tensor(&pickle, &tensor);
}

static cogvideo_status open_archive(void)
{
    cv_source *source = NULL;
    cogvideo_status status = cv_source_open(&source, archive(), &err);

    cv_source_close(&source);
    return status;
}

static void objects_become_names(void **state)
{
    seeded_list list = { 0 };
    cv_source *source = NULL;
    float read[12], expected[12];

    (void)state;
    seeded_add(&list, 5, "scale", 1, 3);
    seeded_add(&list, 5, "visual.conv.weight", 2, 4, 3);
    seeded_add(&list, 5, "visual.conv.bias", 1, 4);
    seeded_add(&list, 5, "visual.blocks.0.weight", 1, 2);
    seeded_add(&list, 5, "visual.blocks.1.weight", 1, 2);
    torch_write_script(&list, archive(), CV_F32);
    CHECK_OK(cv_source_open(&source, archive(), &err), err);
    assert_int_equal(cv_source_container(source), CV_CONTAINER_TORCHSCRIPT);
    assert_int_equal(cv_source_count(source), list.count);
    for (size_t i = 0; i < list.count; i++) {
        const cv_source_tensor *tensor = cv_source_find(source, list.tensors[i].name);
        cv_source_stream *stream = NULL;

        assert_non_null(tensor);
        assert_null(tensor->flaw);
        assert_int_equal(tensor->rank, list.tensors[i].rank);
        CHECK_OK(cv_source_stream_open(&stream, source, tensor, &err), err);
        CHECK_OK(cv_source_stream_read(stream, read, tensor->bytes, &err), err);
        cv_source_stream_close(&stream);
        seeded_values(&list.tensors[i], 0, tensor->count, expected);
        assert_memory_equal(read, expected, tensor->bytes);
    }
    cv_source_close(&source);
    seeded_list_free(&list);
}

/* Two objects of one class, which stands in the memo, have attributes of their own; a tensor may be shared. */
static void objects_of_one_class_are_apart(void **state)
{
    cv_source *source = NULL;

    (void)state;
    begin();
    PICKLE(&pickle, "c__torch__.a\nM\nq\x00)\x81}(");
    pickle_text(&pickle, "one");
    PICKLE(&pickle, "h\x00)\x81}(");
    put_vector("w");
    PICKLE(&pickle, "q\x01ub");
    pickle_text(&pickle, "two");
    PICKLE(&pickle, "h\x00)\x81}(");
    pickle_text(&pickle, "v");
    PICKLE(&pickle, "h\x01ub"
                    "ub.");
    write_archive();
    CHECK_OK(cv_source_open(&source, archive(), &err), err);
    assert_int_equal(cv_source_count(source), 2);
    assert_non_null(cv_source_find(source, "one.w"));
    assert_non_null(cv_source_find(source, "two.v"));
    cv_source_close(&source);
}

static void circles_and_thickets_are_refused(void **state)
{
    (void)state;
    begin();
    PICKLE(&pickle, "c__torch__.a\nM\n)\x81q\x00}(");
    put_vector("w");
    pickle_text(&pickle, "x");
    PICKLE(&pickle, "h\x00ub.");
    write_archive();
    CHECK_FAILS(open_archive(), COGVIDEO_ERROR_FORMAT, "in a circle", err);

    /* Each object holds the one before it eight times: 8^20 paths. */
    begin();
    PICKLE(&pickle, "c__torch__.a\nM\nq\x00)\x81}(");
    put_vector("w");
    PICKLE(&pickle, "ubq\x01"
                    "0");
    for (int level = 1; level <= 20; level++) {
        PICKLE(&pickle, "h\x00)\x81}(");
        for (int i = 0; i < 8; i++) {
            pickle_text(&pickle, (char[]){ (char)('a' + i), 0 });
            pickle_bytes(&pickle, (char[]){ 'h', (char)level }, 2);
        }
        PICKLE(&pickle, "ubq");
        pickle_bytes(&pickle, (char[]){ (char)(level + 1) }, 1);
        if (level < 20)
            PICKLE(&pickle, "0");
    }
    PICKLE(&pickle, ".");
    write_archive();
    CHECK_FAILS(open_archive(), COGVIDEO_ERROR_FORMAT, "more attributes", err);
}

static void strange_attributes_are_named(void **state)
{
    (void)state;
    begin();
    PICKLE(&pickle, "c__torch__.a\nM\n)\x81}(");
    put_vector("");
    PICKLE(&pickle, "ub.");
    write_archive();
    CHECK_FAILS(open_archive(), COGVIDEO_ERROR_FORMAT, "no usable name", err);

    begin(); /* an object without tensors, as a pickled Python module is one */
    PICKLE(&pickle, "cnetwork\nM\n)\x81}(");
    pickle_text(&pickle, "training");
    PICKLE(&pickle, "\x88ub.");
    write_archive();
    CHECK_FAILS(open_archive(), COGVIDEO_ERROR_FORMAT, "state_dict()", err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_become_names),
        cmocka_unit_test(objects_of_one_class_are_apart),
        cmocka_unit_test(circles_and_thickets_are_refused),
        cmocka_unit_test(strange_attributes_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
