#include "import/source.h"

#include "base/file.h"
#include "import/npz.h"
#include "import/torch.h"

#include <stdio.h>
#include <string.h>

/* One of the three is open. */
struct cv_source {
    cv_container container;
    cv_torch *torch;
    cv_zip *npz;
    cv_store *store;
    cv_source_tensor *tensors; /* of the latter two */
    size_t count;
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

cogvideo_status cv_source_open(cv_source **out, const char *path, cogvideo_error *err)
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

void cv_source_close(cv_source **source)
{
    if (!*source)
        return;
    cv_npz_free(&(*source)->tensors, (*source)->count);
    cv_torch_close(&(*source)->torch);
    cv_zip_close(&(*source)->npz);
    cv_store_close(&(*source)->store);
    cv_free(*source);
    *source = NULL;
}

const char *cv_source_path(const cv_source *source)
{
    return source->torch   ? cv_torch_path(source->torch)
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
    return source->torch ? cv_torch_at(source->torch, index) : &source->tensors[index];
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
