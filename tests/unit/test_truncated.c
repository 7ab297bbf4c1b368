/* Files of every kind, cut off at every byte: each reader says so, and takes no part for the whole. */
#include "support/check.h"

#include <cogvideo/dataset.h>
#include <cogvideo/tokens.h>

#include "base/file.h"
#include "family/cogvideo/model/description.h"
#include "family/family.h"
#include "import/source.h"
#include "tokenizer/bpe.h"
#include "tokenizer/text.h"
#include "tokens/npy.h"
#include "train/checkpoint.h"
#include "family/cogvideo/train/rows.h"
#include "dataset/shapes.h"

#define CORPUS "../../fuzz/corpus/"

/* --- readers: the whole of a file, to the last byte ----------------------------------------------------------- */

static cogvideo_status read_store(const char *path, cogvideo_error *err)
{
    cv_store *store = NULL;
    cogvideo_status status = cv_store_open(&store, path, err);

    cv_store_close(&store);
    return status;
}

static cogvideo_status read_description(const char *path, cogvideo_error *err)
{
    cv_description description;
    const cv_family *family;
    cv_json *json = NULL;
    cogvideo_status status = cv_model_describe(&json, &family, path, err);

    if (status == COGVIDEO_OK)
        status = cv_description_read(&description, json, path, err);
    cv_json_free(&json);
    return status;
}

static cogvideo_status read_tokens(const char *path, cogvideo_error *err)
{
    cogvideo_tokens clip = { 0 };
    cogvideo_status status = cogvideo_tokens_load(&clip, path, err);

    cogvideo_tokens_free(&clip);
    return status;
}

static cogvideo_status read_row(const char *path, cogvideo_error *err)
{
    cogvideo_tokens clip = { 0 };
    cogvideo_status status = cogvideo_tokens_load_row(&clip, path, 0, 2, 2, 3, -1, err);

    cogvideo_tokens_free(&clip);
    return status;
}

static cogvideo_status read_npy(const char *path, cogvideo_error *err)
{
    cv_npy array = { 0 };
    cogvideo_status status = cv_npy_read(&array, path, INT32_MIN, INT32_MAX, err);

    cv_npy_free(&array);
    return status;
}

static cogvideo_status read_text_model(const char *path, cogvideo_error *err)
{
    cv_text *text = NULL;
    cogvideo_status status = cv_text_open(&text, path, 10, cv_icetk_appended, err);

    cv_text_close(&text);
    return status;
}

static cogvideo_status read_source(const char *path, cogvideo_error *err)
{
    cv_source *source = NULL;
    cogvideo_status status = cv_source_open(&source, path, err);

    for (size_t i = 0; status == COGVIDEO_OK && i < cv_source_count(source); i++) {
        const cv_source_tensor *tensor = cv_source_at(source, i);
        cv_source_stream *stream = NULL;
        char bytes[4096];

        assert_true(tensor->bytes <= sizeof bytes);
        if ((status = cv_source_stream_open(&stream, source, tensor, err)) == COGVIDEO_OK)
            status = cv_source_stream_read(stream, bytes, tensor->bytes, err);
        cv_source_stream_close(&stream);
    }
    cv_source_close(&source);
    return status;
}

static cogvideo_status read_recipe(const char *path, cogvideo_error *err)
{
    const cv_family *family = cv_family_find("cogvideo");
    cv_recipe *recipe = NULL;
    const cv_part *part = family->parts;
    cogvideo_status status;

    while (strcmp(part->name, "stage1") != 0)
        part++;
    status = cv_recipe_open(&recipe, path, family, part, err);
    cv_recipe_close(&recipe);
    return status;
}

static cogvideo_status read_world(const char *path, cogvideo_error *err)
{
    cv_shapes *world = NULL;
    cogvideo_status status = cv_shapes_open(&world, path, err);

    cv_shapes_close(&world);
    return status;
}

static cogvideo_status read_checkpoint(const char *path, cogvideo_error *err)
{
    const cv_tensor tensor = { .name = "w", .rank = 1, .shape = { 5 }, .count = 5 };
    cv_checkpoint_store stores[1] = { { .prefix = "", .name = "weights" } };
    cv_checkpoint_head head = { .part = "trunk", .steps = 3, .recipe = "{}" };
    cogvideo_status status;

    CHECK_OK(cv_store_create(&stores[0].store, "weights", &tensor, 1, err), *err);
    status = path ? cv_checkpoint_load(path, &head, stores, 1, err)
                  : cv_checkpoint_save(check_temp_path("checkpoint"), &head, stores, 1, err);
    cv_store_close(&stores[0].store);
    return status;
}

/* Both of these read a folder of files, one of which is cut. */
static cogvideo_status read_dataset(const char *path, cogvideo_error *err)
{
    cogvideo_dataset *dataset = NULL;
    cogvideo_status status = cogvideo_dataset_open(&dataset, check_temp(), err);

    (void)path;
    cogvideo_dataset_close(&dataset);
    return status;
}

static cogvideo_status read_rows(const char *path, cogvideo_error *err)
{
    cv_frame_rows rows = { 0 };
    cogvideo_status status = cv_frame_rows_open(&rows, check_temp_path("rows"), 2, 8, 1 << 30, err);

    (void)path;
    cv_frame_rows_close(&rows);
    return status;
}

/* --- files ---------------------------------------------------------------------------------------------------- */

/* A file of the corpus under a name; or its two parts, before and behind the first zero byte. */
static void take(const char *from, const char *name, const char *second)
{
    cogvideo_error err;
    cv_buffer file = { 0 };
    size_t first;

    CHECK_OK(cv_file_read(&file, check_data(from), 1 << 20, &err), err);
    first = second ? strlen(file.data) : file.size;
    check_write(check_temp_path(name), file.data, first);
    if (second)
        check_write(check_temp_path(second), file.data + first + 1, file.size - first - 1);
    cv_buffer_free(&file);
}

static int make_files(void **state)
{
    static const char frames[4 * 8 * 8 * 3];
    cogvideo_error err;

    (void)state;
    take(CORPUS "safetensors/f16", "f16.safetensors", NULL);
    take(CORPUS "safetensors/q8", "q8.safetensors", NULL);
    take(CORPUS "description/model.json", "model.json", NULL);
    take(CORPUS "tokens/two", "two.jsonl", NULL);
    take(CORPUS "npy/a", "a.npy", NULL);
    take(CORPUS "npy/b", "b.npy", NULL);
    take(CORPUS "text_model/spaces", "spaces.model", NULL);
    take(CORPUS "text_model/mapped", "mapped.model", NULL);
    take("text/bpe_small.txt.gz", "merges.txt.gz", NULL);
    take(CORPUS "byte_pairs/letters", "merges.txt", NULL);
    take(CORPUS "checkpoint/stored", "stored.pt", NULL);
    take(CORPUS "checkpoint/deflated", "deflated.pt", NULL);
    take(CORPUS "checkpoint/torchscript", "script.pt", NULL);
    take(CORPUS "checkpoint/npz", "arrays.npz", NULL);
    take(CORPUS "recipe/shapes-train.json", "recipe.json", NULL);
    take(CORPUS "world/shapes.json", "shapes.json", NULL);
    take(CORPUS "dataset/clips", "dataset.json", "clips.jsonl");
    take(CORPUS "dataset/rows", "rows.json", "rows");
    check_write(check_temp_path("frames.rgb"), frames, sizeof frames);
    check_write(check_temp_path("row.dat"), frames, (3 + 2 * 4) * 4);
    CHECK_OK(read_checkpoint(NULL, &err), err);
    return 0;
}

/* Whether what is left of a file is known to be all that its reader can ask for. */
typedef bool (*good_part)(const char *file, size_t whole, size_t size);

/* White space alone was lost. */
static bool all_but_space(const char *file, size_t whole, size_t size)
{
    return strspn(file + size, " \r\n") == whole - size;
}

/* Whole lines, at least the header's and another: frames that an interrupted run leaves, merges of single letters. */
static bool whole_lines(const char *file, size_t whole, size_t size)
{
    const char *header = memchr(file, '\n', whole);

    return size > (size_t)(header - file) + 1 && (file[size] == '\n' || file[size - 1] == '\n');
}

static const struct {
    const char *name;
    cogvideo_status (*read)(const char *path, cogvideo_error *err);
    good_part is_good; /* NULL: no part is */
} kinds[] = {
    { "f16.safetensors", read_store, NULL },
    { "q8.safetensors", read_store, NULL },
    { "model.json", read_description, all_but_space },
    { "two.jsonl", read_tokens, whole_lines },
    { "row.dat", read_row, NULL },
    { "a.npy", read_npy, NULL },
    { "b.npy", read_npy, NULL },
    { "spaces.model", read_text_model, NULL },
    { "mapped.model", read_text_model, NULL },
    { "stored.pt", read_source, NULL },
    { "deflated.pt", read_source, NULL },
    { "script.pt", read_source, NULL },
    { "arrays.npz", read_source, NULL },
    { "recipe.json", read_recipe, all_but_space },
    { "shapes.json", read_world, all_but_space },
    { "checkpoint", read_checkpoint, NULL },
    { "dataset.json", read_dataset, all_but_space },
    { "clips.jsonl", read_dataset, all_but_space },
    { "frames.rgb", read_dataset, NULL },
    { "rows.json", read_rows, all_but_space },
    { "rows", read_rows, NULL },
};

static void no_part_is_taken_for_the_whole(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        cogvideo_error err = { 0 };
        cv_buffer file = { 0 };
        char path[1024];

        snprintf(path, sizeof path, "%s", check_temp_path(kinds[k].name));
        CHECK_OK(cv_file_read(&file, path, 1 << 20, &err), err);
        CHECK_OK(kinds[k].read(path, &err), err);
        for (size_t size = 0; size < file.size; size++) {
            bool is_good = kinds[k].is_good && kinds[k].is_good(file.data, file.size, size);

            remove(path); /* to cut one that is on the disk can take milliseconds */
            check_write(path, file.data, size);
            err = (cogvideo_error){ 0 };
            if ((kinds[k].read(path, &err) == COGVIDEO_OK) == is_good && (is_good || err.message[0]))
                continue;
            print_error("%s: %zu of %zu bytes: '%s'\n", kinds[k].name, size, file.size, err.message);
            wrong++;
        }
        check_write(path, file.data, file.size);
        cv_buffer_free(&file);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(no_part_is_taken_for_the_whole) };

    return cmocka_run_group_tests(tests, make_files, NULL);
}
