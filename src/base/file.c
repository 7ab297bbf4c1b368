#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CIFS_MAGIC 0xFF534D42u
#define SMB2_MAGIC 0xFE534D42u

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

/* Detects a zip archive whose first member is called NAME.npy: the name starts at byte 30, its length is at byte 26. */
static bool is_npz(const unsigned char *bytes, size_t size)
{
    const size_t length = size > 30 ? bytes[26] | (size_t)bytes[27] << 8 : 0;

    return length > 4 && size - 30 >= length && memcmp(bytes, "PK\003\004", 4) == 0 &&
           memcmp(bytes + 30 + length - 4, ".npy", 4) == 0;
}

/* Names an ISO base media file by the brand in its first box. */
static const char *box_kind(const unsigned char *bytes, size_t size)
{
    static const struct {
        const char *brand, *kind;
    } kinds[] = {
        { "avif", "an AVIF picture" }, { "avis", "an AVIF picture" },  { "heic", "a HEIC picture" },
        { "heix", "a HEIC picture" },  { "heim", "a HEIC picture" },   { "heis", "a HEIC picture" },
        { "hevc", "a HEIC picture" },  { "hevx", "a HEIC picture" },   { "mif1", "a HEIF picture" },
        { "msf1", "a HEIF picture" },  { "crx ", "a raw photograph" },
    };

    if (size < 12 || memcmp(bytes + 4, "ftyp", 4) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (memcmp(bytes + 8, kinds[i].brand, 4) == 0)
            return kinds[i].kind;
    return "an MP4 or QuickTime video";
}

/* Whether packets of `length` bytes, each with `before` bytes in front of its sync mark, follow each other. */
static bool is_transport_stream(const unsigned char *bytes, size_t size, size_t length, size_t before)
{
    return size > before + 2 * length && bytes[before] == 0x47 && bytes[before + length] == 0x47 &&
           bytes[before + 2 * length] == 0x47;
}

/* Detects kinds that have no signature at their first byte. */
static const char *structured_kind(const unsigned char *bytes, size_t size)
{
    if (is_transport_stream(bytes, size, 188, 0) || is_transport_stream(bytes, size, 192, 4))
        return "an MPEG transport stream";
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "AVI ", 4) == 0)
        return "an AVI video";
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WAVE", 4) == 0)
        return "a WAV sound";
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
        return size >= 21 && memcmp(bytes + 12, "VP8X", 4) == 0 && bytes[20] & 2 ? "an animated WebP picture"
                                                                                 : "a WebP picture";
    return box_kind(bytes, size);
}

const char *cv_file_kind(const void *data, size_t size)
{
    static const struct {
        const char *magic;
        size_t length;
        const char *kind;
    } kinds[] = {
        { "PK\003\004", 4, "a zip archive" },
        { "PK\005\006", 4, "an empty zip archive" },
        { "\037\213", 2, "a gzip archive" },
        { "BZh", 3, "a bzip2 archive" },
        { "\3757zXZ\000", 6, "an xz archive" },
        { "\x28\xb5\x2f\xfd", 4, "a zstd archive" },
        { "7z\xbc\xaf\x27\x1c", 6, "a 7z archive" },
        { "<!DOCTYPE", 9, "an HTML page (a download that went wrong?)" },
        { "<!doctype", 9, "an HTML page (a download that went wrong?)" },
        { "<html", 5, "an HTML page (a download that went wrong?)" },
        { "<HTML", 5, "an HTML page (a download that went wrong?)" },
        { "<?xml", 5, "an XML document" },
        { "<svg", 4, "an SVG drawing" },
        { "version https://git-lfs", 23, "a Git LFS pointer, not the file itself (git lfs pull fetches it)" },
        { "#EXTM3U", 7, "a playlist" },
        { "ffconcat", 8, "a playlist" },
        { "FLV\1", 4, "an FLV video" },
        { "\0\0\1\xba", 4, "an MPEG program stream" },
        { "\x1a\x45\xdf\xa3", 4, "a Matroska or WebM video" },
        { ".RMF", 4, "a RealMedia video" },
        { "\x06\x0e\x2b\x34", 4, "an MXF video" },
        { "ID3", 3, "an MP3 sound" },
        { "\xff\xfb", 2, "an MP3 sound" },
        { "fLaC", 4, "a FLAC sound" },
        { "\xff\x0a", 2, "a JPEG XL picture" },
        { "\0\0\0\x0cJXL ", 8, "a JPEG XL picture" },
        { "8BPS", 4, "a Photoshop picture" },
        { "\x89PNG", 4, "a PNG picture" },
        { "\xff\xd8\xff", 3, "a JPEG picture" },
        { "GIF8", 4, "a GIF picture" },
        { "GGUF", 4, "a GGUF model" },
        { "\x93NUMPY", 6, "a NumPy array" },
        { "%PDF", 4, "a PDF document" },
        { "\x7f"
          "ELF",
          4, "an ELF program" },
        { "\x80\x02", 2, "a bare pickle" },
        { "{", 1, "a JSON text" },
    };
    const unsigned char *bytes = data;
    size_t skip = 0;

    if (size == 0)
        return "an empty file";
    if (is_npz(bytes, size))
        return "a .npz archive of NumPy arrays (unpack it: the .npy files in it can be read)";
    while (skip < size && skip < 16 && strchr(" \t\r\n", bytes[skip]) && bytes[skip])
        skip++;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (size - skip >= kinds[i].length && memcmp(bytes + skip, kinds[i].magic, kinds[i].length) == 0)
            return kinds[i].kind;
    return structured_kind(bytes, size);
}

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

cogvideo_status cv_file_copy(const char *to, const char *from, cogvideo_error *err)
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

cv_lock cv_file_lock(int file, bool wait)
{
    while (flock(file, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR)
            continue;
        if (errno == EWOULDBLOCK)
            return CV_LOCK_BUSY;
        return errno == ENOLCK || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS ? CV_LOCK_NONE
                                                                                            : CV_LOCK_FAILED;
    }
    return CV_LOCK_HELD;
}

cv_lock cv_file_open_locked(int *out, const char *path, int flags)
{
    struct stat opened, named;

    for (;; close(*out)) {
        cv_lock lock;

        /* O_NOFOLLOW: do not write through a link that somebody planted under that name. */
        *out = open(path, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (*out < 0)
            return CV_LOCK_FAILED;
        lock = cv_file_lock(*out, false);
        if (lock == CV_LOCK_BUSY || lock == CV_LOCK_FAILED)
            return lock;
        if (fstat(*out, &opened) != 0)
            return CV_LOCK_FAILED;
        if (lstat(path, &named) == 0) {
            if (opened.st_dev == named.st_dev && opened.st_ino == named.st_ino)
                return lock;
        } else if (errno != ENOENT) {
            return CV_LOCK_FAILED;
        }
    }
}

cogvideo_status cv_folder_lock(int *out, const char *folder, bool wait, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_lock lock;

    *out = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: the folder cannot be opened: %s", folder, strerror(errno));
    lock = cv_file_lock(*out, wait);
    if (lock == CV_LOCK_BUSY)
        status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                         "%s: another run is using this folder; wait until it ends, or choose another folder", folder);
    else if (lock == CV_LOCK_FAILED)
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: the folder cannot be locked: %s", folder, strerror(errno));
    if (status != COGVIDEO_OK)
        cv_folder_unlock(out);
    return status;
}

void cv_folder_unlock(int *lock)
{
    if (*lock >= 0)
        close(*lock);
    *lock = -1;
}

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

uint64_t cv_file_bytes(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}
