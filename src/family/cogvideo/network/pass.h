/* pass.h - a pass through the layers, as forward.c and backward.c share it; private to this folder.
 *
 * A pass has rows: text places and frame places, of one sequence or of many. Inference keeps one set of layer
 * buffers for all layers; training gives every layer a set of its own, and that is all that backward needs. */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_PASS_H
#define CV_FAMILY_COGVIDEO_NETWORK_PASS_H

#include "family/cogvideo/network/coglm.h"
#include "family/cogvideo/network/forward.h"
#include "nn/attention.h"
#include "nn/dropout.h"

#define CV_TEXT_SLOT (-1)

/* Where a position embedding stands: a table of the stage's network (or of its gradients), and the row. */
typedef struct cv_position {
    const cv_tensor *table;
    int row;
} cv_position;

/* A row: a place of a frame, or of the text (slot CV_TEXT_SLOT, index t). Rows of one frame stand together. */
typedef struct cv_row {
    const cv_sequence *sequence;
    cv_place place;
    int32_t input; /* the id whose embedding goes in */
    cv_position position;
    int kept[2]; /* where its keys and values stand in the cache of the base channel, of the plus channel */
} cv_row;

/* What one layer computes, in order; [rows] of the width given. */
typedef struct cv_layer_buffers {
    float *x_in;         /* C; training only: the layer's input */
    float *a;            /* C: input_norm(x) */
    float *qkv;          /* 3C */
    float *context;      /* C: attention of the base channel */
    float *mixed;        /* C: dense(context), then the mix of both channels */
    float *plus_qkv;     /* 3C */
    float *plus_context; /* C */
    float *plus;         /* C: dense of the plus channel */
    float *base;         /* C; training only: dense of the base channel before the mix */
    float *x_mid;        /* C; training only: x after attention */
    float *m;            /* C: post_attention_norm(x) */
    float *inner;        /* mlp: before the GELU; training keeps all rows, inference a block of them */
    float *out;          /* C: of the MLP */
} cv_layer_buffers;

typedef struct cv_pass {
    const cv_exec *exec;
    const cv_stage *stage;
    cv_row *rows;
    int count;
    bool step;                /* every row is of another sequence */
    bool plus;                /* the plus channel takes part */
    bool frame_rows;          /* there are rows of frames, not of text alone */
    cv_dropout dropout;       /* training: after attention and after the MLP */
    float *x;                 /* [rows, C], the residual stream */
    cv_layer_buffers *layers; /* training: one set a layer; inference: one in all */
    bool training;
    const cv_observer *observer; /* NULL = nobody watches */
    float *gelu;                 /* [block, mlp]; training only, inference works in place */
    float *alpha;                /* [C] */
    cv_attention_query *queries;
    int max_keys;             /* that a row can see; 0 = as many as rows of frames can */
    cv_key_run *text_runs;    /* [rows] */
    cv_key_run *base_runs;    /* [rows][CV_ELEMENT_RUNS] */
    int *base_counts;         /* [rows] */
    cv_key_run *plus_runs[2]; /* [rows][max runs], by parity of the layer */
    int *plus_counts[2];      /* [rows] */
    int block;                /* rows that go through the MLP at once */
    cv_step_input *input;     /* a step's: of the layer at work */
    cv_arena *arena;          /* what layers need for themselves, behind all that the pass took */
} cv_pass;

static inline const cv_layer_buffers *cv_pass_layer(const cv_pass *p, int layer)
{
    return &p->layers[p->training ? layer : 0];
}

/* Takes all buffers for `p->count` rows; exec, stage, count, step and training are set before. */
void cv_pass_carve(cv_pass *p, cv_arena *arena);
/* Reserves what the layers take while the pass runs; called after the last take of who carves. */
void cv_pass_reserve(const cv_pass *p);
/* Bytes that a pass takes, by the same takes. */
size_t cv_pass_scratch(cv_pass *p);
/* Row r is this place of this sequence: its input embedding into x, and what it sees. */
void cv_pass_row(cv_pass *p, int r, const cv_sequence *sequence, cv_place place, int32_t input);
/* Row r is element `index` of the sequence. */
void cv_pass_element(cv_pass *p, int r, const cv_sequence *sequence, int index, const cv_element *element);
void cv_pass_run(const cv_pass *p);
/* A step's logits [rows][image_codes], after cv_pass_run. */
void cv_pass_step_logits(const cv_pass *p, float *logits);
/* The queries of rows first .. first + count - 1 in one channel of a layer, as attention takes them. */
void cv_pass_queries(const cv_pass *p, int layer, bool plus, int first, int count, cv_attention_query *queries);
/* p->alpha = sigmoid of a layer's attn_distribution. */
void cv_pass_alpha(const cv_pass *p, const float *mix);
/* Training: x [rows, C] with some activations dropped, or a gradient on its way back; a function of layer and place
 * (0 after attention, 1 after the MLP). Nothing happens where nothing is to be dropped. */
void cv_pass_dropout(const cv_pass *p, int layer, int after, float *x);

#endif
