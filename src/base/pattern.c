#include "base/pattern.h"

#include "base/path.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

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

/* Whether `name` is `prefix`, digits and `suffix`. */
static bool is_numbered(const char *name, const char *prefix, const char *suffix)
{
    const size_t length = strlen(name), before = strlen(prefix), behind = strlen(suffix);

    return length > before + behind && strncmp(name, prefix, before) == 0 &&
           strcmp(name + length - behind, suffix) == 0 &&
           strspn(name + before, "0123456789") == length - before - behind;
}

/* Copies `size` bytes of a name, of each %% one. */
static void unescape(char *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *out++ = text[i];
        i += text[i] == '%' && i + 1 < size && text[i + 1] == '%';
    }
    *out = '\0';
}

size_t cv_pattern_files(const char *path, uint64_t *bytes)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    char prefix[NAME_MAX + 1], suffix[NAME_MAX + 1], *folder;
    size_t start, end, count = 0;
    struct dirent *entry;
    struct stat info;
    DIR *files;

    *bytes = 0;
    if (!cv_pattern_find(path, &start, &end) || strlen(base) > NAME_MAX || !(folder = cv_path_folder(path, NULL)))
        return 0;
    unescape(prefix, base, start - (size_t)(base - path));
    unescape(suffix, path + end, strlen(path + end));
    files = opendir(folder);
    while (files && (entry = readdir(files)))
        if (is_numbered(entry->d_name, prefix, suffix)) {
            count++;
            if (fstatat(dirfd(files), entry->d_name, &info, 0) == 0)
                *bytes += (uint64_t)info.st_size;
        }
    if (files)
        closedir(files);
    cv_free(folder);
    return count;
}
