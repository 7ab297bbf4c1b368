#include "base/arena.h"

#include <assert.h>

#define ALIGNMENT 64

/* Rounds up to a multiple of the alignment; returns SIZE_MAX where that does not fit. */
static size_t round_up(size_t bytes)
{
    return cv_size_add(bytes, ALIGNMENT - 1, &bytes) ? bytes / ALIGNMENT * ALIGNMENT : SIZE_MAX;
}

cv_arena cv_arena_over(void *base, size_t capacity)
{
    return (cv_arena){ .base = base, .capacity = capacity };
}

cogvideo_status cv_arena_create(cv_arena *out, size_t capacity, cogvideo_error *err)
{
    void *base;

    capacity = round_up(capacity);
    if (!(base = cv_alloc(capacity, 1, err)))
        return COGVIDEO_ERROR_MEMORY;
    *out = cv_arena_over(base, capacity);
    return COGVIDEO_OK;
}

void cv_arena_free(cv_arena *arena)
{
    cv_free(arena->base);
    *arena = (cv_arena){ 0 };
}

void *cv_arena_take(cv_arena *arena, size_t count, size_t size)
{
    size_t start = arena->used, bytes, end;

    if (!cv_size_mul(count, size, &bytes) || !cv_size_add(start, round_up(bytes), &end))
        end = SIZE_MAX;
    assert(!arena->base || end <= arena->capacity);
    if (arena->base && end > arena->capacity)
        return NULL;
    arena->used = end;
    if (arena->used > arena->peak)
        arena->peak = arena->used;
    return arena->base ? arena->base + start : NULL;
}

void cv_arena_reserve(cv_arena *arena, size_t bytes)
{
    size_t mark = cv_arena_mark(arena);

    cv_arena_take(arena, bytes, 1);
    cv_arena_rewind(arena, mark);
}

size_t cv_arena_mark(const cv_arena *arena)
{
    return arena->used;
}

void cv_arena_rewind(cv_arena *arena, size_t mark)
{
    arena->used = mark;
}
