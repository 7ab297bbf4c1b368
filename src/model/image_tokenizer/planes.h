/* planes.h - the picture on its way through a network: three buffers, of which layers use two as scratch. */
#ifndef CV_MODEL_IMAGE_TOKENIZER_PLANES_H
#define CV_MODEL_IMAGE_TOKENIZER_PLANES_H

#include "model/image_tokenizer/network.h"

/* On a measuring arena the buffers are NULL, sizes are followed and nothing is computed. */
typedef struct cv_planes {
    const cv_exec *exec;
    cv_arena *arena;
    float *x;              /* the picture, [channels][height][width] */
    float *inner, *middle; /* scratch, as large */
    int height, width;
} cv_planes;

/* Takes buffers that hold every picture of `network`, whose finest one is height x width and whose input or output at
 * the coarsest end has `latent` channels. */
void cv_planes_take(cv_planes *planes, const cv_picture_network *network, int latent, int height, int width);

/* Each replaces x. */
void cv_planes_conv(cv_planes *planes, const cv_conv2d *conv);
void cv_planes_upsample(cv_planes *planes, const cv_conv2d *conv);    /* twice as large, then conv */
void cv_planes_pool_conv(cv_planes *planes, const cv_conv2d *conv);   /* average pool + conv of stride 2 */
void cv_planes_blocks(cv_planes *planes, const cv_picture_level *level);
void cv_planes_mid(cv_planes *planes, const cv_picture_network *network);
void cv_planes_finish(cv_planes *planes, const cv_picture_network *network); /* norm, swish, conv_out */

#endif
