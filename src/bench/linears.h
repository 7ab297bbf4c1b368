/* linears.h - the linear layers of a transformer layer, of weights in one type, at one number of rows. */
#ifndef CV_BENCH_LINEARS_H
#define CV_BENCH_LINEARS_H

#include "bench/rounds.h"
#include "nn/linear.h"

/* QKV, attention's output and both layers of the MLP, `copies` times over, so that no cache keeps them. */
typedef struct cv_linears {
    const cv_exec *exec;
    cv_weight_type type;
    int hidden, copies, rows;
    bool step;              /* rows of other sequences, through the kernels; otherwise of one, through BLAS */
    bool count_bytes;       /* what a run returns: bytes of weights read, or operations */
    const void *weights;    /* shared by all */
    const void *scales;
    float *x, *out;         /* [rows, 4 hidden] */
    cv_step_input input;
    cv_arena *arena;
} cv_linears;

/* Bytes of one copy's weights and scales. */
size_t cv_linears_bytes(cv_weight_type type, int hidden);
double cv_linears_run(void *linears);

#endif
