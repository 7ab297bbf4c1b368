#include "base/arena.h"

#define ALIGNMENT 64

cv_arena cv_arena_over(void *base, size_t capacity)
{
    return (cv_arena){ .base = base, .capacity = capacity };
}

void *cv_arena_take(cv_arena *arena, size_t count, size_t size)
{
    size_t start = arena->used, bytes, end;

    if (!cv_size_mul(count, size, &bytes) || !cv_size_add(bytes, ALIGNMENT - 1, &bytes) ||
        !cv_size_add(start, bytes / ALIGNMENT * ALIGNMENT, &end))
        end = SIZE_MAX;
    if (arena->base && end > arena->capacity)
        return NULL;
    arena->used = end;
    if (arena->used > arena->peak)
        arena->peak = arena->used;
    return arena->base ? arena->base + start : NULL;
}

size_t cv_arena_mark(const cv_arena *arena)
{
    return arena->used;
}

void cv_arena_rewind(cv_arena *arena, size_t mark)
{
    arena->used = mark;
}
