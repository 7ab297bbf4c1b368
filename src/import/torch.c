#include "import/torch.h"

#include "import/pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PICKLE (64u << 20)
#define MAX_NAME 200

struct cv_torch {
    cv_zip *zip;
    char *folder;              /* "archive/", with which every entry's name begins */
    cv_source_tensor *tensors; /* sorted by name */
    size_t count;
    char *prefix; /* taken off all names; NULL = none */
    bool script;  /* a TorchScript archive */
};

/* Reads one tensor from the pickle. */
typedef struct reader {
    const cv_torch *torch;
    cv_source_tensor *tensor;
    cogvideo_error *err;
} reader;

static cogvideo_status bad(const reader *r, const char *what)
{
    return cv_fail(r->err, COGVIDEO_ERROR_FORMAT, "%s: tensor '%.200s' %s", cv_zip_path(r->torch->zip), r->tensor->name,
                   what);
}

/* Records why a member cannot be read as a tensor, which is an error only once a network asks for it. */
static cogvideo_status flaw(const reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static cogvideo_status flaw(const reader *r, const char *format, ...)
{
    char text[160];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return (r->tensor->flaw = cv_strdup(text, r->err)) ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
}

static bool storage_dtype(const cv_pickle_value *name, cv_dtype *dtype)
{
    static const struct {
        const char *text;
        cv_dtype dtype;
    } storages[] = {
        { "FloatStorage", CV_F32 },  { "HalfStorage", CV_F16 }, { "BFloat16Storage", CV_BF16 },
        { "DoubleStorage", CV_F64 }, { "LongStorage", CV_I64 }, { "IntStorage", CV_I32 },
        { "ShortStorage", CV_I16 },  { "CharStorage", CV_I8 },  { "ByteStorage", CV_U8 },
        { "BoolStorage", CV_BOOL },
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

/* Finds the archive's entry for a storage's key. */
static cogvideo_status find_storage(const reader *r, const cv_pickle_value *text, int64_t elements)
{
    char name[400], key[40];
    size_t bytes;

    if (text->size < 1 || text->size >= sizeof key || elements < 1)
        return bad(r, "has a storage with an impossible name or size");
    memcpy(key, text->text, text->size);
    key[text->size] = '\0';
    if (strspn(key, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != text->size)
        return bad(r, "has a storage with an impossible name or size");
    snprintf(name, sizeof name, "%sdata/%s", r->torch->folder, key);
    if (!cv_zip_find(r->torch->zip, name, &r->tensor->entry))
        return cv_fail(r->err, COGVIDEO_ERROR_FORMAT,
                       "%s: '%.300s', which holds tensor '%.200s', is missing from the "
                       "archive",
                       cv_zip_path(r->torch->zip), name, r->tensor->name);
    if (!cv_size_mul((size_t)elements, cv_dtype_size(r->tensor->dtype), &bytes) ||
        bytes != cv_zip_size(r->torch->zip, r->tensor->entry))
        return cv_fail(r->err, COGVIDEO_ERROR_FORMAT,
                       "%s: '%.300s' has %llu bytes, but %lld elements of %s were declared for tensor '%.200s'",
                       cv_zip_path(r->torch->zip), name,
                       (unsigned long long)cv_zip_size(r->torch->zip, r->tensor->entry), (long long)elements,
                       cv_dtype_name(r->tensor->dtype), r->tensor->name);
    return COGVIDEO_OK;
}

/* Reads ('storage', torch.HalfStorage, '17', 'cpu', 4096): type, key of the archive's entry, device, elements. */
static cogvideo_status read_storage(const reader *r, const cv_pickle_value *value, size_t *elements)
{
    const cv_pickle_value *id = value->kind == CV_PICKLE_PERSISTENT ? value->items[0] : value;

    if (value->kind != CV_PICKLE_PERSISTENT || id->kind != CV_PICKLE_TUPLE || id->count < 5 ||
        !cv_pickle_is_text(id->items[0], "storage") || id->items[2]->kind != CV_PICKLE_TEXT ||
        id->items[4]->kind != CV_PICKLE_INT)
        return flaw(r, "has no storage of the expected form");
    if (!storage_dtype(id->items[1], &r->tensor->dtype))
        return flaw(r, "has the unsupported type %.*s", (int)(id->items[1]->size < 60 ? id->items[1]->size : 60),
                    id->items[1]->text ? id->items[1]->text : "");
    *elements = (size_t)id->items[4]->integer;
    return find_storage(r, id->items[2], id->items[4]->integer);
}

static cogvideo_status read_shape(const reader *r, const cv_pickle_value *size, const cv_pickle_value *stride)
{
    cv_source_tensor *tensor = r->tensor;
    bool empty = false, contiguous = true;

    if (size->kind != CV_PICKLE_TUPLE || stride->kind != CV_PICKLE_TUPLE || size->count != stride->count)
        return bad(r, "has a shape that cannot be read");
    if (size->count > CV_MAX_RANK)
        return flaw(r, "has %zu dimensions; at most %d are supported", size->count, CV_MAX_RANK);
    tensor->rank = (int)size->count;
    tensor->count = 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        if (size->items[i]->kind != CV_PICKLE_INT || stride->items[i]->kind != CV_PICKLE_INT ||
            size->items[i]->integer < 0)
            return bad(r, "has a shape that cannot be read");
        tensor->shape[i] = (size_t)size->items[i]->integer;
        empty = empty || tensor->shape[i] == 0;
        contiguous = contiguous && (tensor->shape[i] == 1 || stride->items[i]->integer == (int64_t)tensor->count);
        if (!cv_size_mul(tensor->count, tensor->shape[i], &tensor->count))
            return bad(r, "has a shape that does not fit in memory");
    }
    if (empty)
        return flaw(r, "is empty");
    return contiguous ? COGVIDEO_OK : flaw(r, "is not contiguous; save a checkpoint of contiguous tensors");
}

/* Reads _rebuild_tensor_v2(storage, offset, size, stride, ...), perhaps inside _rebuild_parameter(tensor, ...). */
static cogvideo_status read_tensor(const reader *r, const cv_pickle_value *value)
{
    cv_source_tensor *tensor = r->tensor;
    cogvideo_status status;
    const cv_pickle_value *arguments;
    size_t elements = 0;
    uint64_t offset;

    if (value->kind == CV_PICKLE_CALL && value->items[0]->name == CV_NAME_REBUILD_PARAMETER &&
        value->items[1]->count > 0)
        value = value->items[1]->items[0];
    if (value->kind == CV_PICKLE_INERT && value->size)
        return flaw(r, "is made by %.*s, which is not supported", (int)(value->size < 100 ? value->size : 100),
                    value->text);
    if (value->kind != CV_PICKLE_CALL || value->items[0]->name != CV_NAME_REBUILD_TENSOR || value->items[1]->count < 4)
        return flaw(r, "is not a tensor but %s", cv_pickle_kind_text(value));
    arguments = value->items[1];
    CV_TRY(read_shape(r, arguments->items[2], arguments->items[3]));
    if (tensor->flaw)
        return COGVIDEO_OK;
    CV_TRY(read_storage(r, arguments->items[0], &elements));
    if (tensor->flaw)
        return COGVIDEO_OK;
    if (!cv_size_mul(tensor->count, cv_dtype_size(tensor->dtype), &tensor->bytes))
        return bad(r, "has a shape that does not fit in memory");
    if (arguments->items[1]->kind != CV_PICKLE_INT || arguments->items[1]->integer < 0)
        return bad(r, "has an impossible offset into its storage");
    offset = (uint64_t)arguments->items[1]->integer;
    if (tensor->count > elements || offset > elements - tensor->count)
        return bad(r, "reaches past the end of its storage");
    tensor->offset = offset * cv_dtype_size(tensor->dtype);
done:
    return status;
}

/* --- the dictionary ------------------------------------------------------------------------------------------- */

static bool holds_tensors(const cv_pickle_value *value)
{
    for (size_t i = 0; value->kind == CV_PICKLE_DICT && i < value->count; i += 2)
        if (value->items[i]->kind == CV_PICKLE_TEXT && value->items[i + 1]->kind == CV_PICKLE_CALL)
            return true;
    return false;
}

/* The keys under which training programs keep a network, the original's first. */
static const char *const wrappers[] = { "module", "state_dict", "model", "model_state_dict" };
enum { WRAPPERS = sizeof wrappers / sizeof *wrappers, MAX_WRAPPED = 4 };

/* Returns the first dictionary of tensors under those keys, which may be nested; the value itself where it has
 * tensors. */
static const cv_pickle_value *unwrap(const cv_pickle_value *value, int depth)
{
    for (int w = 0; w < WRAPPERS && depth < MAX_WRAPPED && value->kind == CV_PICKLE_DICT; w++)
        for (size_t i = 0; i < value->count; i += 2)
            if (cv_pickle_is_text(value->items[i], wrappers[w])) {
                const cv_pickle_value *inner = unwrap(value->items[i + 1], depth + 1);

                if (inner)
                    return inner;
            }
    return holds_tensors(value) ? value : NULL;
}

static cogvideo_status no_dictionary(const cv_torch *torch, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                   "%s: a dictionary of tensors, perhaps under the key 'module', was expected, but the checkpoint "
                   "holds something else; save the network's state_dict()",
                   cv_zip_path(torch->zip));
}

static cogvideo_status find_tensors(const cv_torch *torch, const cv_pickle_value *root, const cv_pickle_value **out,
                                    cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer keys = { 0 };

    if (root->kind != CV_PICKLE_DICT)
        return no_dictionary(torch, err);
    if ((*out = unwrap(root, 0)))
        return COGVIDEO_OK;
    for (size_t i = 0; i < root->count && keys.size < MAX_NAME; i += 2)
        if (root->items[i]->kind == CV_PICKLE_TEXT)
            CV_TRY(cv_buffer_printf(&keys, err, "%s'%.*s'", keys.size ? ", " : "",
                                    (int)(root->items[i]->size < 60 ? root->items[i]->size : 60),
                                    root->items[i]->text));
    status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                     "%s: the checkpoint has no dictionary of tensors, neither by itself nor under the key 'module', "
                     "'state_dict', 'model' or 'model_state_dict'; its keys are %s",
                     cv_zip_path(torch->zip), keys.size ? keys.data : "none");
done:
    cv_buffer_free(&keys);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const cv_source_tensor *)a)->name, ((const cv_source_tensor *)b)->name);
}

/* Reads member `number` of the dictionary; a member whose key cannot name a tensor gets a name that no network asks
 * for. */
static cogvideo_status read_member(const reader *r, const cv_pickle_value *key, const cv_pickle_value *value,
                                   size_t number)
{
    cv_source_tensor *tensor = r->tensor;
    bool named =
        key->kind == CV_PICKLE_TEXT && key->size >= 1 && key->size <= MAX_NAME && !memchr(key->text, 0, key->size);
    cogvideo_status status;

    CV_NEW(tensor->name, MAX_NAME + 1, r->err);
    if (named)
        memcpy(tensor->name, key->text, key->size);
    else
        snprintf(tensor->name, MAX_NAME, "(member %zu)", number);
    status = named ? read_tensor(r, value) : flaw(r, "has no usable name");
done:
    return status;
}

static cogvideo_status read_members(cv_torch *torch, const cv_pickle_value *members, cogvideo_error *err)
{
    cogvideo_status status;

    CV_NEW(torch->tensors, members->count / 2, err);
    for (size_t i = 0; i < members->count; i += 2) {
        const reader r = { torch, &torch->tensors[torch->count++], err };

        CV_TRY(read_member(&r, members->items[i], members->items[i + 1], i / 2));
    }
done:
    return status;
}

/* --- TorchScript ---------------------------------------------------------------------------------------------- */

enum { MAX_DEPTH = 32, MAX_VISITS = 1 << 18 };

/* The walk through the objects of an archive. Objects may share others, or hold themselves, so its steps are
 * counted. */
typedef struct walk {
    cv_torch *torch;
    char path[MAX_NAME + 1]; /* "visual.conv1", of the attribute that is looked at */
    size_t visits, capacity;
    cogvideo_error *err;
} walk;

static cogvideo_status add_tensor(walk *w, const cv_pickle_value *value)
{
    cv_torch *torch = w->torch;
    cogvideo_status status = COGVIDEO_OK;

    if (torch->count == w->capacity) {
        size_t wider = w->capacity ? 2 * w->capacity : 512;
        cv_source_tensor *grown = cv_realloc(torch->tensors, w->capacity, wider, sizeof *grown, w->err);

        if (!grown)
            return COGVIDEO_ERROR_MEMORY;
        torch->tensors = grown;
        w->capacity = wider;
    }
    if (!(torch->tensors[torch->count].name = cv_strdup(w->path, w->err)))
        return COGVIDEO_ERROR_MEMORY;
    const reader r = { torch, &torch->tensors[torch->count++], w->err };

    CV_TRY(read_tensor(&r, value));
done:
    return status;
}

/* Collects the tensors of an object, whose own path is the first `length` bytes. Attributes that are neither tensors
 * nor objects, such as numbers and flags, are of use to the code alone. */
static cogvideo_status walk_object(walk *w, const cv_pickle_value *object, size_t length, int depth)
{
    const char *file = cv_zip_path(w->torch->zip);
    cogvideo_status status = COGVIDEO_OK;

    if (depth == MAX_DEPTH)
        return cv_fail(w->err, COGVIDEO_ERROR_FORMAT, "%s: its objects are nested more than %d deep, or in a circle",
                       file, MAX_DEPTH);
    for (size_t i = 0; i < object->count; i += 2) {
        const cv_pickle_value *key = object->items[i], *value = object->items[i + 1];

        if (++w->visits > MAX_VISITS)
            return cv_fail(w->err, COGVIDEO_ERROR_FORMAT, "%s: has more attributes than a network can need", file);
        if (value->kind != CV_PICKLE_CALL && (value->kind != CV_PICKLE_INERT || value->count == 0))
            continue;
        if (key->kind != CV_PICKLE_TEXT || key->size == 0 || memchr(key->text, 0, key->size) ||
            key->size + 2 > sizeof w->path - length)
            return cv_fail(w->err, COGVIDEO_ERROR_FORMAT, "%s: an attribute of '%.100s' has no usable name", file,
                           length ? w->path : "its module");
        snprintf(w->path + length, sizeof w->path - length, "%s%.*s", length ? "." : "", (int)key->size, key->text);
        if (value->kind == CV_PICKLE_CALL)
            CV_TRY(add_tensor(w, value));
        else
            CV_TRY(walk_object(w, value, strlen(w->path), depth + 1));
        w->path[length] = '\0';
    }
done:
    return status;
}

static cogvideo_status read_script(cv_torch *torch, const cv_pickle_value *root, cogvideo_error *err)
{
    walk w = { .torch = torch, .err = err };
    cogvideo_status status;

    torch->script = true;
    CV_TRY(walk_object(&w, root, 0, 0));
    if (torch->count == 0)
        return no_dictionary(torch, err);
done:
    return status;
}

/* --- both ----------------------------------------------------------------------------------------------------- */

static cogvideo_status read_tensors(cv_torch *torch, const cv_pickle_value *root, cogvideo_error *err)
{
    cogvideo_status status;
    const cv_pickle_value *members = NULL;

    if (root->kind == CV_PICKLE_INERT && root->count > 0) {
        CV_TRY(read_script(torch, root, err));
    } else {
        CV_TRY(find_tensors(torch, root, &members, err));
        CV_TRY(read_members(torch, members, err));
    }
    qsort(torch->tensors, torch->count, sizeof *torch->tensors, by_name);
    for (size_t i = 1; i < torch->count; i++)
        if (by_name(&torch->tensors[i - 1], &torch->tensors[i]) == 0)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the tensor '%.200s' occurs twice in the checkpoint",
                           cv_zip_path(torch->zip), torch->tensors[i].name);
done:
    return status;
}

/* --- the archive ---------------------------------------------------------------------------------------------- */

/* Finds the only entry FOLDER/data.pkl. */
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
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: is a zip archive but not a PyTorch checkpoint: it holds %zu "
                       "entries named FOLDER/data.pkl, one was expected",
                       cv_zip_path(torch->zip), found);
    if (!(torch->folder = cv_strdup(cv_zip_name(torch->zip, *index), err)))
        return COGVIDEO_ERROR_MEMORY;
    strchr(torch->folder, '/')[1] = '\0';
    if (strlen(torch->folder) > 255)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its folder's name is too long", cv_zip_path(torch->zip));
    return COGVIDEO_OK;
}

/* Newer files contain their byte order. */
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
        status = cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "%s: its byte order is '%s'; only 'little' is supported",
                         cv_zip_path(torch->zip), text.data);
done:
    cv_buffer_free(&text);
    return status;
}

cogvideo_status cv_torch_open(cv_torch **out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_torch *torch = NULL;
    cv_pickle *pickle = NULL;
    cv_buffer bytes = { 0 };
    size_t index = 0;

    CV_NEW(torch, 1, err);
    CV_TRY(cv_zip_open(&torch->zip, path, err));
    CV_TRY(find_pickle(torch, &index, err));
    CV_TRY(check_byte_order(torch, err));
    CV_TRY(cv_zip_read(&bytes, torch->zip, index, MAX_PICKLE, err));
    CV_TRY(cv_pickle_read(&pickle, bytes.data, bytes.size, path, err));
    CV_TRY(read_tensors(torch, cv_pickle_root(pickle), err));
    *out = torch;
    torch = NULL;
done:
    cv_pickle_free(&pickle);
    cv_buffer_free(&bytes);
    cv_torch_close(&torch);
    return status;
}

void cv_torch_close(cv_torch **torch)
{
    if (!*torch)
        return;
    for (size_t i = 0; (*torch)->tensors && i < (*torch)->count; i++) {
        cv_free((*torch)->tensors[i].name);
        cv_free((*torch)->tensors[i].flaw);
    }
    cv_free((*torch)->tensors);
    cv_free((*torch)->prefix);
    cv_free((*torch)->folder);
    cv_zip_close(&(*torch)->zip);
    cv_free(*torch);
    *torch = NULL;
}

const char *cv_torch_path(const cv_torch *torch)
{
    return cv_zip_path(torch->zip);
}
bool cv_torch_is_script(const cv_torch *torch)
{
    return torch->script;
}
size_t cv_torch_count(const cv_torch *torch)
{
    return torch->count;
}
const cv_source_tensor *cv_torch_at(const cv_torch *torch, size_t index)
{
    return &torch->tensors[index];
}

/* Finds a tensor by its full name in the checkpoint. */
static const cv_source_tensor *find_whole(const cv_torch *torch, const char *name)
{
    const cv_source_tensor key = { .name = (char *)name };

    return bsearch(&key, torch->tensors, torch->count, sizeof key, by_name);
}

cogvideo_status cv_torch_unwrap(cv_torch *torch, const char *name, cogvideo_error *err)
{
    const size_t length = strlen(name);
    const char *found = NULL;
    size_t before = 0;

    if (find_whole(torch, name))
        return COGVIDEO_OK;
    for (size_t i = 0; i < torch->count; i++) {
        const char *whole = torch->tensors[i].name;
        size_t size = strlen(whole);

        if (size <= length + 1 || whole[size - length - 1] != '.' || strcmp(whole + size - length, name) != 0)
            continue;
        if (found)
            return cv_fail(err, COGVIDEO_ERROR_MODEL,
                           "%s: contains the network twice, with the prefixes '%.200s' and '%.200s'; save a "
                           "checkpoint of one of them",
                           cv_torch_path(torch), found, whole);
        found = whole;
        before = size - length;
    }
    if (!found)
        return COGVIDEO_OK;
    if (!(torch->prefix = cv_strdup(found, err)))
        return COGVIDEO_ERROR_MEMORY;
    torch->prefix[before] = '\0';
    return COGVIDEO_OK;
}

const char *cv_torch_prefix(const cv_torch *torch)
{
    return torch->prefix ? torch->prefix : "";
}

const cv_source_tensor *cv_torch_find(const cv_torch *torch, const char *name)
{
    char whole[2 * MAX_NAME];

    snprintf(whole, sizeof whole, "%s%.200s", cv_torch_prefix(torch), name);
    return find_whole(torch, whole);
}

const char *cv_torch_own_name(const cv_torch *torch, const cv_source_tensor *tensor)
{
    const size_t length = strlen(cv_torch_prefix(torch));

    return strncmp(tensor->name, cv_torch_prefix(torch), length) == 0 ? tensor->name + length : NULL;
}

cogvideo_status cv_torch_stream(cv_zip_stream **out, cv_torch *torch, const cv_source_tensor *tensor,
                                cogvideo_error *err)
{
    return cv_zip_stream_open(out, torch->zip, tensor->entry, tensor->offset, err);
}

cogvideo_status cv_torch_readable(const cv_torch *torch, const cv_source_tensor *tensor, cogvideo_error *err)
{
    return tensor->flaw ? cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%.200s' %s", cv_torch_path(torch),
                                  tensor->name, tensor->flaw)
                        : COGVIDEO_OK;
}
