/* kv_cache.h - the keys and values that attention reads: of some layers, some places each. */
#ifndef CV_NN_KV_CACHE_H
#define CV_NN_KV_CACHE_H

#include "base/arena.h"
#include "tensor/weight.h"

/* Keys and values of places, as matrices [layers * heads * places, D] of f32, f16 or q8 numbers: a head's keys are rows of a
 * weight, and its scores a step through them. */
typedef struct cv_kv_cache {
    void *keys, *values;
    void *key_scales, *value_scales; /* q8: of each row; otherwise NULL */
    cv_weight_type type;
    int places, heads, D;
} cv_kv_cache;

/* A cache without keys and values. */
cv_kv_cache cv_kv_cache_of(cv_weight_type type, int places, int hidden, int heads);
/* One whose keys and values are taken from an arena (NULL while that measures). */
cv_kv_cache cv_kv_cache_take(cv_arena *arena, cv_weight_type type, int layers, int places, int hidden, int heads);
/* Bytes of the keys of so many layers, as many as of the values; and of the scales of either. */
size_t cv_kv_cache_row_bytes(const cv_kv_cache *cache, int layers);
size_t cv_kv_cache_scale_bytes(const cv_kv_cache *cache, int layers);
/* All keys and values to zero. */
void cv_kv_cache_clear(const cv_kv_cache *cache, int layers);

/* Keys or values of a layer, [heads * places, D]. */
cv_weight cv_kv_cache_keys(const cv_kv_cache *cache, int layer);
cv_weight cv_kv_cache_values(const cv_kv_cache *cache, int layer);

/* Copies one place's keys and values, [heads * D] each, into a layer or out of one. */
void cv_kv_cache_put(const cv_kv_cache *cache, int layer, int place, const float *keys, const float *values);
void cv_kv_cache_get(const cv_kv_cache *cache, int layer, int place, float *keys, float *values);

#endif
