/* kv_cache.h - the keys and values that attention reads: of some layers, at some positions each. */
#ifndef CV_NN_KV_CACHE_H
#define CV_NN_KV_CACHE_H

#include "base/arena.h"
#include "tensor/weight.h"

/* Keys and values as matrices [layers * heads * positions, D] of f32, f16 or q8 numbers. A head's keys are the rows
 * of a weight, so its scores are a product with that weight. */
typedef struct cv_kv_cache {
    void *keys, *values;
    void *key_scales, *value_scales; /* q8: one scale per row; otherwise NULL */
    cv_weight_type type;
    int positions, heads, D;
} cv_kv_cache;

/* Describes a cache that has no memory yet. */
cv_kv_cache cv_kv_cache_of(cv_weight_type type, int positions, int hidden, int heads);
/* A cache whose keys and values are taken from an arena (NULL while that measures). */
cv_kv_cache cv_kv_cache_take(cv_arena *arena, cv_weight_type type, int layers, int positions, int hidden, int heads);
/* Returns the bytes that the keys of this many layers take, which is also what the values take; and the bytes of the
 * scales of either. */
size_t cv_kv_cache_row_bytes(const cv_kv_cache *cache, int layers);
size_t cv_kv_cache_scale_bytes(const cv_kv_cache *cache, int layers);
/* Sets all keys and values to zero; copies those of a cache of the same sizes. */
void cv_kv_cache_clear(const cv_kv_cache *cache, int layers);
void cv_kv_cache_copy(const cv_kv_cache *to, const cv_kv_cache *from, int layers);

/* Returns the keys or values of a layer, [heads * positions, D]. */
cv_weight cv_kv_cache_keys(const cv_kv_cache *cache, int layer);
cv_weight cv_kv_cache_values(const cv_kv_cache *cache, int layer);

/* Copies the keys and values of one position, [heads * D] each, into a layer or out of one. */
void cv_kv_cache_put(const cv_kv_cache *cache, int layer, int position, const float *keys, const float *values);
void cv_kv_cache_get(const cv_kv_cache *cache, int layer, int position, float *keys, float *values);

#endif
