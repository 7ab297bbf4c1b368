#include "tokens/npy.h"

#include "base/map.h"
#include "base/output.h"
#include "tokens/bytes.h"
#include "tokens/npy_header.h"

#include <string.h>

#define MAGIC "\x93NUMPY"

/* --- reading -------------------------------------------------------------------------------------------------- */

/* Reads the header; *width = bytes per number. */
static cogvideo_status read_header(const cv_mapping *file, const char *path, cv_npy *array, size_t *width, size_t *data,
                                   cogvideo_error *err)
{
    cv_npy_header head;
    size_t bytes;
    cogvideo_status status;

    CV_TRY(cv_npy_header_read(&head, file->data, file->size, path, err));
    if (head.rank > CV_NPY_MAX_RANK)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is an array of %d dimensions; at most %d are supported", path,
                       head.rank, CV_NPY_MAX_RANK);
    if (strcmp(head.descr, "<i4") != 0 && strcmp(head.descr, "<i8") != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: has numbers of type '%s'; int32 ('<i4') or int64 ('<i8') was expected", path, head.descr);
    if (head.fortran)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is in Fortran order; save numpy.ascontiguousarray(x) instead",
                       path);
    *width = head.descr[2] == '4' ? 4 : 8;
    *data = head.data;
    array->rank = head.rank;
    array->count = 1;
    for (int i = 0; i < array->rank; i++) {
        array->shape[i] = head.shape[i];
        if (!cv_size_mul(array->count, array->shape[i], &array->count))
            array->count = SIZE_MAX;
    }
    if (array->rank == 0 || array->count == 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: contains %s; an array was expected", path,
                       array->rank == 0 ? "a single number" : "no numbers");
    if (!cv_size_mul(array->count, *width, &bytes) || bytes != file->size - *data)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: has %zu bytes of numbers, but its header says %zu numbers of %zu bytes (truncated or "
                       "padded)",
                       path, file->size - *data, array->count, *width);
done:
    return status;
}

static int64_t get_number(const unsigned char *p, size_t width)
{
    uint64_t low = cv_get_le32(p);

    return width == 4 ? (int64_t)(int32_t)low : (int64_t)(low | (uint64_t)cv_get_le32(p + 4) << 32);
}

cogvideo_status cv_npy_read(cv_npy *out, const char *path, int32_t min, int32_t max, cogvideo_error *err)
{
    cogvideo_status status;
    cv_mapping file = { 0 };
    cv_npy array = { 0 };
    size_t width = 0, data = 0;

    CV_TRY(cv_map_open(&file, path, err));
    CV_TRY(read_header(&file, path, &array, &width, &data, err));
    CV_NEW(array.values, array.count, err);
    for (size_t i = 0; i < array.count; i++) {
        int64_t value = get_number(file.data + data + i * width, width);

        if (value < min || value > max) {
            status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: number %zu is %lld; it must be from %d to %d", path, i,
                             (long long)value, min, max);
            goto done;
        }
        array.values[i] = (int32_t)value;
    }
    *out = array;
    array.values = NULL;
done:
    cv_map_close(&file);
    cv_npy_free(&array);
    return status;
}

void cv_npy_free(cv_npy *array)
{
    cv_free(array->values);
    *array = (cv_npy){ 0 };
}

/* --- writing -------------------------------------------------------------------------------------------------- */

/* Writes the magic, version 1.0, the length of the text, and the text, padded so that the numbers begin at a
 * multiple of 64. */
static cogvideo_status make_header(cv_buffer *out, int rank, const size_t *shape, cogvideo_error *err)
{
    cogvideo_status status;
    size_t length;

    CV_TRY(cv_buffer_append(out, MAGIC "\1\0\0\0", 10, err));
    CV_TRY(cv_buffer_printf(out, err, "{'descr': '<i4', 'fortran_order': False, 'shape': ("));
    for (int i = 0; i < rank; i++)
        CV_TRY(cv_buffer_printf(out, err, "%zu%s", shape[i], i + 1 < rank ? ", " : rank == 1 ? "," : ""));
    CV_TRY(cv_buffer_printf(out, err, "), }"));
    while (out->size % 64 != 63)
        CV_TRY(cv_buffer_append(out, " ", 1, err));
    CV_TRY(cv_buffer_append(out, "\n", 1, err));
    length = out->size - 10;
    out->data[8] = (char)(length & 0xff);
    out->data[9] = (char)(length >> 8);
done:
    return status;
}

cogvideo_status cv_npy_write(const char *path, int rank, const size_t *shape, const int32_t *values,
                             cogvideo_error *err)
{
    cogvideo_status status;
    cv_output output = { 0 };
    cv_buffer head = { 0 };
    size_t count = 1;

    CV_TRY(make_header(&head, rank, shape, err));
    for (int i = 0; i < rank; i++)
        count *= shape[i];
    CV_TRY(cv_output_open(&output, path, err));
    CV_TRY(cv_output_write(&output, head.data, head.size, err));
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[4];

        cv_put_le32(bytes, (uint32_t)values[i]);
        CV_TRY(cv_output_write(&output, bytes, sizeof bytes, err));
    }
    status = cv_output_commit(&output, err);
done:
    cv_output_abandon(&output);
    cv_buffer_free(&head);
    return status;
}
