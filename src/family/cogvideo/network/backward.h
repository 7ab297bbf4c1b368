/* backward.h - the way back through a training pass; private to this folder. */
#ifndef CV_FAMILY_COGVIDEO_NETWORK_BACKWARD_H
#define CV_FAMILY_COGVIDEO_NETWORK_BACKWARD_H

#include "family/cogvideo/network/pass.h"

/* One sequence of a training pass: rows first .. first + text - 1 are its text, `frames` rows of frames follow. */
typedef struct cv_span {
    int first, text, frames;
} cv_span;

/* Gradients of what a layer computed. One set serves all layers. */
typedef struct cv_backward {
    float *dx;                             /* [rows, C], of the residual stream */
    float *da, *dcontext, *dmixed, *dplus; /* [rows, C] */
    float *dqkv;                           /* [rows, 3C] */
    float *dinner;                         /* [block, mlp] */
    float *dmix;                           /* [C] */
    const cv_span *spans;                  /* [sequences] */
    int sequences;
    cv_text_cache *texts; /* [sequences], gradients of one layer's keys and values */
    cv_frames_cache *frames;
    cv_attention_query_grad *queries; /* [rows] */
    int *groups;                      /* [sequences + 1] */
    int32_t *ids;                     /* [rows], of embeddings */
} cv_backward;

/* All buffers but spans, texts and frames, which the caller has. */
void cv_backward_carve(cv_backward *back, const cv_pass *p, int sequences, cv_arena *arena);

/* dhidden [rows, C] becomes the gradient of x [rows, C], which are rows of the last layer's output: from dlogits [rows,
 * ids of the head], with `hidden` their final_norm. */
void cv_backward_head(const cv_pass *p, const cv_stage *grads, float *dhidden, const float *dlogits,
                      const float *hidden, const float *x, int rows);

/* From dx of the last layer's output to all parameters' gradients. */
void cv_backward_run(const cv_backward *back, const cv_pass *p, const cv_stage *grads);

#endif
