/* linears.h - measures the linear layers of a transformer layer, with weights of one type, at one number of rows. */
#ifndef CV_BENCH_LINEARS_H
#define CV_BENCH_LINEARS_H

#include "bench/rounds.h"
#include "nn/linear.h"

/* QKV, attention's output and both layers of the MLP, `copies` times, so that they do not fit any cache. */
typedef struct cv_linears {
    const cv_exec *exec;
    cv_weight_type type;
    int hidden, copies, rows;
    /* one row of each of several sequences, through the kernels; otherwise many rows of one, through cv_linear_rows */
    bool step;
    bool count_bytes;    /* whether a run returns the bytes of weights read, or else the operations */
    const void *weights; /* shared by all layers */
    const void *scales;
    float *x, *out; /* [rows, 4 hidden] */
    cv_step_input input;
    cv_arena *arena;
} cv_linears;

/* Returns the bytes of one copy's weights and scales. */
size_t cv_linears_bytes(cv_weight_type type, int hidden);
double cv_linears_run(void *linears);

#endif
