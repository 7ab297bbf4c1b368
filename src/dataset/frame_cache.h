/* frame_cache.h - codes of frames that were encoded before: clips that stand still, or share a frame, are encoded
 * once. */
#ifndef CV_DATASET_FRAME_CACHE_H
#define CV_DATASET_FRAME_CACHE_H

#include "base/mem.h"

typedef struct cv_frame_cache cv_frame_cache;

/* For frames of `bytes` bytes with `places` codes each. Takes at most 64 MB, after which it learns no more. */
cogvideo_status cv_frame_cache_open(cv_frame_cache **out, size_t bytes, int places, cogvideo_error *err);
void cv_frame_cache_close(cv_frame_cache **cache);

/* The codes [places] of a frame that is equal byte by byte, or NULL. */
const int32_t *cv_frame_cache_find(const cv_frame_cache *cache, const uint8_t *pixels);
/* `pixels` must stay where they are as long as the cache is open; the codes are copied. */
void cv_frame_cache_add(cv_frame_cache *cache, const uint8_t *pixels, const int32_t *codes);

#endif
