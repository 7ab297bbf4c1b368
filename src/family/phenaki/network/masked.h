/* masked.h - the masked transformer of Phenaki (section 3.2; Chang et al., "MaskGIT", 2022): logits for every place
 * of a box of codes, some of them masked, under a text; and the critics that score how likely each code is wrong
 * (Lezama et al., "Improved masked image generation with Token-Critic", 2022). */
#ifndef CV_FAMILY_PHENAKI_NETWORK_MASKED_H
#define CV_FAMILY_PHENAKI_NETWORK_MASKED_H

#include "base/json.h"
#include "family/phenaki/network/blocks.h"

/* Bounds that no published network comes near; products of sizes below them fit an int. */
#define CV_MASKED_LAYERS 256
#define CV_MASKED_WIDTH 16384 /* of rows and of the vectors of a text */
#define CV_MASKED_HEADS 1024  /* and of their width */
#define CV_MASKED_CODES (1 << 20)
#define CV_MASKED_PLACES (1 << 16)

typedef struct cv_masked_config {
    int layers, width, heads, head_width, inner;
    int text_width; /* 0 = unconditional */
    int codes;      /* V; id V is the mask */
    int places;     /* rows of pos_emb: the largest box */
    bool cosine;
    bool critic; /* a token critic: one score a token, no bias by distance */
} cv_masked_config;

/* The masked transformer or a token critic. */
typedef struct cv_masked cv_masked;

/* The sections "masked" and "critic" of model.json, whose keys are the names above, but for `critic`, which is set in
 * `out` before. A critic's key "kind" is its caller's. */
cogvideo_status cv_masked_config_read(cv_masked_config *out, const cv_json *section, const char *origin,
                                      cogvideo_error *err);
void cv_masked_config_put(cv_json *section, const cv_masked_config *config);
/* What the tensors of a file tell, which is all; `critic` of `out` is set before. */
cogvideo_status cv_masked_measure(cv_masked_config *out, const cv_store *store, cogvideo_error *err);

/* Claims all tensors by the original's names. The store outlives it. */
cogvideo_status cv_masked_open(cv_masked **out, const cv_masked_config *config, cv_store *store, cogvideo_error *err);
void cv_masked_close(cv_masked **network);
const cv_masked_config *cv_masked_config_of(const cv_masked *network);

/* A self critic: one score from the last norm of the masked transformer, "to_pred.0.*". */
typedef struct cv_self_critic {
    cv_linear to_pred;
} cv_self_critic;
cogvideo_status cv_self_critic_bind(cv_self_critic *out, cv_store *store, int width, cogvideo_error *err);

/* Boxes of ids under their texts. */
typedef struct cv_masked_input {
    int batch, T, h, w;
    const int32_t *ids;       /* [batch][T h w], 0 .. V */
    const uint8_t *seen;      /* [batch][T h w]: 0 at padded places; NULL = all are true */
    const float *text;        /* [batch][text_rows][text_width]; NULL: unconditional */
    const uint8_t *text_mask; /* [batch][text_rows]; all 0 = the null pass */
    int text_rows;
    /* Other than 0: the second half of the batch is the first once more, under no text, and out [batch / 2] is null +
     * guidance * (text - null). As the last layer is linear, its inputs are mixed so in place of its outputs. */
    float guidance;
} cv_masked_input;

/* Boxes that come out. */
static inline int cv_masked_boxes(const cv_masked_input *input)
{
    return input->guidance != 0 ? input->batch / 2 : input->batch;
}

/* Is shown "bias", "layers.in", "layers.I.peg" .. "layers.out", and "logits" or "scores". */
typedef void cv_masked_observer(void *user, const char *name, const float *x, size_t numbers);

size_t cv_masked_scratch(const cv_exec *exec, const cv_masked *network, const cv_masked_input *input);
/* out [boxes][T h w][V] logits, or [boxes][T h w] scores of a critic. With `self` the scores of a self critic over the
 * same trunk in place of logits. */
void cv_masked_run(const cv_exec *exec, const cv_masked *network, const cv_self_critic *self,
                   const cv_masked_input *input, float *out, cv_masked_observer *seen, void *user, cv_arena *arena);

/* --- training: masked_train.c ------------------------------------------------------------------------------------ */

typedef struct cv_masked_learner cv_masked_learner;

typedef struct cv_masked_learning {
    int batch, T, h, w, text_rows; /* of the largest batch */
    double embedding_gradient; /* what the gradient of the embeddings is multiplied by: 0.1 of the original, 1 own */
    bool self;                 /* a self critic is trained with it */
} cv_masked_learning;

/* `gradients` is a store like that of the weights; of a self critic both have to_pred, too. */
cogvideo_status cv_masked_learner_open(cv_masked_learner **out, const cv_exec *exec, cv_store *weights,
                                       cv_store *gradients, const cv_masked_config *config,
                                       const cv_masked_learning *options, cogvideo_error *err);
void cv_masked_learner_close(cv_masked_learner **learner);
size_t cv_masked_learner_bytes(const cv_masked_learner *learner);
/* Adds the gradients of the mean cross-entropy over the places where labels [batch][T h w] are not negative, and gives
 * that mean. dtext, laid out as the text, is added to; NULL = not wanted. */
double cv_masked_learner_run(cv_masked_learner *learner, const cv_masked_input *input, const int32_t *labels,
                             float *dtext);
/* The same of a critic: the mean binary cross-entropy of labels 0 and 1 over all true places. */
double cv_masked_learner_run_critic(cv_masked_learner *learner, const cv_masked_input *input, const uint8_t *labels,
                                    float *dtext);
/* The losses alone; with `logprob` [batch][T h w], NULL = not wanted, the log-probability of each label. */
double cv_masked_learner_measure(cv_masked_learner *learner, const cv_masked_input *input, const int32_t *labels,
                                 float *logprob);
double cv_masked_learner_measure_critic(cv_masked_learner *learner, const cv_masked_input *input,
                                        const uint8_t *labels);
/* Logits [batch][T h w][V] of the last run or measure. */
const float *cv_masked_learner_logits(const cv_masked_learner *learner);

#endif
