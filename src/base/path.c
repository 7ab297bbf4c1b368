#include "base/path.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

char *cv_path_join(const char *dir, const char *name, cogvideo_error *err)
{
    cv_buffer path = { 0 };
    size_t length = strlen(dir);

    if (cv_buffer_printf(&path, err, "%s%s%s", dir, length > 0 && dir[length - 1] == '/' ? "" : "/", name) !=
        COGVIDEO_OK)
        cv_buffer_free(&path);
    return path.data;
}

char *cv_path_folder(const char *path, cogvideo_error *err)
{
    size_t length = strlen(path);
    char *folder;

    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (!length)
        return cv_strdup(".", err);
    folder = cv_strdup(path, err);
    if (folder)
        folder[length > 1 ? length - 1 : 1] = '\0';
    return folder;
}

const char *cv_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

bool cv_path_ends_in(const char *path, const char *ending)
{
    const size_t length = strlen(path), tail = strlen(ending);

    return length > tail && strcasecmp(path + length - tail, ending) == 0;
}

bool cv_path_is_regular(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool cv_path_is_dir(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool cv_path_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

uint64_t cv_path_bytes(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}
