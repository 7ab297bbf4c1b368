/* winograd.h - a 3x3 convolution of stride 1 with 16 multiplications for each 2x2 pixels instead of 36, on pictures or
 * on volumes of frames, over which a kernel may reach as well.
 * Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, F(2x2, 3x3): a tile of 4x4 pixels and the
 * kernel go to a space where the convolution is 16 products, which for all channels together are 16 matrix products. */
#ifndef CV_NN_WINOGRAD_H
#define CV_NN_WINOGRAD_H

#include "base/arena.h"
#include "nn/exec.h"
#include "nn/window.h"

typedef struct cv_winograd {
    const float *weight; /* [out][in][taps][3][3] */
    const float *bias;   /* [out]; NULL = none */
    int in, out;
    int taps;         /* frames that the kernel sees: 1 or 3 */
    cv_places places; /* all of stride 1; front is 0 or 1 on each axis, with as many zeros behind, 0 where taps is 1 */
    bool add;         /* y += the result */
    bool relu;        /* y = max(0, result); not with add */
} cv_winograd;

/* Whether a window that stands at these places is such a convolution, and has enough channels to gain. */
bool cv_winograd_suits(const cv_window *window, const cv_places *places, int in, int out);

/* y [out][places.out] = bias + conv(x [in][places.in]). Takes scratch from `arena` and gives it back; does nothing else
 * on a measuring arena. The work is split into blocks by shape alone, so the result does not depend on the number of
 * threads. */
void cv_winograd_apply(const cv_exec *exec, const cv_winograd *conv, float *y, const float *x, cv_arena *arena);

#endif
