/* conv3d.h - convolutions over volumes [C][T][H][W], and over pictures as volumes of one frame, in f32. */
#ifndef CV_NN_CONV3D_H
#define CV_NN_CONV3D_H

#include "base/arena.h"
#include "nn/exec.h"
#include "nn/window.h"
#include "tensor/store.h"

typedef struct cv_conv3d {
    /* [out, in, kernel of frames, of rows, of columns]: in the store or, where a norm was folded into it,
     * in memory of the network's own */
    const void *weight;
    cv_dtype dtype;
    int in, out;
    cv_window window;
    const float *bias; /* [out]; NULL = none */
} cv_conv3d;

/* Claims the tensors `weight` and `bias` (NULL: none). `flat`: the weight has no axis of frames, [out, in, rows,
 * columns], and window->kernel[0] is 1. */
cogvideo_status cv_conv3d_claim(cv_conv3d *out, cv_store *store, const char *weight, const char *bias, int in,
                                int channels, const cv_window *window, bool flat, cogvideo_error *err);
/* The same for "NAME.weight" and, where `bias`, "NAME.bias". */
cogvideo_status cv_conv3d_bind(cv_conv3d *out, cv_store *store, const char *name, int in, int channels,
                               const cv_window *window, bool flat, bool bias, cogvideo_error *err);

/* out [conv.out][places.out] = conv(x [conv.in][size]), then max(0, .) where `relu`. `out` and `x` do not overlap.
 * Takes scratch from `arena` and gives it back; does nothing else on a measuring arena. Places are split into blocks by
 * shape alone, so the result does not depend on the number of threads. */
void cv_conv3d_apply(const cv_exec *exec, const cv_conv3d *conv, float *out, const float *x, const int size[3],
                     bool relu, cv_arena *arena);

/* --- backward: conv3d_backward.c ------------------------------------------------------------------------------ */

/* From dy = dL/d(conv(x)), without relu: dx += dL/dx (NULL: not wanted) and, into weight and bias of `grad` (NULL:
 * frozen), which lie in a store in memory, += their gradients. Weights are f32. Scratch and threads as above. */
void cv_conv3d_backward(const cv_exec *exec, const cv_conv3d *conv, const cv_conv3d *grad, float *dx, const float *dy,
                        const float *x, const int size[3], cv_arena *arena);

/* --- batches, for training: conv3d_batch.c -------------------------------------------------------------------- */

/* The same for B volumes, x [B][conv.in][size] and out [B][conv.out][places.out], each to the same bits: one thread
 * computes one volume, which keeps threads busy on small volumes that a layer cannot split well. */
void cv_conv3d_apply_batch(const cv_exec *exec, const cv_conv3d *conv, float *out, const float *x, int B,
                           const int size[3], bool relu, cv_arena *arena);
/* Gradients of weight and bias are summed in parts of neighbouring volumes, by B alone, and the parts in order. */
void cv_conv3d_backward_batch(const cv_exec *exec, const cv_conv3d *conv, const cv_conv3d *grad, float *dx,
                              const float *dy, const float *x, int B, const int size[3], cv_arena *arena);

#endif
