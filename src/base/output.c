#include "base/output.h"

#include "base/file.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CIFS_MAGIC 0xFF534D42u
#define SMB2_MAGIC 0xFE534D42u

cogvideo_status cv_output_check_new(const char *path, bool force, cogvideo_error *err)
{
    if (force || access(path, F_OK) != 0)
        return COGVIDEO_OK;
    return cv_fail(err, COGVIDEO_ERROR_IO, "%s: already exists; use --force to replace it", path);
}

static cogvideo_status is_being_written(const char *path, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_IO,
                   "%s: another run is writing it; wait until that ends, or choose another name", path);
}

static cogvideo_status check_partial(const char *path, bool force, cogvideo_error *err)
{
    cv_buffer partial = { 0 };
    struct stat info;
    cogvideo_status status = cv_buffer_printf(&partial, err, "%s.partial", path);
    int file = -1;

    if (status == COGVIDEO_OK && lstat(partial.data, &info) == 0) {
        if (!S_ISREG(info.st_mode))
            status = cv_fail(err, COGVIDEO_ERROR_IO,
                             "%s: is not a regular file; what is written has this name until it is complete: move it "
                             "away, or choose another name",
                             partial.data);
        else if ((file = open(partial.data, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)) >= 0 &&
                 cv_file_lock(file, false) == CV_LOCK_BUSY)
            status = is_being_written(path, err);
        else if (!force)
            status = cv_fail(err, COGVIDEO_ERROR_IO,
                             "%s: is what an interrupted run has finished; move it away, or use --force to replace it",
                             partial.data);
    }
    if (file >= 0)
        close(file);
    cv_buffer_free(&partial);
    return status;
}

/* Only regular files are replaced: the last rename would put a file in the place of a device, of /dev/null for root. */
static cogvideo_status check_kind(const char *path, cogvideo_error *err)
{
    struct stat info;

    if (stat(path, &info) != 0 || S_ISREG(info.st_mode))
        return COGVIDEO_OK;
    if (S_ISDIR(info.st_mode))
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: is a directory; a file name was expected", path);
    return cv_fail(err, COGVIDEO_ERROR_IO,
                   "%s: is a device or a pipe; a regular file was expected; - writes to standard output", path);
}

cogvideo_status cv_output_check(const char *path, bool force, cogvideo_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    cogvideo_status status;

    if (strcmp(path, "-") == 0)
        return COGVIDEO_OK;
    if (!*path || (slash && !slash[1]))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'%s': a file name was expected", path);
    if (!(folder = cv_path_folder(path, err)))
        return COGVIDEO_ERROR_MEMORY;
    if (access(folder, W_OK | X_OK) != 0)
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: the folder '%s' cannot be written to: %s", path, folder,
                         strerror(errno));
    else if ((status = check_kind(path, err)) == COGVIDEO_OK)
        status = cv_output_check_new(path, force, err);
    cv_free(folder);
    return status == COGVIDEO_OK ? check_partial(path, force, err) : status;
}

/* On SMB the lock of one descriptor keeps all others out, also that by which FFmpeg writes the same file. */
static bool locks_are_mandatory(int file)
{
    struct statfs system;

    return fstatfs(file, &system) == 0 &&
           ((uint32_t)system.f_type == CIFS_MAGIC || (uint32_t)system.f_type == SMB2_MAGIC);
}

/* Opens the partial file of `path`, locked against other runs, and only then empties it. */
static cogvideo_status open_partial(int *out, const char *partial, const char *path, cogvideo_error *err)
{
    /* O_NONBLOCK: do not wait for somebody to read from a pipe. */
    const cv_lock lock = cv_file_open_locked(out, partial, O_WRONLY | O_NONBLOCK);

    if (lock == CV_LOCK_HELD && locks_are_mandatory(*out))
        flock(*out, LOCK_UN);
    if (lock != CV_LOCK_BUSY && lock != CV_LOCK_FAILED && ftruncate(*out, 0) == 0)
        return COGVIDEO_OK;
    if (lock == CV_LOCK_BUSY)
        is_being_written(path, err);
    else
        cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (*out >= 0)
        close(*out);
    return COGVIDEO_ERROR_IO;
}

cogvideo_status cv_output_open(cv_output *out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_output opened = { 0 };
    cv_buffer partial = { 0 };
    int file;

    if (!(opened.path = cv_strdup(path, err)))
        return COGVIDEO_ERROR_MEMORY;
    if (strcmp(path, "-") == 0) {
        opened.stream = stdout;
        *out = opened;
        return COGVIDEO_OK;
    }
    CV_TRY(check_kind(path, err));
    CV_TRY(cv_buffer_printf(&partial, err, "%s.partial", path));
    opened.partial = partial.data;
    CV_TRY(open_partial(&file, opened.partial, path, err));
    if (!(opened.stream = fdopen(file, "wb"))) {
        close(file);
        status = cv_fail(err, COGVIDEO_ERROR_MEMORY, "%s: out of memory", path);
        goto done;
    }
    *out = opened;
    return COGVIDEO_OK;
done:
    cv_free(opened.path);
    cv_buffer_free(&partial);
    return status;
}

static cogvideo_status cannot_write(const cv_output *out, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be written: %s", out->partial ? out->path : "standard output",
                   strerror(errno));
}

cogvideo_status cv_output_write(cv_output *out, const void *data, size_t size, cogvideo_error *err)
{
    return fwrite(data, 1, size, out->stream) == size ? COGVIDEO_OK : cannot_write(out, err);
}

cogvideo_status cv_output_sync(cv_output *out, cogvideo_error *err)
{
    const bool failed =
        ferror(out->stream) || fflush(out->stream) != 0 || (out->partial && !cv_file_sync(fileno(out->stream)));

    return failed ? cannot_write(out, err) : COGVIDEO_OK;
}

cogvideo_status cv_output_commit(cv_output *out, cogvideo_error *err)
{
    cogvideo_status status = cv_output_sync(out, err);
    /* Keeps the lock until the file has its name; closing the stream may yet tell of a full disk. */
    const int lock = out->partial ? fcntl(fileno(out->stream), F_DUPFD_CLOEXEC, 0) : -1;

    if (out->partial && fclose(out->stream) != 0 && status == COGVIDEO_OK)
        status = cannot_write(out, err);
    out->stream = NULL;
    if (out->partial && status == COGVIDEO_OK) {
        if (rename(out->partial, out->path) == 0) {
            cv_free(out->partial);
            out->partial = NULL;
        } else {
            status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be renamed to %s: %s", out->partial, out->path,
                             strerror(errno));
        }
    }
    cv_output_abandon(out);
    if (lock >= 0)
        close(lock);
    return status;
}

void cv_output_abandon(cv_output *out)
{
    if (out->partial)
        unlink(out->partial);
    if (out->stream && out->partial)
        fclose(out->stream);
    cv_free(out->partial);
    cv_free(out->path);
    *out = (cv_output){ 0 };
}

void cv_output_keep_partial(cv_output *out)
{
    if (out->stream && out->partial)
        fclose(out->stream);
    out->stream = NULL;
    cv_free(out->partial);
    out->partial = NULL;
    cv_output_abandon(out);
}

cogvideo_status cv_output_copy(const char *to, const char *from, cogvideo_error *err)
{
    cv_mapping file = { 0 };
    cv_output output = { 0 };
    cogvideo_status status;

    CV_TRY(cv_map_open(&file, from, err));
    CV_TRY(cv_output_open(&output, to, err));
    CV_TRY(cv_output_write(&output, file.data, file.size, err));
    CV_TRY(cv_output_commit(&output, err));
done:
    cv_output_abandon(&output);
    cv_map_close(&file);
    return status;
}
