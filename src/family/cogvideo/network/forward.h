/* forward.h - the CogVideo transformer: a text, a pass over whole frames of one sequence, a step of one place in
 * each of many sequences. All three run the same layers; they differ in rows and in what those see. */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_FORWARD_H
#define CV_FAMILY_COGVIDEO_NETWORK_FORWARD_H

#include "base/arena.h"
#include "family/cogvideo/network/kv_cache.h"
#include "family/cogvideo/network/stage.h"

/* What a sequence remembers. */
typedef struct cv_sequence {
    cv_text_cache *text;
    cv_frames_cache *frames;
    float text_weight; /* added to scores on text */
    bool plus;         /* false: the first frame, where the plus channel is off */
} cv_sequence;

/* Watches a pass, for tests and inspection. Either function may be NULL. */
typedef struct cv_observer {
    /* After each layer, with its output [rows, C]. */
    void (*layer)(void *user, int layer, const float *x, int rows, int C);
    /* Before rows `first` and on attend in one channel of a layer: their queries. The sources of a row of a frame are
     * the text, then frames: in the base channel the places of its own, in the plus channel those of all slots. */
    void (*attention)(void *user, int layer, bool plus, int first, int count, const cv_attention_query *queries);
    void *user;
} cv_observer;

/* Bytes that the functions below take from their arena, and give back, for `rows` rows: text places, places of a pass,
 * or sequences of a step. */
size_t cv_forward_scratch(const cv_exec *exec, const cv_stage *stage, int rows, bool step);

/* Fills `cache` (cache->count places) from text ids, each below the vocabulary. `observer` may be NULL. */
void cv_forward_text(const cv_exec *exec, const cv_stage *stage, cv_text_cache *cache, const int32_t *ids,
                     const cv_observer *observer, cv_arena *arena);

/* A pass over `slots` whole frames from slot `first_slot` on, codes [slots][L]. Slots from `generated_from` on follow
 * the rule of generated places (stage 2's given frames do not; in stage 1 it decides the text weight of the plus
 * channel). */
typedef struct cv_frames_pass {
    int first_slot, slots, generated_from;
    const int32_t *codes;
} cv_frames_pass;

/* Appends the frames to the sequence's caches. `hidden` [slots * L, C] takes what cv_forward_logits needs; NULL where
 * no logits are wanted. `observer` may be NULL. */
void cv_forward_frames(const cv_exec *exec, const cv_stage *stage, const cv_sequence *sequence,
                       const cv_frames_pass *pass, float *hidden, const cv_observer *observer, cv_arena *arena);

/* logits [rows, image_codes] of rows of `hidden`; the row of place i predicts code i. The arena has room for a pass of
 * one row. */
void cv_forward_logits(const cv_exec *exec, const cv_stage *stage, float *logits, const float *hidden, int rows,
                       cv_arena *arena);

/* One new place of one sequence. */
typedef struct cv_step_row {
    const cv_sequence *sequence;
    int slot, index;
    int32_t previous; /* the code of place index - 1; not looked at where index is 0 */
} cv_step_row;

/* logits [rows][image_codes]; every weight is read once for all rows. A row's result does not depend on the other
 * rows. */
void cv_forward_step(const cv_exec *exec, const cv_stage *stage, const cv_step_row *rows, int count, float *logits,
                     cv_arena *arena);

#endif
