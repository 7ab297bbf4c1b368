#include "tensor/store_write.h"

#include "base/json.h"
#include "base/output.h"

#include <string.h>

struct cv_store_writer {
    cv_output file;
    cv_json *header;
    size_t declared, written; /* data bytes */
    bool header_done;
};

cogvideo_status cv_store_writer_create(cv_store_writer **out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_store_writer *writer = NULL;

    CV_NEW(writer, 1, err);
    writer->header = cv_json_new_object();
    CV_TRY(cv_output_open(&writer->file, path, err));
    *out = writer;
    return COGVIDEO_OK;
done:
    cv_store_writer_abandon(&writer);
    return status;
}

cogvideo_status cv_store_writer_declare(cv_store_writer *writer, const char *name, cv_dtype dtype, int rank,
                                        const size_t *shape, cogvideo_error *err)
{
    int32_t dims[CV_MAX_RANK];
    size_t bytes = cv_dtype_size(dtype), end;
    cv_json *item, *offsets;

    for (int i = 0; i < rank; i++) {
        dims[i] = (int32_t)shape[i];
        if (shape[i] > INT32_MAX || !cv_size_mul(bytes, shape[i], &bytes))
            return cv_fail(err, COGVIDEO_ERROR_MEMORY, "%s: tensor '%s' is too large", writer->file.path, name);
    }
    if (!cv_size_add(writer->declared, bytes, &end))
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "%s: its tensors are too large together", writer->file.path);
    item = cv_json_set_object(writer->header, name);
    cv_json_set_string(item, "dtype", cv_dtype_name(dtype));
    cv_json_set_ints(item, "shape", dims, (size_t)rank);
    offsets = cv_json_set_array(item, "data_offsets");
    cv_json_add_double(offsets, (double)writer->declared);
    cv_json_add_double(offsets, (double)end);
    writer->declared = end;
    return COGVIDEO_OK;
}

cogvideo_status cv_store_writer_metadata(cv_store_writer *writer, const char *key, const char *value,
                                         cogvideo_error *err)
{
    cv_json *metadata = cv_json_get(writer->header, "__metadata__");

    if (!metadata)
        metadata = cv_json_set_object(writer->header, "__metadata__");
    if (!metadata)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "out of memory");
    cv_json_set_string(metadata, key, value);
    return COGVIDEO_OK;
}

/* Writes the length, the JSON, and spaces up to a multiple of 64, so that the data is aligned. */
static cogvideo_status write_header(cv_store_writer *writer, cogvideo_error *err)
{
    static const char spaces[64] = "                                                               ";
    cogvideo_status status;
    char *text = cv_json_print(writer->header, false, err);
    unsigned char length[8];
    size_t size, padding;

    if (!text)
        return COGVIDEO_ERROR_MEMORY;
    size = strlen(text);
    padding = (64 - (8 + size) % 64) % 64;
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)(size + padding) >> 8 * i);
    CV_TRY(cv_output_write(&writer->file, length, 8, err));
    CV_TRY(cv_output_write(&writer->file, text, size, err));
    CV_TRY(cv_output_write(&writer->file, spaces, padding, err));
    writer->header_done = true;
done:
    cv_free(text);
    return status;
}

cogvideo_status cv_store_writer_data(cv_store_writer *writer, const void *data, size_t size, cogvideo_error *err)
{
    cogvideo_status status = writer->header_done ? COGVIDEO_OK : write_header(writer, err);

    if (status == COGVIDEO_OK)
        status = cv_output_write(&writer->file, data, size, err);
    if (status == COGVIDEO_OK)
        writer->written += size;
    return status;
}

cogvideo_status cv_store_writer_commit(cv_store_writer **writer, cogvideo_error *err)
{
    cv_store_writer *w = *writer;
    cogvideo_status status = w->header_done ? COGVIDEO_OK : write_header(w, err);

    if (status == COGVIDEO_OK && w->written != w->declared)
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%s: %zu of %zu data bytes were written", w->file.path,
                         w->written, w->declared);
    if (status == COGVIDEO_OK)
        status = cv_output_commit(&w->file, err);
    cv_store_writer_abandon(writer);
    return status;
}

void cv_store_writer_abandon(cv_store_writer **writer)
{
    if (!*writer)
        return;
    cv_output_abandon(&(*writer)->file);
    cv_json_free(&(*writer)->header);
    cv_free(*writer);
    *writer = NULL;
}
