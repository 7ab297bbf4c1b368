#include "import/npz.h"

#include "base/path.h"
#include "tokens/npy_header.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define ENDING ".npy"

static bool descr_dtype(const char *descr, cv_dtype *out)
{
    static const struct {
        const char *descr;
        cv_dtype dtype;
    } known[] = {
        { "<f4", CV_F32 }, { "<f2", CV_F16 }, { "<f8", CV_F64 }, { "<i8", CV_I64 },  { "<i4", CV_I32 },
        { "<i2", CV_I16 }, { "|i1", CV_I8 },  { "|u1", CV_U8 },  { "|b1", CV_BOOL },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].descr, descr) == 0) {
            *out = known[i].dtype;
            return true;
        }
    return false;
}

static cogvideo_status flaw(cv_source_tensor *tensor, const char *what, const char *detail, cogvideo_error *err)
{
    char text[160];

    snprintf(text, sizeof text, "%s%.60s", what, detail);
    return (tensor->flaw = cv_strdup(text, err)) ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
}

/* Fills in what the header says, which must agree with the entry's size. */
static cogvideo_status describe(cv_source_tensor *tensor, const cv_npy_header *head, uint64_t size, const char *origin,
                                cogvideo_error *err)
{
    if (!descr_dtype(head->descr, &tensor->dtype))
        return flaw(tensor, "has the unsupported type ", head->descr, err);
    if (head->fortran && head->rank > 1)
        return flaw(tensor, "is in Fortran order; save numpy.ascontiguousarray(x) instead", "", err);
    if (head->rank > CV_MAX_RANK)
        return flaw(tensor, "has too many dimensions", "", err);
    tensor->rank = head->rank;
    tensor->count = 1;
    for (int i = 0; i < head->rank; i++) {
        tensor->shape[i] = head->shape[i];
        if (!cv_size_mul(tensor->count, head->shape[i], &tensor->count))
            return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has a shape that does not fit in memory", origin);
    }
    if (tensor->count == 0)
        return flaw(tensor, "is empty", "", err);
    if (!cv_size_mul(tensor->count, cv_dtype_size(tensor->dtype), &tensor->bytes) || tensor->bytes != size - head->data)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: has %llu bytes of numbers, but its header says %zu numbers of %zu bytes", origin,
                       (unsigned long long)(size - head->data), tensor->count, cv_dtype_size(tensor->dtype));
    tensor->offset = head->data;
    return COGVIDEO_OK;
}

static cogvideo_status read_array(cv_source_tensor *tensor, cv_zip *zip, size_t index, cogvideo_error *err)
{
    const char *name = cv_zip_name(zip, index);
    const uint64_t size = cv_zip_size(zip, index);
    const size_t head_size = size < CV_NPY_HEADER_BYTES ? (size_t)size : CV_NPY_HEADER_BYTES;
    cogvideo_status status;
    cv_zip_stream *stream = NULL;
    cv_npy_header head;
    char origin[700];
    char *bytes = NULL;

    snprintf(origin, sizeof origin, "%.400s: '%.200s'", cv_zip_path(zip), name);
    if (!(tensor->name = cv_strdup(name, err)))
        return COGVIDEO_ERROR_MEMORY;
    tensor->entry = index;
    if (!cv_path_ends_in(name, ENDING))
        return flaw(tensor, "is no array", "", err);
    tensor->name[strlen(name) - strlen(ENDING)] = '\0';
    CV_NEW(bytes, head_size, err);
    CV_TRY(cv_zip_stream_open(&stream, zip, index, 0, err));
    CV_TRY(cv_zip_stream_read(stream, bytes, head_size, err));
    CV_TRY(cv_npy_header_read(&head, bytes, head_size, origin, err));
    CV_TRY(describe(tensor, &head, size, origin, err));
done:
    cv_zip_stream_close(&stream);
    cv_free(bytes);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const cv_source_tensor *)a)->name, ((const cv_source_tensor *)b)->name);
}

cogvideo_status cv_npz_list(cv_source_tensor **out, size_t *count, cv_zip *zip, cogvideo_error *err)
{
    cogvideo_status status;
    cv_source_tensor *tensors = NULL;
    size_t n = 0;

    CV_NEW(tensors, cv_zip_count(zip), err);
    for (size_t i = 0; i < cv_zip_count(zip); i++)
        CV_TRY(read_array(&tensors[n++], zip, i, err));
    qsort(tensors, n, sizeof *tensors, by_name);
    *out = tensors;
    *count = n;
    return COGVIDEO_OK;
done:
    cv_npz_free(&tensors, n);
    return status;
}

void cv_npz_free(cv_source_tensor **tensors, size_t count)
{
    for (size_t i = 0; *tensors && i < count; i++) {
        cv_free((*tensors)[i].name);
        cv_free((*tensors)[i].flaw);
    }
    cv_free(*tensors);
    *tensors = NULL;
}
