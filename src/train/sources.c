#include "train/sources.h"

#include "base/file.h"
#include "base/order.h"
#include "train/dataset.h"
#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_NAMES 10000000
#define MAX_CSV ((size_t)256 << 20)
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* some editors put one before UTF-8 */

bool cv_name_ends(const char *name, const char *ending)
{
    size_t a = strlen(name), b = strlen(ending);

    return a > b && strcasecmp(name + a - b, ending) == 0;
}

static int compare_names(const void *a, const void *b)
{
    return cv_natural_compare(*(char *const *)a, *(char *const *)b);
}

void cv_folder_names_free(char ***names, size_t count)
{
    for (size_t i = 0; *names && i < count; i++)
        cv_free((*names)[i]);
    cv_free(*names);
    *names = NULL;
}

/* Room for one element more in an array that doubles. */
static cogvideo_status grow(void **items, size_t count, size_t size, cogvideo_error *err)
{
    void *larger;

    if (count >= MAX_NAMES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "more than %d entries in one folder or list", MAX_NAMES);
    if (count & (count - 1)) /* full at 0, 1, 2, 4, 8, .. */
        return COGVIDEO_OK;
    if (!(larger = cv_realloc(*items, count, count ? 2 * count : 1, size, err)))
        return COGVIDEO_ERROR_MEMORY;
    *items = larger;
    return COGVIDEO_OK;
}

cogvideo_status cv_folder_names(char ***out, size_t *count, const char *folder, cogvideo_error *err)
{
    char **names = NULL;
    size_t found = 0;
    struct dirent *item;
    DIR *dir = opendir(folder);
    cogvideo_status status = COGVIDEO_OK;

    if (!dir)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: the folder cannot be read: %s", folder, strerror(errno));
    while ((item = readdir(dir))) {
        if (item->d_name[0] == '.')
            continue;
        CV_TRY(grow((void **)&names, found, sizeof *names, err));
        if (!(names[found] = cv_strdup(item->d_name, err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto fail;
        }
        found++;
    }
    if (found)
        qsort(names, found, sizeof *names, compare_names);
    *out = names;
    *count = found;
    names = NULL;
fail:
    cv_folder_names_free(&names, found);
    closedir(dir);
    return status;
}

/* Line breaks and tabs become spaces, those at the ends go; returns whether anything is left. */
static bool trim(char *text)
{
    char *from = text, *end;

    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    while (*from == ' ')
        from++;
    end = from + strlen(from);
    while (end > from && end[-1] == ' ')
        end--;
    memmove(text, from, (size_t)(end - from));
    text[end - from] = '\0';
    return *text != '\0';
}

/* Adds a copy of both; `text` is trimmed in place. */
static cogvideo_status add(cv_sources *sources, const char *path, cv_buffer *text, const cogvideo_log *log, cogvideo_error *err)
{
    cv_source source = { NULL, NULL };
    char empty[1] = "", *caption = text->data ? text->data : empty;
    cogvideo_status status;

    if (strlen(caption) < text->size) {
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: is left out: its caption holds a zero byte", path);
        return COGVIDEO_OK;
    }
    if (strncmp(caption, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        caption += strlen(BYTE_ORDER_MARK);
    if (!trim(caption) || strlen(caption) > CV_DATASET_MAX_CAPTION) {
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: is left out: its caption has %zu bytes, it must have from 1 to %d", path,
               strlen(caption), CV_DATASET_MAX_CAPTION);
        return COGVIDEO_OK;
    }
    if (cv_utf8_prefix(caption, strlen(caption)) < strlen(caption)) {
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: is left out: its caption is not UTF-8", path);
        return COGVIDEO_OK;
    }
    CV_TRY(grow((void **)&sources->items, sources->count, sizeof *sources->items, err));
    source.path = cv_strdup(path, err);
    source.caption = cv_strdup(caption, err);
    if (!source.path || !source.caption) {
        status = COGVIDEO_ERROR_MEMORY;
        goto fail;
    }
    sources->items[sources->count++] = source;
    return COGVIDEO_OK;
fail:
    cv_free(source.path);
    cv_free(source.caption);
    return status;
}

/* --- a folder -------------------------------------------------------------------------------------------- */

/* The caption's file: NAME.txt without the video's ending, or caption.txt in a folder of pictures. */
static cogvideo_status caption_path(cv_buffer *out, const char *path, bool is_folder, cogvideo_error *err)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    size_t length = dot && !is_folder ? (size_t)(dot - path) : strlen(path);
    cogvideo_status status;

    CV_TRY(cv_buffer_printf(out, err, "%.*s.txt", (int)length, path));
    if (is_folder && !cv_path_exists(out->data)) {
        out->size = 0;
        CV_TRY(cv_buffer_printf(out, err, "%s/caption.txt", path));
    }
fail:
    return status;
}

static cogvideo_status add_from_folder(cv_sources *sources, const char *path, const cogvideo_log *log,
                                       cogvideo_error *err)
{
    cv_buffer name = { 0 }, caption = { 0 };
    cogvideo_error why;
    cogvideo_status status;

    CV_TRY(caption_path(&name, path, cv_path_is_dir(path), err));
    if ((status = cv_file_read(&caption, name.data, 1 << 16, &why)) == COGVIDEO_OK)
        CV_TRY(add(sources, path, &caption, log, err));
    else if (status == COGVIDEO_ERROR_MEMORY)
        cv_fail(err, status, "%s", why.message);
    else {
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: is left out for want of a caption: %s", path, why.message);
        status = COGVIDEO_OK;
    }
fail:
    cv_buffer_free(&name);
    cv_buffer_free(&caption);
    return status;
}

static cogvideo_status find_in_folder(cv_sources *sources, const char *folder, const cogvideo_log *log,
                                      cogvideo_error *err)
{
    static const char *const no_video[] = { ".txt", ".csv", ".json", ".jsonl", ".md" };
    char **names = NULL;
    size_t count = 0;
    cogvideo_status status;

    CV_TRY(cv_folder_names(&names, &count, folder, err));
    for (size_t i = 0; i < count; i++) {
        bool skip = false;
        char *path;

        for (size_t k = 0; k < sizeof no_video / sizeof *no_video; k++)
            skip = skip || cv_name_ends(names[i], no_video[k]);
        if (skip)
            continue;
        if (!(path = cv_path_join(folder, names[i], err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto fail;
        }
        status = add_from_folder(sources, path, log, err);
        cv_free(path);
        if (status != COGVIDEO_OK)
            goto fail;
    }
fail:
    cv_folder_names_free(&names, count);
    return status;
}

/* --- a CSV file (RFC 4180) --------------------------------------------------------------------------------- */

static long count_lines(const char *from, const char *to)
{
    long count = 0;

    for (; from < to; from++)
        count += *from == '\n';
    return count;
}

/* Takes one field from *at into `field`; `more`: the line goes on behind it. A quote that never closes is an error without words. */
static cogvideo_status take_field(const char **at, const char *end, cv_buffer *field, bool *more, cogvideo_error *err)
{
    const char *p = *at;
    bool quoted = p < end && *p == '"';
    cogvideo_status status;

    field->size = 0;
    CV_TRY(cv_buffer_append(field, "", 0, err));
    p += quoted;
    while (p < end) {
        const char *from = p;

        if (quoted && *p == '"') {
            if (p + 1 >= end || p[1] != '"') {
                quoted = false;
                p++;
                continue;
            }
            p++;
            from = p;
        } else if (!quoted && (*p == ',' || *p == '\n')) {
            break;
        }
        p++;
        if (quoted || *from != '\r')
            CV_TRY(cv_buffer_append(field, from, 1, err));
    }
    if (quoted)
        return COGVIDEO_ERROR_FORMAT;
    *more = p < end && *p == ',';
    *at = p < end ? p + 1 : end;
fail:
    return status;
}

/* Reads one line: the fields of columns `video` and `caption` (-1: look for their names and set them). */
static cogvideo_status take_line(const char **at, const char *end, int columns[2], cv_buffer fields[2],
                                 cogvideo_error *err)
{
    static const char *const names[2] = { "video", "caption" };
    const bool header = columns[0] < 0;
    cv_buffer field = { 0 };
    bool more = true;
    cogvideo_status status = COGVIDEO_OK;

    fields[0].size = fields[1].size = 0;
    for (int column = 0; more; column++) {
        CV_TRY(take_field(at, end, &field, &more, err));
        for (int i = 0; i < 2; i++) {
            if (header && strcmp(field.data, names[i]) == 0)
                columns[i] = column;
            if (!header && columns[i] == column)
                CV_TRY(cv_buffer_append(&fields[i], field.data, field.size, err));
        }
    }
fail:
    cv_buffer_free(&field);
    return status;
}

static cogvideo_status find_in_csv(cv_sources *sources, const char *path, const cogvideo_log *log, cogvideo_error *err)
{
    const char *slash = strrchr(path, '/'), *at, *end;
    const int folder = slash ? (int)(slash - path) + 1 : 0;
    const char *counted;
    long line = 1;
    int columns[2] = { -1, -1 };
    cv_buffer text = { 0 }, fields[2] = { { 0 }, { 0 } }, full = { 0 };
    cogvideo_status status;

    CV_TRY(cv_file_read(&text, path, MAX_CSV, err));
    at = text.data;
    counted = at;
    end = text.data + text.size;
    if (text.size && strncmp(at, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        at += strlen(BYTE_ORDER_MARK);
    if (text.size && (status = take_line(&at, end, columns, fields, err)) == COGVIDEO_ERROR_FORMAT)
        cv_fail(err, status, "%s: a quote in its first line never closes", path);
    if (status != COGVIDEO_OK)
        goto fail;
    if (columns[0] < 0 || columns[1] < 0) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                         "%s: its first line must name the columns, \"video\" and \"caption\" among them", path);
        goto fail;
    }
    while (at < end) {
        line += count_lines(counted, at);
        counted = at;
        if ((status = take_line(&at, end, columns, fields, err)) != COGVIDEO_OK) {
            if (status == COGVIDEO_ERROR_FORMAT)
                cv_fail(err, status, "%s: the quote that opens on line %ld or behind it never closes", path, line);
            goto fail;
        }
        if (!fields[0].size || !fields[1].size || strlen(fields[0].data) < fields[0].size) {
            if (fields[0].size || fields[1].size)
                cv_log(log, COGVIDEO_LOG_WARNING, "%s: what begins on line %ld is left out: it has no %s", path, line,
                       fields[0].size ? fields[1].size ? "name without a zero byte" : "caption" : "video");
            continue;
        }
        full.size = 0;
        CV_TRY(cv_buffer_printf(&full, err, "%.*s%s", fields[0].data[0] == '/' ? 0 : folder, path, fields[0].data));
        CV_TRY(add(sources, full.data, &fields[1], log, err));
    }
fail:
    cv_buffer_free(&text);
    cv_buffer_free(&full);
    cv_buffer_free(&fields[0]);
    cv_buffer_free(&fields[1]);
    return status;
}

cogvideo_status cv_sources_find(cv_sources *out, const char *path, const cogvideo_log *log, cogvideo_error *err)
{
    cv_sources sources = { 0 };
    cogvideo_status status;

    CV_TRY(cv_path_is_dir(path) ? find_in_folder(&sources, path, log, err) : find_in_csv(&sources, path, log, err));
    if (sources.count == 0) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                         "%s: has no video with a caption: clip.mp4 and clip.txt side by side, or a .csv file with "
                         "columns video and caption, were expected", path);
        goto fail;
    }
    *out = sources;
    return COGVIDEO_OK;
fail:
    cv_sources_free(&sources);
    return status;
}

void cv_sources_free(cv_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        cv_free(sources->items[i].path);
        cv_free(sources->items[i].caption);
    }
    cv_free(sources->items);
    *sources = (cv_sources){ 0 };
}
