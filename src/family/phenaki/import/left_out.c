#include "family/phenaki/import/left_out.h"

#include "base/mem.h"
#include "family/phenaki/import/rename.h"

#include <string.h>

#define MAX_LISTED 500 /* bytes of the list in the note */

/* A tensor of the file, to the network. */
typedef enum use {
    USE_READ,
    USE_SILENT, /* left out, as everybody knows */
    USE_TOLD,
} use;

static use use_of(const char *name, const char *prefix, void (*rename)(const char *name, cv_renaming *out))
{
    const size_t length = strlen(prefix);
    cv_renaming renaming = { 0 };

    if (strncmp(name, prefix, length) != 0)
        return cv_is_left_out_silently(name) ? USE_SILENT : USE_TOLD;
    rename(name + length, &renaming);
    if (!renaming.skipped)
        return USE_READ;
    return cv_is_left_out_silently(name + length) ? USE_SILENT : USE_TOLD;
}

/* Tensors whose names, which are sorted, have the same first part behind the prefix. */
typedef struct group {
    size_t first, count;
    size_t length; /* of the characters that they have in common, up to the point */
    bool read, told;
} group;

static group group_at(const cv_source *source, size_t first, const char *prefix,
                      void (*rename)(const char *name, cv_renaming *out))
{
    const char *name = cv_source_at(source, first)->name;
    const size_t begin = strncmp(name, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
    const char *dot = strchr(name + begin, '.');
    group g = { .first = first, .length = dot ? (size_t)(dot + 1 - name) : strlen(name) };

    do {
        const use found = use_of(cv_source_at(source, first + g.count)->name, prefix, rename);

        g.read = g.read || found == USE_READ;
        g.told = g.told || found == USE_TOLD;
        g.count++;
    } while (dot && first + g.count < cv_source_count(source) &&
             strncmp(cv_source_at(source, first + g.count)->name, name, g.length) == 0);
    return g;
}

static cogvideo_status note(cv_buffer *list, const char *name, size_t length, size_t count, cogvideo_error *err)
{
    const char *comma = list->size > 0 ? ", " : "";

    if (list->size > MAX_LISTED)
        return COGVIDEO_OK;
    return count > 1 ? cv_buffer_printf(list, err, "%s'%.*s*' (%zu)", comma, (int)length, name, count)
                     : cv_buffer_printf(list, err, "%s'%.200s'", comma, name);
}

cogvideo_status cv_tell_left_out(const cv_source *source, const char *prefix,
                                 void (*rename)(const char *name, cv_renaming *out), const cogvideo_log *log,
                                 cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_buffer list = { 0 };
    group g;

    for (size_t first = 0; first < cv_source_count(source); first += g.count) {
        g = group_at(source, first, prefix, rename);
        if (!g.read && g.told)
            CV_TRY(note(&list, cv_source_at(source, first)->name, g.length, g.count, err));
        for (size_t i = 0; g.read && i < g.count; i++) { /* one by one, since the network reads others of them */
            const cv_source_tensor *tensor = cv_source_at(source, first + i);
            const use found = use_of(tensor->name, prefix, rename);

            if (found == USE_TOLD)
                CV_TRY(note(&list, tensor->name, 0, 1, err));
            if (found == USE_READ && tensor->flaw && !cv_is_left_out_silently(tensor->name + strlen(prefix)))
                cv_log(log, COGVIDEO_LOG_WARNING, "%s: skipped '%.200s', which %s", cv_source_path(source),
                       tensor->name, tensor->flaw);
        }
    }
    if (list.size > 0)
        cv_log(log, COGVIDEO_LOG_INFO, "%s: left out, since the network does not read them: %s%s",
               cv_source_path(source), list.data, list.size > MAX_LISTED ? ", .." : "");
done:
    cv_buffer_free(&list);
    return status;
}
