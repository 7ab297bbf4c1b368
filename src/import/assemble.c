#include "import/assemble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 20 }; /* bytes read at once; a multiple of every element's size */

void cv_assembly_free(cv_assembly *assembly)
{
    cv_free(assembly->items);
    *assembly = (cv_assembly){ 0 };
}

static cv_assembled *find(const cv_assembly *assembly, const char *name)
{
    for (size_t i = 0; i < assembly->count; i++)
        if (strcmp(assembly->items[i].name, name) == 0)
            return &assembly->items[i];
    return NULL;
}

/* --- from a file ---------------------------------------------------------------------------------------------- */

static cogvideo_status append(cv_assembly *assembly, cv_assembled **out, cogvideo_error *err)
{
    if (assembly->count == assembly->capacity) {
        size_t wider = assembly->capacity ? 2 * assembly->capacity : 256;
        cv_assembled *grown = cv_realloc(assembly->items, assembly->count, wider, sizeof *grown, err);

        if (!grown)
            return COGVIDEO_ERROR_MEMORY;
        assembly->items = grown;
        assembly->capacity = wider;
    }
    *out = &assembly->items[assembly->count++];
    return COGVIDEO_OK;
}

/* The shape of the whole that a tensor is a piece of. */
static cogvideo_status set_shape(cv_assembled *item, const cv_source_tensor *tensor, cogvideo_error *err)
{
    item->rank = tensor->rank;
    item->dtype = tensor->dtype;
    memcpy(item->shape, tensor->shape, sizeof item->shape);
    if (item->transposed && item->rank == 2) {
        item->shape[0] = tensor->shape[1];
        item->shape[1] = tensor->shape[0];
    }
    if (item->pieces > 1 && item->rank > 0 && !cv_size_mul(item->shape[0], (size_t)item->pieces, &item->shape[0]))
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' is larger than any network's",
                       cv_source_path(item->source), tensor->name);
    return COGVIDEO_OK;
}

static cogvideo_status add(cv_assembly *assembly, cv_source *source, const cv_source_tensor *tensor,
                           const cv_renaming *renaming, cogvideo_error *err)
{
    cv_assembled *item = find(assembly, renaming->name);
    const cv_source_tensor *other = NULL;
    cogvideo_status status;

    if (!item) {
        CV_TRY(append(assembly, &item, err));
        snprintf(item->name, sizeof item->name, "%s", renaming->name);
        item->source = source;
        item->pieces = renaming->pieces;
        item->transposed = renaming->transposed;
        CV_TRY(set_shape(item, tensor, err));
    }
    for (int i = 0; i < item->pieces; i++)
        other = item->from[i] ? item->from[i] : other;
    if (item->pieces != renaming->pieces || item->from[renaming->piece])
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: both '%s' and '%s' would become tensor '%s'",
                       cv_source_path(source), other->name, tensor->name, item->name);
    if (other && (other->dtype != tensor->dtype || other->rank != tensor->rank ||
                  memcmp(other->shape, tensor->shape, sizeof other->shape) != 0))
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensors '%s' and '%s' must be of one type and shape",
                       cv_source_path(source), other->name, tensor->name);
    item->from[renaming->piece] = tensor;
    status = COGVIDEO_OK;
done:
    return status;
}

/* Numbers of other types than weights are counters, positions and sizes. */
static bool is_weight(const cv_source_tensor *tensor)
{
    return !tensor->flaw && (cv_dtype_is_real(tensor->dtype) || tensor->dtype == CV_F64);
}

cogvideo_status cv_assembly_add(cv_assembly *assembly, cv_source *source, const char *prefix,
                                void (*rename)(const char *name, cv_renaming *out), const cogvideo_log *log,
                                cogvideo_error *err)
{
    const size_t length = strlen(prefix);
    cogvideo_status status = COGVIDEO_OK;

    if (length > 0)
        cv_log(log, COGVIDEO_LOG_INFO, "%s: the prefix '%.200s' is removed from the names of its tensors",
               cv_source_path(source), prefix);
    for (size_t i = 0; i < cv_source_count(source); i++) {
        const cv_source_tensor *tensor = cv_source_at(source, i);
        cv_renaming renaming = { .pieces = 1 };

        if (tensor->flaw || strncmp(tensor->name, prefix, length) != 0) {
            cv_log(log, COGVIDEO_LOG_WARNING, "%s: skipped '%.200s', which %s", cv_source_path(source), tensor->name,
                   tensor->flaw ? tensor->flaw : "does not belong to the network");
            continue;
        }
        if (!is_weight(tensor))
            continue;
        snprintf(renaming.name, sizeof renaming.name, "%s", tensor->name + length);
        if (rename)
            rename(tensor->name + length, &renaming);
        if (!renaming.skipped)
            CV_TRY(add(assembly, source, tensor, &renaming, err));
    }
done:
    return status;
}

cogvideo_status cv_source_prefix(char **prefix, const cv_source *source, const char *anchor, cogvideo_error *err)
{
    const size_t length = strlen(anchor);
    const char *found = NULL;
    size_t before = 0;

    *prefix = NULL;
    if (cv_source_find(source, anchor))
        return (*prefix = cv_strdup("", err)) ? COGVIDEO_OK : COGVIDEO_ERROR_MEMORY;
    for (size_t i = 0; i < cv_source_count(source); i++) {
        const char *name = cv_source_at(source, i)->name;
        size_t size = strlen(name);

        if (size <= length + 1 || name[size - length - 1] != '.' || strcmp(name + size - length, anchor) != 0)
            continue;
        if (found)
            return cv_fail(err, COGVIDEO_ERROR_MODEL,
                           "%s: contains the network twice, with the prefixes '%.200s' and '%.200s'",
                           cv_source_path(source), found, name);
        found = name;
        before = size - length;
    }
    if (!found)
        return COGVIDEO_OK;
    if (!(*prefix = cv_strdup(found, err)))
        return COGVIDEO_ERROR_MEMORY;
    (*prefix)[before] = '\0';
    return COGVIDEO_OK;
}

/* --- against a network ---------------------------------------------------------------------------------------- */

cogvideo_status cv_assembly_shapes(const cv_assembly *assembly, cv_store **out, const char *name, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store *plan = NULL;
    const cv_tensor *tensor;

    CV_TRY(cv_store_plan(&plan, name, err));
    for (size_t i = 0; i < assembly->count; i++)
        CV_TRY(cv_store_claim(plan, &tensor, assembly->items[i].name, assembly->items[i].rank, assembly->items[i].shape,
                              err));
    *out = plan;
    plan = NULL;
done:
    cv_store_close(&plan);
    return status;
}

/* The name under which the user's file has a tensor. */
static const char *own_name(const cv_assembled *item)
{
    for (int i = 0; i < item->pieces; i++)
        if (item->from[i])
            return item->from[i]->name;
    return item->name;
}

static cogvideo_status check_item(const cv_assembled *item, const cv_tensor *expected, const char *path,
                                  cogvideo_error *err)
{
    char wanted[160], found[160];

    for (int i = 0; i < item->pieces; i++)
        if (!item->from[i])
            return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: of tensor '%s' there is '%s', but not all %d parts", path,
                           item->name, own_name(item), item->pieces);
    cv_shape_text(wanted, sizeof wanted, expected->rank, expected->shape);
    cv_shape_text(found, sizeof found, item->rank, item->shape);
    if (strcmp(wanted, found) != 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' has, as '%s', the shape %s; %s was expected", path,
                       own_name(item), item->name, found, wanted);
    if (!cv_dtype_is_real(item->dtype))
        return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' has type %s; weights are F32, F16 or BF16", path,
                       own_name(item), cv_dtype_name(item->dtype));
    return COGVIDEO_OK;
}

cogvideo_status cv_assembly_check(const cv_assembly *assembly, const cv_store *expected, const char *path,
                                  cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (size_t i = 0; i < cv_store_count(expected); i++) {
        const cv_tensor *tensor = cv_store_at(expected, i);
        const cv_assembled *item = find(assembly, tensor->name);
        char shape[160];

        cv_shape_text(shape, sizeof shape, tensor->rank, tensor->shape);
        if (!item)
            return cv_fail(err, COGVIDEO_ERROR_MODEL, "%s: tensor '%s' %s is missing", path, tensor->name, shape);
        CV_TRY(check_item(item, tensor, path, err));
    }
    for (size_t i = 0; i < assembly->count; i++)
        if (!cv_store_find(expected, assembly->items[i].name))
            return cv_fail(err, COGVIDEO_ERROR_MODEL,
                           "%s: tensor '%.200s' does not belong to this network (is it a checkpoint of another "
                           "network, or of another size?)",
                           path, own_name(&assembly->items[i]));
done:
    return status;
}

/* --- to a file ------------------------------------------------------------------------------------------------ */

uint64_t cv_assembly_bytes(const cv_assembly *assembly)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < assembly->count; i++)
        for (int p = 0; p < assembly->items[i].pieces; p++)
            bytes += assembly->items[i].from[p]->bytes;
    return bytes;
}

/* A file that is being written. */
typedef struct writing {
    cv_import_job *job;
    cv_store_writer *writer;
    const cv_narrowing *narrowing; /* NULL: tensors keep their types */
    char *buffer;                  /* [CHUNK] */
    cogvideo_error *err;
} writing;

static cv_weight_type stored_as(const writing *w, const cv_assembled *item)
{
    return w->narrowing && item->pieces == 1 && !item->transposed
               ? cv_narrow_type(w->narrowing, item->name, item->rank, item->shape, item->dtype)
               : (cv_weight_type)item->dtype;
}

static cogvideo_status check_numbers(const cv_assembled *item, const cv_source_tensor *tensor, const void *data,
                                     size_t first, size_t count, cogvideo_error *err)
{
    cogvideo_status status =
        cv_narrow_check(tensor->name, tensor->rank == 2 ? tensor->shape[1] : 1, tensor->dtype, data, first, count, err);

    return status == COGVIDEO_ERROR_MODEL ? cv_fail_prefix(err, status, cv_source_path(item->source)) : status;
}

static cogvideo_status copy_piece(const writing *w, const cv_assembled *item, const cv_source_tensor *tensor)
{
    const size_t width = cv_dtype_size(tensor->dtype);
    cogvideo_status status;
    cv_source_stream *stream = NULL;

    CV_TRY(cv_source_stream_open(&stream, item->source, tensor, w->err));
    for (size_t left = tensor->bytes; left > 0;) {
        size_t size = left < CHUNK ? left : CHUNK, first = (tensor->bytes - left) / width;

        CV_TRY(cv_source_stream_read(stream, w->buffer, size, w->err));
        CV_TRY(check_numbers(item, tensor, w->buffer, first, size / width, w->err));
        CV_TRY(cv_store_writer_data(w->writer, w->buffer, size, w->err));
        CV_TRY(cv_import_advance(w->job, size, w->err));
        left -= size;
    }
done:
    cv_source_stream_close(&stream);
    return status;
}

/* Projections are transposed, which are small beside the network: the whole matrix is in memory. */
static cogvideo_status copy_transposed(const writing *w, const cv_assembled *item, const cv_source_tensor *tensor)
{
    const size_t width = cv_dtype_size(tensor->dtype), rows = tensor->shape[0], columns = tensor->shape[1];
    cogvideo_status status;
    cv_source_stream *stream = NULL;
    char *in = NULL, *out = NULL;

    CV_NEW(in, tensor->bytes, w->err);
    CV_NEW(out, tensor->bytes, w->err);
    CV_TRY(cv_source_stream_open(&stream, item->source, tensor, w->err));
    CV_TRY(cv_source_stream_read(stream, in, tensor->bytes, w->err));
    CV_TRY(check_numbers(item, tensor, in, 0, tensor->count, w->err));
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            memcpy(out + (c * rows + r) * width, in + (r * columns + c) * width, width);
    CV_TRY(cv_store_writer_data(w->writer, out, tensor->bytes, w->err));
    CV_TRY(cv_import_advance(w->job, tensor->bytes, w->err));
done:
    cv_source_stream_close(&stream);
    cv_free(in);
    cv_free(out);
    return status;
}

/* The rows of a whole tensor, read in order; asking for the first rows opens the stream again. */
typedef struct row_stream {
    const writing *w;
    const cv_assembled *item;
    size_t K;
    cv_source_stream *stream;
    bool again; /* in a second pass, which does not count as progress */
} row_stream;

static cogvideo_status read_rows(void *user, size_t first, size_t count, float *out, cogvideo_error *err)
{
    row_stream *rows = user;
    const writing *w = rows->w;
    const cv_source_tensor *tensor = rows->item->from[0];
    const size_t width = cv_dtype_size(tensor->dtype);
    cogvideo_status status = COGVIDEO_OK;

    if (first == 0) {
        rows->again = rows->stream != NULL;
        cv_source_stream_close(&rows->stream);
        CV_TRY(cv_source_stream_open(&rows->stream, rows->item->source, tensor, err));
    }
    for (size_t left = count * rows->K; left > 0;) {
        size_t part = left < CHUNK / width ? left : CHUNK / width;

        CV_TRY(cv_source_stream_read(rows->stream, w->buffer, part * width, err));
        cv_to_f32(out, w->buffer, tensor->dtype, part);
        out += part;
        left -= part;
        if (!rows->again)
            CV_TRY(cv_import_advance(w->job, part * width, err));
    }
done:
    return status;
}

/* Writes a whole tensor in another type; one that is no matrix is handled as rows of one number. */
static cogvideo_status narrow_tensor(const writing *w, const cv_assembled *item, cv_weight_type type)
{
    row_stream rows = { .w = w, .item = item, .K = item->rank == 2 ? item->shape[1] : 1 };
    cogvideo_status status =
        cv_narrow_write(w->writer, item->name, type, item->from[0]->count / rows.K, rows.K, read_rows, &rows, w->err);

    cv_source_stream_close(&rows.stream);
    return status == COGVIDEO_ERROR_MODEL ? cv_fail_prefix(w->err, status, cv_source_path(item->source)) : status;
}

/* Writes the declarations of the tensors or, if not `declare`, their data; wider elements first, so that each tensor is
 * aligned. */
static cogvideo_status each_tensor(const writing *w, const cv_assembly *assembly, bool declare)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int order = 0; order < CV_NARROW_ORDERS; order++)
        for (size_t i = 0; i < assembly->count; i++) {
            const cv_assembled *item = &assembly->items[i];
            const cv_weight_type type = stored_as(w, item);

            if (cv_narrow_order(type) != order)
                continue;
            if (declare)
                CV_TRY(cv_narrow_declare(w->writer, item->name, type, item->rank, item->shape, w->err));
            else if (type != (cv_weight_type)item->dtype)
                CV_TRY(narrow_tensor(w, item, type));
            else
                for (int p = 0; p < item->pieces; p++)
                    CV_TRY(item->transposed ? copy_transposed(w, item, item->from[p])
                                            : copy_piece(w, item, item->from[p]));
        }
done:
    return status;
}

cogvideo_status cv_assembly_write(const cv_assembly *assembly, cv_import_job *job, const cv_narrowing *narrowing,
                                  const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    writing w = { .job = job, .narrowing = narrowing, .err = err };

    CV_NEW(w.buffer, CHUNK, err);
    CV_TRY(cv_store_writer_create(&w.writer, path, err));
    CV_TRY(each_tensor(&w, assembly, true));
    CV_TRY(each_tensor(&w, assembly, false));
    CV_TRY(cv_store_writer_commit(&w.writer, err));
done:
    cv_store_writer_abandon(&w.writer);
    cv_free(w.buffer);
    return status;
}
