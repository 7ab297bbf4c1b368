/* planes.h - the picture on its way through a network: three buffers, of which layers use two as scratch. In training a
 * tape remembers what each layer saw. */
#ifndef CV_MODEL_IMAGE_TOKENIZER_PLANES_H
#define CV_MODEL_IMAGE_TOKENIZER_PLANES_H

#include "model/image_tokenizer/tape.h"

/* On a measuring arena the buffers are NULL, sizes are followed and nothing is computed. */
typedef struct cv_planes {
    const cv_exec *exec;
    cv_arena *arena;
    float *x;              /* the picture, [channels][height][width] */
    float *inner, *middle; /* scratch, as large */
    int height, width;
    double operations;     /* so far: of convolutions computed directly, and of attention's products */
    cv_tape *tape;         /* NULL at inference; every result then gets memory of its own, which the arena keeps */
} cv_planes;

/* Takes buffers that hold every picture of `network`, whose finest one is height x width and whose input or output at
 * the coarsest end has `latent` channels. */
void cv_planes_take(cv_planes *planes, const cv_picture_network *network, int latent, int height, int width);

/* Each replaces x, and leaves a step on the tape. */
void cv_planes_conv(cv_planes *planes, const cv_conv2d *conv);
void cv_planes_patches(cv_planes *planes, const cv_picture_network *network); /* of pixels, one a place */
void cv_planes_unpatch(cv_planes *planes, const cv_picture_network *network); /* and back */
void cv_planes_upsample(cv_planes *planes, const cv_conv2d *conv);    /* twice as large, then conv */
void cv_planes_pool_conv(cv_planes *planes, const cv_conv2d *conv);   /* average pool + conv of stride 2 */
void cv_planes_blocks(cv_planes *planes, const cv_picture_level *level);
void cv_planes_mid(cv_planes *planes, const cv_picture_network *network);    /* nothing where there are patches */
void cv_planes_finish(cv_planes *planes, const cv_picture_network *network); /* norm, swish, conv_out; of patches conv_out alone */

/* rows [places][C] = x [C][places] transposed */
void cv_planes_rows(const cv_planes *planes, float *rows, int C);

/* --- the two halves, in encode.c and decode.c --- */

/* How many halvings make `rate` out of the encoder's; -1 where it cannot be reached or does not divide the picture. */
int cv_image_tokenizer_halvings(const cv_image_tokenizer *tokenizer, int width, int height, int rate);
/* From rgb [height][width][3] to x [latent][places], not yet quantised. */
void cv_planes_encode(cv_planes *planes, const cv_image_tokenizer *tokenizer, const uint8_t *rgb, int halvings);

/* NULL where no decoder has the rate or the picture would be too large. */
const cv_picture_network *cv_image_tokenizer_decoder(const cv_image_tokenizer *tokenizer, int grid_width,
                                                     int grid_height, int rate);
/* From codes [height][width], or where those are NULL from vectors that stand in x, to x [3][pixels]: rgb less the mean, over the standard deviation. */
void cv_planes_decode(cv_planes *planes, const cv_image_tokenizer *tokenizer, const cv_picture_network *decoder,
                      const int32_t *codes);

#endif
