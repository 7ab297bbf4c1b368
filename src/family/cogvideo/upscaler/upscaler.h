/* upscaler.h - direct super-resolution: from a picture's codes to logits for the codes of a finer picture, all at once.
 *
 * The text and the low-resolution codes form the context: they go through the trunk's own attention and see nothing
 * but each other. Every place of the result starts from <start_of_image> and its position; in each layer it sees the
 * low-resolution codes around it (keys and values of the context) and its neighbours in the result, in one softmax.
 * J. Ding et al., "CogView2: Faster and Better Text-to-Image Generation via Hierarchical Transformers", 2022. */
#ifndef CV_FAMILY_COGVIDEO_UPSCALER_UPSCALER_H
#define CV_FAMILY_COGVIDEO_UPSCALER_UPSCALER_H

#include "base/arena.h"
#include "family/cogvideo/upscaler/config.h"
#include "nn/exec.h"
#include "tensor/store.h"

typedef struct cv_upscaler cv_upscaler;

/* Binds the network to its files, which must live longer: `trunk`, which other networks may read as well, and `own`,
 * which must hold the rest of its tensors and no others. Both may be the same file. */
cogvideo_status cv_upscaler_open(cv_upscaler **out, cv_store *trunk, cv_store *own, const cv_upscaler_config *config,
                                 cogvideo_error *err);
void cv_upscaler_close(cv_upscaler **upscaler);

typedef struct cv_upscaler_callbacks {
    /* Logits [count][image_codes] of places first .. first + count - 1, row by row from the upper left. Called once
     * for each place, in order; the memory is reused by the next call. */
    void (*logits)(void *user, int first, int count, const float *logits);
    /* After each layer: how many of all are done. Any value but 0 stops the run. May be NULL. */
    int (*layer)(void *user, int done, int layers);
    void *user;
} cv_upscaler_callbacks;

/* Bytes that a run takes from its arena, and gives back; SIZE_MAX where that does not fit. */
size_t cv_upscaler_scratch(const cv_upscaler *upscaler, const cv_exec *exec);

/* One picture: `text` ids, without pads, and `low_codes` [grid * grid]. The logits do not depend on the number of
 * threads. Errors: an id out of range, a text that is too long, a stop. */
cogvideo_status cv_upscaler_run(const cv_exec *exec, const cv_upscaler *upscaler, const int32_t *text, int text_count,
                                const int32_t *low_codes, const cv_upscaler_callbacks *callbacks, cv_arena *arena,
                                cogvideo_error *err);

#endif
