#include "nn/kv_cache.h"

#include <string.h>

cv_kv_cache cv_kv_cache_of(cv_weight_type type, int positions, int hidden, int heads)
{
    return (cv_kv_cache){ .type = type, .positions = positions, .heads = heads, .D = hidden / heads };
}

static size_t rows_of(const cv_kv_cache *cache, int layers)
{
    return (size_t)layers * (size_t)cache->heads * (size_t)cache->positions;
}

size_t cv_kv_cache_row_bytes(const cv_kv_cache *cache, int layers)
{
    return rows_of(cache, layers) * cv_weight_row_bytes(cache->type, (size_t)cache->D);
}

size_t cv_kv_cache_scale_bytes(const cv_kv_cache *cache, int layers)
{
    return rows_of(cache, layers) * cv_weight_scale_bytes(cache->type, (size_t)cache->D);
}

cv_kv_cache cv_kv_cache_take(cv_arena *arena, cv_weight_type type, int layers, int positions, int hidden, int heads)
{
    cv_kv_cache cache = cv_kv_cache_of(type, positions, hidden, heads);
    size_t bytes = cv_kv_cache_row_bytes(&cache, layers), scale_bytes = cv_kv_cache_scale_bytes(&cache, layers);

    cache.keys = cv_arena_take(arena, bytes, 1);
    cache.values = cv_arena_take(arena, bytes, 1);
    if (scale_bytes) {
        cache.key_scales = cv_arena_take(arena, scale_bytes, 1);
        cache.value_scales = cv_arena_take(arena, scale_bytes, 1);
    }
    return cache;
}

void cv_kv_cache_clear(const cv_kv_cache *cache, int layers)
{
    size_t bytes = cv_kv_cache_row_bytes(cache, layers), scale_bytes = cv_kv_cache_scale_bytes(cache, layers);

    memset(cache->keys, 0, bytes);
    memset(cache->values, 0, bytes);
    if (scale_bytes) {
        memset(cache->key_scales, 0, scale_bytes);
        memset(cache->value_scales, 0, scale_bytes);
    }
}

void cv_kv_cache_copy(const cv_kv_cache *to, const cv_kv_cache *from, int layers)
{
    size_t bytes = cv_kv_cache_row_bytes(from, layers), scale_bytes = cv_kv_cache_scale_bytes(from, layers);

    memcpy(to->keys, from->keys, bytes);
    memcpy(to->values, from->values, bytes);
    if (scale_bytes) {
        memcpy(to->key_scales, from->key_scales, scale_bytes);
        memcpy(to->value_scales, from->value_scales, scale_bytes);
    }
}

static void *at(const cv_kv_cache *cache, void *numbers, int layer)
{
    return (char *)numbers + cv_kv_cache_row_bytes(cache, layer);
}

static void *scale_at(const cv_kv_cache *cache, void *scales, int layer)
{
    return scales ? (char *)scales + cv_kv_cache_scale_bytes(cache, layer) : NULL;
}

cv_weight cv_kv_cache_keys(const cv_kv_cache *cache, int layer)
{
    return (cv_weight){ at(cache, cache->keys, layer), scale_at(cache, cache->key_scales, layer), cache->type,
                        cache->heads * cache->positions, cache->D };
}

cv_weight cv_kv_cache_values(const cv_kv_cache *cache, int layer)
{
    return (cv_weight){ at(cache, cache->values, layer), scale_at(cache, cache->value_scales, layer), cache->type,
                        cache->heads * cache->positions, cache->D };
}

/* Writes the keys or values of one position into each head's rows of a layer that begins at `data` and `scales`. */
static void put(const cv_kv_cache *cache, char *data, char *scales, int position, const float *from)
{
    const size_t D = (size_t)cache->D, bytes = cv_weight_row_bytes(cache->type, D);
    const size_t scale_bytes = cv_weight_scale_bytes(cache->type, D);

    for (int h = 0; h < cache->heads; h++, from += D) {
        size_t row = (size_t)h * (size_t)cache->positions + (size_t)position;

        cv_weight_narrow(data + row * bytes, scales ? scales + row * scale_bytes : NULL, cache->type, from, D);
    }
}

void cv_kv_cache_put(const cv_kv_cache *cache, int layer, int position, const float *keys, const float *values)
{
    put(cache, at(cache, cache->keys, layer), scale_at(cache, cache->key_scales, layer), position, keys);
    put(cache, at(cache, cache->values, layer), scale_at(cache, cache->value_scales, layer), position, values);
}

void cv_kv_cache_get(const cv_kv_cache *cache, int layer, int position, float *keys, float *values)
{
    const cv_weight from[2] = { cv_kv_cache_keys(cache, layer), cv_kv_cache_values(cache, layer) };

    for (int h = 0; h < cache->heads; h++) {
        cv_weight_widen(keys + (size_t)h * (size_t)cache->D, &from[0], h * cache->positions + position);
        cv_weight_widen(values + (size_t)h * (size_t)cache->D, &from[1], h * cache->positions + position);
    }
}
