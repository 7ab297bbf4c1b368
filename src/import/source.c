#include "import/source.h"

#include "base/path.h"
#include "import/npz.h"
#include "import/shards.h"
#include "import/torch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tensor of one of several files. */
typedef struct placed {
    const cv_source_tensor *tensor;
    cv_source *shard; /* that has it */
} placed;

/* One of the three is open, or several files are. */
struct cv_source {
    cv_container container;
    char *index; /* of several files: what lists them */
    cv_source **shards;
    size_t shard_count;
    placed *placed; /* [count] of them, sorted by name */
    cv_torch *torch;
    cv_zip *npz;
    cv_store *store;
    cv_source_tensor *tensors; /* of the latter two */
    size_t count;              /* of these, or of all shards */
};

struct cv_source_stream {
    cv_zip_stream *zip;
    const char *data; /* of a mapped file, in place of `zip` */
};

/* Which kind of zip archive it is. */
static bool is_npz(const cv_zip *zip)
{
    bool arrays = false;

    for (size_t i = 0; i < cv_zip_count(zip); i++) {
        const char *name = cv_zip_name(zip, i), *slash = strchr(name, '/');

        if (slash && strcmp(slash, "/data.pkl") == 0)
            return false;
        arrays = arrays || cv_path_ends_in(name, ".npy");
    }
    return arrays;
}

/* A safetensors file begins with the length of its header, which is a JSON object. */
static bool is_safetensors(const char *path)
{
    unsigned char head[9];
    FILE *file = cv_path_is_regular(path) ? fopen(path, "rb") : NULL;
    bool found = file && fread(head, 1, sizeof head, file) == sizeof head && head[8] == '{' && head[7] == 0;

    if (file)
        fclose(file);
    return found;
}

static cogvideo_status open_store(cv_source *source, const char *path, cogvideo_error *err)
{
    cogvideo_status status;

    source->container = CV_CONTAINER_SAFETENSORS;
    CV_TRY(cv_store_open(&source->store, path, err));
    CV_NEW(source->tensors, cv_store_count(source->store), err);
    for (size_t i = 0; i < cv_store_count(source->store); i++) {
        const cv_tensor *from = cv_store_at(source->store, i);
        cv_source_tensor *to = &source->tensors[source->count];

        if (!(to->name = cv_strdup(from->name, err)))
            return COGVIDEO_ERROR_MEMORY;
        source->count++;
        if (from->count == 0 && !(to->flaw = cv_strdup("is empty", err)))
            return COGVIDEO_ERROR_MEMORY;
        to->dtype = from->dtype;
        to->rank = from->rank;
        memcpy(to->shape, from->shape, sizeof to->shape);
        to->count = from->count;
        to->bytes = from->count * cv_dtype_size(from->dtype);
        to->entry = i;
    }
done:
    return status;
}

static cogvideo_status open_zip(cv_source *source, const char *path, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_zip_open(&source->npz, path, err));
    if (is_npz(source->npz)) {
        source->container = CV_CONTAINER_NPZ;
        return cv_npz_list(&source->tensors, &source->count, source->npz, err);
    }
    cv_zip_close(&source->npz);
    CV_TRY(cv_torch_open(&source->torch, path, err));
    source->container = cv_torch_is_script(source->torch) ? CV_CONTAINER_TORCHSCRIPT : CV_CONTAINER_TORCH;
done:
    return status;
}

static cogvideo_status open_file(cv_source **out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_source *source = NULL;

    CV_NEW(source, 1, err);
    CV_TRY(is_safetensors(path) ? open_store(source, path, err) : open_zip(source, path, err));
    *out = source;
    return COGVIDEO_OK;
done:
    cv_source_close(&source);
    return status;
}

/* --- several files ---------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const placed *)a)->tensor->name, ((const placed *)b)->tensor->name);
}

/* The tensors of all files in one list; each must be where the index says, and once. */
static cogvideo_status merge(cv_source *source, const cv_shards *list, cogvideo_error *err)
{
    size_t count = 0;
    cogvideo_status status = COGVIDEO_OK;

    for (size_t s = 0; s < source->shard_count; s++)
        count += cv_source_count(source->shards[s]);
    CV_NEW(source->placed, count, err);
    for (size_t s = 0; s < source->shard_count; s++)
        for (size_t i = 0; i < cv_source_count(source->shards[s]); i++)
            source->placed[source->count++] = (placed){ cv_source_at(source->shards[s], i), source->shards[s] };
    qsort(source->placed, source->count, sizeof *source->placed, by_name);
    for (size_t i = 1; i < source->count; i++)
        if (strcmp(source->placed[i - 1].tensor->name, source->placed[i].tensor->name) == 0)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: tensor '%.200s' is both in %s and in %s", list->index,
                           source->placed[i].tensor->name, cv_source_path(source->placed[i - 1].shard),
                           cv_source_path(source->placed[i].shard));
    for (const cv_json *item = cv_json_first(list->map); item; item = cv_json_next(item)) {
        const cv_source_tensor key = { .name = (char *)cv_json_key(item) }; /* read only */
        const placed wanted = { &key, NULL },
                     *found = bsearch(&wanted, source->placed, source->count, sizeof *source->placed, by_name);

        if (!found || strcmp(cv_path_name(cv_source_path(found->shard)), cv_json_text(item)) != 0)
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: tensor '%.200s' is not in '%s', where the index has it",
                           list->index, cv_json_key(item), cv_json_text(item));
    }
done:
    return status;
}

static cogvideo_status open_shards(cv_source *source, const cv_shards *list, cogvideo_error *err)
{
    cogvideo_status status;

    if (!(source->index = cv_strdup(list->index, err)))
        return COGVIDEO_ERROR_MEMORY;
    CV_NEW(source->shards, list->count, err);
    for (size_t i = 0; i < list->count; i++, source->shard_count++)
        CV_TRY(open_file(&source->shards[i], list->paths[i], err));
    source->container = source->shards[0]->container;
    CV_TRY(merge(source, list, err));
done:
    return status;
}

cogvideo_status cv_source_open(cv_source **out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_source *source = NULL;
    cv_shards list = { 0 };

    CV_TRY(cv_shards_find(&list, path, err));
    if (!list.index) {
        CV_TRY(open_file(out, list.paths[0], err));
        goto done;
    }
    CV_NEW(source, 1, err);
    CV_TRY(open_shards(source, &list, err));
    *out = source;
    source = NULL;
done:
    cv_source_close(&source);
    cv_shards_free(&list);
    return status;
}

void cv_source_close(cv_source **source)
{
    if (!*source)
        return;
    for (size_t i = 0; i < (*source)->shard_count; i++)
        cv_source_close(&(*source)->shards[i]);
    cv_free((*source)->shards);
    cv_free((*source)->placed);
    cv_free((*source)->index);
    if ((*source)->tensors)
        cv_npz_free(&(*source)->tensors, (*source)->count);
    cv_torch_close(&(*source)->torch);
    cv_zip_close(&(*source)->npz);
    cv_store_close(&(*source)->store);
    cv_free(*source);
    *source = NULL;
}

const char *cv_source_path(const cv_source *source)
{
    return source->index   ? source->index
           : source->torch ? cv_torch_path(source->torch)
           : source->store ? cv_store_path(source->store)
                           : cv_zip_path(source->npz);
}
cv_container cv_source_container(const cv_source *source)
{
    return source->container;
}
size_t cv_source_count(const cv_source *source)
{
    return source->torch ? cv_torch_count(source->torch) : source->count;
}
const cv_source_tensor *cv_source_at(const cv_source *source, size_t index)
{
    return source->placed  ? source->placed[index].tensor
           : source->torch ? cv_torch_at(source->torch, index)
                           : &source->tensors[index];
}

const cv_source_tensor *cv_source_find(const cv_source *source, const char *name)
{
    for (size_t i = 0; i < cv_source_count(source); i++)
        if (strcmp(cv_source_at(source, i)->name, name) == 0)
            return cv_source_at(source, i);
    return NULL;
}

cogvideo_status cv_source_stream_open(cv_source_stream **out, cv_source *source, const cv_source_tensor *tensor,
                                      cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_source_stream *stream = NULL;

    for (size_t i = 0; source->placed && i < source->count; i++)
        if (source->placed[i].tensor == tensor)
            return cv_source_stream_open(out, source->placed[i].shard, tensor, err);
    CV_NEW(stream, 1, err);
    if (source->store)
        stream->data = cv_store_at(source->store, tensor->entry)->data;
    else if (source->torch)
        CV_TRY(cv_torch_stream(&stream->zip, source->torch, tensor, err));
    else
        CV_TRY(cv_zip_stream_open(&stream->zip, source->npz, tensor->entry, tensor->offset, err));
    *out = stream;
    stream = NULL;
done:
    cv_source_stream_close(&stream);
    return status;
}

cogvideo_status cv_source_stream_read(cv_source_stream *stream, void *data, size_t size, cogvideo_error *err)
{
    if (stream->zip)
        return cv_zip_stream_read(stream->zip, data, size, err);
    memcpy(data, stream->data, size);
    stream->data += size;
    return COGVIDEO_OK;
}

void cv_source_stream_close(cv_source_stream **stream)
{
    if (!*stream)
        return;
    cv_zip_stream_close(&(*stream)->zip);
    cv_free(*stream);
    *stream = NULL;
}
