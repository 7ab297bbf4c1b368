#include "import/torch.h"

#include "import/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PICKLE (64u << 20)
#define MAX_NAME 200

struct cv_torch {
    cv_zip *zip;
    char *folder; /* "archive/": what every entry's name begins with */
    cv_torch_tensor *tensors; /* sorted by name */
    size_t count;
};

/* A tensor as the pickle tells it, and where an error would say it stands. */
typedef struct reader {
    const cv_torch *torch;
    cv_torch_tensor *tensor;
    cogvideo_error *err;
} reader;

static cogvideo_status bad(const reader *r, const char *what)
{
    return cv_fail(r->err, COGVIDEO_ERROR_FORMAT, "%s: tensor '%.200s' %s", cv_zip_path(r->torch->zip),
                   r->tensor->name, what);
}

static bool storage_dtype(const cv_pickle_value *name, cv_dtype *dtype)
{
    static const struct {
        const char *text;
        cv_dtype dtype;
    } storages[] = {
        { "FloatStorage", CV_F32 }, { "HalfStorage", CV_F16 }, { "BFloat16Storage", CV_BF16 },
        { "DoubleStorage", CV_F64 }, { "LongStorage", CV_I64 }, { "IntStorage", CV_I32 },
        { "CharStorage", CV_I8 }, { "ByteStorage", CV_U8 },
    };

    if (name->kind != CV_PICKLE_NAME || name->name != CV_NAME_STORAGE)
        return false;
    for (size_t i = 0; i < sizeof storages / sizeof *storages; i++)
        if (strlen(storages[i].text) == name->size && memcmp(storages[i].text, name->text, name->size) == 0) {
            *dtype = storages[i].dtype;
            return true;
        }
    return false;
}

/* ('storage', torch.HalfStorage, '17', 'cpu', 4096): type, key of the archive's entry, place, elements. */
static cogvideo_status read_storage(const reader *r, const cv_pickle_value *value, size_t *elements)
{
    const cv_pickle_value *id = value->kind == CV_PICKLE_PERSISTENT ? value->items[0] : value;
    char name[400], key[40];
    size_t bytes;

    if (value->kind != CV_PICKLE_PERSISTENT || id->kind != CV_PICKLE_TUPLE || id->count < 5 ||
        !cv_pickle_is_text(id->items[0], "storage") || id->items[2]->kind != CV_PICKLE_TEXT ||
        id->items[4]->kind != CV_PICKLE_INT)
        return bad(r, "has no storage of the expected form");
    if (!storage_dtype(id->items[1], &r->tensor->dtype))
        return bad(r, "has a storage of an unsupported type");
    if (id->items[2]->size < 1 || id->items[2]->size >= sizeof key || id->items[4]->integer < 1)
        return bad(r, "has a storage with an impossible name or size");
    memcpy(key, id->items[2]->text, id->items[2]->size);
    key[id->items[2]->size] = '\0';
    if (strspn(key, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != id->items[2]->size)
        return bad(r, "has a storage with an impossible name or size");
    snprintf(name, sizeof name, "%sdata/%s", r->torch->folder, key);
    if (!cv_zip_find(r->torch->zip, name, &r->tensor->entry))
        return cv_fail(r->err, COGVIDEO_ERROR_FORMAT, "%s: '%.300s', which holds tensor '%.200s', is missing from the "
                       "archive", cv_zip_path(r->torch->zip), name, r->tensor->name);
    *elements = (size_t)id->items[4]->integer;
    if (!cv_size_mul(*elements, cv_dtype_size(r->tensor->dtype), &bytes) ||
        bytes != cv_zip_size(r->torch->zip, r->tensor->entry))
        return cv_fail(r->err, COGVIDEO_ERROR_FORMAT, "%s: '%.300s' has %llu bytes, but %zu elements of %s were "
                       "promised for tensor '%.200s'", cv_zip_path(r->torch->zip), name,
                       (unsigned long long)cv_zip_size(r->torch->zip, r->tensor->entry), *elements,
                       cv_dtype_name(r->tensor->dtype), r->tensor->name);
    return COGVIDEO_OK;
}

static cogvideo_status read_shape(const reader *r, const cv_pickle_value *size, const cv_pickle_value *stride)
{
    cv_torch_tensor *tensor = r->tensor;

    if (size->kind != CV_PICKLE_TUPLE || stride->kind != CV_PICKLE_TUPLE || size->count != stride->count ||
        size->count > CV_MAX_RANK)
        return bad(r, "has a shape that cannot be read");
    tensor->rank = (int)size->count;
    tensor->count = 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        if (size->items[i]->kind != CV_PICKLE_INT || stride->items[i]->kind != CV_PICKLE_INT ||
            size->items[i]->integer < 1)
            return bad(r, "has a shape that cannot be read");
        tensor->shape[i] = (size_t)size->items[i]->integer;
        if (tensor->shape[i] > 1 && stride->items[i]->integer != (int64_t)tensor->count)
            return bad(r, "is not contiguous; save a checkpoint of contiguous tensors");
        if (!cv_size_mul(tensor->count, tensor->shape[i], &tensor->count))
            return bad(r, "has a shape that does not fit in memory");
    }
    if (!cv_size_mul(tensor->count, cv_dtype_size(tensor->dtype), &tensor->bytes))
        return bad(r, "has a shape that does not fit in memory");
    return COGVIDEO_OK;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, ...), perhaps inside _rebuild_parameter(tensor, ...). */
static cogvideo_status read_tensor(const reader *r, const cv_pickle_value *value)
{
    cogvideo_status status;
    const cv_pickle_value *arguments;
    size_t elements = 0;
    uint64_t offset;

    if (value->kind == CV_PICKLE_CALL && value->items[0]->name == CV_NAME_REBUILD_PARAMETER &&
        value->items[1]->count > 0)
        value = value->items[1]->items[0];
    if (value->kind != CV_PICKLE_CALL || value->items[0]->name != CV_NAME_REBUILD_TENSOR ||
        value->items[1]->count < 4)
        return bad(r, "is not a tensor of the expected form");
    arguments = value->items[1];
    CV_TRY(read_storage(r, arguments->items[0], &elements));
    CV_TRY(read_shape(r, arguments->items[2], arguments->items[3]));
    if (arguments->items[1]->kind != CV_PICKLE_INT || arguments->items[1]->integer < 0)
        return bad(r, "has an impossible offset into its storage");
    offset = (uint64_t)arguments->items[1]->integer;
    if (r->tensor->count > elements || offset > elements - r->tensor->count)
        return bad(r, "reaches past the end of its storage");
    r->tensor->offset = offset * cv_dtype_size(r->tensor->dtype);
fail:
    return status;
}

/* The dictionary of tensors: under `module`, or the root itself where its first member is a tensor. */
static cogvideo_status find_tensors(const cv_torch *torch, const cv_pickle_value *root, const cv_pickle_value **out,
                                    cogvideo_error *err)
{
    if (root->kind != CV_PICKLE_DICT)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a dictionary with the key 'module' was expected, the "
                       "checkpoint holds something else", cv_zip_path(torch->zip));
    *out = NULL;
    for (size_t i = 0; i < root->count; i += 2)
        if (cv_pickle_is_text(root->items[i], "module"))
            *out = root->items[i + 1];
    if (!*out && root->count > 0 && root->items[1]->kind == CV_PICKLE_CALL)
        *out = root;
    if (!*out || (*out)->kind != CV_PICKLE_DICT || (*out)->count == 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the checkpoint has no dictionary of tensors under the key "
                       "'module'", cv_zip_path(torch->zip));
    return COGVIDEO_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const cv_torch_tensor *)a)->name, ((const cv_torch_tensor *)b)->name);
}

static cogvideo_status read_tensors(cv_torch *torch, const cv_pickle_value *members, cogvideo_error *err)
{
    cogvideo_status status;

    CV_NEW(torch->tensors, members->count / 2, err);
    for (size_t i = 0; i < members->count; i += 2) {
        const cv_pickle_value *key = members->items[i];
        cv_torch_tensor *tensor = &torch->tensors[torch->count];
        const reader r = { torch, tensor, err };

        if (key->kind != CV_PICKLE_TEXT || key->size < 1 || key->size > MAX_NAME || memchr(key->text, 0, key->size))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: member %zu of the dictionary of tensors has no usable "
                           "name", cv_zip_path(torch->zip), i / 2);
        CV_NEW(tensor->name, key->size + 1, err);
        torch->count++;
        memcpy(tensor->name, key->text, key->size);
        CV_TRY(read_tensor(&r, members->items[i + 1]));
    }
    qsort(torch->tensors, torch->count, sizeof *torch->tensors, by_name);
    for (size_t i = 1; i < torch->count; i++)
        if (by_name(&torch->tensors[i - 1], &torch->tensors[i]) == 0)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the tensor '%.200s' stands twice in the checkpoint",
                           cv_zip_path(torch->zip), torch->tensors[i].name);
fail:
    return status;
}

/* The one entry FOLDER/data.pkl. */
static cogvideo_status find_pickle(cv_torch *torch, size_t *index, cogvideo_error *err)
{
    static const char tail[] = "/data.pkl";
    size_t found = 0;

    for (size_t i = 0; i < cv_zip_count(torch->zip); i++) {
        const char *name = cv_zip_name(torch->zip, i), *slash = strchr(name, '/');

        if (slash && strcmp(slash, tail) == 0) {
            *index = i;
            found++;
        }
    }
    if (found != 1)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is a zip archive but not a PyTorch checkpoint: it holds %zu "
                       "entries named FOLDER/data.pkl, one was expected", cv_zip_path(torch->zip), found);
    if (!(torch->folder = cv_strdup(cv_zip_name(torch->zip, *index), err)))
        return COGVIDEO_ERROR_MEMORY;
    strchr(torch->folder, '/')[1] = '\0';
    if (strlen(torch->folder) > 255)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its folder's name is too long", cv_zip_path(torch->zip));
    return COGVIDEO_OK;
}

/* Newer files say how their bytes are ordered. */
static cogvideo_status check_byte_order(cv_torch *torch, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer text = { 0 };
    char name[300];
    size_t index;

    snprintf(name, sizeof name, "%sbyteorder", torch->folder);
    if (!cv_zip_find(torch->zip, name, &index))
        return COGVIDEO_OK;
    CV_TRY(cv_zip_read(&text, torch->zip, index, 64, err));
    if (strcmp(text.data, "little") != 0)
        status = cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "%s: its byte order is '%s'; 'little' is supported",
                         cv_zip_path(torch->zip), text.data);
fail:
    cv_buffer_free(&text);
    return status;
}

cogvideo_status cv_torch_open(cv_torch **out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_torch *torch = NULL;
    cv_pickle *pickle = NULL;
    const cv_pickle_value *members = NULL;
    cv_buffer bytes = { 0 };
    size_t index = 0;

    CV_NEW(torch, 1, err);
    CV_TRY(cv_zip_open(&torch->zip, path, err));
    CV_TRY(find_pickle(torch, &index, err));
    CV_TRY(check_byte_order(torch, err));
    CV_TRY(cv_zip_read(&bytes, torch->zip, index, MAX_PICKLE, err));
    CV_TRY(cv_pickle_read(&pickle, bytes.data, bytes.size, path, err));
    CV_TRY(find_tensors(torch, cv_pickle_root(pickle), &members, err));
    CV_TRY(read_tensors(torch, members, err));
    *out = torch;
    torch = NULL;
fail:
    cv_pickle_free(&pickle);
    cv_buffer_free(&bytes);
    cv_torch_close(&torch);
    return status;
}

void cv_torch_close(cv_torch **torch)
{
    if (!*torch)
        return;
    for (size_t i = 0; (*torch)->tensors && i < (*torch)->count; i++)
        cv_free((*torch)->tensors[i].name);
    cv_free((*torch)->tensors);
    cv_free((*torch)->folder);
    cv_zip_close(&(*torch)->zip);
    cv_free(*torch);
    *torch = NULL;
}

const char *cv_torch_path(const cv_torch *torch) { return cv_zip_path(torch->zip); }
size_t cv_torch_count(const cv_torch *torch) { return torch->count; }
const cv_torch_tensor *cv_torch_at(const cv_torch *torch, size_t index) { return &torch->tensors[index]; }

const cv_torch_tensor *cv_torch_find(const cv_torch *torch, const char *name)
{
    const cv_torch_tensor key = { .name = (char *)name };

    return bsearch(&key, torch->tensors, torch->count, sizeof key, by_name);
}

cogvideo_status cv_torch_stream(cv_zip_stream **out, cv_torch *torch, const cv_torch_tensor *tensor,
                                cogvideo_error *err)
{
    return cv_zip_stream_open(out, torch->zip, tensor->entry, tensor->offset, err);
}
