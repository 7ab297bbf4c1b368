#include "import/convert.h"

#include "tensor/store_write.h"

#include <string.h>

enum { CHUNK = 1 << 20 }; /* bytes read at once; a multiple of every element's size */

cogvideo_status cv_import_advance(cv_import_job *job, uint64_t bytes, cogvideo_error *err)
{
    const cogvideo_import_options *options = job->options;
    cogvideo_progress progress = { .what = job->part, .unit = "bytes", .total = (long long)job->total };

    job->done += bytes;
    progress.done = (long long)job->done;
    if (options->progress && options->progress(options->user, &progress) != 0)
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

/* A file that is being written. */
typedef struct conversion {
    cv_import_job *job;
    cv_torch *torch;
    cv_store_writer *writer;
    const cv_narrowing *narrowing; /* NULL: tensors keep their types */
    char *in;                      /* [CHUNK] */
    cogvideo_error *err;
} conversion;

static cv_weight_type stored_as(const conversion *c, const cv_expected *item)
{
    return c->narrowing ? cv_narrow_type(c->narrowing, item->name, item->rank, item->shape, item->tensor->dtype)
                        : (cv_weight_type)item->tensor->dtype;
}

/* The rows of a tensor, read in order; asking for the first rows opens the stream again. */
typedef struct row_stream {
    conversion *c;
    const cv_source_tensor *tensor;
    size_t K;
    cv_zip_stream *stream;
    bool again; /* in a second pass, which does not count as progress */
} row_stream;

static cogvideo_status read_rows(void *user, size_t first, size_t count, float *out, cogvideo_error *err)
{
    row_stream *rows = user;
    conversion *c = rows->c;
    size_t width = cv_dtype_size(rows->tensor->dtype);
    cogvideo_status status = COGVIDEO_OK;

    if (first == 0) {
        rows->again = rows->stream != NULL;
        cv_zip_stream_close(&rows->stream);
        CV_TRY(cv_torch_stream(&rows->stream, c->torch, rows->tensor, err));
    }
    for (size_t left = count * rows->K; left > 0;) {
        size_t part = left < CHUNK / width ? left : CHUNK / width;

        CV_TRY(cv_zip_stream_read(rows->stream, c->in, part * width, err));
        cv_to_f32(out, c->in, rows->tensor->dtype, part);
        out += part;
        left -= part;
        if (!rows->again)
            CV_TRY(cv_import_advance(c->job, part * width, err));
    }
done:
    return status;
}

/* A tensor that is not a matrix is handled as rows of one number. */
static size_t row_length(const cv_expected *item)
{
    return item->rank == 2 ? item->shape[1] : 1;
}

/* Writes a tensor in another type. */
static cogvideo_status narrow_tensor(conversion *c, const cv_expected *item, cv_weight_type type)
{
    row_stream rows = { .c = c, .tensor = item->tensor, .K = row_length(item) };
    cogvideo_status status =
        cv_narrow_write(c->writer, item->name, type, item->tensor->count / rows.K, rows.K, read_rows, &rows, c->err);

    cv_zip_stream_close(&rows.stream);
    return status;
}

/* Copies a tensor unchanged. */
static cogvideo_status copy_tensor(conversion *c, const cv_expected *item)
{
    const cv_source_tensor *tensor = item->tensor;
    const size_t width = cv_dtype_size(tensor->dtype);
    cogvideo_status status;
    cv_zip_stream *stream = NULL;

    CV_TRY(cv_torch_stream(&stream, c->torch, tensor, c->err));
    for (size_t left = tensor->bytes; left > 0;) {
        size_t size = left < CHUNK ? left : CHUNK, first = (tensor->bytes - left) / width;

        CV_TRY(cv_zip_stream_read(stream, c->in, size, c->err));
        CV_TRY(cv_narrow_check(item->name, row_length(item), tensor->dtype, c->in, first, size / width, c->err));
        CV_TRY(cv_store_writer_data(c->writer, c->in, size, c->err));
        CV_TRY(cv_import_advance(c->job, size, c->err));
        left -= size;
    }
done:
    cv_zip_stream_close(&stream);
    return status;
}

/* Writes the declarations of the tensors or, if not `declare`, their data. */
static cogvideo_status each_tensor(conversion *c, const cv_names *names, unsigned homes, bool declare)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int order = 0; order < CV_NARROW_ORDERS; order++)
        for (size_t i = 0; i < names->count; i++) {
            const cv_expected *item = &names->items[i];
            cv_weight_type type;

            if (!is_home(item, homes) || cv_narrow_order(type = stored_as(c, item)) != order)
                continue;
            if (declare)
                CV_TRY(cv_narrow_declare(c->writer, item->name, type, item->rank, item->shape, c->err));
            else if (type == (cv_weight_type)item->tensor->dtype)
                CV_TRY(copy_tensor(c, item));
            else
                CV_TRY(narrow_tensor(c, item, type));
        }
done:
    return status == COGVIDEO_ERROR_MODEL ? cv_fail_prefix(c->err, status, cv_torch_path(c->torch)) : status;
}

cogvideo_status cv_convert_write(cv_import_job *job, cv_torch *torch, const cv_names *names, unsigned homes,
                                 const cv_narrowing *narrowing, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    conversion c = { .job = job, .torch = torch, .narrowing = narrowing, .err = err };

    CV_NEW(c.in, CHUNK, err);
    CV_TRY(cv_store_writer_create(&c.writer, path, err));
    CV_TRY(each_tensor(&c, names, homes, true));
    CV_TRY(each_tensor(&c, names, homes, false));
    CV_TRY(cv_store_writer_commit(&c.writer, err));
done:
    cv_store_writer_abandon(&c.writer);
    cv_free(c.in);
    return status;
}

/* --- comparing ------------------------------------------------------------------------------------------------ */

static cogvideo_status compare_tensor(cv_import_job *job, cv_torch *torch_a, const cv_source_tensor *a,
                                      cv_torch *torch_b, const cv_source_tensor *b, char *buffers, bool *same,
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
        CV_TRY(cv_import_advance(job, size, err));
        left -= size;
    }
done:
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

        if (a->items[i].home != CV_HOME_SHARED)
            continue;
        CV_TRY(compare_tensor(job, torch_a, a->items[i].tensor, torch_b, b->items[i].tensor, buffers, &same, err));
        if (!same)
            first = a->items[i].name;
    }
    *difference = first;
done:
    cv_free(buffers);
    return status;
}
