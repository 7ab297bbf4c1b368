#include "fuzz/fuzz.h"
#include "support/check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#if CHECK_SANITIZED
#include <sanitizer/asan_interface.h>

/* The rest of a mapping's last page can be read without a fault, so a read past a file's end goes unseen unless the
 * sanitizer is told of it. The linker sends all calls here (meson.build). */
void *__real_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t size);
void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t size);

static size_t to_page(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (size + page - 1) / page * page;
}

void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    char *data = __real_mmap64(address, size, protection, flags, fd, offset);

    if (data != MAP_FAILED)
        ASAN_POISON_MEMORY_REGION(data + size, to_page(size) - size);
    return data;
}

int __wrap_munmap(void *address, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(address, to_page(size));
    return __real_munmap(address, size);
}
#endif

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];

    if (fd < 0) {
        fd = memfd_create("input", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    fuzz_must(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    return path;
}

bool fuzz_ok(cogvideo_status status, const cogvideo_error *err)
{
    if (status == COGVIDEO_OK)
        return true;
    fuzz_must(err->status == status && err->message[0] != '\0');
    for (const unsigned char *s = (const unsigned char *)err->message; *s; s++)
        fuzz_must(*s >= 0x20 && *s != 0x7f && !(*s == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0));
    return false;
}

void fuzz_must(bool holds)
{
    if (!holds)
        abort();
}

void fuzz_touch(const void *data, size_t size)
{
    volatile unsigned char byte;

    for (size_t i = 0; i < size; i++)
        byte = ((const unsigned char *)data)[i];
    (void)byte;
}
