/* memory.h - the key/value caches of a sequence: of its text, and of its frames.
 *
 * Text sees text only, so sequences of equal text share one text memory. Per layer: base keys and values of
 * the text and of the current frame, plus keys and values of the text and of all frames. Nothing else is kept. */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_MEMORY_H
#define CV_FAMILY_COGVIDEO_NETWORK_MEMORY_H

#include "family/cogvideo/network/config.h"
#include "nn/memory.h"

typedef struct cv_text_memory {
    cv_memory base, plus;
    int count; /* text places */
} cv_text_memory;

typedef struct cv_frame_memory {
    cv_memory base; /* L places: the current frame (slots * L in training: all frames) */
    cv_memory plus; /* slots * L places: all frames */
    int slots;
} cv_frame_memory;

/* Of numbers of `type` (f32, f16 or q8). Without `plus` (the first frame) only base channels are kept. */
cogvideo_status cv_text_memory_create(cv_text_memory *out, const cv_cogvideo_config *config, cv_weight_type type, int count,
                                      bool plus, cogvideo_error *err);
void cv_text_memory_free(cv_text_memory *memory);
size_t cv_text_memory_bytes(const cv_cogvideo_config *config, cv_weight_type type, int count, bool plus);

cogvideo_status cv_frame_memory_create(cv_frame_memory *out, const cv_cogvideo_config *config, cv_weight_type type, int slots,
                                       bool plus, cogvideo_error *err);
void cv_frame_memory_free(cv_frame_memory *memory);
void cv_frame_memory_clear(const cv_frame_memory *memory, const cv_cogvideo_config *config);
size_t cv_frame_memory_bytes(const cv_cogvideo_config *config, cv_weight_type type, int slots, bool plus);

#endif
