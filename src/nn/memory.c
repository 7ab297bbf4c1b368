#include "nn/memory.h"

#include <string.h>

cv_memory cv_memory_of(cv_weight_type type, int places, int hidden, int heads)
{
    return (cv_memory){ .type = type, .places = places, .heads = heads, .D = hidden / heads };
}

static size_t rows_of(const cv_memory *memory, int layers)
{
    return (size_t)layers * (size_t)memory->heads * (size_t)memory->places;
}

size_t cv_memory_row_bytes(const cv_memory *memory, int layers)
{
    return rows_of(memory, layers) * cv_weight_row_bytes(memory->type, (size_t)memory->D);
}

size_t cv_memory_scale_bytes(const cv_memory *memory, int layers)
{
    return rows_of(memory, layers) * cv_weight_scale_bytes(memory->type, (size_t)memory->D);
}

cv_memory cv_memory_take(cv_arena *arena, cv_weight_type type, int layers, int places, int hidden, int heads)
{
    cv_memory memory = cv_memory_of(type, places, hidden, heads);
    size_t bytes = cv_memory_row_bytes(&memory, layers), scale_bytes = cv_memory_scale_bytes(&memory, layers);

    memory.keys = cv_arena_take(arena, bytes, 1);
    memory.values = cv_arena_take(arena, bytes, 1);
    if (scale_bytes) {
        memory.key_scales = cv_arena_take(arena, scale_bytes, 1);
        memory.value_scales = cv_arena_take(arena, scale_bytes, 1);
    }
    return memory;
}

void cv_memory_clear(const cv_memory *memory, int layers)
{
    size_t bytes = cv_memory_row_bytes(memory, layers), scale_bytes = cv_memory_scale_bytes(memory, layers);

    memset(memory->keys, 0, bytes);
    memset(memory->values, 0, bytes);
    if (scale_bytes) {
        memset(memory->key_scales, 0, scale_bytes);
        memset(memory->value_scales, 0, scale_bytes);
    }
}

static void *at(const cv_memory *memory, void *numbers, int layer)
{
    return (char *)numbers + cv_memory_row_bytes(memory, layer);
}

static void *scale_at(const cv_memory *memory, void *scales, int layer)
{
    return scales ? (char *)scales + cv_memory_scale_bytes(memory, layer) : NULL;
}

cv_weight cv_memory_keys(const cv_memory *memory, int layer)
{
    return (cv_weight){ at(memory, memory->keys, layer), scale_at(memory, memory->key_scales, layer), memory->type,
                        memory->heads * memory->places, memory->D };
}

cv_weight cv_memory_values(const cv_memory *memory, int layer)
{
    return (cv_weight){ at(memory, memory->values, layer), scale_at(memory, memory->value_scales, layer), memory->type,
                        memory->heads * memory->places, memory->D };
}

/* One place's rows of each head into a layer that begins at `data` and `scales`. */
static void put(const cv_memory *memory, char *data, char *scales, int place, const float *from)
{
    const size_t D = (size_t)memory->D, bytes = cv_weight_row_bytes(memory->type, D);
    const size_t scale_bytes = cv_weight_scale_bytes(memory->type, D);

    for (int h = 0; h < memory->heads; h++, from += D) {
        size_t row = (size_t)h * (size_t)memory->places + (size_t)place;

        cv_weight_narrow(data + row * bytes, scales ? scales + row * scale_bytes : NULL, memory->type, from, D);
    }
}

void cv_memory_put(const cv_memory *memory, int layer, int place, const float *keys, const float *values)
{
    put(memory, at(memory, memory->keys, layer), scale_at(memory, memory->key_scales, layer), place, keys);
    put(memory, at(memory, memory->values, layer), scale_at(memory, memory->value_scales, layer), place, values);
}

void cv_memory_get(const cv_memory *memory, int layer, int place, float *keys, float *values)
{
    const cv_weight from[2] = { cv_memory_keys(memory, layer), cv_memory_values(memory, layer) };

    for (int h = 0; h < memory->heads; h++) {
        cv_weight_widen(keys + (size_t)h * (size_t)memory->D, &from[0], h * memory->places + place);
        cv_weight_widen(values + (size_t)h * (size_t)memory->D, &from[1], h * memory->places + place);
    }
}
