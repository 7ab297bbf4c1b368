#include "import/shards.h"

#include "base/path.h"

#include <string.h>

#define MAX_INDEX ((size_t)64 << 20)

void cv_shards_free(cv_shards *shards)
{
    for (size_t i = 0; i < shards->count; i++)
        cv_free(shards->paths[i]);
    cv_free(shards->paths);
    cv_free(shards->index);
    cv_json_free(&shards->map);
    *shards = (cv_shards){ 0 };
}

/* A name that could lead out of the folder is refused. */
static bool is_plain(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/') && !strchr(name, '\\');
}

static cogvideo_status add(cv_shards *shards, char *path, cogvideo_error *err)
{
    char **grown;

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    if (shards->count == CV_SHARDS_MOST) {
        cv_free(path);
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: names more than %d files", shards->index, CV_SHARDS_MOST);
    }
    grown = cv_realloc(shards->paths, shards->count, shards->count + 1, sizeof *grown, err);
    if (!grown) {
        cv_free(path);
        return COGVIDEO_ERROR_MEMORY;
    }
    shards->paths = grown;
    shards->paths[shards->count++] = path;
    return COGVIDEO_OK;
}

static bool is_listed(const cv_shards *shards, const char *name)
{
    for (size_t i = 0; i < shards->count; i++)
        if (strcmp(cv_path_name(shards->paths[i]), name) == 0)
            return true;
    return false;
}

/* Reads the index, which begins
 * {"metadata":{...},"weight_map":{"shared.weight":"model-00001-of-00002.safetensors",... */
static cogvideo_status read_index(cv_shards *shards, cogvideo_error *err)
{
    char *folder = cv_path_folder(shards->index, err);
    cogvideo_status status;
    cv_json *json = NULL, *map;

    if (!folder)
        return COGVIDEO_ERROR_MEMORY;
    CV_TRY(cv_json_read(&json, shards->index, MAX_INDEX, err));
    CV_TRY(cv_json_object(json, "weight_map", &map, shards->index, err));
    for (const cv_json *item = cv_json_first(map); item; item = cv_json_next(item)) {
        const char *file = cv_json_is_string(item) ? cv_json_text(item) : "";

        if (!is_plain(file)) {
            status = cv_fail(err, COGVIDEO_ERROR_FORMAT,
                             "%s: 'weight_map' gives '%.60s' for '%.120s'; a file in the same folder was expected",
                             shards->index, file, cv_json_key(item));
            goto done;
        }
        if (!is_listed(shards, file))
            CV_TRY(add(shards, cv_path_join(folder, file, err), err));
    }
    if (shards->count == 0) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'weight_map' is empty", shards->index);
        goto done;
    }
    if (!(shards->map = cv_json_copy(map)))
        status = cv_fail(err, COGVIDEO_ERROR_MEMORY, "out of memory");
done:
    cv_json_free(&json);
    cv_free(folder);
    return status;
}

static cogvideo_status find_in_folder(cv_shards *shards, const char *folder, cogvideo_error *err)
{
    static const char *const names[] = { "model.safetensors.index.json", "pytorch_model.bin.index.json",
                                         "model.safetensors", "pytorch_model.bin" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = cv_path_join(folder, names[i], err);

        if (!path)
            return COGVIDEO_ERROR_MEMORY;
        if (!cv_path_is_regular(path)) {
            cv_free(path);
            continue;
        }
        if (i >= 2)
            return add(shards, path, err);
        shards->index = path;
        return read_index(shards, err);
    }
    return cv_fail(err, COGVIDEO_ERROR_IO,
                   "%s: is a folder without model.safetensors, pytorch_model.bin or an index of shards", folder);
}

cogvideo_status cv_shards_find(cv_shards *out, const char *path, cogvideo_error *err)
{
    cv_shards shards = { 0 };
    cogvideo_status status;

    if (cv_path_is_dir(path)) {
        CV_TRY(find_in_folder(&shards, path, err));
    } else if (cv_path_ends_in(path, ".index.json")) {
        if (!(shards.index = cv_strdup(path, err))) {
            status = COGVIDEO_ERROR_MEMORY;
            goto done;
        }
        CV_TRY(read_index(&shards, err));
    } else {
        CV_TRY(add(&shards, cv_strdup(path, err), err));
    }
    *out = shards;
    return COGVIDEO_OK;
done:
    cv_shards_free(&shards);
    return status;
}
