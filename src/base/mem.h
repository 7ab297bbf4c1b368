/* mem.h - allocation: zeroed, 64-byte aligned, with checked sizes. Every size that comes from a file goes through
 * here. */
#ifndef CV_BASE_MEM_H
#define CV_BASE_MEM_H

#include "base/status.h"

#include <stdbool.h>

/* *out = a * b or a + b; returns false and leaves *out unchanged where that does not fit a size_t. */
bool cv_size_mul(size_t a, size_t b, size_t *out);
bool cv_size_add(size_t a, size_t b, size_t *out);

/* Whether this many blocks of this many bytes (at most 1024) could be mapped at once now. May be called before main
 * begins. */
bool cv_can_map(int blocks, size_t bytes);

/* Returns `count` zeroed elements of `size` bytes, 64-byte aligned, not NULL for count 0. On failure returns NULL
 * and sets `err`. */
void *cv_alloc(size_t count, size_t size, cogvideo_error *err);
/* Grows or shrinks a block of cv_alloc and keeps its first `old_count` elements; new ones are zero. On failure
 * returns NULL, and the old block stays valid. */
void *cv_realloc(void *block, size_t old_count, size_t new_count, size_t size, cogvideo_error *err);
/* Room for one element more in an array of `count` elements, whose room doubles: it is full at 0, 1, 2, 4, .. Returns
 * the array, which may have moved; on failure NULL, and `items` stays valid. */
void *cv_grow(void *items, size_t count, size_t size, cogvideo_error *err);
void cv_free(void *block);
char *cv_strdup(const char *text, cogvideo_error *err);

/* Sets `pointer` to room for `count` elements, or jumps to `done` with status and err set. */
#define CV_NEW(pointer, count, err)                                      \
    do {                                                                 \
        (pointer) = cv_alloc((size_t)(count), sizeof *(pointer), (err)); \
        if (!(pointer)) {                                                \
            status = COGVIDEO_ERROR_MEMORY;                              \
            goto done;                                                   \
        }                                                                \
    } while (0)

/* The same with cv_grow for the array `items`. */
#define CV_GROW(items, count, err)                                                \
    do {                                                                          \
        void *grown_ = cv_grow((items), (size_t)(count), sizeof *(items), (err)); \
        if (!grown_) {                                                            \
            status = COGVIDEO_ERROR_MEMORY;                                       \
            goto done;                                                            \
        }                                                                         \
        (items) = grown_;                                                         \
    } while (0)

/* Text or bytes that grow at the end. `data` is NUL-terminated after the first append. */
typedef struct cv_buffer {
    char *data;
    size_t size; /* bytes in use, without the NUL */
    size_t capacity;
} cv_buffer;

cogvideo_status cv_buffer_append(cv_buffer *buffer, const void *data, size_t size, cogvideo_error *err);
cogvideo_status cv_buffer_printf(cv_buffer *buffer, cogvideo_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void cv_buffer_free(cv_buffer *buffer);

#endif
