/* network.h - the layers of an image tokenizer, for the files of this folder and for training. */
#ifndef CV_MODEL_IMAGE_TOKENIZER_NETWORK_H
#define CV_MODEL_IMAGE_TOKENIZER_NETWORK_H

#include "model/image_tokenizer/image_tokenizer.h"
#include "nn/attention2d.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/resblock.h"

/* One resolution of an encoder or a decoder. */
typedef struct cv_picture_level {
    int in, out;             /* channels */
    cv_resblock blocks[CV_IMAGE_TOKENIZER_BLOCKS];
    int block_count;
    cv_attention2d attention; /* norm.C is 0 where there is none */
    cv_conv2d sampler;        /* to the next level; out is 0 at the last one */
} cv_picture_level;

/* An encoder or a decoder. One of patches has them before conv_in, or behind conv_out, and one level, whose places they are; no
 * middle, and no norm at the end, so that what conv_in sees has a straight way to conv_out; norms per place. */
typedef struct cv_picture_network {
    int patch; /* side of the patches, 0 = none */
    cv_conv2d conv_in;
    cv_picture_level levels[CV_IMAGE_TOKENIZER_LEVELS]; /* finest first */
    int level_count;
    cv_resblock mid_block_1, mid_block_2;
    cv_attention2d mid_attention;
    cv_group_norm norm_out;
    cv_conv2d conv_out;
} cv_picture_network;

struct cv_image_tokenizer {
    cv_image_tokenizer_config config;
    cv_picture_network encoder;
    cv_picture_network decoders[CV_IMAGE_TOKENIZER_DECODERS];
    cv_conv2d down_samplers[CV_IMAGE_TOKENIZER_LEVELS];
    cv_conv2d proj;     /* out is 0 where patches are encoded as they are */
    cv_weight codebook; /* [codes, latent] */
};

#endif
