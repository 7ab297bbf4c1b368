#include "import/convert.h"

#include "tensor/store_write.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 1 << 20 }; /* bytes read at once; a multiple of every element's size */

/* Notes `bytes` more; a callback that answers other than 0 ends the import. */
static cogvideo_status advance(cv_import_job *job, uint64_t bytes, cogvideo_error *err)
{
    const cogvideo_import_request *request = job->request;

    job->done += bytes;
    if (request->progress && request->progress(request->user, job->part, job->done, job->total) != 0)
        return cv_fail(err, COGVIDEO_ERROR_CANCELLED, "the import was cancelled");
    return COGVIDEO_OK;
}

static bool is_home(const cv_expected *item, unsigned homes)
{
    return item->tensor && (homes & 1u << item->home);
}

uint64_t cv_convert_bytes(const cv_names *names, unsigned homes)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < names->count; i++)
        if (is_home(&names->items[i], homes))
            bytes += names->items[i].tensor->bytes;
    return bytes;
}

/* One file being written. */
typedef struct conversion {
    cv_import_job *job;
    cv_torch *torch;
    cv_store_writer *writer;
    const cv_dtype *dtype;
    char *in, *out;
    float *values;
    cogvideo_error *err;
} conversion;

static cv_dtype stored_as(const conversion *c, const cv_torch_tensor *tensor)
{
    return c->dtype ? *c->dtype : tensor->dtype;
}

/* f16 reaches to 65504; what rounds to more would silently become infinite. */
static bool fits_f16(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]) && fabsf(values[i]) >= 65520.0f)
            return false;
    return true;
}

/* `size` bytes in c->in, written in the stored type. */
static cogvideo_status write_chunk(conversion *c, const cv_torch_tensor *tensor, size_t size)
{
    cv_dtype to = stored_as(c, tensor);
    size_t count = size / cv_dtype_size(tensor->dtype);

    if (to == tensor->dtype)
        return cv_store_writer_data(c->writer, c->in, size, c->err);
    cv_to_f32(c->values, c->in, tensor->dtype, count);
    if (to == CV_F16 && !fits_f16(c->values, count))
        return cv_fail(c->err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' has values too large for f16; import it as f32 "
                       "or bf16", cv_torch_path(c->torch), tensor->name);
    cv_from_f32(c->out, to, c->values, count);
    return cv_store_writer_data(c->writer, c->out, count * cv_dtype_size(to), c->err);
}

static cogvideo_status write_tensor(conversion *c, const cv_torch_tensor *tensor)
{
    cogvideo_status status;
    cv_zip_stream *stream = NULL;

    CV_TRY(cv_torch_stream(&stream, c->torch, tensor, c->err));
    for (size_t left = tensor->bytes; left > 0;) {
        size_t size = left < CHUNK ? left : CHUNK;

        CV_TRY(cv_zip_stream_read(stream, c->in, size, c->err));
        CV_TRY(write_chunk(c, tensor, size));
        CV_TRY(advance(c->job, size, c->err));
        left -= size;
    }
fail:
    cv_zip_stream_close(&stream);
    return status;
}

/* Wider elements first, so that each tensor stays aligned in the file. `declare` or else write. */
static cogvideo_status each_tensor(conversion *c, const cv_names *names, unsigned homes, bool declare)
{
    cogvideo_status status = COGVIDEO_OK;

    for (size_t width = 4; width >= 2; width -= 2)
        for (size_t i = 0; i < names->count; i++) {
            const cv_expected *item = &names->items[i];

            if (!is_home(item, homes) || cv_dtype_size(stored_as(c, item->tensor)) != width)
                continue;
            if (declare)
                CV_TRY(cv_store_writer_declare(c->writer, item->name, stored_as(c, item->tensor), item->rank,
                                               item->shape, c->err));
            else
                CV_TRY(write_tensor(c, item->tensor));
        }
fail:
    return status;
}

cogvideo_status cv_convert_write(cv_import_job *job, cv_torch *torch, const cv_names *names, unsigned homes,
                                 const cv_dtype *dtype, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    conversion c = { .job = job, .torch = torch, .dtype = dtype, .err = err };

    CV_NEW(c.in, CHUNK, err);
    CV_NEW(c.out, 2 * CHUNK, err);           /* 2-byte elements may become 4-byte ones */
    CV_NEW(c.values, CHUNK / 2, err);
    CV_TRY(cv_store_writer_create(&c.writer, path, err));
    CV_TRY(each_tensor(&c, names, homes, true));
    CV_TRY(each_tensor(&c, names, homes, false));
    CV_TRY(cv_store_writer_commit(&c.writer, err));
fail:
    cv_store_writer_abandon(&c.writer);
    cv_free(c.in);
    cv_free(c.out);
    cv_free(c.values);
    return status;
}

/* --- comparing ---------------------------------------------------------------------------------- */

static cogvideo_status compare_tensor(cv_import_job *job, cv_torch *torch_a, const cv_torch_tensor *a,
                                      cv_torch *torch_b, const cv_torch_tensor *b, char *buffers, bool *same,
                                      cogvideo_error *err)
{
    cogvideo_status status;
    cv_zip_stream *stream_a = NULL, *stream_b = NULL;

    *same = a->dtype == b->dtype && a->bytes == b->bytes;
    if (!*same)
        return COGVIDEO_OK;
    CV_TRY(cv_torch_stream(&stream_a, torch_a, a, err));
    CV_TRY(cv_torch_stream(&stream_b, torch_b, b, err));
    for (size_t left = a->bytes; left > 0 && *same;) {
        size_t size = left < CHUNK ? left : CHUNK;

        CV_TRY(cv_zip_stream_read(stream_a, buffers, size, err));
        CV_TRY(cv_zip_stream_read(stream_b, buffers + CHUNK, size, err));
        *same = memcmp(buffers, buffers + CHUNK, size) == 0;
        CV_TRY(advance(job, size, err));
        left -= size;
    }
fail:
    cv_zip_stream_close(&stream_a);
    cv_zip_stream_close(&stream_b);
    return status;
}

cogvideo_status cv_convert_compare(cv_import_job *job, cv_torch *torch_a, const cv_names *a, cv_torch *torch_b,
                                   const cv_names *b, const char **difference, cogvideo_error *err)
{
    cogvideo_status status;
    const char *first = NULL;
    char *buffers;

    CV_NEW(buffers, 2 * CHUNK, err);
    for (size_t i = 0; i < a->count && i < b->count && !first; i++) {
        bool same = true;

        if (a->items[i].home != CV_HOME_TRUNK)
            continue;
        CV_TRY(compare_tensor(job, torch_a, a->items[i].tensor, torch_b, b->items[i].tensor, buffers, &same, err));
        if (!same)
            first = a->items[i].name;
    }
    *difference = first;
fail:
    cv_free(buffers);
    return status;
}
