#include "support/torch_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

static void must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "test file: %s failed\n", what);
        abort();
    }
}

/* --- pickles -------------------------------------------------------------------------------------------------- */

void pickle_bytes(cv_buffer *pickle, const char *bytes, size_t size)
{
    must(cv_buffer_append(pickle, bytes, size, NULL) == COGVIDEO_OK, "memory");
}

static void little_endian(cv_buffer *pickle, uint64_t value, int width)
{
    for (int i = 0; i < width; i++)
        pickle_bytes(pickle, (const char[]){ (char)(value >> 8 * i) }, 1);
}

void pickle_text(cv_buffer *pickle, const char *text)
{
    PICKLE(pickle, "X");
    little_endian(pickle, strlen(text), 4);
    pickle_bytes(pickle, text, strlen(text));
}

void pickle_int(cv_buffer *pickle, int64_t value)
{
    PICKLE(pickle, "\x8a\x08");
    little_endian(pickle, (uint64_t)value, 8);
}

void pickle_tensor_shape(pickle_tensor *tensor, int rank, const size_t *shape)
{
    tensor->rank = rank;
    tensor->elements = 1;
    for (int i = rank - 1; i >= 0; i--) {
        tensor->shape[i] = (int64_t)shape[i];
        tensor->stride[i] = tensor->elements;
        tensor->elements *= (int64_t)shape[i];
    }
}

static void put_ints(cv_buffer *pickle, const int64_t *values, int count)
{
    PICKLE(pickle, "(");
    for (int i = 0; i < count; i++)
        pickle_int(pickle, values[i]);
    PICKLE(pickle, "t");
}

void pickle_put_tensor(cv_buffer *pickle, const pickle_tensor *tensor)
{
    PICKLE(pickle, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_text(pickle, "storage");
    PICKLE(pickle, "ctorch\n");
    pickle_bytes(pickle, tensor->storage_class, strlen(tensor->storage_class));
    PICKLE(pickle, "\n");
    pickle_text(pickle, tensor->key);
    pickle_text(pickle, "cpu");
    pickle_int(pickle, tensor->elements);
    PICKLE(pickle, "tQ");
    pickle_int(pickle, tensor->offset);
    put_ints(pickle, tensor->shape, tensor->rank);
    put_ints(pickle, tensor->stride, tensor->rank);
    PICKLE(pickle, "\x89"
                   "ccollections\nOrderedDict\n)RtR");
}

void pickle_begin_module(cv_buffer *pickle)
{
    PICKLE(pickle, "\x80\x02}");
    pickle_text(pickle, "module");
    PICKLE(pickle, "ccollections\nOrderedDict\n)R(");
}

void pickle_end_module(cv_buffer *pickle)
{
    PICKLE(pickle, "us.");
}

/* --- archives ------------------------------------------------------------------------------------------------- */

/* A storage whose bytes are made as libzip asks for them. */
typedef struct storage {
    const seeded_tensor *tensor;
    cv_dtype dtype;
    uint64_t count, at; /* elements */
    zip_error_t error;
} storage;

static zip_int64_t make_values(storage *s, void *data, uint64_t size)
{
    enum { CHUNK = 4096 };
    size_t width = cv_dtype_size(s->dtype);
    float values[CHUNK];
    uint64_t done = 0;

    while (s->at < s->count && size - done >= width) {
        uint64_t n = s->count - s->at, room = (size - done) / width;

        n = n < room ? n : room;
        n = n < CHUNK ? n : CHUNK;
        seeded_values(s->tensor, s->at, n, values);
        cv_from_f32((char *)data + done, s->dtype, values, n);
        s->at += n;
        done += n * width;
    }
    return (zip_int64_t)done;
}

static zip_int64_t storage_callback(void *user, void *data, zip_uint64_t size, zip_source_cmd_t command)
{
    storage *s = user;

    switch (command) {
    case ZIP_SOURCE_OPEN:
        s->at = 0;
        return 0;
    case ZIP_SOURCE_READ:
        return make_values(s, data, size);
    case ZIP_SOURCE_CLOSE:
        return 0;
    case ZIP_SOURCE_STAT: {
        zip_stat_t *info = data;

        zip_stat_init(info);
        info->valid = ZIP_STAT_SIZE | ZIP_STAT_MTIME;
        info->size = s->count * cv_dtype_size(s->dtype);
        info->mtime = 0;
        return sizeof *info;
    }
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&s->error, data, size);
    case ZIP_SOURCE_FREE:
        free(s);
        return 0;
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                              ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
    default:
        zip_error_set(&s->error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}

static zip_t *create(const char *path)
{
    int code = 0;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);

    must(zip != NULL, "zip_open");
    return zip;
}

static void add(zip_t *zip, const char *name, zip_source_t *source, int deflated)
{
    zip_int64_t index;

    must(source != NULL, "zip_source");
    index = zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8);
    must(index >= 0, "zip_file_add");
    must(zip_set_file_compression(zip, (zip_uint64_t)index, deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 1) == 0,
         "zip_set_file_compression");
}

void torch_write_zip(const char *path, const torch_entry *entries, size_t count)
{
    zip_t *zip = create(path);

    for (size_t i = 0; i < count; i++)
        add(zip, entries[i].name, zip_source_buffer(zip, entries[i].data, entries[i].size, 0), entries[i].deflated);
    must(zip_close(zip) == 0, "zip_close");
}

static uint64_t count_elements(const seeded_tensor *tensor)
{
    uint64_t count = 1;

    for (int i = 0; i < tensor->rank; i++)
        count *= tensor->shape[i];
    return count;
}

static void put_tensor(cv_buffer *pickle, const seeded_list *list, size_t index, cv_dtype dtype)
{
    char key[24];
    pickle_tensor tensor = { .key = key,
                             .storage_class = dtype == CV_F32   ? "FloatStorage"
                                              : dtype == CV_F16 ? "HalfStorage"
                                                                : "BFloat16Storage" };

    snprintf(key, sizeof key, "%zu", index);
    pickle_tensor_shape(&tensor, list->tensors[index].rank, list->tensors[index].shape);
    pickle_put_tensor(pickle, &tensor);
}

static void put_tensors(cv_buffer *pickle, const seeded_list *list, cv_dtype dtype, const char *prefix)
{
    for (size_t i = 0; i < list->count; i++) {
        char name[200];

        snprintf(name, sizeof name, "%s%s", prefix ? prefix : "", list->tensors[i].name);
        pickle_text(pickle, name);
        put_tensor(pickle, list, i, dtype);
    }
}

static void add_storages(zip_t *zip, const seeded_list *list, cv_dtype dtype, int deflated)
{
    for (size_t i = 0; i < list->count; i++) {
        storage *s = calloc(1, sizeof *s);
        char name[64];

        must(s != NULL, "memory");
        s->tensor = &list->tensors[i];
        s->dtype = dtype;
        s->count = count_elements(s->tensor);
        snprintf(name, sizeof name, "archive/data/%zu", i);
        add(zip, name, zip_source_function(zip, storage_callback, s), deflated);
    }
}

void torch_write_as(const seeded_list *list, const char *path, cv_dtype dtype, const torch_form *form)
{
    zip_t *zip = create(path);
    cv_buffer pickle = { 0 };

    PICKLE(&pickle, "\x80\x02");
    for (const char *const *key = form->keys; *key; key++) {
        PICKLE(&pickle, "}");
        pickle_text(&pickle, *key);
    }
    PICKLE(&pickle, "ccollections\nOrderedDict\n)R(");
    if (form->members)
        form->members(&pickle);
    put_tensors(&pickle, list, dtype, form->prefix);
    PICKLE(&pickle, "u");
    for (const char *const *key = form->keys; *key; key++)
        PICKLE(&pickle, "s");
    PICKLE(&pickle, ".");
    add(zip, "archive/data.pkl", zip_source_buffer(zip, pickle.data, pickle.size, 0), 0);
    add_storages(zip, list, dtype, 0);
    for (size_t i = 0; i < form->entry_count; i++)
        add(zip, form->entries[i].name, zip_source_buffer(zip, form->entries[i].data, form->entries[i].size, 0), 0);
    must(zip_close(zip) == 0, "zip_close");
    cv_buffer_free(&pickle);
}

void torch_write(const seeded_list *list, const char *path, cv_dtype dtype, int deflated)
{
    zip_t *zip = create(path);
    cv_buffer pickle = { 0 };

    pickle_begin_module(&pickle);
    put_tensors(&pickle, list, dtype, NULL);
    pickle_end_module(&pickle);
    add(zip, "archive/data.pkl", zip_source_buffer(zip, pickle.data, pickle.size, 0), deflated);
    add_storages(zip, list, dtype, deflated);
    add(zip, "archive/version", zip_source_buffer(zip, "3\n", 2, 0), 0);
    must(zip_close(zip) == 0, "zip_close");
    cv_buffer_free(&pickle);
}

/* The object whose tensors' names begin with that of tensor `first` up to `length`; each part of a name is an attribute
 * of the object before it, in order of appearance. */
static void put_object(cv_buffer *pickle, const seeded_list *list, cv_dtype dtype, size_t first, size_t length)
{
    const char *prefix = list->tensors[first].name;

    PICKLE(pickle, "c__torch__.network\nModule\n)\x81}(");
    pickle_text(pickle, "training");
    PICKLE(pickle, "\x89");
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->tensors[i].name, *dot;
        char part[200];
        bool again = false;

        if (strncmp(name, prefix, length) != 0)
            continue;
        dot = strchr(name + length, '.');
        snprintf(part, sizeof part, "%.*s", dot ? (int)(dot - name - (ptrdiff_t)length) : 200, name + length);
        for (size_t k = 0; k < i; k++)
            again = again || (dot && strncmp(list->tensors[k].name, name, (size_t)(dot + 1 - name)) == 0);
        if (again)
            continue;
        pickle_text(pickle, part);
        if (dot)
            put_object(pickle, list, dtype, i, (size_t)(dot + 1 - name));
        else
            put_tensor(pickle, list, i, dtype);
    }
    pickle_text(pickle, "stride");
    pickle_int(pickle, 2);
    pickle_text(pickle, "bias_of_nothing");
    PICKLE(pickle, "Nub");
}

void torch_write_script(const seeded_list *list, const char *path, cv_dtype dtype)
{
    zip_t *zip = create(path);
    cv_buffer pickle = { 0 };

    PICKLE(&pickle, "\x80\x02");
    put_object(&pickle, list, dtype, 0, 0);
    PICKLE(&pickle, ".");
    add(zip, "archive/data.pkl", zip_source_buffer(zip, pickle.data, pickle.size, 0), 0);
    add_storages(zip, list, dtype, 0);
    add(zip, "archive/code/__torch__/network.py", zip_source_buffer(zip, "raise Exception()\n", 18, 0), 0);
    add(zip, "archive/constants.pkl", zip_source_buffer(zip, "no pickle", 9, 0), 0);
    must(zip_close(zip) == 0, "zip_close");
    cv_buffer_free(&pickle);
}
