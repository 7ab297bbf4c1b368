/* train.h - one training step of the transformer: the forward pass that inference runs, with its activations kept, the
 * loss, and the way back; README.md of this folder says what the sequences are.
 *
 * A sequence is its text and `slots` frames, in the slot order of its stage. Given slots see each other as known frames
 * do, the rest as generated ones do; the loss is the mean cross-entropy of the image codes of the rest. Or it is the
 * elements of a row of CogLM (coglm_rows.h), and the loss is the mean over those that have one. */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_TRAIN_H
#define CV_FAMILY_COGVIDEO_NETWORK_TRAIN_H

#include "base/arena.h"
#include "family/cogvideo/network/coglm.h"

typedef struct cv_train_sequence {
    const int32_t *text; /* [text_count], at least 1 id, each below the vocabulary */
    int text_count;
    const int32_t *codes; /* [slots][L] */

    const cv_element *elements; /* [count], in place of text and codes; labels and loss as coglm_rows.h has them */
    const int32_t *labels;
    const uint8_t *loss;
    int count;
} cv_train_sequence;

typedef struct cv_train_batch {
    const cv_train_sequence *sequences;
    int count;
    int slots, given; /* slots given .. slots-1 have loss: 1 and 0 for the trunk, frames and 1 for stage 1, frames and
                              cv_cogvideo_known for stage 2; slots 0: all sequences are elements */
    bool plus;        /* false: the trunk alone */
    float dropout;    /* share of the outputs of attention and MLP that is dropped; 0 = none */
    uint64_t seed;    /* with `step`, what decides which */
    uint32_t step;
} cv_train_batch;

/* The mean loss of the batch over all ids of stage->head, and its gradients added to `grads`: the same network bound to
 * stores of gradients. grads->trunk NULL = the trunk is frozen; grads NULL = no gradients, an evaluation. `ce`
 * [count][slots * L], or of all elements of one sequence after the other, takes every place's cross-entropy, also of
 * those without loss; NULL = not wanted. Nothing is allocated: buffers come from `arena` (measure first: on a measuring
 * arena nothing is computed and 0 comes back). */
double cv_stage_train(const cv_exec *exec, const cv_stage *stage, const cv_stage *grads, const cv_train_batch *batch,
                      float *ce, cv_arena *arena);

#endif
