/* attention2d.h - the attention block of the image tokenizer: every position of a plane [C][H][W] sees all others. x
 * + proj_out(softmax(q . k * C^-0.5) v), where q, k and v are 1x1 convolutions of norm(x). */
#ifndef CV_NN_ATTENTION2D_H
#define CV_NN_ATTENTION2D_H

#include "nn/conv2d.h"
#include "nn/group_norm.h"

typedef struct cv_attention2d {
    cv_group_norm norm;
    cv_conv2d q, k, v, proj_out;
} cv_attention2d;

/* Claims norm, q, k, v and proj_out under "NAME.". */
cogvideo_status cv_attention2d_bind(cv_attention2d *out, cv_store *store, const char *name, int C, int groups,
                                    float eps, cogvideo_error *err);

/* x [C][H][W] becomes the result. Only a few rows of scores are held at a time. Scratch as in cv_conv2d_apply. */
void cv_attention2d_apply(const cv_exec *exec, const cv_attention2d *attention, float *x, int height, int width,
                          cv_arena *arena);

/* The number of positions whose scores are held at once, in both directions. */
#define CV_ATTENTION2D_BLOCK 32

/* scores [count][positions] = softmax(q . k * C^-0.5) of positions first .. first + count - 1, for q and k
 * [C][positions]; `rows` [count][C] becomes q * C^-0.5, transposed. */
void cv_attention2d_scores(const cv_kernels *kernels, float *scores, float *rows, const float *q, const float *k, int C,
                           int positions, int first, int count);

/* From dy = dL/d(result) and the x of the forward pass: dx += dL/dx and, into `grad` (NULL: frozen), += the
 * gradients of the parameters. dx and dy do not overlap. All positions share the gradients of keys and values, so
 * one thread sums those. */
void cv_attention2d_backward(const cv_exec *exec, const cv_attention2d *attention, const cv_attention2d *grad,
                             float *dx, const float *dy, const float *x, int height, int width, cv_arena *arena);

#endif
