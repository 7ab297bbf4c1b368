#include "tokens/npy.h"

#include "base/file.h"
#include "tokens/bytes.h"

#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAX_HEADER 65536

/* --- the header: a Python dictionary with exactly descr, fortran_order and shape ------------------------------ */

typedef struct scanner {
    const char *at, *end;
} scanner;

static void skip_space(scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t'))
        s->at++;
}

static bool take(scanner *s, const char *word)
{
    size_t length = strlen(word);

    skip_space(s);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0)
        return false;
    s->at += length;
    return true;
}

static bool take_string(scanner *s, char *out, size_t size)
{
    char quote;
    size_t n = 0;

    skip_space(s);
    if (s->at == s->end || (*s->at != '\'' && *s->at != '"'))
        return false;
    quote = *s->at++;
    while (s->at < s->end && *s->at != quote && n + 1 < size)
        out[n++] = *s->at++;
    out[n] = '\0';
    if (s->at == s->end || *s->at != quote)
        return false;
    s->at++;
    return true;
}

static bool take_size(scanner *s, size_t *out)
{
    size_t value = 0;
    const char *start;

    skip_space(s);
    for (start = s->at; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
        if (!cv_size_mul(value, 10, &value) || !cv_size_add(value, (size_t)(*s->at - '0'), &value))
            return false;
    *out = value;
    return s->at > start;
}

static bool take_shape(scanner *s, cv_npy *array)
{
    if (!take(s, "("))
        return false;
    while (!take(s, ")")) {
        if (array->rank == CV_NPY_MAX_RANK || !take_size(s, &array->shape[array->rank]))
            return false;
        array->rank++;
        if (!take(s, ",") && !(take(s, ")") && (s->at--, true)))
            return false;
    }
    return true;
}

typedef struct header {
    char descr[16];
    bool fortran;
    int seen[3]; /* how often each key occurred */
} header;

static bool take_member(scanner *s, header *head, cv_npy *array)
{
    char key[24];

    if (!take_string(s, key, sizeof key) || !take(s, ":"))
        return false;
    if (strcmp(key, "descr") == 0)
        return head->seen[0]++ == 0 && take_string(s, head->descr, sizeof head->descr);
    if (strcmp(key, "shape") == 0)
        return head->seen[1]++ == 0 && take_shape(s, array);
    if (strcmp(key, "fortran_order") != 0 || head->seen[2]++ > 0)
        return false;
    head->fortran = take(s, "True");
    return head->fortran || take(s, "False");
}

static bool take_header(scanner *s, header *head, cv_npy *array)
{
    if (!take(s, "{"))
        return false;
    while (!take(s, "}")) {
        if (!take_member(s, head, array))
            return false;
        if (!take(s, ",") && !(take(s, "}") && (s->at--, true)))
            return false;
    }
    skip_space(s);
    return s->at == s->end && head->seen[0] && head->seen[1] && head->seen[2];
}

/* --- reading -------------------------------------------------------------------------------------------------- */

/* Finds where the header's text is, and where the numbers begin. */
static cogvideo_status find_header(const cv_mapping *file, const char *path, scanner *text, size_t *data,
                                   cogvideo_error *err)
{
    const unsigned char *bytes = file->data;
    size_t prefix = 10, length;

    if (file->size < 10 || memcmp(bytes, MAGIC, 6) != 0) {
        const char *kind = cv_file_kind(bytes, file->size);

        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is %s; a NumPy .npy file was expected", path,
                       kind && strcmp(kind, "a NumPy array") != 0 ? kind : "too short or something else");
    }
    if (bytes[6] < 1 || bytes[6] > 3)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is a NumPy file of version %d; 1 to 3 are supported", path,
                       bytes[6]);
    length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1) {
        prefix = 12;
        length = file->size < 12 ? SIZE_MAX : cv_get_le32(bytes + 8);
    }
    if (length > MAX_HEADER || length > file->size - prefix)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its header of %zu bytes does not fit the file of %zu bytes",
                       path, length, file->size);
    text->at = (const char *)bytes + prefix;
    text->end = text->at + length;
    *data = prefix + length;
    return COGVIDEO_OK;
}

/* Reads the header; *width = bytes per number. */
static cogvideo_status read_header(const cv_mapping *file, const char *path, cv_npy *array, size_t *width, size_t *data,
                                   cogvideo_error *err)
{
    header head = { 0 };
    scanner text = { 0 };
    size_t bytes;
    cogvideo_status status = find_header(file, path, &text, data, err);

    if (status != COGVIDEO_OK)
        return status;
    if (!take_header(&text, &head, array))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: its header is not a dictionary of 'descr', 'fortran_order' and a 'shape' of at most %d "
                       "dimensions",
                       path, CV_NPY_MAX_RANK);
    if (strcmp(head.descr, "<i4") != 0 && strcmp(head.descr, "<i8") != 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: has numbers of type '%s'; int32 ('<i4') or int64 ('<i8') was expected", path, head.descr);
    if (head.fortran)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is in Fortran order; save numpy.ascontiguousarray(x) instead",
                       path);
    *width = head.descr[2] == '4' ? 4 : 8;
    array->count = 1;
    for (int i = 0; i < array->rank; i++)
        if (!cv_size_mul(array->count, array->shape[i], &array->count))
            array->count = SIZE_MAX;
    if (array->rank == 0 || array->count == 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: contains %s; an array was expected", path,
                       array->rank == 0 ? "a single number" : "no numbers");
    if (!cv_size_mul(array->count, *width, &bytes) || bytes != file->size - *data)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: has %zu bytes of numbers, but its header says %zu numbers of %zu bytes (truncated or "
                       "padded)",
                       path, file->size - *data, array->count, *width);
    return COGVIDEO_OK;
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
