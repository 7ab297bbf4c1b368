#include "import/npy.h"

#include <stdlib.h>
#include <string.h>

#define MAX_HEADER (1u << 20)

/* Where the reading of the header's text stands. */
typedef struct text {
    const char *at, *end;
} text;

static void skip_space(text *t)
{
    while (t->at < t->end && strchr(" \t\r\n", *t->at) && *t->at)
        t->at++;
}

static bool accept(text *t, const char *word)
{
    size_t size = strlen(word);

    skip_space(t);
    if ((size_t)(t->end - t->at) < size || memcmp(t->at, word, size) != 0)
        return false;
    t->at += size;
    return true;
}

/* A quoted text of at most 31 characters, without escapes. */
static bool read_quoted(text *t, char out[32])
{
    size_t size = 0;
    char quote;

    skip_space(t);
    if (t->at == t->end || (*t->at != '\'' && *t->at != '"'))
        return false;
    quote = *t->at++;
    while (t->at < t->end && *t->at != quote && *t->at != '\\' && size < 31)
        out[size++] = *t->at++;
    out[size] = '\0';
    return t->at < t->end && *t->at++ == quote;
}

static bool read_dtype(text *t, cv_dtype *dtype)
{
    static const struct {
        const char *text;
        cv_dtype dtype;
    } types[] = {
        { "<f4", CV_F32 }, { "<f2", CV_F16 }, { "<f8", CV_F64 }, { "<i8", CV_I64 },
        { "<i4", CV_I32 }, { "|i1", CV_I8 }, { "|u1", CV_U8 },
    };
    char name[32];

    if (!read_quoted(t, name))
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].text, name) == 0) {
            *dtype = types[i].dtype;
            return true;
        }
    return false;
}

/* "(20000,)", "(2, 3)", "()". */
static bool read_shape(text *t, cv_tensor *array)
{
    array->rank = 0;
    array->count = 1;
    if (!accept(t, "("))
        return false;
    while (!accept(t, ")")) {
        size_t value = 0;

        if (array->rank == CV_MAX_RANK || (array->rank > 0 && !accept(t, ",")))
            return false;
        if (array->rank > 0 && accept(t, ")"))
            return true;
        skip_space(t);
        if (t->at == t->end || *t->at < '0' || *t->at > '9')
            return false;
        while (t->at < t->end && *t->at >= '0' && *t->at <= '9')
            if (!cv_size_mul(value, 10, &value) || !cv_size_add(value, (size_t)(*t->at++ - '0'), &value))
                return false;
        array->shape[array->rank++] = value;
        if (!cv_size_mul(array->count, value, &array->count))
            return false;
    }
    return true;
}

/* {'descr': '<i8', 'fortran_order': False, 'shape': (20000,), } in any order, each key once. */
static bool read_header(text *t, cv_tensor *array)
{
    int seen = 0;

    if (!accept(t, "{"))
        return false;
    while (!accept(t, "}")) {
        char key[32];
        int bit;

        if (!read_quoted(t, key) || !accept(t, ":"))
            return false;
        if (strcmp(key, "descr") == 0 && read_dtype(t, &array->dtype))
            bit = 1;
        else if (strcmp(key, "fortran_order") == 0 && accept(t, "False"))
            bit = 2;
        else if (strcmp(key, "shape") == 0 && read_shape(t, array))
            bit = 4;
        else
            return false;
        if (seen & bit)
            return false;
        seen |= bit;
        if (!accept(t, ",") && !accept(t, "}"))
            return false;
        if (t->at[-1] == '}')
            break;
    }
    skip_space(t);
    return seen == 7 && t->at == t->end;
}

cogvideo_status cv_npy_open(cv_npy *out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_npy npy = { 0 };
    size_t start, length = 0, bytes;
    text header;

    CV_TRY(cv_map_open(&npy.file, path, err));
    start = npy.file.size > 6 && npy.file.data[6] > 1 ? 12 : 10;
    if (npy.file.size < start || memcmp(npy.file.data, "\x93NUMPY", 6) != 0 || npy.file.data[6] < 1 ||
        npy.file.data[6] > 3) {
        const char *kind = cv_file_kind(npy.file.data, npy.file.size);

        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a NumPy array (.npy) was expected, this is %s", path,
                         kind ? kind : "something else");
        goto fail;
    }
    for (size_t i = start; i-- > 8;)
        length = length << 8 | npy.file.data[i];
    if (length > MAX_HEADER || length > npy.file.size - start) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the header claims %zu bytes of the file's %zu: truncated or "
                         "damaged", path, length, npy.file.size);
        goto fail;
    }
    header = (text){ (const char *)npy.file.data + start, (const char *)npy.file.data + start + length };
    if (!read_header(&header, &npy.array)) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its header is damaged or of an unsupported kind; a plain "
                         "little-endian array in C order is needed", path);
        goto fail;
    }
    if (!cv_size_mul(npy.array.count, cv_dtype_size(npy.array.dtype), &bytes) ||
        bytes != npy.file.size - start - length) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: has %zu bytes of data, %zu elements of %s were promised: "
                         "truncated or damaged", path, npy.file.size - start - length, npy.array.count,
                         cv_dtype_name(npy.array.dtype));
        goto fail;
    }
    npy.array.data = npy.file.data + start + length;
    *out = npy;
    return COGVIDEO_OK;
fail:
    cv_map_close(&npy.file);
    return status;
}

void cv_npy_close(cv_npy *npy)
{
    cv_map_close(&npy->file);
    *npy = (cv_npy){ 0 };
}

/* The header's length need not align the data, so elements are copied out. */
static bool element(const cv_tensor *array, size_t i, int64_t *out)
{
    const char *at = (const char *)array->data + i * cv_dtype_size(array->dtype);
    int32_t narrow;

    switch (array->dtype) {
    case CV_I64: memcpy(out, at, sizeof *out); return true;
    case CV_I32: memcpy(&narrow, at, sizeof narrow); *out = narrow; return true;
    case CV_I8: *out = *(const signed char *)at; return true;
    case CV_U8: *out = *(const unsigned char *)at; return true;
    default: return false;
    }
}

cogvideo_status cv_npy_int32(const cv_npy *npy, int32_t min, int32_t max, int32_t **out, const char *path,
                             cogvideo_error *err)
{
    cogvideo_status status;
    int32_t *values;

    CV_NEW(values, npy->array.count, err);
    for (size_t i = 0; i < npy->array.count; i++) {
        int64_t value;

        if (!element(&npy->array, i, &value)) {
            status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: holds %s values, whole numbers are needed", path,
                             cv_dtype_name(npy->array.dtype));
            goto fail;
        }
        if (value < min || value > max) {
            status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: element %zu is %lld, it must lie in %d .. %d", path, i,
                             (long long)value, (int)min, (int)max);
            goto fail;
        }
        values[i] = (int32_t)value;
    }
    *out = values;
    return COGVIDEO_OK;
fail:
    cv_free(values);
    return status;
}
