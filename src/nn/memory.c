#include "nn/memory.h"

#include <string.h>

cv_memory cv_memory_of(int places, int hidden, int heads)
{
    size_t head_stride = (size_t)(hidden / heads) * (size_t)places;

    return (cv_memory){ .places = places, .head_stride = head_stride, .layer_stride = head_stride * (size_t)heads };
}

cv_memory cv_memory_take(cv_arena *arena, int layers, int places, int hidden, int heads)
{
    cv_memory memory = cv_memory_of(places, hidden, heads);

    memory.keys = cv_arena_take(arena, memory.layer_stride * (size_t)layers, sizeof(float));
    memory.values = cv_arena_take(arena, memory.layer_stride * (size_t)layers, sizeof(float));
    return memory;
}

size_t cv_memory_bytes(int layers, int places, int hidden)
{
    return 2 * (size_t)layers * (size_t)hidden * (size_t)places * sizeof(float);
}

void cv_memory_clear(const cv_memory *memory, int layers)
{
    size_t bytes = memory->layer_stride * (size_t)layers * sizeof(float);

    memset(memory->keys, 0, bytes);
    memset(memory->values, 0, bytes);
}

void cv_memory_put(const cv_memory *memory, int layer, int place, const float *keys, const float *values, int H, int D)
{
    size_t at = (size_t)layer * memory->layer_stride + (size_t)place * (size_t)D;

    for (int h = 0; h < H; h++, at += memory->head_stride) {
        memcpy(memory->keys + at, keys + (size_t)h * (size_t)D, (size_t)D * sizeof *keys);
        memcpy(memory->values + at, values + (size_t)h * (size_t)D, (size_t)D * sizeof *values);
    }
}

void cv_memory_get(const cv_memory *memory, int layer, int place, float *keys, float *values, int H, int D)
{
    size_t at = (size_t)layer * memory->layer_stride + (size_t)place * (size_t)D;

    for (int h = 0; h < H; h++, at += memory->head_stride) {
        memcpy(keys + (size_t)h * (size_t)D, memory->keys + at, (size_t)D * sizeof *keys);
        memcpy(values + (size_t)h * (size_t)D, memory->values + at, (size_t)D * sizeof *values);
    }
}
