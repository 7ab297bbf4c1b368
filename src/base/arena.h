/* arena.h - scratch memory planned before a run: measured, then carved, by the same code.
 *
 * A function that carves its buffers with cv_arena_take runs on an arena without memory first, where takes only
 * count; `peak` then tells how much one block must hold for the same takes to succeed. */
#ifndef CV_BASE_ARENA_H
#define CV_BASE_ARENA_H

#include "base/mem.h"

/* Zeroed, it is a measuring arena. `base` is 64-byte aligned. Sizes that no longer fit a size_t stay at SIZE_MAX,
 * which no allocation can satisfy. */
typedef struct cv_arena {
    char *base;            /* NULL = measuring */
    size_t used, capacity; /* bytes; `capacity` is not looked at while measuring */
    size_t peak;           /* the most that was ever in use */
} cv_arena;

/* An arena over `capacity` bytes at `base`. */
cv_arena cv_arena_over(void *base, size_t capacity);
/* An arena over memory of its own, of at least `capacity` bytes. Free with cv_arena_free. */
cogvideo_status cv_arena_create(cv_arena *out, size_t capacity, cogvideo_error *err);
void cv_arena_free(cv_arena *arena);

/* Room for `count` elements of `size` bytes, 64-byte aligned, not cleared. NULL while measuring, and where the
 * block is too small, which is a mistake of the caller: takes that were measured fit. */
void *cv_arena_take(cv_arena *arena, size_t count, size_t size);

/* Takes room and gives it back at once: what a function that is called later will need for itself. */
void cv_arena_reserve(cv_arena *arena, size_t bytes);

/* All that was taken after the mark is free again after the rewind. */
size_t cv_arena_mark(const cv_arena *arena);
void cv_arena_rewind(cv_arena *arena, size_t mark);

#endif
