/* resblock.h - the residual block of the image tokenizer: x + conv2(swish(norm2(conv1(swish(norm1 x))))), with a 1x1
 * convolution on x where the widths differ. */
#ifndef CV_NN_RESBLOCK_H
#define CV_NN_RESBLOCK_H

#include "nn/conv2d.h"
#include "nn/group_norm.h"

typedef struct cv_resblock {
    cv_group_norm norm1, norm2;
    cv_conv2d conv1, conv2, shortcut; /* shortcut.out is 0 where the widths agree */
} cv_resblock;

/* Claims norm1, conv1, norm2, conv2 and, where the widths differ, nin_shortcut under "NAME.". */
cogvideo_status cv_resblock_bind(cv_resblock *out, cv_store *store, const char *name, int in, int channels, int groups,
                                 float eps, cogvideo_error *err);

/* The same with norms per position over all its channels, and with convolutions of kernel 1 or 3; with 1 a position
 * sees only itself. The widths agree. */
cogvideo_status cv_resblock_bind_per_position(cv_resblock *out, cv_store *store, const char *name, int channels,
                                              int kernel, float eps, cogvideo_error *err);

/* Computes out [out][H][W] from x [in][H][W]. `inner` [in][H][W] and `middle` [out][H][W] are scratch. Where the
 * widths agree `out` must be x, which becomes the result; where they differ it may be `inner`, not x. `saved`
 * [out][H][W], where not NULL, keeps the input of norm2 for the backward pass. */
void cv_resblock_apply(const cv_exec *exec, const cv_resblock *block, float *out, const float *x, float *inner,
                       float *middle, float *saved, int height, int width, cv_arena *arena);

/* From dy = dL/d(out), the x of the forward pass and its `saved`: dx += dL/dx and, into `grad` (NULL: frozen), +=
 * the gradients of the parameters. dx and dy do not overlap. */
void cv_resblock_backward(const cv_exec *exec, const cv_resblock *block, const cv_resblock *grad, float *dx,
                          const float *dy, const float *x, const float *saved, int height, int width, cv_arena *arena);

#endif
