#include "tensor/store.h"

#include "base/json.h"
#include "base/file_kind.h"
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER (100u << 20)

typedef struct entry {
    cv_tensor tensor;
    size_t begin, end; /* within the data part */
    void *copy;        /* data that was misaligned in the file */
    char *planned;     /* the name of an entry that a claim made */
    float *wide;       /* the f32 copy of a vector of another type */
    bool claimed;
} entry;

struct cv_store {
    char *path;
    cv_mapping file;
    cv_json *header;
    entry *entries; /* sorted by name */
    size_t count;
    char *names;   /* the names of a store in memory, one after another */
    float *memory; /* its values */
    bool plan;     /* claims make entries */
};

void cv_shape_text(char *out, size_t size, int rank, const size_t *shape)
{
    size_t used = 0;

    snprintf(out, size, "[");
    for (int i = 0; i < rank; i++) {
        used = strlen(out);
        snprintf(out + used, size - used, i ? ", %zu" : "%zu", shape[i]);
    }
    used = strlen(out);
    snprintf(out + used, size - used, "]");
}

bool cv_tensor_is_weight(const cv_tensor *tensor)
{
    switch (tensor->dtype) {
    case CV_I64:
    case CV_I32:
    case CV_I16:
    case CV_U64:
    case CV_U32:
    case CV_U16:
    case CV_BOOL:
    case CV_OTHER:
        return false;
    default:
        return tensor->count > 0;
    }
}

/* One header member: {"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}. */
static cogvideo_status parse_entry(entry *out, const cv_json *item, const char *path, size_t data_size,
                                   cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *shape, *offsets;
    const char *dtype, *name = cv_json_key(item);
    char origin[400];
    size_t bytes, ends[2], n = 0;

    snprintf(origin, sizeof origin, "%.200s: tensor '%.160s'", path, name);
    if (!cv_json_is_object(item))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its description must be an object", origin);
    CV_TRY(cv_json_string(item, "dtype", &dtype, origin, err));
    CV_TRY(cv_json_array(item, "shape", &shape, origin, err));
    CV_TRY(cv_json_array(item, "data_offsets", &offsets, origin, err));
    if (!cv_dtype_parse(&out->tensor.dtype, dtype))
        out->tensor.dtype = CV_OTHER;
    out->tensor.name = name;
    out->tensor.count = 1;
    for (const cv_json *d = cv_json_first(shape); d; d = cv_json_next(d)) {
        double value = cv_json_is_number(d) ? cv_json_number(d) : -1;

        if (out->tensor.rank == CV_MAX_RANK || !(value >= 0 && value <= 0x1p48) || value != (double)(size_t)value)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: needs at most %d dimensions, each a whole number", origin,
                           CV_MAX_RANK);
        out->tensor.shape[out->tensor.rank++] = (size_t)value;
        if (!cv_size_mul(out->tensor.count, (size_t)value, &out->tensor.count))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its shape does not fit in memory", origin);
    }
    for (const cv_json *d = cv_json_first(offsets); d; d = cv_json_next(d), n++) {
        double value = cv_json_is_number(d) ? cv_json_number(d) : -1;

        if (n == 2 || !(value >= 0 && value <= (double)data_size) || value != (double)(size_t)value)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: data_offsets must be two numbers within the %zu data bytes",
                           origin, data_size);
        ends[n] = (size_t)value;
    }
    if (n != 2 || ends[1] < ends[0] || !cv_size_mul(out->tensor.count, cv_dtype_size(out->tensor.dtype), &bytes) ||
        (ends[1] - ends[0] != bytes && out->tensor.dtype != CV_OTHER))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its data_offsets do not match its shape and type", origin);
    out->begin = ends[0];
    out->end = ends[1];
done:
    return status;
}

static int by_offset(const void *a, const void *b)
{
    const entry *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    /* an empty tensor sorts before the one that begins at the same byte */
    return x->end < y->end ? -1 : x->end > y->end;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->tensor.name, ((const entry *)b)->tensor.name);
}

/* The format allows neither holes nor overlaps, so the sorted extents must follow each other through all of the
 * data. */
static cogvideo_status check_chain(cv_store *store, size_t data_size, cogvideo_error *err)
{
    size_t position = 0;

    qsort(store->entries, store->count, sizeof *store->entries, by_offset);
    for (size_t i = 0; i < store->count; i++) {
        if (store->entries[i].begin != position)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: tensor '%.100s' starts at data byte %zu; %zu was expected",
                           store->path, store->entries[i].tensor.name, store->entries[i].begin, position);
        position = store->entries[i].end;
    }
    if (position != data_size)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: has %zu data bytes, but its tensors fill %zu: truncated or padded", store->path, data_size,
                       position);
    return COGVIDEO_OK;
}

static cogvideo_status parse_header(cv_store *store, cogvideo_error *err)
{
    cogvideo_status status;
    const unsigned char *file = store->file.data;
    uint64_t header_size = 0;
    size_t data_size, rest = store->file.size < 8 ? 0 : store->file.size - 8;

    for (int i = 7; rest > 0 && i >= 0; i--)
        header_size = header_size << 8 | file[i];
    if (header_size < 2 || header_size > rest || header_size > MAX_HEADER) {
        const char *kind = cv_file_kind(file, store->file.size);

        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is not a safetensors file%s%s", store->path,
                       kind ? ": it is " : " (no valid header length in its first 8 bytes)", kind ? kind : "");
    }
    data_size = rest - (size_t)header_size;
    CV_TRY(cv_json_parse(&store->header, (const char *)file + 8, (size_t)header_size, store->path, err));
    if (!cv_json_is_object(store->header))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the safetensors header must be a JSON object", store->path);
    CV_NEW(store->entries, cv_json_count(store->header), err);
    for (const cv_json *item = cv_json_first(store->header); item; item = cv_json_next(item)) {
        entry *e = &store->entries[store->count];

        if (strcmp(cv_json_key(item), "__metadata__") == 0)
            continue;
        CV_TRY(parse_entry(e, item, store->path, data_size, err));
        store->count++;
    }
    CV_TRY(check_chain(store, data_size, err));
    for (size_t i = 0; i < store->count; i++) {
        entry *e = &store->entries[i];
        const unsigned char *data = file + 8 + header_size + e->begin;

        if ((uintptr_t)data % cv_dtype_size(e->tensor.dtype) != 0) {
            if (!(e->copy = cv_alloc(e->end - e->begin, 1, err)))
                return COGVIDEO_ERROR_MEMORY;
            memcpy(e->copy, data, e->end - e->begin);
            data = e->copy;
        }
        e->tensor.data = data;
    }
    qsort(store->entries, store->count, sizeof *store->entries, by_name);
done:
    return status;
}

cogvideo_status cv_store_open(cv_store **out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *store = NULL;

    CV_NEW(store, 1, err);
    if (!(store->path = cv_strdup(path, err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    CV_TRY(cv_map_open(&store->file, path, err));
    CV_TRY(parse_header(store, err));
    *out = store;
    return COGVIDEO_OK;
done:
    cv_store_close(&store);
    return status;
}

void cv_store_close(cv_store **store)
{
    cv_store *s = *store;

    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++) {
        cv_free(s->entries[i].copy);
        cv_free(s->entries[i].planned);
        cv_free(s->entries[i].wide);
    }
    cv_free(s->entries);
    cv_free(s->names);
    cv_free(s->memory);
    cv_json_free(&s->header);
    cv_map_close(&s->file);
    cv_free(s->path);
    cv_free(s);
    *store = NULL;
}

const char *cv_store_path(const cv_store *store)
{
    return store->path;
}
bool cv_store_lock(const cv_store *store)
{
    return cv_map_lock(&store->file);
}
size_t cv_store_count(const cv_store *store)
{
    return store->count;
}
const cv_tensor *cv_store_at(const cv_store *store, size_t index)
{
    return &store->entries[index].tensor;
}
size_t cv_store_bytes(const cv_store *store)
{
    return store->file.size;
}
size_t cv_store_mapped(const cv_store *store)
{
    return store->file.read ? 0 : store->file.size;
}

static entry *find_entry(const cv_store *store, const char *name)
{
    entry wanted = { .tensor = { .name = name } };

    if (store->count == 0)
        return NULL;
    return bsearch(&wanted, store->entries, store->count, sizeof *store->entries, by_name);
}

const cv_tensor *cv_store_find(const cv_store *store, const char *name)
{
    entry *e = find_entry(store, name);

    return e ? &e->tensor : NULL;
}

const char *cv_store_metadata(const cv_store *store, const char *key)
{
    const cv_json *metadata = store->header ? cv_json_get(store->header, "__metadata__") : NULL;
    const cv_json *item = metadata ? cv_json_get(metadata, key) : NULL;

    return item && cv_json_is_string(item) ? cv_json_text(item) : NULL;
}

/* Inserts a new entry at its position in the order of names. */
static cogvideo_status plan_entry(entry **out, cv_store *store, const char *name, int rank, const size_t *shape,
                                  cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_ERROR_MEMORY;
    entry e = { .tensor = { .rank = rank, .dtype = CV_F32, .count = 1 } };
    entry *entries;
    size_t at = 0;

    for (int i = 0; i < rank; i++) {
        e.tensor.shape[i] = shape[i];
        if (!cv_size_mul(e.tensor.count, shape[i], &e.tensor.count))
            return cv_fail(err, COGVIDEO_ERROR_MEMORY, "%s: tensor '%s' does not fit in memory", store->path, name);
    }
    if (!(e.tensor.name = e.planned = cv_strdup(name, err)) ||
        !(entries = cv_realloc(store->entries, store->count, store->count + 1, sizeof *entries, err)))
        goto done;
    while (at < store->count && strcmp(entries[at].tensor.name, name) < 0)
        at++;
    memmove(entries + at + 1, entries + at, (store->count - at) * sizeof *entries);
    entries[at] = e;
    store->entries = entries;
    store->count++;
    *out = entries + at;
    return COGVIDEO_OK;
done:
    cv_free(e.planned);
    return status;
}

/* Claims a tensor; dtype CV_DTYPE_COUNT stands for any real one. */
static cogvideo_status claim(cv_store *store, const cv_tensor **out, const char *name, cv_dtype dtype, int rank,
                             const size_t *shape, cogvideo_error *err)
{
    entry *e = find_entry(store, name);
    char found[160], expected[160];

    if (!e && store->plan) {
        cogvideo_status status = plan_entry(&e, store, name, rank, shape, err);

        if (status != COGVIDEO_OK)
            return status;
    }
    cv_shape_text(expected, sizeof expected, rank, shape);
    if (!e)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' %s is missing", store->path, name, expected);
    if (dtype == CV_DTYPE_COUNT ? !cv_dtype_is_real(e->tensor.dtype) : e->tensor.dtype != dtype)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' has type %s; %s was expected", store->path, name,
                       cv_dtype_name(e->tensor.dtype),
                       dtype == CV_DTYPE_COUNT ? "F32, F16 or BF16" : cv_dtype_name(dtype));
    if (e->tensor.rank != rank || memcmp(e->tensor.shape, shape, (size_t)rank * sizeof *shape) != 0) {
        cv_shape_text(found, sizeof found, e->tensor.rank, e->tensor.shape);
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' has shape %s; %s was expected", store->path, name,
                       found, expected);
    }
    e->claimed = true;
    *out = &e->tensor;
    return COGVIDEO_OK;
}

cogvideo_status cv_store_claim(cv_store *store, const cv_tensor **out, const char *name, int rank, const size_t *shape,
                               cogvideo_error *err)
{
    return claim(store, out, name, CV_DTYPE_COUNT, rank, shape, err);
}

cogvideo_status cv_store_claim_as(cv_store *store, const cv_tensor **out, const char *name, cv_dtype dtype, int rank,
                                  const size_t *shape, cogvideo_error *err)
{
    return claim(store, out, name, dtype, rank, shape, err);
}

cogvideo_status cv_store_claim_numbers(cv_store *store, const float **out, const char *name, int rank,
                                       const size_t *shape, cogvideo_error *err)
{
    cogvideo_status status;
    const cv_tensor *tensor;
    entry *e;

    CV_TRY(cv_store_claim(store, &tensor, name, rank, shape, err));
    e = find_entry(store, name);
    if (tensor->dtype != CV_F32 && !e->wide) {
        CV_NEW(e->wide, tensor->count, err);
        cv_to_f32(e->wide, tensor->data, tensor->dtype, tensor->count);
    }
    *out = tensor->dtype == CV_F32 ? tensor->data : e->wide;
done:
    return status;
}

cogvideo_status cv_store_claim_vector(cv_store *store, const float **out, const char *name, size_t count,
                                      cogvideo_error *err)
{
    return cv_store_claim_numbers(store, out, name, 1, &count, err);
}

cogvideo_status cv_store_check_claimed(const cv_store *store, cogvideo_error *err)
{
    for (size_t i = 0; i < store->count; i++)
        if (!store->entries[i].claimed && cv_tensor_is_weight(&store->entries[i].tensor))
            return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%.200s' does not belong to this model", store->path,
                           store->entries[i].tensor.name);
    return COGVIDEO_OK;
}

cogvideo_status cv_store_plan(cv_store **out, const char *name, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *store = NULL;

    CV_NEW(store, 1, err);
    CV_NEW(store->entries, 0, err);
    store->plan = true;
    if (!(store->path = cv_strdup(name, err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    *out = store;
    return COGVIDEO_OK;
done:
    cv_store_close(&store);
    return status;
}

cogvideo_status cv_store_create(cv_store **out, const char *name, const cv_tensor *tensors, size_t count,
                                cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *store = NULL;
    size_t total = 0, name_bytes = 0, length;

    for (size_t i = 0; i < count; i++) {
        total += (tensors[i].count + 15) / 16 * 16; /* every tensor starts on a multiple of 64 bytes */
        name_bytes += strlen(tensors[i].name) + 1;
    }
    CV_NEW(store, 1, err);
    CV_NEW(store->entries, count, err);
    CV_NEW(store->names, name_bytes, err);
    CV_NEW(store->memory, total, err);
    if (!(store->path = cv_strdup(name, err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    store->count = count;
    total = name_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        cv_tensor *tensor = &store->entries[i].tensor;

        length = strlen(tensors[i].name) + 1;
        *tensor = tensors[i];
        tensor->dtype = CV_F32;
        tensor->data = store->memory + total;
        tensor->name = memcpy(store->names + name_bytes, tensors[i].name, length);
        total += (tensors[i].count + 15) / 16 * 16;
        name_bytes += length;
    }
    qsort(store->entries, count, sizeof *store->entries, by_name);
    *out = store;
    return COGVIDEO_OK;
done:
    cv_store_close(&store);
    return status;
}

cogvideo_status cv_store_create_like(cv_store **out, const char *name, const cv_store *like, cogvideo_error *err)
{
    cogvideo_status status;
    cv_tensor *tensors = NULL;

    CV_NEW(tensors, like->count, err);
    for (size_t i = 0; i < like->count; i++)
        tensors[i] = like->entries[i].tensor;
    CV_TRY(cv_store_create(out, name, tensors, like->count, err));
done:
    cv_free(tensors);
    return status;
}
