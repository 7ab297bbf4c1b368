#include "media/input.h"

#include "base/file.h"
#include "base/file_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a path names a pipe, such as shells make of "<(command)", or a socket, whose bytes can be read only once
 * and in order. */
static bool is_pipe(const char *path)
{
    struct stat info;

    return strcmp(path, "-") == 0 || (stat(path, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)));
}

static cogvideo_status open_pipe(cv_input *input, cogvideo_error *err)
{
    cogvideo_error why;
    cogvideo_status status = cv_file_read(&input->memory, input->path, CV_INPUT_MAX_PIPE, &why);

    input->size = input->memory.size;
    if (status == COGVIDEO_ERROR_FORMAT)
        return cv_fail(
            err, status,
            "%s: more than the %zu MiB that can be read through a pipe; write it to a file and pass the file's name",
            input->name, CV_INPUT_MAX_PIPE >> 20);
    return status == COGVIDEO_OK ? status : cv_fail(err, status, "%s", why.message);
}

static cogvideo_status open_file(cv_input *input, cogvideo_error *err)
{
    struct stat info;

    input->fd = open(input->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (input->fd < 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be opened: %s", input->path, strerror(errno));
    if (fstat(input->fd, &info) != 0 || !S_ISREG(info.st_mode))
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: a picture or a video was expected, this is %s", input->path,
                       S_ISDIR(info.st_mode) ? "a directory" : "a device");
    input->size = (uint64_t)info.st_size;
    return COGVIDEO_OK;
}

cogvideo_status cv_input_open(cv_input *out, const char *path, cogvideo_error *err)
{
    cv_input input = { .path = path, .name = strcmp(path, "-") == 0 ? "standard input" : path, .fd = -1 };
    cogvideo_status status = is_pipe(path) ? open_pipe(&input, err) : open_file(&input, err);

    if (status == COGVIDEO_OK)
        *out = input;
    else
        cv_input_close(&input);
    return status;
}

void cv_input_close(cv_input *input)
{
    if (input->fd >= 0)
        close(input->fd);
    cv_buffer_free(&input->memory);
    cv_map_close(&input->mapping);
    *input = (cv_input){ .fd = -1 };
}

long cv_input_read(const cv_input *input, uint64_t at, void *out, size_t size)
{
    ssize_t got;

    if (at >= input->size)
        return 0;
    if (size > input->size - at)
        size = (size_t)(input->size - at);
    if (input->fd < 0) {
        memcpy(out, input->memory.data + at, size);
        return (long)size;
    }
    do
        got = pread(input->fd, out, size, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : (long)got;
}

const char *cv_input_kind(const cv_input *input)
{
    unsigned char head[512];
    const long got = cv_input_read(input, 0, head, sizeof head);

    return got > 0 ? cv_file_kind(head, (size_t)got) : NULL;
}

cogvideo_status cv_input_all(cv_input *input, const unsigned char **bytes, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    if (input->fd < 0) {
        *bytes = (const unsigned char *)input->memory.data;
        return COGVIDEO_OK;
    }
    if (!input->mapping.data && (status = cv_map_open(&input->mapping, input->path, err)) == COGVIDEO_OK)
        input->size = input->mapping.size;
    *bytes = input->mapping.data;
    return status;
}
