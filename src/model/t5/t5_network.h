/* t5_network.h - the weights of T5's encoder and a pass through its blocks; private to T5.
 *
 * The texts of a batch lie one behind the other, without pads: a row then depends on its own text alone, and pads cost
 * nothing. */
#ifndef CV_MODEL_T5_T5_NETWORK_H
#define CV_MODEL_T5_T5_NETWORK_H

#include "model/t5/t5.h"
#include "nn/cosine_attention.h"
#include "nn/linear.h"
#include "nn/rms_norm.h"

typedef struct cv_t5_block {
    cv_rms_norm norm; /* of the attention */
    cv_linear q, k, v, o;
    cv_rms_norm dense_norm;
    cv_linear gate, value; /* wi_0 and wi_1; v1.0: wi is the gate, and there is no value */
    cv_linear wo;
} cv_t5_block;

struct cv_t5 {
    cv_t5_config config;
    cv_weight shared;           /* [vocabulary, width] */
    cv_weight bias_of_distance; /* [CV_T5_BUCKETS, heads], of all blocks */
    cv_t5_block *blocks;
    cv_rms_norm norm; /* the last one */
};

/* What a block computes, in order; [rows] of the width given. Inference has one for all blocks and reuses the memory
 * within it; training keeps one a block. */
typedef struct cv_t5_block_tape {
    float *x_in;         /* width; training only */
    float *normed;       /* width */
    float *q;            /* heads * head_width */
    float *kv;           /* twice that: keys, then values */
    float *context;      /* heads * head_width; inference: in place of q */
    float *x_mid;        /* width; training only: x after attention */
    float *dense_normed; /* width */
    float *gate, *value; /* inner; v1.0 has no value */
    float *active;       /* inner; inference: in place of value, or of gate */
} cv_t5_block_tape;

struct cv_t5_tape {
    bool training;
    int *firsts;              /* [texts + 1]: the first row of each text, and how many rows there are */
    int32_t *ids;             /* [rows] */
    float *x;                 /* [rows][width]: the residual; after a pass, what the last norm sees */
    float *by_distance;       /* the biases, t5_bias.h */
    float *bias;              /* [heads][longest][longest], or less: of the text whose turn it is */
    cv_t5_block_tape *blocks; /* [layers]; of all layers the same memory in inference */
};

/* The longest row that a matrix takes. */
static inline int cv_t5_widest(const cv_t5_config *config)
{
    const int inside = config->heads * config->head_width;
    const int most = config->width > config->inner ? config->width : config->inner;

    return inside > most ? inside : most;
}

/* The attention of a text of so many rows. */
static inline cv_cosine_attention cv_t5_attention(const cv_t5_config *config, int rows, const float *bias)
{
    return (cv_cosine_attention){ .items = 1,
                                  .rows = rows,
                                  .keys = rows,
                                  .heads = config->heads,
                                  .D = config->head_width,
                                  .scale = 1,
                                  .bias = bias };
}

/* Takes the fields of a tape, all but `training`, for `texts` texts of `longest` ids at most and `rows` in all; and
 * reserves what the function below takes. */
void cv_t5_tape_lay_out(cv_t5_tape *tape, const cv_exec *exec, const cv_t5 *t5, int texts, int longest, int rows,
                        cv_arena *arena);
/* cv_t5_run on such a tape, which is then filled. */
void cv_t5_pass(const cv_exec *exec, const cv_t5 *t5, const cv_t5_batch *batch, float *out, cv_t5_observer *seen,
                void *user, cv_t5_tape *tape, cv_arena *arena);

#endif
