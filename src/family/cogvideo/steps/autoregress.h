/* autoregress.h - the sampling loop: code after code, side by side in any number of sequences, each at its own pace.
 * The first frame, the key frames and the windows of a round of interpolation are all this loop. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_AUTOREGRESS_H
#define CV_FAMILY_COGVIDEO_STEPS_AUTOREGRESS_H

#include "family/cogvideo/model/texts.h"
#include "family/cogvideo/network/forward.h"
#include "family/cogvideo/steps/lookahead.h"

#include <cogvideo/generate.h>

/* One clip in the making: codes [slots][L], the given ones in place. */
typedef struct cv_strand {
    int32_t *codes;
    uint32_t sample;        /* with frame ids and candidate, what its random numbers are a function of */
    const uint32_t *frames; /* [slots]: the frame that each slot is, unique within its step */
    uint32_t candidate;     /* for these frames, from 0 */
} cv_strand;

typedef struct cv_loop {
    const cv_cogvideo *model;
    const cv_stage *stage;
    const cv_ids *text, *guide; /* `guide` NULL = unguided */
    double guidance;
    float text_weight;
    bool plus;        /* false: the first frame */
    int given, slots; /* slots 0 .. given-1 are known, given .. slots-1 are made */
    bool blank;       /* the given ones are not passed but taken as zeros: to measure what comes after them */
    const cogvideo_sampling *sampling;
    uint64_t seed;
    cv_step_kind step; /* both enter the random numbers, and the names of rows that are kept */
    int round;         /* of interpolation, counted from the key frames; 0 elsewhere */
    cv_strand *strands;
    int count;
    int lookahead;       /* as in the options */
    cv_lookahead *ahead; /* what is known of steps, of this loop and those before it; zeroed at first */
    /* Called after each step with the codes decided so far in all strands, in this loop; another value than 0 stops. */
    int (*advanced)(void *user, long long codes);
    /* A slot is finished in all strands. Another value than 0 stops. */
    int (*slot_done)(void *user, int slot);
    void *user;
    /* their keep and recall: given finished rows, asked for known ones; NULL = nobody */
    const cogvideo_callbacks *rows;
    const char *what; /* is made, in words, for errors: "key frames" */
} cv_loop;

/* COGVIDEO_ERROR_MODEL, with the place in words, where logits are not sound. Of several strands with such logits, the
 * one that is named depends on how far each had come. */
cogvideo_status cv_loop_run(const cv_loop *loop, cogvideo_error *err);

/* Bytes that it allocates: caches and scratch. */
void cv_loop_bytes(const cv_cogvideo *model, const cv_stage *stage, int text, int guide, bool plus, int given,
                   int slots, int count, int lookahead, uint64_t *caches, uint64_t *scratch);

#endif
