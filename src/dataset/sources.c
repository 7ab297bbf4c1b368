#include "dataset/sources.h"

#include "base/file.h"
#include "base/order.h"
#include "base/path.h"
#include "base/utf8.h"
#include "dataset/csv.h"
#include "dataset/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_NAMES 10000000

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

static cogvideo_status check_count(size_t count, cogvideo_error *err)
{
    if (count >= MAX_NAMES)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "more than %d entries in one folder or list", MAX_NAMES);
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
        CV_TRY(check_count(found, err));
        CV_GROW(names, found, err);
        if (!(names[found] = cv_strdup(item->d_name, err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto done;
        }
        found++;
    }
    if (found)
        qsort(names, found, sizeof *names, compare_names);
    *out = names;
    *count = found;
    names = NULL;
done:
    cv_folder_names_free(&names, found);
    closedir(dir);
    return status;
}

bool cv_trim_line(char *text)
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
static cogvideo_status add(cv_sources *sources, const char *path, cv_buffer *text, const cogvideo_log *log,
                           cogvideo_error *err)
{
    cv_captioned_video source = { NULL, NULL };
    char empty[1] = "", *caption = text->data ? text->data : empty;
    const char *other;
    cogvideo_status status;

    if ((other = cv_utf8_other(caption, text->size))) {
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: is left out: its caption " CV_UTF8_EXPECTED, path, other, other);
        return COGVIDEO_OK;
    }
    if (strlen(caption) < text->size) {
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: is left out: its caption holds a zero byte", path);
        return COGVIDEO_OK;
    }
    caption += cv_utf8_mark(caption, text->size);
    if (!cv_trim_line(caption) || strlen(caption) > CV_DATASET_MAX_CAPTION) {
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: is left out: its caption has %zu bytes, it must have from 1 to %d", path,
               strlen(caption), CV_DATASET_MAX_CAPTION);
        return COGVIDEO_OK;
    }
    if (cv_utf8_prefix(caption, strlen(caption)) < strlen(caption)) {
        cv_log(log, COGVIDEO_LOG_WARNING,
               "%s: is left out: its caption is not UTF-8; 'iconv -f ENCODING -t UTF-8' converts it", path);
        return COGVIDEO_OK;
    }
    CV_TRY(check_count(sources->count, err));
    CV_GROW(sources->items, sources->count, err);
    source.path = cv_strdup(path, err);
    source.caption = cv_strdup(caption, err);
    if (!source.path || !source.caption) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    sources->items[sources->count++] = source;
    return COGVIDEO_OK;
done:
    cv_free(source.path);
    cv_free(source.caption);
    return status;
}

/* --- a folder ------------------------------------------------------------------------------------------------- */

/* Whether `path`.txt is there, or with its ending in another case of letters, as some systems write it; `path` then
 * ends so. */
static cogvideo_status find_text(cv_buffer *path, bool *found, cogvideo_error *err)
{
    const size_t stem = path->size;
    cogvideo_status status = COGVIDEO_OK;

    *found = false;
    for (int capitals = 0; capitals < 8 && !*found; capitals++) { /* of each of the three letters */
        char ending[] = ".txt";

        for (int i = 0; i < 3; i++)
            ending[1 + i] ^= capitals >> i & 1 ? 'a' ^ 'A' : 0;
        path->size = stem;
        CV_TRY(cv_buffer_append(path, ending, 4, err));
        *found = cv_path_exists(path->data);
    }
done:
    return status;
}

/* The caption's file: NAME.txt without the video's ending, or caption.txt in a folder of pictures. */
static cogvideo_status caption_path(cv_buffer *out, const char *path, bool is_folder, bool *found, cogvideo_error *err)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    size_t length = dot && !is_folder ? (size_t)(dot - path) : strlen(path);
    cogvideo_status status;

    CV_TRY(cv_buffer_append(out, path, length, err));
    CV_TRY(find_text(out, found, err));
    if (is_folder && !*found) {
        out->size = 0;
        CV_TRY(cv_buffer_printf(out, err, "%s/caption", path));
        CV_TRY(find_text(out, found, err));
    }
done:
    return status;
}

static void tell_no_caption(const char *path, bool is_folder, const cogvideo_log *log)
{
    const char *name = cv_path_name(path), *dot = strrchr(name, '.');

    if (is_folder)
        cv_log(
            log, COGVIDEO_LOG_WARNING,
            "%s: is left out: a folder of pictures has its caption in %s.txt beside it or caption.txt inside it, and "
            "folders are not searched for videos; put those into one folder, each with its caption beside it, or name them in a .csv file",
            path, name);
    else
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: is left out for want of a caption: %.*s.txt was expected beside it",
               path, (int)(dot ? dot - name : (long)strlen(name)), name);
}

static cogvideo_status add_from_folder(cv_sources *sources, const char *path, bool is_folder, const cogvideo_log *log,
                                       cogvideo_error *err)
{
    cv_buffer name = { 0 }, caption = { 0 };
    bool found;
    cogvideo_error why;
    cogvideo_status status;

    CV_TRY(caption_path(&name, path, is_folder, &found, err));
    if (!found) {
        tell_no_caption(path, is_folder, log);
    } else if ((status = cv_file_read(&caption, name.data, 1 << 16, &why)) == COGVIDEO_OK) {
        CV_TRY(add(sources, path, &caption, log, err));
    } else if (status == COGVIDEO_ERROR_MEMORY) {
        cv_fail(err, status, "%s", why.message);
    } else {
        cv_log(log, COGVIDEO_LOG_WARNING, "%s: is left out for want of a caption: %s", path, why.message);
        status = COGVIDEO_OK;
    }
done:
    cv_buffer_free(&name);
    cv_buffer_free(&caption);
    return status;
}

bool cv_may_be_video(const char *name)
{
    static const char *const others[] = { ".txt",  ".csv",  ".tsv",         ".json",    ".jsonl",  ".md",
                                          ".html", ".list", ".safetensors", ".journal", ".partial" };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (cv_name_ends(name, others[i]))
            return false;
    return true;
}

static cogvideo_status find_in_folder(cv_sources *sources, const char *folder, const cogvideo_log *log,
                                      cogvideo_error *err)
{
    char **names = NULL;
    size_t count = 0;
    bool any_folder = false;
    cogvideo_status status;

    CV_TRY(cv_folder_names(&names, &count, folder, err));
    for (size_t i = 0; i < count; i++) {
        bool is_folder;
        char *path;

        if (!cv_may_be_video(names[i]))
            continue;
        if (!(path = cv_path_join(folder, names[i], err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto done;
        }
        is_folder = cv_path_is_dir(path);
        any_folder = any_folder || is_folder;
        status = add_from_folder(sources, path, is_folder, log, err);
        cv_free(path);
        if (status != COGVIDEO_OK)
            goto done;
    }
    if (sources->count == 0)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                         "%s: has no video with a caption: clip.mp4 and clip.txt side by side%s, or a .csv file with "
                         "columns video and caption, were expected",
                         folder, any_folder ? " (folders in it are not searched)" : "");
done:
    cv_folder_names_free(&names, count);
    return status;
}

/* --- a list --------------------------------------------------------------------------------------------------- */

static cogvideo_status find_in_list(cv_sources *sources, const char *path, const cogvideo_log *log, cogvideo_error *err)
{
    static const char *const names[CV_CSV_COLUMNS] = { "video", "caption" };
    const char *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash - path) + 1 : 0;
    cv_csv csv = { 0 };
    cv_buffer fields[CV_CSV_COLUMNS] = { { 0 }, { 0 } }, full = { 0 };
    long line, lines = 0;
    bool found;
    cogvideo_status status;

    CV_TRY(cv_csv_open(&csv, path, names, err));
    for (;; lines++) {
        CV_TRY(cv_csv_next(&csv, fields, &line, &found, err));
        if (!found)
            break;
        if (!fields[0].size || !fields[1].size || strlen(fields[0].data) < fields[0].size) {
            cv_log(log, COGVIDEO_LOG_WARNING, "%s: what begins on line %ld is left out: it has no %s", path, line,
                   fields[0].size ? fields[1].size ? "name without a zero byte" : "caption" : "video");
            continue;
        }
        if (csv.wider) { /* as in: clip.mp4,a small, red star */
            cv_log(log, COGVIDEO_LOG_WARNING,
                   "%s: what begins on line %ld is left out: it has more fields than the first line; a caption with a "
                   "comma or what else separates fields stands in quotes",
                   path, line);
            continue;
        }
        full.size = 0;
        CV_TRY(cv_buffer_printf(&full, err, "%.*s%s", fields[0].data[0] == '/' ? 0 : folder, path, fields[0].data));
        CV_TRY(add(sources, full.data, &fields[1], log, err));
    }
    if (sources->count == 0)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: %s", path,
                         lines ? "none of its lines has a video with a caption"
                               : "names no video: nothing follows its first line");
done:
    cv_csv_close(&csv);
    cv_buffer_free(&full);
    cv_buffer_free(&fields[0]);
    cv_buffer_free(&fields[1]);
    return status;
}

cogvideo_status cv_sources_find(cv_sources *out, const char *path, const cogvideo_log *log, cogvideo_error *err)
{
    cv_sources sources = { 0 };
    cogvideo_status status;

    CV_TRY((cv_path_is_dir(path) ? find_in_folder : find_in_list)(&sources, path, log, err));
    *out = sources;
    return COGVIDEO_OK;
done:
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
