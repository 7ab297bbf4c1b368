#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 64
/* Blocks of at least this size ask for huge pages: fewer page table entries are looked up when a step walks through
 * them. */
#define HUGE_PAGE ((size_t)2 << 20)
#define HUGE_BLOCK (4 * HUGE_PAGE)

bool cv_size_mul(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

bool cv_size_add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b)
        return false;
    *out = a + b;
    return true;
}

bool cv_can_map(int blocks, size_t bytes)
{
    void *mapped[1024];
    int count = 0;
    bool room = blocks <= (int)(sizeof mapped / sizeof *mapped);

    while (room && count < blocks) {
        mapped[count] = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        room = mapped[count] != MAP_FAILED;
        count += room;
    }
    while (count > 0)
        munmap(mapped[--count], bytes);
    return room;
}

void *cv_alloc(size_t count, size_t size, cogvideo_error *err)
{
    size_t bytes, rounded;
    void *block = NULL;

    if (!cv_size_mul(count, size, &bytes) || !cv_size_add(bytes, ALIGNMENT, &rounded) ||
        posix_memalign(&block, rounded >= HUGE_BLOCK ? HUGE_PAGE : ALIGNMENT, rounded) != 0) {
        cv_fail(err, COGVIDEO_ERROR_MEMORY, "out of memory: %zu elements of %zu bytes could not be allocated", count,
                size);
        return NULL;
    }
    if (rounded >= HUGE_BLOCK)
        madvise(block, rounded, MADV_HUGEPAGE); /* where this is ignored, pages stay small */
    memset(block, 0, rounded);
    return block;
}

void *cv_realloc(void *block, size_t old_count, size_t new_count, size_t size, cogvideo_error *err)
{
    void *grown = cv_alloc(new_count, size, err);

    if (!grown)
        return NULL;
    if (block)
        memcpy(grown, block, (old_count < new_count ? old_count : new_count) * size);
    free(block);
    return grown;
}

void *cv_grow(void *items, size_t count, size_t size, cogvideo_error *err)
{
    size_t room = 1;

    if (count & (count - 1))
        return items;
    if (count > 0 && !cv_size_mul(2, count, &room))
        room = SIZE_MAX; /* which is refused */
    return cv_realloc(items, count, room, size, err);
}

void cv_free(void *block)
{
    free(block);
}

char *cv_strdup(const char *text, cogvideo_error *err)
{
    size_t length = strlen(text) + 1;
    char *copy = cv_alloc(length, 1, err);

    return copy ? memcpy(copy, text, length) : NULL;
}

/* Makes room for `more` bytes and the NUL. */
static cogvideo_status reserve(cv_buffer *buffer, size_t more, cogvideo_error *err)
{
    size_t need, capacity = buffer->capacity ? buffer->capacity : 256;
    char *grown;

    if (!cv_size_add(buffer->size, more, &need) || !cv_size_add(need, 1, &need))
        return cv_fail(err, COGVIDEO_ERROR_MEMORY, "out of memory: a text grew past what can be addressed");
    if (need <= buffer->capacity)
        return COGVIDEO_OK;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    grown = cv_realloc(buffer->data, buffer->size, capacity, 1, err);
    if (!grown)
        return COGVIDEO_ERROR_MEMORY;
    buffer->data = grown;
    buffer->capacity = capacity;
    return COGVIDEO_OK;
}

cogvideo_status cv_buffer_append(cv_buffer *buffer, const void *data, size_t size, cogvideo_error *err)
{
    cogvideo_status status = reserve(buffer, size, err);

    if (status != COGVIDEO_OK)
        return status;
    if (size)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
    return COGVIDEO_OK;
}

cogvideo_status cv_buffer_printf(cv_buffer *buffer, cogvideo_error *err, const char *format, ...)
{
    va_list args;
    cogvideo_status status;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a text could not be formatted");
    if ((status = reserve(buffer, (size_t)length, err)) != COGVIDEO_OK)
        return status;
    va_start(args, format);
    vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, args);
    va_end(args);
    buffer->size += (size_t)length;
    return COGVIDEO_OK;
}

void cv_buffer_free(cv_buffer *buffer)
{
    cv_free(buffer->data);
    *buffer = (cv_buffer){ 0 };
}
