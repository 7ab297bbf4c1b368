/* conv2d.h - the convolutions of the image tokenizer, on planes [C][H][W], for weights of any real dtype. */
#ifndef CV_NN_CONV2D_H
#define CV_NN_CONV2D_H

#include "base/arena.h"
#include "nn/exec.h"
#include "tensor/store.h"

/* Kernel 3 and stride 1 pad with a zero on every side and keep the size; kernel 3 and stride 2 pad with a zero on the
 * right and at the bottom and halve it, rounding down; kernel 1 has stride 1. */
typedef struct cv_conv2d {
    const void *weight; /* [out, in, kernel, kernel], in the store */
    cv_dtype dtype;
    int in, out, kernel, stride;
    const float *bias; /* [out], in the store */
} cv_conv2d;

/* Claims "NAME.weight" and "NAME.bias". */
cogvideo_status cv_conv2d_bind(cv_conv2d *out, cv_store *store, const char *name, int in, int channels, int kernel,
                               int stride, cogvideo_error *err);

/* out [conv.out][H / stride][W / stride] = conv(x [conv.in][H][W]), or += where `add`. `out` and `x` do not overlap.
 * Takes scratch from `arena` and gives it back; does nothing else on a measuring arena. Pixels are split into blocks
 * by shape alone, so the result does not depend on the number of threads. */
void cv_conv2d_apply(const cv_exec *exec, const cv_conv2d *conv, float *out, const float *x, int height, int width,
                     bool add, cv_arena *arena);

/* From dy = dL/d(conv(x)): dx += dL/dx (NULL: not wanted) and, into the weight and bias of `grad` (NULL: frozen),
 * which lie in a store in memory, += their gradients. Weights are f32. Scratch and threads as above, but here the
 * input channels are split. */
void cv_conv2d_backward(const cv_exec *exec, const cv_conv2d *conv, const cv_conv2d *grad, float *dx, const float *dy,
                        const float *x, int height, int width, cv_arena *arena);

#endif
