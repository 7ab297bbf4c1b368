/* config.h - the sizes of an image tokenizer: the section "image_tokenizer" of a model config. */
#ifndef CV_MODEL_IMAGE_TOKENIZER_CONFIG_H
#define CV_MODEL_IMAGE_TOKENIZER_CONFIG_H

#include "base/json.h"

#define CV_IMAGE_TOKENIZER_LEVELS 8
#define CV_IMAGE_TOKENIZER_DECODERS 8
#define CV_IMAGE_TOKENIZER_BLOCKS 8 /* in a level, at most */

/* The levels of an encoder or a decoder, finest first; each is half as wide and high as the one before. Or patches:
 * a single level, whose positions are squares of pixels. */
typedef struct cv_image_tokenizer_levels {
    int count;
    /* channels, a multiple of the groups; 0: there is no network, and the encoder returns the patches unchanged */
    int widths[CV_IMAGE_TOKENIZER_LEVELS];
    int attention; /* the level whose blocks are followed by an attention block, -1 = none; decoders only */
    int patch;     /* side of the patches in pixels, 0 = none */
    int blocks;    /* number of blocks, where there are patches */
} cv_image_tokenizer_levels;

typedef struct cv_image_tokenizer_config {
    int latent; /* width of a code's vector */
    int codes;  /* rows of the codebook */
    /* The first `colours` codes are of one colour, the others patterns of `colour_pairs`, pairs of these: as many of
     * each, in the same order. What is left over at the end is not used. 0: the codes have no such order. Only training
     * sees to it and makes use of it. */
    int colours, colour_pairs;
    int groups; /* in every group norm */
    float norm_epsilon;
    float mean[3], std[3]; /* of RGB in 0..1 */
    int channels;          /* C0: of the first convolution */
    /* with patches it is local: it makes each code from the pixels of one patch alone */
    cv_image_tokenizer_levels encoder;
    int decoder_count;
    cv_image_tokenizer_levels decoders[CV_IMAGE_TOKENIZER_DECODERS];
    int down_samplers; /* halvings after the encoder, as many as the coarsest decoder needs */
} cv_image_tokenizer_config;

/* Returns the number of pixels per code on one side. */
int cv_image_tokenizer_rate(const cv_image_tokenizer_levels *levels);

/* Parses and checks the section, so that every config that is accepted describes a network whose sizes fit an int.
 * All keys are required except a decoder's "attention", and "colours" and "colour_pairs", of which a config has both or
 * none. `origin`, the file's name, starts every error. */
cogvideo_status cv_image_tokenizer_config_parse(cv_image_tokenizer_config *out, const cv_json *section,
                                                const char *origin, cogvideo_error *err);

#endif
