/* exec.h - how a layer runs: with which kernels, on how many threads. Passed first to every threaded operation. */
#ifndef CV_NN_EXEC_H
#define CV_NN_EXEC_H

#include "kernels/kernels.h"

typedef struct cv_exec {
    int threads;    /* at least 1 */
    bool q8_inputs; /* quantised weights take their inputs in 8 bits */
    cv_weight_type cache; /* of keys and values that one step leaves for the next: f32, f16 or q8 */
    cv_kernels kernels;
} cv_exec;

#endif
