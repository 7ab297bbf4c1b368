/* convnet_train.h - a network of convolutions in training: over batches, by the statistics of the batch, with its
 * gradients. One layer after the other over the whole batch, since each norm needs all of it; threads share the clips.
 * Tables with mean pools cannot be trained. */
#ifndef CV_FAMILY_METRICS_NETWORK_CONVNET_TRAIN_H
#define CV_FAMILY_METRICS_NETWORK_CONVNET_TRAIN_H

#include "family/metrics/network/convnet.h"

#define CV_CONVNET_BLOCKS 32 /* of a network that is trained, at most */

/* What a step leaves for the backward pass; batches are [B][C][places]. */
typedef struct cv_convnet_record {
    float *y;                           /* its result */
    float *z;                           /* of a unit: behind the convolution */
    float *mean, *scale;                /* of a unit: its norm's, saved */
    float *batch_mean, *batch_variance; /* of a unit: what running statistics learn from */
    int32_t *largest;                   /* of a max pool: which numbers it passed on */
} cv_convnet_record;

/* A forward pass; memory is the arena's. */
typedef struct cv_convnet_tape {
    int B;
    float epsilon; /* of the norms */
    cv_volume in;  /* x [B][C][size] */
    cv_volume results[CV_CONVNET_BLOCKS];
    cv_convnet_record records[CV_CONVNET_BLOCKS][CV_CONVNET_STEPS];
} cv_convnet_tape;

/* The last block's results [B][C][size] for `in`, B volumes one after the other. All that the tape holds stays taken; a
 * measuring arena computes nothing. `observer` may be NULL; it sees the blocks of all volumes as one with B * C
 * channels. Nothing depends on the number of threads. */
cv_volume cv_convnet_train_forward(const cv_exec *exec, const cv_convnet *net, cv_convnet_tape *tape, cv_volume in,
                                   int B, float epsilon, const cv_convnet_observer *observer, cv_arena *arena);
/* From the gradient of those results, which is lost: += into `grad`, the same network bound to a store of gradients. */
void cv_convnet_train_backward(const cv_exec *exec, const cv_convnet *net, const cv_convnet *grad,
                               const cv_convnet_tape *tape, float *dresult, cv_arena *arena);
/* Running statistics become (1 - momentum) running + momentum batch; they lie in a store in memory. */
void cv_convnet_train_keep(const cv_convnet *net, const cv_convnet_tape *tape, float momentum);

#endif
