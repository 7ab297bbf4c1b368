/* tape.h - records a forward pass of planes.h for the backward pass: its layers in order, and the input of each. The
 * backward pass needs no second description of the network. */
#ifndef CV_MODEL_IMAGE_TOKENIZER_TAPE_H
#define CV_MODEL_IMAGE_TOKENIZER_TAPE_H

#include "model/image_tokenizer/network.h"

/* No encoder or decoder has more. */
#define CV_TAPE_STEPS 64

typedef enum cv_tape_kind {
    CV_TAPE_PATCHES, /* the layer is the whole network */
    CV_TAPE_UNPATCH, /* likewise */
    CV_TAPE_CONV,
    CV_TAPE_POOL_CONV, /* average pool + convolution */
    CV_TAPE_UPSAMPLE,
    CV_TAPE_BLOCK,
    CV_TAPE_ATTENTION,
    CV_TAPE_NORM_SWISH,
} cv_tape_kind;

typedef struct cv_tape_step {
    cv_tape_kind kind;
    const void *layer;  /* in the network's struct; NULL for a step without parameters */
    const float *x;     /* [in][height][width] */
    const float *saved; /* only for blocks, as in resblock.h */
    int in, height, width;
} cv_tape_step;

/* A zeroed tape is empty. */
typedef struct cv_tape {
    cv_tape_step steps[CV_TAPE_STEPS];
    int count;
} cv_tape;

/* Runs backward from dy, the gradient of the last step's result, to the gradient of the first step's x, which is
 * returned and lies in the arena (NULL if not `wanted`). Adds parameters' gradients to `grad`, the same network as
 * `weights` bound to a store of gradients. Only measures on a measuring arena. */
float *cv_tape_backward(const cv_exec *exec, const cv_tape *tape, const cv_image_tokenizer *weights,
                        const cv_image_tokenizer *grad, const float *dy, int channels, int height, int width,
                        bool wanted, cv_arena *arena);

#endif
