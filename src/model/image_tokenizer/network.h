/* network.h - the layers of an image tokenizer, shared by the files of this folder and the training code. */
#ifndef CV_MODEL_IMAGE_TOKENIZER_NETWORK_H
#define CV_MODEL_IMAGE_TOKENIZER_NETWORK_H

#include "model/image_tokenizer/image_tokenizer.h"
#include "nn/attention2d.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/resblock.h"

/* One level of an encoder or a decoder. */
typedef struct cv_picture_level {
    int in, out; /* channels */
    cv_resblock blocks[CV_IMAGE_TOKENIZER_BLOCKS];
    int block_count;
    cv_attention2d attention; /* norm.C is 0 where there is no attention */
    cv_conv2d sampler;        /* leads to the next level; out is 0 at the last one */
} cv_picture_level;

/* An encoder or a decoder. A network of patches splits the image into patches before conv_in, or joins them after
 * conv_out. It has one level, whose positions are the patches; no middle; no norm at the end, so that there is a
 * linear path from conv_in to conv_out; and norms per position. */
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
    cv_conv2d proj;     /* out is 0 where patches are encoded unchanged */
    cv_weight codebook; /* [codes, latent] */
};

#endif
