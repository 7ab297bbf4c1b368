#include "base/map.h"

#include "base/cpu.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- names, for the handler of a signal ----------------------------------------------------------------------- */

#define NAMES 64 /* mappings that are remembered at once: a model has six */

/* Whoever takes a slot writes it before it can be found, and a mapping in use is not closed, so no lock is needed. */
typedef struct named {
    atomic_int state;
    const unsigned char *data;
    size_t size;
    char path[512];
} named;
enum { FREE, TAKEN, WRITTEN };

static named names[NAMES];

static void remember(const cv_mapping *mapping, const char *path)
{
    const size_t length = strlen(path), room = sizeof names->path - 1;

    for (named *n = names; n < names + NAMES; n++) {
        int state = FREE;

        if (!atomic_compare_exchange_strong(&n->state, &state, TAKEN))
            continue;
        n->data = mapping->data;
        n->size = mapping->size;
        memset(n->path, 0, sizeof n->path);
        memcpy(n->path, length > room ? path + length - room : path, length > room ? room : length);
        atomic_store(&n->state, WRITTEN);
        return;
    }
}

static named *find(const void *address)
{
    const uintptr_t at = (uintptr_t)address;

    for (named *n = names; n < names + NAMES; n++)
        if (atomic_load(&n->state) == WRITTEN && at >= (uintptr_t)n->data && at - (uintptr_t)n->data < n->size)
            return n;
    return NULL;
}

const char *cv_map_name(const void *address)
{
    const named *found = find(address);

    return found ? found->path : NULL;
}

/* --- mappings ------------------------------------------------------------------------------------------------- */

/* Some file systems (FUSE, 9p) cannot map files. */
static cogvideo_status read_file(cv_mapping *out, int fd, const char *path, int reason, cogvideo_error *err)
{
    const long long room = cv_memory_available();
    unsigned char *data;
    size_t done = 0;

    if (room >= 0 && out->size > (size_t)room)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY,
                       "%s: cannot be mapped on this file system (%s), and has %zu bytes, of which %lld fit "
                       "into free memory: copy it to another file system",
                       path, strerror(reason), out->size, room);
    if (!(data = cv_alloc(out->size, 1, err)))
        return COGVIDEO_ERROR_MEMORY;
    while (done < out->size) {
        const ssize_t got = pread(fd, data + done, out->size - done, (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be read: %s", path,
                    got < 0 ? strerror(errno) : "it became shorter meanwhile");
            cv_free(data);
            return COGVIDEO_ERROR_IO;
        }
        done += (size_t)got;
    }
    out->data = data;
    out->read = true;
    return COGVIDEO_OK;
}

/* A private mapping shares its pages with all others until somebody writes to it, and more file systems support it. */
static cogvideo_status map_file(cv_mapping *out, int fd, const char *path, cogvideo_error *err)
{
    void *data = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fd, 0);

    if (data == MAP_FAILED && errno == ENOMEM)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY,
                       "%s: its %zu bytes cannot be mapped: the address space is too small; 'ulimit -v' prints its "
                       "limit in KiB",
                       path, out->size);
    if (data == MAP_FAILED)
        return read_file(out, fd, path, errno, err);
    out->data = data;
    remember(out, path);
    return COGVIDEO_OK;
}

cogvideo_status cv_map_open(cv_mapping *out, const char *path, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_mapping mapping = { 0 };
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return cv_fail(err, COGVIDEO_ERROR_IO, "%s: is %s; a regular file was expected", path,
                       S_ISDIR(info.st_mode) ? "a directory" : "something else");
    }
    mapping.size = (size_t)info.st_size;
    if (mapping.size > 0)
        status = map_file(&mapping, fd, path, err);
    close(fd);
    if (status == COGVIDEO_OK)
        *out = mapping;
    return status;
}

void cv_map_close(cv_mapping *mapping)
{
    if (mapping->read) {
        cv_free((void *)mapping->data);
    } else if (mapping->data) {
        named *known = find(mapping->data);

        if (known)
            atomic_store(&known->state, FREE);
        munmap((void *)mapping->data, mapping->size);
    }
    *mapping = (cv_mapping){ 0 };
}

bool cv_map_lock(const cv_mapping *mapping)
{
    return mapping->size == 0 || mlock(mapping->data, mapping->size) == 0;
}
