/* cvivit.h - C-ViViT (Villegas et al., "Phenaki", 2022, section 3.1): a clip to a box of codes and back. The first
 * latent frame is one picture, each other one `patch_frames` of them. A network reads boxes of any size. */
#ifndef CV_FAMILY_PHENAKI_NETWORK_CVIVIT_H
#define CV_FAMILY_PHENAKI_NETWORK_CVIVIT_H

#include "base/json.h"
#include "family/phenaki/network/blocks.h"

typedef enum cv_quantizer {
    CV_QUANTIZER_LFQ,    /* signs of n numbers are the bits of a code, the first the highest */
    CV_QUANTIZER_COSINE, /* the code whose vector is nearest by angle */
} cv_quantizer;

typedef struct cv_cvivit_config {
    int width, heads, head_width;
    int spatial_layers, temporal_layers;         /* each way */
    int patch_height, patch_width, patch_frames; /* pixels and video frames of a code */
    cv_quantizer quantizer;
    int codes;       /* V; of lfq a power of two */
    int code_width;  /* numbers that are compared: log2 of the codes of lfq, cd of cosine */
    bool projected;  /* there are project_in and project_out; false: code_width is the width */
    bool patch_norm; /* "dual": a norm before and behind the projection of a patch; false = "none" */
    cv_peg spatial_peg, temporal_peg;
    bool peg_causal;
    bool causal;           /* attention over time sees what was before, with ALiBi */
    bool cosine;           /* queries and keys are normalized */
    float mean[3], std[3]; /* of the pixels of a clip: (pixel - mean) / std enters, and what comes out is turned back */
} cv_cvivit_config;

typedef struct cv_cvivit cv_cvivit;

/* The section "video_tokenizer" of model.json, whose keys are these names; docs in configs/README.md. */
cogvideo_status cv_cvivit_config_read(cv_cvivit_config *out, const cv_json *section, const char *origin,
                                      cogvideo_error *err);
void cv_cvivit_config_put(cv_json *section, const cv_cvivit_config *config);
/* What the tensors of a file tell of it: all but patch_height and patch_width apart (a square is assumed unless both
 * are set in `out` before), the temporal PEG's axes (SCRAMBLED where there is one) and `causal` (that of the
 * published files of that kind), mean and std (0 and 1). */
cogvideo_status cv_cvivit_measure(cv_cvivit_config *out, const cv_store *store, cogvideo_error *err);

/* Claims all tensors by the original's names. The store outlives it. */
cogvideo_status cv_cvivit_open(cv_cvivit **out, const cv_cvivit_config *config, cv_store *store, cogvideo_error *err);
void cv_cvivit_close(cv_cvivit **network);
const cv_cvivit_config *cv_cvivit_config_of(const cv_cvivit *network);

/* A batch of clips and its box. */
typedef struct cv_cvivit_box {
    int batch, T, h, w;
} cv_cvivit_box;

/* Pixels on one side of a patch across, where it is not a square; otherwise 0. */
static inline int cv_cvivit_rate_across(const cv_cvivit_config *config)
{
    return config->patch_width == config->patch_height ? 0 : config->patch_width;
}

/* Latent frames that so many frames fill. */
static inline int cv_cvivit_latent_frames(const cv_cvivit_config *config, int frames)
{
    return frames > 0 ? 1 + (frames - 1) / config->patch_frames : 0;
}

/* Frames of so many latent frames. */
static inline int cv_cvivit_frames(const cv_cvivit_config *config, int T)
{
    return 1 + (T - 1) * config->patch_frames;
}

/* Is shown "enc_spatial.in", "enc_spatial.I.self" .. "dec_spatial.out", in the order [batch][T][h][w][C], and "bias",
 * "z" (what the quantizer compares). For tests and tools; `numbers` of `x`. */
typedef void cv_cvivit_observer(void *user, const char *name, const float *x, size_t numbers);

/* Returns the bytes that the functions below take from their arena. */
size_t cv_cvivit_scratch(const cv_exec *exec, const cv_cvivit *network, const cv_cvivit_box *box);
/* codes [batch][T][h][w] of pixels [batch][3][frames][h patch_height][w patch_width] in 0..1; -1 where the network gave
 * NaN, which damaged weights do. `margins`, laid out as the codes: how firm each is, min |y| of lfq, best less second
 * similarity of cosine; NULL = not wanted. */
void cv_cvivit_encode(const cv_exec *exec, const cv_cvivit *network, const cv_cvivit_box *box, int32_t *codes,
                      float *margins, const float *pixels, cv_cvivit_observer *seen, void *user, cv_arena *arena);
/* pixels, laid out as above and not clamped, of codes, each below the number of codes. */
void cv_cvivit_decode(const cv_exec *exec, const cv_cvivit *network, const cv_cvivit_box *box, float *pixels,
                      const int32_t *codes, cv_cvivit_observer *seen, void *user, cv_arena *arena);

/* --- training: cvivit_train.c ------------------------------------------------------------------------------------ */

typedef struct cv_cvivit_losses {
    double reconstruction; /* mean of squared differences over true frames */
    double auxiliary;      /* the quantizer's own, weighted: commitment, entropies */
    double loss;           /* their sum */
} cv_cvivit_losses;

typedef struct cv_cvivit_learning {
    cv_cvivit_box box; /* T of the longest clip */
    double commitment; /* beta of cosine (1 lucidrains, 0.25 own) or of lfq (0.25) */
    double entropy;    /* weight of lfq's two entropies (0.1); 0 = none */
    bool decoder_only; /* the encoder, and with it the bias of distances, gets no gradients */
} cv_cvivit_learning;

typedef struct cv_cvivit_learner cv_cvivit_learner;

/* `gradients` is a store like that of the weights; the codebook and its averages get none. */
cogvideo_status cv_cvivit_learner_open(cv_cvivit_learner **out, const cv_exec *exec, cv_store *weights,
                                       cv_store *gradients, const cv_cvivit_config *config,
                                       const cv_cvivit_learning *options, cogvideo_error *err);
void cv_cvivit_learner_close(cv_cvivit_learner **learner);
size_t cv_cvivit_learner_bytes(const cv_cvivit_learner *learner);
/* Adds the gradients of the loss over pixels of a batch whose boxes have T latent frames; `true_T` [batch], NULL = all:
 * latent frames of each clip that are true, the others are padding. */
void cv_cvivit_learner_run(cv_cvivit_learner *learner, cv_cvivit_losses *losses, const float *pixels, int T,
                           const int *true_T);
/* The losses alone. */
void cv_cvivit_learner_measure(cv_cvivit_learner *learner, cv_cvivit_losses *losses, const float *pixels, int T,
                               const int *true_T);
/* Chooses whether the decoder gets the vectors of codes (the default) or what is compared itself (of cosine of length
 * 1), without a loss of the quantizer: a network that starts without codes gives k-means vectors that form clusters. */
void cv_cvivit_learner_quantize(cv_cvivit_learner *learner, bool quantize);
/* Of the last run: the vectors that were compared [rows][code_width] (of cosine of length 1) and their codes [rows],
 * true tokens only; for train/codebook.h. */
const float *cv_cvivit_learner_vectors(const cv_cvivit_learner *learner);
const int32_t *cv_cvivit_learner_codes(const cv_cvivit_learner *learner);
int cv_cvivit_learner_rows(const cv_cvivit_learner *learner);

#endif
