#include "base/pattern.h"

#include "base/file.h"

#include <string.h>

/* The numbers of a path. */
typedef struct numbers {
    int count;         /* of any form */
    bool accepted;     /* whether the last has one of the two forms */
    size_t start, end; /* of the last */
    int digits;        /* it asks for, 1 for a bare %d */
} numbers;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Returns where the number that begins with the % at `at` ends; 0 where the % is an ordinary character. */
static size_t number_end(const char *path, size_t at)
{
    size_t end = at + 1;

    while (is_digit(path[end]))
        end++;
    if (path[end] != 'd' || (end == at + 1 && is_letter(path[end + 1])))
        return 0;
    return end + 1;
}

static numbers find_numbers(const char *path)
{
    numbers found = { 0 };
    size_t end;

    for (size_t i = (size_t)(cv_path_name(path) - path); path[i]; i++) {
        if (path[i] != '%')
            continue;
        if (path[i + 1] == '%') {
            i++;
        } else if ((end = number_end(path, i))) {
            const bool bare = end == i + 2, padded = end == i + 4 && path[i + 1] == '0' && path[i + 2] != '0';

            found = (numbers){ found.count + 1, bare || padded, i, end, bare ? 1 : path[i + 2] - '0' };
            i = end - 1;
        }
    }
    return found;
}

bool cv_pattern_is(const char *path)
{
    return find_numbers(path).count > 0;
}

cogvideo_status cv_pattern_check(const char *path, cogvideo_error *err)
{
    size_t start, end;

    if (cv_pattern_find(path, &start, &end))
        return COGVIDEO_OK;
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                   "%s: a numbered name has exactly one %%d or %%0Nd (N = 1 .. 9), such as frame-%%04d.jpg", path);
}

bool cv_pattern_find(const char *path, size_t *start, size_t *end)
{
    const numbers found = find_numbers(path);

    *start = found.start;
    *end = found.end;
    return found.count == 1 && found.accepted;
}

/* Appends a part of a name, with each %% as one %. */
static cogvideo_status append_part(cv_buffer *name, const char *part, size_t size, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (size_t i = 0; i < size && status == COGVIDEO_OK; i++) {
        status = cv_buffer_append(name, part + i, 1, err);
        i += part[i] == '%' && i + 1 < size && part[i + 1] == '%';
    }
    return status;
}

cogvideo_status cv_pattern_expand(char **out, const char *path, int number, cogvideo_error *err)
{
    const numbers found = find_numbers(path);
    const size_t folder = (size_t)(cv_path_name(path) - path);
    cv_buffer name = { 0 };
    cogvideo_status status;

    CV_TRY(cv_pattern_check(path, err));
    CV_TRY(cv_buffer_append(&name, path, folder, err));
    CV_TRY(append_part(&name, path + folder, found.start - folder, err));
    if (number >= 0)
        CV_TRY(cv_buffer_printf(&name, err, "%0*d", found.digits, number));
    CV_TRY(append_part(&name, path + found.end, strlen(path + found.end), err));
    *out = name.data;
    return COGVIDEO_OK;
done:
    cv_buffer_free(&name);
    return status;
}

cogvideo_status cv_pattern_stem(char **out, const char *path, cogvideo_error *err)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    const size_t folder = (size_t)(base - path), length = dot && dot > base ? (size_t)(dot - path) : strlen(path);
    char *stem = cv_alloc(length + sizeof "clip", 1, err), *bare = NULL;
    size_t start, end;

    if (!stem)
        return COGVIDEO_ERROR_MEMORY;
    memcpy(stem, path, length);
    if (cv_pattern_find(stem, &start, &end)) {
        size_t kept = start; /* without what only parts the number from the name */

        while (kept > folder && strchr("-_.", stem[kept - 1]))
            kept--;
        memmove(stem + kept, stem + start, strlen(stem + start) + 1);
        if (cv_pattern_expand(&bare, stem, -1, NULL) == COGVIDEO_OK) {
            strcpy(stem, bare); /* which is shorter by its number */
            cv_free(bare);
        }
    }
    if (!stem[folder])
        strcpy(stem + folder, "clip");
    *out = stem;
    return COGVIDEO_OK;
}
