#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

cogvideo_status cv_file_read(cv_buffer *out, const char *path, size_t limit, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer buffer = { 0 };
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rbe");
    char chunk[65536];
    size_t got;

    if (!file)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    CV_TRY(cv_buffer_append(&buffer, "", 0, err));
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        if (got > limit - buffer.size) {
            status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is larger than the %zu bytes that such a file may have",
                             is_stdin ? "standard input" : path, limit);
            goto done;
        }
        CV_TRY(cv_buffer_append(&buffer, chunk, got, err));
    }
    if (ferror(file)) {
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be read: %s", path, strerror(errno));
        goto done;
    }
    if (!is_stdin)
        fclose(file);
    *out = buffer;
    return COGVIDEO_OK;
done:
    if (!is_stdin)
        fclose(file);
    cv_buffer_free(&buffer);
    return status;
}

cogvideo_status cv_file_remove(const char *path, cogvideo_error *err)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be replaced: %s", path, strerror(errno));
    return COGVIDEO_OK;
}

bool cv_file_sync(int file)
{
    return fsync(file) == 0 || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS;
}
