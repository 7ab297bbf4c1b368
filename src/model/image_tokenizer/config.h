/* config.h - the sizes of an image tokenizer: the section "image_tokenizer" of a model description. */
#ifndef CV_MODEL_IMAGE_TOKENIZER_CONFIG_H
#define CV_MODEL_IMAGE_TOKENIZER_CONFIG_H

#include "base/json.h"

#define CV_IMAGE_TOKENIZER_LEVELS 8
#define CV_IMAGE_TOKENIZER_DECODERS 8
#define CV_IMAGE_TOKENIZER_BLOCKS 8 /* of a level, at most */

/* Resolutions of a half network, finest first; each is half as wide and high as the one before. Or patches: one level, whose places
 * are squares of pixels. */
typedef struct cv_image_tokenizer_levels {
    int count;
    int widths[CV_IMAGE_TOKENIZER_LEVELS]; /* channels, a multiple of the groups; 0: no network, an encoder gives the patches as they are */
    int attention; /* the level whose block is followed by an attention block, -1 = none; decoders only */
    int patch;     /* side of the patches in pixels, 0 = none */
    int blocks;    /* where there are patches */
} cv_image_tokenizer_levels;

typedef struct cv_image_tokenizer_config {
    int latent;       /* width of a code's vector */
    int codes;        /* rows of the codebook */
    int groups;       /* of every group norm */
    float norm_epsilon;
    float mean[3], std[3]; /* of RGB in 0..1 */
    int channels;     /* C0: of the first convolution */
    cv_image_tokenizer_levels encoder; /* with patches it is local: it makes a code of a patch's own pixels alone */
    int decoder_count;
    cv_image_tokenizer_levels decoders[CV_IMAGE_TOKENIZER_DECODERS];
    int down_samplers; /* halvings after the encoder, as many as the coarsest decoder needs */
} cv_image_tokenizer_config;

/* Pixels per code on one side. */
int cv_image_tokenizer_rate(const cv_image_tokenizer_levels *levels);

/* Every key is required (but a decoder's "attention") and checked, so that any config that comes out describes a
 * network whose sizes fit an int. `origin`, the file's name, starts every error. */
cogvideo_status cv_image_tokenizer_config_parse(cv_image_tokenizer_config *out, const cv_json *section,
                                                const char *origin, cogvideo_error *err);

#endif
