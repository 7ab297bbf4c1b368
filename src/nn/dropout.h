/* dropout.h - dropout whose mask is a pure function of the step and the element: nothing is stored, the backward
 * pass and a repeated forward pass draw the same mask, and threads do not matter. */
#ifndef CV_NN_DROPOUT_H
#define CV_NN_DROPOUT_H

#include "nn/exec.h"

/* One use of dropout in one training step. */
typedef struct cv_dropout {
    float p; /* the probability that an element becomes 0, in [0, 1); 0 = no dropout */
    uint64_t seed;
    uint32_t step; /* training step */
    uint32_t tag;  /* names this use in the network; every use has its own */
} cv_dropout;

/* x [rows, C], which is rows first_row .. of all: each element becomes 0 with probability p, else x / (1 - p). The
 * backward pass is the same call on the gradient. */
void cv_dropout_apply(const cv_exec *exec, const cv_dropout *dropout, float *x, int first_row, int rows, int C);

#endif
