/* arena.h - scratch memory that is measured before a run and then carved up, by the same code.
 *
 * A function that takes its buffers with cv_arena_take first runs on an arena without memory, where takes only
 * count. `peak` then says how large a block must be for the same takes to succeed. */
#ifndef CV_BASE_ARENA_H
#define CV_BASE_ARENA_H

#include "base/mem.h"

/* A zeroed arena measures. `base` is 64-byte aligned. A size that no longer fits a size_t stays at SIZE_MAX, which
 * no allocation can satisfy. */
typedef struct cv_arena {
    char *base;            /* NULL = measuring */
    size_t used, capacity; /* bytes; `capacity` is ignored while measuring */
    size_t peak;           /* the most that was ever in use */
} cv_arena;

/* An arena over `capacity` bytes at `base`. */
cv_arena cv_arena_over(void *base, size_t capacity);
/* An arena over memory of its own, of at least `capacity` bytes. Free with cv_arena_free. */
cogvideo_status cv_arena_create(cv_arena *out, size_t capacity, cogvideo_error *err);
void cv_arena_free(cv_arena *arena);

/* Takes room for `count` elements of `size` bytes, 64-byte aligned, not cleared. Returns NULL while measuring, and
 * where the block is too small, which is an error of the caller: takes that were measured fit. */
void *cv_arena_take(cv_arena *arena, size_t count, size_t size);

/* Takes room and gives it back at once: reserves what a function that is called later will need. */
void cv_arena_reserve(cv_arena *arena, size_t bytes);

/* A rewind frees all that was taken after the mark. */
size_t cv_arena_mark(const cv_arena *arena);
void cv_arena_rewind(cv_arena *arena, size_t mark);

#endif
