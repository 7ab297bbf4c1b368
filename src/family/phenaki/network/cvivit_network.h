/* cvivit_network.h - the layers of a C-ViViT, shared by its passes and its training; private to both. A gradient is a
 * cv_cvivit over a store of gradients. */
#ifndef CV_FAMILY_PHENAKI_NETWORK_CVIVIT_NETWORK_H
#define CV_FAMILY_PHENAKI_NETWORK_CVIVIT_NETWORK_H

#include "family/phenaki/network/cvivit.h"

/* From a patch to a token: norm, projection, norm; C of the norms is 0 where there are none. */
typedef struct cv_patch_embedding {
    cv_layer_norm before, after;
    cv_linear projection;
} cv_patch_embedding;

struct cv_cvivit {
    cv_cvivit_config config;
    cv_patch_embedding patches[2]; /* of the first latent frame, of the others */
    cv_linear pixels[2];           /* from a token to a patch, likewise */
    cv_position_bias bias;
    cv_blocks enc_spatial, enc_temporal, dec_temporal, dec_spatial;
    cv_linear project_in, project_out; /* N 0 where not projected */
    const float *embed;                /* of cosine: [V][cd], as stored */
};

/* Video frames of a latent frame: 1 of the first, patch_frames of the others. */
static inline int cv_patch_frames(const cv_cvivit_config *config, bool first)
{
    return first ? 1 : config->patch_frames;
}

/* Numbers of a patch of the first latent frame, or of another. */
static inline int cv_patch_numbers(const cv_cvivit_config *config, bool first)
{
    return 3 * cv_patch_frames(config, first) * config->patch_height * config->patch_width;
}

/* Tokens of all boxes, and pixels of all clips. */
static inline size_t cv_cvivit_rows(const cv_cvivit_box *box)
{
    return (size_t)box->batch * (size_t)box->T * (size_t)box->h * (size_t)box->w;
}

static inline size_t cv_cvivit_pixels(const cv_cvivit_config *config, const cv_cvivit_box *box)
{
    return 3 * (size_t)box->batch * (size_t)cv_cvivit_frames(config, box->T) * (size_t)(box->h * config->patch_height) *
           (size_t)(box->w * config->patch_width);
}

/* A pass over the boxes, over space or over time, whose memory is not yet taken. */
cv_blocks_pass cv_cvivit_pass(const cv_exec *exec, const cv_cvivit *network, const cv_blocks *blocks,
                              const cv_cvivit_box *box, const float *bias);

/* --- patches.c ---------------------------------------------------------------------------------------------------- */

/* Patches of clip `item` of a batch: [h w][numbers] of the first latent frame, or [(T - 1) h w][numbers] of the others;
 * the channel is slowest, then frame, row and column. Pixels enter as (pixel - mean) / std. */
void cv_patches_gather(const cv_cvivit_config *config, const cv_cvivit_box *box, int item, bool first, float *patches,
                       const float *pixels);
/* The opposite: pixels become patch * std + mean. */
void cv_patches_scatter(const cv_cvivit_config *config, const cv_cvivit_box *box, int item, bool first,
                        const float *patches, float *pixels);

/* --- quantizer.c -------------------------------------------------------------------------------------------------- */

/* Bytes that cv_quantize_codes takes, of however many rows. */
size_t cv_quantize_scratch(const cv_exec *exec, const cv_cvivit *network);
/* codes [rows] of what is compared, y [rows][code_width]; margins may be NULL. The code of numbers that are no numbers
 * is -1. */
void cv_quantize_codes(const cv_exec *exec, const cv_cvivit *network, int32_t *codes, float *margins, const float *y,
                       size_t rows, cv_arena *arena);
/* The vector of a code [code_width]: +-1 of lfq, the codebook's row of cosine. */
void cv_quantize_vector(const cv_cvivit *network, float *vector, int32_t code);

#endif
