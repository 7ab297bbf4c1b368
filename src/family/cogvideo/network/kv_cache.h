/* kv_cache.h - the key/value caches of a sequence: of its text, and of its frames.
 *
 * Text sees text only, so sequences of equal text share one text cache. Per layer: base keys and values of
 * the text and of the current frame, plus keys and values of the text and of all frames. Nothing else is kept. */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_KV_CACHE_H
#define CV_FAMILY_COGVIDEO_NETWORK_KV_CACHE_H

#include "family/cogvideo/network/config.h"
#include "nn/kv_cache.h"

typedef struct cv_text_cache {
    cv_kv_cache base, plus;
    int count; /* text places */
} cv_text_cache;

typedef struct cv_frames_cache {
    cv_kv_cache base; /* L places: the current frame (slots * L in training: all frames) */
    cv_kv_cache plus; /* slots * L places: all frames */
    int slots;
} cv_frames_cache;

/* Of numbers of `type` (f32, f16 or q8). Without `plus` (the first frame) only base channels are kept. */
cogvideo_status cv_text_cache_create(cv_text_cache *out, const cv_cogvideo_config *config, cv_weight_type type,
                                     int count, bool plus, cogvideo_error *err);
void cv_text_cache_free(cv_text_cache *cache);
size_t cv_text_cache_bytes(const cv_cogvideo_config *config, cv_weight_type type, int count, bool plus);

cogvideo_status cv_frames_cache_create(cv_frames_cache *out, const cv_cogvideo_config *config, cv_weight_type type,
                                       int slots, bool plus, cogvideo_error *err);
/* For `count` elements of CogLM, in the base channel alone. */
cogvideo_status cv_elements_cache_create(cv_frames_cache *out, const cv_cogvideo_config *config, cv_weight_type type,
                                         int count, cogvideo_error *err);
size_t cv_elements_cache_bytes(const cv_cogvideo_config *config, cv_weight_type type, int count);

void cv_frames_cache_free(cv_frames_cache *cache);
/* Copies a cache, of frames or of elements, to another of the same sizes. */
void cv_frames_cache_copy(const cv_frames_cache *to, const cv_frames_cache *from, const cv_cogvideo_config *config);
void cv_frames_cache_clear(const cv_frames_cache *cache, const cv_cogvideo_config *config);
size_t cv_frames_cache_bytes(const cv_cogvideo_config *config, cv_weight_type type, int slots, bool plus);

#endif
