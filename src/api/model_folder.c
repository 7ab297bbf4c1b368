/* model_folder.c - a new model directory is filled beside its place and renamed when it is whole and opens. */
#include "api/model_folder.h"

#include "base/json.h"
#include "base/output.h"
#include "base/path.h"
#include "family/family.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DESCRIPTION (1u << 20)

static bool names_part(const cv_json *parts, const char *name)
{
    for (const cv_json *part = cv_json_first(parts); part; part = cv_json_next(part))
        for (const cv_json *file = cv_json_first(part); file; file = cv_json_next(file))
            if (cv_json_is_string(file) && strcmp(cv_json_text(file), name) == 0)
                return true;
    return false;
}

/* Whether `directory` is a model of ours and holds nothing else: only that may be replaced. */
static cogvideo_status check_replaceable(const char *directory, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *model = NULL;
    const char *format;
    char *path = cv_path_join(directory, "model.json", err);
    struct stat info;
    DIR *dir = NULL;

    if (!path)
        return COGVIDEO_ERROR_MEMORY;
    if (lstat(directory, &info) != 0 || !S_ISDIR(info.st_mode) || !cv_path_exists(path)) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "%s: exists and is not a model directory, so it is not "
                         "replaced; choose another name",
                         directory);
        goto done;
    }
    CV_TRY(cv_json_read(&model, path, MAX_DESCRIPTION, err));
    CV_TRY(cv_json_string(model, "format", &format, path, err));
    if (strcmp(format, CV_MODEL_FORMAT) != 0) {
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "%s: is not a description of a model, so the directory is not "
                         "replaced; choose another name",
                         path);
        goto done;
    }
    if (!(dir = opendir(directory))) {
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be read: %s", directory, strerror(errno));
        goto done;
    }
    for (const struct dirent *entry; status == COGVIDEO_OK && (entry = readdir(dir));) {
        const char *name = entry->d_name;

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "model.json") != 0 &&
            !names_part(cv_json_get(model, "parts"), name))
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                             "%s: holds '%.200s', which is no part of the model, so it "
                             "is not replaced; move that away first",
                             directory, name);
    }
done:
    if (dir)
        closedir(dir);
    cv_json_free(&model);
    cv_free(path);
    return status;
}

/* Removes a directory of plain files; what cannot be removed stays. */
static void remove_directory(const char *directory)
{
    DIR *dir = opendir(directory);

    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(directory);
}

/* Makes the folders above `output` that are not there. What cannot be made shows when `output` itself is. */
static void make_parents(char *output)
{
    for (char *slash = strchr(output + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(output, 0777);
        *slash = '/';
    }
}

/* A fresh name beside `output`: "OUTPUT.partial-PID-0". A directory is made, or only the name is chosen. */
static cogvideo_status beside(char **out, const char *output, const char *word, bool make, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer path = { 0 };

    for (int i = 0; i < 1000; i++) {
        path.size = 0;
        CV_TRY(cv_buffer_printf(&path, err, "%s.%s-%ld-%d", output, word, (long)getpid(), i));
        if (make ? mkdir(path.data, 0777) == 0 : access(path.data, F_OK) != 0) {
            *out = path.data;
            return COGVIDEO_OK;
        }
        if (make && errno != EEXIST)
            break;
    }
    status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be made: %s", path.data,
                     make ? strerror(errno) : "too many directories of that name are there");
done:
    cv_buffer_free(&path);
    return status;
}

/* Gives the whole directory its name. What stood there before is moved aside first and comes back if that fails. */
static cogvideo_status put_in_place(const char *partial, const char *output, bool replace, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    char *old = NULL;

    if (replace) {
        CV_TRY(check_replaceable(output, err));
        CV_TRY(beside(&old, output, "old", false, err));
        if (rename(output, old) != 0) {
            status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be moved: %s", output, strerror(errno));
            goto done;
        }
    }
    if (rename(partial, output) != 0) {
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be renamed to %s: %s", partial, output, strerror(errno));
        if (replace && rename(old, output) != 0)
            status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be renamed to %s; what stood there is now %s", partial,
                             output, old);
        goto done;
    }
    if (replace)
        remove_directory(old);
done:
    cv_free(old);
    return status;
}

/* A sentence about a file of the unfinished directory becomes one about the output, which is the name the caller
 * knows. */
static void name_output(cogvideo_error *err, const char *partial, const char *output)
{
    size_t length = strlen(partial);
    cogvideo_error told;

    if (!err || strncmp(err->message, partial, length) != 0)
        return;
    told = *err;
    cv_fail(err, told.status, "%s%s", output, told.message + length);
}

cogvideo_status cv_model_folder_open(cv_model_folder *out, const char *output, bool force, cogvideo_error *err)
{
    cogvideo_status status;
    cv_model_folder folder = { 0 };

    if (!output || !output[0])
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the directory to make must be named");
    if (!(folder.output = cv_strdup(output, err)))
        return COGVIDEO_ERROR_MEMORY;
    for (size_t size = strlen(folder.output); size > 1 && folder.output[size - 1] == '/'; size--)
        folder.output[size - 1] = '\0';
    folder.replace = cv_path_exists(folder.output);
    CV_TRY(cv_output_check_new(folder.output, force, err));
    if (folder.replace)
        CV_TRY(check_replaceable(folder.output, err));
    make_parents(folder.output);
    CV_TRY(beside(&folder.partial, folder.output, "partial", true, err));
    *out = folder;
    return COGVIDEO_OK;
done:
    cv_model_folder_abandon(&folder);
    return status;
}

cogvideo_status cv_model_folder_commit(cv_model_folder *folder, cogvideo_error *err)
{
    cogvideo_model *model = NULL;
    cogvideo_status status = cv_model_open(&model, folder->partial, NULL, err);

    if (status != COGVIDEO_OK)
        name_output(err, folder->partial, folder->output);
    CV_TRY(status);
    cv_model_close(&model);
    CV_TRY(put_in_place(folder->partial, folder->output, folder->replace, err));
    cv_free(folder->partial);
    folder->partial = NULL;
done:
    return status;
}

void cv_model_folder_abandon(cv_model_folder *folder)
{
    if (folder->partial)
        remove_directory(folder->partial);
    cv_free(folder->partial);
    cv_free(folder->output);
    *folder = (cv_model_folder){ 0 };
}
