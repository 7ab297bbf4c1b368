/* blocks.h - the transformer that all networks of Phenaki are made of, phenaki-pytorch's: blocks of up to four
 * sublayers, each added to the residual, and a norm at the end.
 *
 *     x += PEG(x)                              a depthwise convolution over time, rows and columns
 *     x += attention(x, x)                     queries of norm(x), keys and values of x itself
 *     x += attention(x, text)                  two null keys before the text's
 *     x += W2 (a * gelu(g)), [a | g] = W1 norm(x)
 *
 * A gradient is a cv_blocks that is bound to a store of gradients. */
#ifndef CV_FAMILY_PHENAKI_NETWORK_BLOCKS_H
#define CV_FAMILY_PHENAKI_NETWORK_BLOCKS_H

#include "nn/cosine_attention.h"
#include "nn/depthwise3d.h"
#include "nn/linear.h"
#include "nn/norm.h"

#define CV_BLOCKS_EPSILON 1e-5f
#define CV_BLOCKS_SCALE 8.0f /* of scores of normalized queries and keys, whatever D */
#define CV_BLOCKS_TEXT_NULLS 2

typedef enum cv_peg {
    CV_PEG_NONE,
    CV_PEG_TRUE,
    /* The original hands rows that lie in the order row, column, time to a convolution over time, row, column as they
     * are, so places mix. Published weights were trained so. It differs from TRUE over time alone. */
    CV_PEG_SCRAMBLED,
} cv_peg;

typedef struct cv_blocks_config {
    int layers, width, heads, head_width; /* heads * head_width need not be the width */
    int inner;                            /* of the feed-forward network: floor(8 width / 3) in all published ones */
    int text_width;                       /* of the vectors of a text; 0 = no attention to a text */
    cv_peg peg;
    bool peg_causal;
    bool causal; /* a row sees itself and those before it, with ALiBi */
    bool cosine; /* queries and keys are normalized, scores times 8; false: scores times head_width^-0.5 */
} cv_blocks_config;

typedef struct cv_blocks_attention {
    cv_layer_norm norm;             /* "norm.gamma"; it adds nothing */
    cv_layer_norm context_norm;     /* of a text; C 0 in self attention */
    const float *q_scale, *k_scale; /* NULL unless cosine */
    const float *null_kv;           /* of a text */
    cv_linear to_q, to_kv, to_out;
} cv_blocks_attention;

typedef struct cv_block {
    cv_depthwise3d peg; /* C 0 = none */
    cv_blocks_attention self, text;
    cv_layer_norm ff_norm;
    cv_linear ff_in, ff_out; /* [2 inner, width], [width, inner] */
} cv_block;

typedef struct cv_blocks {
    cv_blocks_config config;
    cv_block *layers;
    cv_layer_norm norm_out;
    float *slopes; /* [heads] where causal */
} cv_blocks;

/* floor(8 width / 3) */
int cv_blocks_inner(int width);
/* Claims "PREFIXlayers.I.*" and "PREFIXnorm_out.gamma" by the names of the original's files, without the buffers of
 * zeros (beta) and without null_kv of no element, which imports drop. What it allocates _free frees, after errors
 * too. */
cogvideo_status cv_blocks_bind(cv_blocks *out, const cv_blocks_config *config, cv_store *store, const char *prefix,
                               cogvideo_error *err);
void cv_blocks_free(cv_blocks *blocks);

/* Over which places of a box rows see each other, and how its rows lie in memory. */
typedef enum cv_blocks_axis {
    CV_OVER_SPACE, /* those of one latent frame; x is [batch][T][h][w][C] */
    CV_OVER_TIME,  /* those of one place; x is [batch][h][w][T][C] */
    CV_OVER_ALL,   /* all of a box; x is [batch][T][h][w][C] */
} cv_blocks_axis;

/* Is shown the rows after each sublayer, in the order of memory: "in", "I.peg", "I.self", "I.cross", "I.ff", "out". */
typedef void cv_blocks_observer(void *user, const char *name, const float *x);

typedef struct cv_blocks_tape cv_blocks_tape;

/* Boxes as they go through the blocks. */
typedef struct cv_blocks_pass {
    const cv_exec *exec;
    const cv_blocks *blocks;
    cv_blocks_axis axis;
    int batch, T, h, w;
    const float *bias;        /* [heads][rows][rows] of self attention, rows = h w or T h w; NULL = none */
    const uint8_t *seen;      /* [batch][T h w]: 0 at padded places, which self attention does not see; NULL = all */
    const float *text;        /* [batch][text_rows][text_width] */
    const uint8_t *text_mask; /* [batch][text_rows]: 0 = not seen; a text of which nothing is seen is no text */
    int text_rows;
    bool training;
    bool q8_inputs; /* quantized weights take their inputs in 8 bits where the run does; not in training */
    cv_blocks_observer *observer; /* may be NULL */
    void *user;
    cv_blocks_tape *tape; /* set by _take */
} cv_blocks_pass;

/* Takes the memory of a pass whose other fields are set (of the pointers only whether they are NULL matters), and
 * reserves what the functions below take and give back, those of the way back too where it is one of training. */
void cv_blocks_pass_take(cv_blocks_pass *pass, cv_arena *arena);
/* x [batch * T h w, width] goes through all blocks and the last norm. A box's rows depend on its own alone. */
void cv_blocks_pass_run(const cv_blocks_pass *pass, float *x, cv_arena *arena);

/* What the way back gives beside gradients of weights; NULL = not wanted. */
typedef struct cv_blocks_grad {
    const cv_blocks *blocks; /* bound to gradients, which are added to */
    float *bias;             /* added to */
    float *text;             /* added to */
} cv_blocks_grad;
/* The gradient dx of what a training pass gave becomes that of what it took: blocks_backward.c. */
void cv_blocks_pass_backward(const cv_blocks_pass *pass, const cv_blocks_grad *grad, float *dx, cv_arena *arena);

/* out [batch][h][w][T][C] of x [batch][T][h][w][C], or the other way where `back`. They must not overlap. */
void cv_box_turn(const cv_exec *exec, float *out, const float *x, int batch, int T, int h, int w, int C, bool back);

/* --- position_bias.c: the bias of self attention by distance ---------------------------------------------------- */

/* A small network over the signed logarithm of the distance along each axis. */
typedef struct cv_position_bias {
    cv_linear net[3]; /* axes -> K, K -> K, K -> heads; leaky ReLU of 0.1 behind the first two */
    int axes;         /* 2: row, column; 3: time, row, column */
} cv_position_bias;

/* Claims "PREFIXnet.0.0.*", "net.1.0.*", "net.2.*". */
cogvideo_status cv_position_bias_bind(cv_position_bias *out, cv_store *store, const char *prefix, int axes, int K,
                                      int heads, cogvideo_error *err);
size_t cv_position_bias_scratch(const cv_exec *exec, const cv_position_bias *net, int T, int h, int w);
/* bias [heads][rows][rows], rows = T h w (T is 1 where there are two axes). */
void cv_position_bias_apply(const cv_exec *exec, const cv_position_bias *net, float *bias, int T, int h, int w,
                            cv_arena *arena);
/* Adds to the gradients of `grad` from dbias. */
void cv_position_bias_backward(const cv_exec *exec, const cv_position_bias *net, const cv_position_bias *grad,
                               const float *dbias, int T, int h, int w, cv_arena *arena);

#endif
