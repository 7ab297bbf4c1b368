#include "dataset/frame_cache.h"

#include <string.h>

#define MOST_BYTES ((size_t)64 << 20)

/* A table with open addressing, at most half full; `codes` of slot i are at i * places. */
typedef struct slot {
    uint64_t hash;
    const uint8_t *pixels; /* NULL: free */
} slot;

struct cv_frame_cache {
    size_t bytes, places, slots, used;
    slot *table;
    int32_t *codes;
};

cogvideo_status cv_frame_cache_open(cv_frame_cache **out, size_t bytes, int places, cogvideo_error *err)
{
    cogvideo_status status;
    cv_frame_cache *cache = NULL;
    size_t slots = 2;

    while (2 * slots * (sizeof(slot) + (size_t)places * sizeof(int32_t)) <= MOST_BYTES)
        slots *= 2;
    CV_NEW(cache, 1, err);
    cache->bytes = bytes;
    cache->places = (size_t)places;
    cache->slots = slots;
    CV_NEW(cache->table, slots, err);
    CV_NEW(cache->codes, slots * (size_t)places, err);
    *out = cache;
    return COGVIDEO_OK;
done:
    cv_frame_cache_close(&cache);
    return status;
}

void cv_frame_cache_close(cv_frame_cache **cache)
{
    if (*cache) {
        cv_free((*cache)->table);
        cv_free((*cache)->codes);
    }
    cv_free(*cache);
    *cache = NULL;
}

static uint64_t hash_of(const uint8_t *pixels, size_t bytes)
{
    uint64_t hash = 0xcbf29ce484222325u, word;
    size_t i = 0;

    for (; i + 8 <= bytes; i += 8) {
        memcpy(&word, pixels + i, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    for (; i < bytes; i++)
        hash = (hash ^ pixels[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

/* The slot of this frame, or the free one where it would go. */
static size_t place_of(const cv_frame_cache *cache, const uint8_t *pixels, uint64_t hash)
{
    size_t at = (size_t)hash & (cache->slots - 1);

    while (cache->table[at].pixels &&
           (cache->table[at].hash != hash || memcmp(cache->table[at].pixels, pixels, cache->bytes) != 0))
        at = (at + 1) & (cache->slots - 1);
    return at;
}

const int32_t *cv_frame_cache_find(const cv_frame_cache *cache, const uint8_t *pixels)
{
    size_t at = place_of(cache, pixels, hash_of(pixels, cache->bytes));

    return cache->table[at].pixels ? cache->codes + at * cache->places : NULL;
}

void cv_frame_cache_add(cv_frame_cache *cache, const uint8_t *pixels, const int32_t *codes)
{
    uint64_t hash = hash_of(pixels, cache->bytes);
    size_t at = place_of(cache, pixels, hash);

    if (cache->table[at].pixels || 2 * cache->used >= cache->slots)
        return;
    cache->used++;
    cache->table[at] = (slot){ hash, pixels };
    memcpy(cache->codes + at * cache->places, codes, cache->places * sizeof *codes);
}
