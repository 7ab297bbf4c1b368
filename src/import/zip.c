#include "import/zip.h"

#include "base/file_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#define MAX_ENTRIES 1000000
/* Deflate shrinks to 1/1032 at best, so an entry that claims more is invalid. */
#define MAX_RATIO 1040
/* The last byte of a deflated entry at which reading may start: all before it is unpacked each time. */
#define MAX_SKIP (64u << 20)

typedef struct entry {
    const char *name;
    uint64_t index, size;
    bool stored; /* not deflated */
} entry;

struct cv_zip {
    zip_t *archive;
    char *path;
    entry *entries; /* sorted by name */
    size_t count;
};

struct cv_zip_stream {
    zip_file_t *file;
    const cv_zip *zip;
    const entry *entry;
    uint64_t at; /* bytes before the next one read */
};

/* The beginning of files that torch.save wrote before version 1.6: a bare pickle of the number
 * 0x1950a86a20f9469cfc6c. */
static const char OLD_TORCH[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e";

static cogvideo_status not_a_zip(const char *path, const char *head, size_t size, const char *reason,
                                 cogvideo_error *err)
{
    const char *kind = cv_file_kind(head, size);

    if (size >= sizeof OLD_TORCH - 1 && memcmp(head, OLD_TORCH, sizeof OLD_TORCH - 1) == 0)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                       "%s: was saved in the format of PyTorch before 1.6; load it "
                       "there and save it again with PyTorch 1.6 or later, which writes zip files",
                       path);
    if (size >= 2 && memcmp(head, "PK", 2) == 0)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: starts like a zip archive but cannot be read as one (%s): it is truncated or damaged; "
                       "download it again",
                       path, reason);
    return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: is %s; a PyTorch checkpoint (a zip archive) was expected", path,
                   kind ? kind : "something else");
}

/* Opens without waiting, so that a pipe under the file's name cannot hang the program. */
static cogvideo_status open_archive(cv_zip *zip, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    char head[64] = { 0 };
    struct stat info;
    ssize_t got;
    int code = 0, fd = open(zip->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be opened: %s", zip->path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: is %s; a regular file was expected", zip->path,
                         S_ISDIR(info.st_mode) ? "a directory" : "something else");
        goto done;
    }
    if ((got = pread(fd, head, sizeof head, 0)) < 0) {
        status = cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be read: %s", zip->path, strerror(errno));
        goto done;
    }
    zip->archive = got >= 4 && memcmp(head, "PK\003\004", 4) == 0 ? zip_fdopen(fd, 0, &code) : NULL;
    if (!zip->archive) {
        zip_error_t reason;

        zip_error_init_with_code(&reason, code);
        status = not_a_zip(zip->path, head, (size_t)got, zip_error_strerror(&reason), err);
        zip_error_fini(&reason);
        goto done;
    }
    return COGVIDEO_OK; /* the archive owns fd now */
done:
    close(fd);
    return status;
}

static bool name_is_safe(const char *name)
{
    if (!name[0] || name[0] == '/' || strchr(name, '\\'))
        return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

static cogvideo_status check_entry(cv_zip *zip, entry *out, uint64_t index, cogvideo_error *err)
{
    const uint64_t needed =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    zip_stat_t info;

    zip_stat_init(&info);
    if (zip_stat_index(zip->archive, index, ZIP_FL_ENC_RAW, &info) != 0 || (info.valid & needed) != needed)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: entry %llu of the archive cannot be read: %s", zip->path,
                       (unsigned long long)index, zip_strerror(zip->archive));
    if (!name_is_safe(info.name))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the archive holds the unsafe name '%.200s'", zip->path,
                       info.name);
    if (info.encryption_method != ZIP_EM_NONE)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED, "%s: '%.200s' is encrypted, which is not supported", zip->path,
                       info.name);
    if (info.comp_method != ZIP_CM_STORE && info.comp_method != ZIP_CM_DEFLATE)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                       "%s: '%.200s' is compressed by method %u; only stored and deflated entries are supported",
                       zip->path, info.name, (unsigned)info.comp_method);
    if ((info.comp_method == ZIP_CM_STORE && info.size != info.comp_size) || info.size / MAX_RATIO > info.comp_size)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                       "%s: '%.200s' claims %llu bytes compressed to %llu, which is impossible", zip->path, info.name,
                       (unsigned long long)info.size, (unsigned long long)info.comp_size);
    *out = (entry){ .name = info.name, .index = index, .size = info.size, .stored = info.comp_method == ZIP_CM_STORE };
    return COGVIDEO_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

cogvideo_status cv_zip_open(cv_zip **out, const char *path, cogvideo_error *err)
{
    cogvideo_status status;
    cv_zip *zip = NULL;
    int64_t count;

    CV_NEW(zip, 1, err);
    if (!(zip->path = cv_strdup(path, err))) {
        status = COGVIDEO_ERROR_MEMORY;
        goto done;
    }
    CV_TRY(open_archive(zip, err));
    count = zip_get_num_entries(zip->archive, 0);
    if (count < 1 || count > MAX_ENTRIES) {
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the archive has %lld entries; 1 to %d are allowed", path,
                         (long long)count, MAX_ENTRIES);
        goto done;
    }
    zip->count = (size_t)count;
    CV_NEW(zip->entries, zip->count, err);
    for (size_t i = 0; i < zip->count; i++)
        CV_TRY(check_entry(zip, &zip->entries[i], i, err));
    qsort(zip->entries, zip->count, sizeof *zip->entries, by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (by_name(&zip->entries[i - 1], &zip->entries[i]) == 0) {
            status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: the name '%.200s' occurs twice in the archive", path,
                             zip->entries[i].name);
            goto done;
        }
    *out = zip;
    return COGVIDEO_OK;
done:
    cv_zip_close(&zip);
    return status;
}

void cv_zip_close(cv_zip **zip)
{
    if (!*zip)
        return;
    if ((*zip)->archive)
        zip_discard((*zip)->archive);
    cv_free((*zip)->path);
    cv_free((*zip)->entries);
    cv_free(*zip);
    *zip = NULL;
}

const char *cv_zip_path(const cv_zip *zip)
{
    return zip->path;
}
size_t cv_zip_count(const cv_zip *zip)
{
    return zip->count;
}
const char *cv_zip_name(const cv_zip *zip, size_t index)
{
    return zip->entries[index].name;
}
uint64_t cv_zip_size(const cv_zip *zip, size_t index)
{
    return zip->entries[index].size;
}

bool cv_zip_find(const cv_zip *zip, const char *name, size_t *index)
{
    const entry key = { .name = name };
    const entry *found = bsearch(&key, zip->entries, zip->count, sizeof key, by_name);

    if (found)
        *index = (size_t)(found - zip->entries);
    return found != NULL;
}

static cogvideo_status read_failed(const cv_zip_stream *stream, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_FORMAT,
                   "%s: '%.200s' cannot be read after byte %llu of %llu (%s): the file is "
                   "truncated or damaged; fetch it again",
                   stream->zip->path, stream->entry->name, (unsigned long long)stream->at,
                   (unsigned long long)stream->entry->size,
                   stream->file ? zip_file_strerror(stream->file) : zip_strerror(stream->zip->archive));
}

/* Stored entries seek; deflated ones are read up to the offset. */
static cogvideo_status skip(cv_zip_stream *stream, uint64_t offset, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    char *scratch = NULL;
    const size_t size = 65536;

    if (offset == 0)
        return COGVIDEO_OK;
    if (stream->entry->stored) {
        if (offset > stream->entry->size || zip_fseek(stream->file, (int64_t)offset, SEEK_SET) != 0)
            return read_failed(stream, err);
        stream->at = offset;
        return COGVIDEO_OK;
    }
    if (offset > MAX_SKIP)
        return cv_fail(err, COGVIDEO_ERROR_UNSUPPORTED,
                       "%s: '%.200s' is deflated and shared by tensors far apart "
                       "in it; save the checkpoint again without compression",
                       stream->zip->path, stream->entry->name);
    if (!(scratch = cv_alloc(size, 1, err)))
        return COGVIDEO_ERROR_MEMORY;
    while (stream->at < offset && status == COGVIDEO_OK)
        status =
            cv_zip_stream_read(stream, scratch, offset - stream->at < size ? (size_t)(offset - stream->at) : size, err);
    cv_free(scratch);
    return status;
}

cogvideo_status cv_zip_stream_open(cv_zip_stream **out, cv_zip *zip, size_t index, uint64_t offset, cogvideo_error *err)
{
    cogvideo_status status;
    cv_zip_stream *stream = NULL;

    CV_NEW(stream, 1, err);
    stream->zip = zip;
    stream->entry = &zip->entries[index];
    stream->file = zip_fopen_index(zip->archive, stream->entry->index, 0);
    if (!stream->file) {
        status = read_failed(stream, err);
        goto done;
    }
    CV_TRY(skip(stream, offset, err));
    *out = stream;
    return COGVIDEO_OK;
done:
    cv_zip_stream_close(&stream);
    return status;
}

cogvideo_status cv_zip_stream_read(cv_zip_stream *stream, void *data, size_t size, cogvideo_error *err)
{
    char *bytes = data, extra;

    while (size > 0) {
        int64_t got = zip_fread(stream->file, bytes, size);

        if (got <= 0 || (uint64_t)got > size)
            return read_failed(stream, err);
        bytes += got;
        size -= (size_t)got;
        stream->at += (uint64_t)got;
    }
    /* libzip compares the checksum at the end of the entry, so a further read is needed. */
    if (stream->at >= stream->entry->size && zip_fread(stream->file, &extra, 1) != 0)
        return read_failed(stream, err);
    return COGVIDEO_OK;
}

void cv_zip_stream_close(cv_zip_stream **stream)
{
    if (!*stream)
        return;
    if ((*stream)->file)
        zip_fclose((*stream)->file);
    cv_free(*stream);
    *stream = NULL;
}

cogvideo_status cv_zip_read(cv_buffer *out, cv_zip *zip, size_t index, size_t limit, cogvideo_error *err)
{
    cogvideo_status status;
    cv_zip_stream *stream = NULL;
    cv_buffer buffer = { 0 };
    uint64_t size = zip->entries[index].size;

    if (size > limit)
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: '%.200s' has %llu bytes; at most %zu are allowed", zip->path,
                       zip->entries[index].name, (unsigned long long)size, limit);
    if (!(buffer.data = cv_alloc((size_t)size + 1, 1, err)))
        return COGVIDEO_ERROR_MEMORY;
    buffer.size = (size_t)size;
    buffer.capacity = (size_t)size + 1;
    CV_TRY(cv_zip_stream_open(&stream, zip, index, 0, err));
    CV_TRY(cv_zip_stream_read(stream, buffer.data, buffer.size, err));
    cv_zip_stream_close(&stream);
    *out = buffer;
    return COGVIDEO_OK;
done:
    cv_zip_stream_close(&stream);
    cv_buffer_free(&buffer);
    return status;
}
