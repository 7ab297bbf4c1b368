#include "family/cogvideo/network/kv_cache.h"

static void cache_free(cv_kv_cache *cache)
{
    cv_free(cache->keys);
    cv_free(cache->values);
    cv_free(cache->key_scales);
    cv_free(cache->value_scales);
    *cache = (cv_kv_cache){ 0 };
}

static cv_kv_cache cache_of(const cv_cogvideo_config *config, cv_weight_type type, int places)
{
    return cv_kv_cache_of(type, places, config->hidden, config->heads);
}

static cogvideo_status cache_create(cv_kv_cache *out, const cv_cogvideo_config *config, cv_weight_type type, int places,
                                    cogvideo_error *err)
{
    cv_kv_cache cache = cache_of(config, type, places);
    size_t bytes = cv_kv_cache_row_bytes(&cache, config->layers),
           scale_bytes = cv_kv_cache_scale_bytes(&cache, config->layers);

    if (!(cache.keys = cv_alloc(bytes, 1, err)) || !(cache.values = cv_alloc(bytes, 1, err)) ||
        (scale_bytes && (!(cache.key_scales = cv_alloc(scale_bytes, 1, err)) ||
                         !(cache.value_scales = cv_alloc(scale_bytes, 1, err))))) {
        cache_free(&cache);
        return COGVIDEO_ERROR_MEMORY;
    }
    *out = cache;
    return COGVIDEO_OK;
}

/* Bytes of cache_create. */
static size_t cache_bytes(const cv_cogvideo_config *config, cv_weight_type type, int places)
{
    cv_kv_cache cache = cache_of(config, type, places);

    return 2 * (cv_kv_cache_row_bytes(&cache, config->layers) + cv_kv_cache_scale_bytes(&cache, config->layers));
}

cogvideo_status cv_text_cache_create(cv_text_cache *out, const cv_cogvideo_config *config, cv_weight_type type,
                                     int count, bool plus, cogvideo_error *err)
{
    cogvideo_status status;
    cv_text_cache cache = { .count = count };

    CV_TRY(cache_create(&cache.base, config, type, count, err));
    if (plus)
        CV_TRY(cache_create(&cache.plus, config, type, count, err));
    *out = cache;
    return COGVIDEO_OK;
done:
    cv_text_cache_free(&cache);
    return status;
}

void cv_text_cache_free(cv_text_cache *cache)
{
    cache_free(&cache->base);
    cache_free(&cache->plus);
    cache->count = 0;
}

size_t cv_text_cache_bytes(const cv_cogvideo_config *config, cv_weight_type type, int count, bool plus)
{
    return cache_bytes(config, type, count) * (plus ? 2 : 1);
}

cogvideo_status cv_frames_cache_create(cv_frames_cache *out, const cv_cogvideo_config *config, cv_weight_type type,
                                       int slots, bool plus, cogvideo_error *err)
{
    cogvideo_status status;
    cv_frames_cache cache = { .slots = slots };

    CV_TRY(cache_create(&cache.base, config, type, cv_cogvideo_places(config), err));
    if (plus)
        CV_TRY(cache_create(&cache.plus, config, type, slots * cv_cogvideo_places(config), err));
    *out = cache;
    return COGVIDEO_OK;
done:
    cv_frames_cache_free(&cache);
    return status;
}

cogvideo_status cv_elements_cache_create(cv_frames_cache *out, const cv_cogvideo_config *config, cv_weight_type type,
                                         int count, cogvideo_error *err)
{
    *out = (cv_frames_cache){ 0 };
    return cache_create(&out->base, config, type, count, err);
}

size_t cv_elements_cache_bytes(const cv_cogvideo_config *config, cv_weight_type type, int count)
{
    return cache_bytes(config, type, count);
}

void cv_frames_cache_copy(const cv_frames_cache *to, const cv_frames_cache *from, const cv_cogvideo_config *config)
{
    cv_kv_cache_copy(&to->base, &from->base, config->layers);
    if (to->plus.keys)
        cv_kv_cache_copy(&to->plus, &from->plus, config->layers);
}

void cv_frames_cache_clear(const cv_frames_cache *cache, const cv_cogvideo_config *config)
{
    cv_kv_cache_clear(&cache->base, config->layers);
    if (cache->plus.keys)
        cv_kv_cache_clear(&cache->plus, config->layers);
}

void cv_frames_cache_free(cv_frames_cache *cache)
{
    cache_free(&cache->base);
    cache_free(&cache->plus);
    cache->slots = 0;
}

size_t cv_frames_cache_bytes(const cv_cogvideo_config *config, cv_weight_type type, int slots, bool plus)
{
    int L = cv_cogvideo_places(config);

    return cache_bytes(config, type, L) + (plus ? cache_bytes(config, type, slots * L) : 0);
}
