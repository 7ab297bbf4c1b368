/* depthwise3d.h - a convolution of each channel by itself over time, rows and columns, 3 x 3 x 3, with a bias: a
 * position encoding generator (Chu et al., "Conditional positional encodings for vision transformers", 2021). */
#ifndef CV_NN_DEPTHWISE3D_H
#define CV_NN_DEPTHWISE3D_H

#include "nn/exec.h"
#include "tensor/store.h"

#include <stdbool.h>

typedef struct cv_depthwise3d {
    const float *weight, *bias; /* [C][1][3][3][3] and [C], in the store */
    int C;
    /* zeros around in time: two before and none after; else one and one. In rows and columns always one all around */
    bool causal;
} cv_depthwise3d;

/* How rows x [places, C] of an item lie in memory. */
typedef struct cv_box {
    int T, h, w;
    /* false: time, row, column. true: row, column, time, which is how a transformer over time holds them. */
    bool time_last;
} cv_box;

static inline int cv_box_places(const cv_box *box)
{
    return box->T * box->h * box->w;
}

/* Claims "NAME.weight" and "NAME.bias". */
cogvideo_status cv_depthwise3d_bind(cv_depthwise3d *out, cv_store *store, const char *name, int C, bool causal,
                                    cogvideo_error *err);

/* residual [items][places][C] += conv(x), x of the same shape; they must not overlap. */
void cv_depthwise3d_add(const cv_exec *exec, const cv_depthwise3d *conv, const cv_box *box, int items, float *residual,
                        const float *x);

/* dx (+=, it holds the residual's own gradient already) from dy, both [items][places][C], which must not overlap. grad:
 * the same layer bound to a store of gradients, added to; NULL = frozen. */
void cv_depthwise3d_backward(const cv_exec *exec, const cv_depthwise3d *conv, const cv_depthwise3d *grad,
                             const cv_box *box, int items, float *dx, const float *dy, const float *x);

#endif
