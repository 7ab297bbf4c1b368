/* planes.h - an image on its way through a network: three buffers, of which layers use two as scratch. In training a
 * tape remembers the input of each layer. */
#ifndef CV_MODEL_IMAGE_TOKENIZER_PLANES_H
#define CV_MODEL_IMAGE_TOKENIZER_PLANES_H

#include "model/image_tokenizer/tape.h"

/* On a measuring arena the buffers are NULL, and only sizes are computed. */
typedef struct cv_planes {
    const cv_exec *exec;
    cv_arena *arena;
    float *x;              /* the image, [channels][height][width] */
    float *inner, *middle; /* scratch of the same size */
    int height, width;
    double operations; /* counted so far: convolutions as if computed directly, and the products of attention */
    /* NULL at inference; with a tape every result has memory of its own, which the arena keeps */
    cv_tape *tape;
} cv_planes;

/* Takes buffers that fit every stage of `network`, whose finest level is height x width and whose input or output at
 * the coarsest level has `latent` channels. */
void cv_planes_take(cv_planes *planes, const cv_picture_network *network, int latent, int height, int width);

/* Each replaces x and records a step on the tape. */
void cv_planes_conv(cv_planes *planes, const cv_conv2d *conv);
/* turns patches of pixels into positions */
void cv_planes_patches(cv_planes *planes, const cv_picture_network *network);
void cv_planes_unpatch(cv_planes *planes, const cv_picture_network *network); /* and back */
void cv_planes_upsample(cv_planes *planes, const cv_conv2d *conv);            /* twice as large, then conv */
void cv_planes_pool_conv(cv_planes *planes, const cv_conv2d *conv);           /* average pool + conv of stride 2 */
void cv_planes_blocks(cv_planes *planes, const cv_picture_level *level);
void cv_planes_mid(cv_planes *planes, const cv_picture_network *network); /* does nothing in a network of patches */
/* norm, swish, conv_out; only conv_out in a network of patches */
void cv_planes_finish(cv_planes *planes, const cv_picture_network *network);

/* rows [positions][C] = x [C][positions] transposed */
void cv_planes_rows(const cv_planes *planes, float *rows, int C);

/* --- the two halves, in encode.c and decode.c ----------------------------------------------------------------- */

/* Returns how many halvings after the encoder give `rate`; -1 where it cannot be reached, or the
 * image has a side that is shorter than it. */
int cv_image_tokenizer_halvings(const cv_image_tokenizer *tokenizer, int width, int height, int rate);
/* From rgb [height][width][3] or, where that is NULL, from `given` [3][height][width] of 0 .. 1 to x
 * [latent][positions], before quantization. */
void cv_planes_encode(cv_planes *planes, const cv_image_tokenizer *tokenizer, const uint8_t *rgb, const float *given,
                      int halvings);

/* Returns NULL where no decoder has the rate or the image would be too large. */
const cv_picture_network *cv_image_tokenizer_decoder(const cv_image_tokenizer *tokenizer, int grid_width,
                                                     int grid_height, int rate);
/* From codes [height][width] or, where those are NULL, from vectors in x, to x [3][pixels]: rgb minus the mean, over
 * the standard deviation. */
void cv_planes_decode(cv_planes *planes, const cv_image_tokenizer *tokenizer, const cv_picture_network *decoder,
                      const int32_t *codes);

#endif
