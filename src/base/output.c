#include "base/output.h"

#include "base/file.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool is_regular(int file)
{
    struct stat info;

    return fstat(file, &info) == 0 && S_ISREG(info.st_mode);
}

static cogvideo_status is_not_regular(const char *partial, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_IO,
                   "%s: is not a regular file; what is written has this name until it is complete: move it away, or "
                   "choose another name",
                   partial);
}

/* Says why the partial file cannot be opened; `name` is that of what may be at fault. */
static cogvideo_status cannot_open(const char *name, const char *partial, cogvideo_error *err)
{
    if (errno == EISDIR || errno == ELOOP || errno == ENXIO) /* a folder, a link, a pipe that nobody reads */
        return is_not_regular(partial, err);
    return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be written: %s", name, strerror(errno));
}

static cogvideo_status check_partial(const char *path, bool force, cogvideo_error *err)
{
    cogvideo_status status;
    cv_buffer partial = { 0 };
    cv_lock lock;
    int file = -1;

    CV_TRY(cv_buffer_printf(&partial, err, "%s.partial", path));
    file = open(partial.data, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) {
        status = errno == ENOENT ? COGVIDEO_OK : cannot_open(partial.data, partial.data, err);
        goto done;
    }
    if (!is_regular(file)) {
        status = is_not_regular(partial.data, err);
        goto done;
    }
    lock = cv_file_locks_are_mandatory(file) ? CV_LOCK_NONE : cv_file_lock(file, false);
    if (lock == CV_LOCK_BUSY)
        status = is_being_written(path, err);
    else if (lock == CV_LOCK_FAILED)
        status = cannot_open(partial.data, partial.data, err);
    else if (!force)
        status =
            cv_fail(err, COGVIDEO_ERROR_IO,
                    "%s: is what an interrupted run left; move it away, or use --force to replace it", partial.data);
done:
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

cogvideo_status cv_output_check_place(const char *path, cogvideo_error *err)
{
    const char *slash = strrchr(path, '/');
    cogvideo_status status = COGVIDEO_OK;
    char *folder;

    if (!*path || (slash && !slash[1]))
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "'%s': a file name was expected", path);
    if (!(folder = cv_path_folder(path, err)))
        return COGVIDEO_ERROR_MEMORY;
    if (!cv_path_is_dir(folder))
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: the folder '%s' does not exist", path, folder);
    else if (access(folder, W_OK | X_OK) != 0)
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: the folder '%s' cannot be written to: %s", path, folder,
                         strerror(errno));
    cv_free(folder);
    return status == COGVIDEO_OK ? check_kind(path, err) : status;
}

cogvideo_status cv_output_check(const char *path, bool force, cogvideo_error *err)
{
    cogvideo_status status;

    if (strcmp(path, "-") == 0)
        return COGVIDEO_OK;
    CV_TRY(cv_output_check_place(path, err));
    CV_TRY(cv_output_check_new(path, force, err));
    CV_TRY(check_partial(path, force, err));
done:
    return status;
}

/* Opens the partial file of `path`, locked against other runs, and only then empties it. */
static cogvideo_status open_partial(int *out, const char *partial, const char *path, cogvideo_error *err)
{
    /* O_NONBLOCK: do not wait for somebody to read from a pipe. */
    const cv_lock lock = cv_file_open_locked(out, partial, O_WRONLY | O_NONBLOCK);

    if (lock == CV_LOCK_HELD && cv_file_locks_are_mandatory(*out)) /* FFmpeg writes it by a descriptor of its own */
        cv_file_unlock(*out);
    if (lock == CV_LOCK_BUSY)
        is_being_written(path, err);
    else if (*out >= 0 && !is_regular(*out))
        is_not_regular(partial, err);
    else if (lock == CV_LOCK_FAILED || ftruncate(*out, 0) != 0)
        cannot_open(path, partial, err);
    else
        return COGVIDEO_OK;
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

cogvideo_status cv_output_flush(cv_output *out, cogvideo_error *err)
{
    return ferror(out->stream) || fflush(out->stream) != 0 ? cannot_write(out, err) : COGVIDEO_OK;
}

cogvideo_status cv_output_sync(cv_output *out, cogvideo_error *err)
{
    const cogvideo_status status = cv_output_flush(out, err);

    if (status == COGVIDEO_OK && out->partial && !cv_file_sync(fileno(out->stream)))
        return cannot_write(out, err);
    return status;
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
        if (rename(out->partial, out->path) != 0)
            status =
                cv_fail(err, COGVIDEO_ERROR_IO, "%s: is complete and stays there, since it cannot be renamed to %s: %s",
                        out->partial, out->path, strerror(errno));
        cv_free(out->partial);
        out->partial = NULL;
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
