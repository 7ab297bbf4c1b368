#include "tokens/npy_header.h"

#include "base/file_kind.h"
#include "tokens/bytes.h"

#include <string.h>

#define MAGIC "\x93NUMPY"

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

static bool take_shape(scanner *s, cv_npy_header *head)
{
    if (!take(s, "("))
        return false;
    while (!take(s, ")")) {
        if (head->rank == CV_NPY_HEADER_RANK || !take_size(s, &head->shape[head->rank]))
            return false;
        head->rank++;
        if (!take(s, ",") && !(take(s, ")") && (s->at--, true)))
            return false;
    }
    return true;
}

static bool take_member(scanner *s, int seen[3], cv_npy_header *head)
{
    char key[24];

    if (!take_string(s, key, sizeof key) || !take(s, ":"))
        return false;
    if (strcmp(key, "descr") == 0)
        return seen[0]++ == 0 && take_string(s, head->descr, sizeof head->descr);
    if (strcmp(key, "shape") == 0)
        return seen[1]++ == 0 && take_shape(s, head);
    if (strcmp(key, "fortran_order") != 0 || seen[2]++ > 0)
        return false;
    head->fortran = take(s, "True");
    return head->fortran || take(s, "False");
}

static bool take_header(scanner *s, int seen[3], cv_npy_header *head)
{
    if (!take(s, "{"))
        return false;
    while (!take(s, "}")) {
        if (!take_member(s, seen, head))
            return false;
        if (!take(s, ",") && !(take(s, "}") && (s->at--, true)))
            return false;
    }
    skip_space(s);
    return s->at == s->end && seen[0] && seen[1] && seen[2];
}

/* Finds where the header's text is, and where the numbers begin. */
static cogvideo_status find_text(scanner *text, cv_npy_header *head, const unsigned char *bytes, size_t size,
                                 const char *path, cogvideo_error *err)
{
    size_t prefix = 10, length;

    if (size < 10 || memcmp(bytes, MAGIC, 6) != 0) {
        const char *kind = cv_file_kind(bytes, size);

        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is %s; a NumPy .npy file was expected", path,
                       kind && strcmp(kind, "a NumPy array") != 0 ? kind : "too short or something else");
    }
    if (bytes[6] < 1 || bytes[6] > 3)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is a NumPy file of version %d; 1 to 3 are supported", path,
                       bytes[6]);
    length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1) {
        prefix = 12;
        length = size < 12 ? SIZE_MAX : cv_get_le32(bytes + 8);
    }
    if (length > CV_NPY_HEADER_BYTES - 12 || length > size - prefix)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: its header of %zu bytes does not fit the file of %zu bytes",
                       path, length, size);
    text->at = (const char *)bytes + prefix;
    text->end = text->at + length;
    head->data = prefix + length;
    return COGVIDEO_OK;
}

cogvideo_status cv_npy_header_read(cv_npy_header *out, const void *bytes, size_t size, const char *path,
                                   cogvideo_error *err)
{
    cv_npy_header head = { 0 };
    scanner text = { 0 };
    int seen[3] = { 0 }; /* how often each key occurred */
    cogvideo_status status;

    CV_TRY(find_text(&text, &head, bytes, size, path, err));
    if (!take_header(&text, seen, &head))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: its header is not a dictionary of 'descr', 'fortran_order' and a 'shape' of at most %d "
                       "dimensions",
                       path, CV_NPY_HEADER_RANK);
    *out = head;
done:
    return status;
}
