/* linear.h - out = x W^T + b for weights of any type. */
#ifndef CV_NN_LINEAR_H
#define CV_NN_LINEAR_H

#include "base/arena.h"
#include "nn/exec.h"
#include "tensor/store.h"

typedef struct cv_linear {
    cv_weight weight;  /* [N, K], in the store */
    const float *bias; /* [N], in the store; NULL = none */
    /* the weights as cv_linear_many reads them, by cv_linear_pack; NULL = it lays them out itself, at each call */
    const float *panels;
} cv_linear;

/* Claims "NAME.weight" [N, K] and, where `bias`, "NAME.bias" [N]. */
cogvideo_status cv_linear_bind(cv_linear *out, cv_store *store, const char *name, int N, int K, bool bias,
                               cogvideo_error *err);

/* --- a step: each row belongs to another sequence, and every weight is read once for all of them -------------- */

/* The inputs of one or more layers, in f32, and in 8 bits once a layer asks for that. */
typedef struct cv_step_input {
    const float *x;
    size_t stride;
    int rows, K;
    bool narrowed; /* `q8` is filled */
    cv_q8_rows q8;
    /* the memory that q8 points to */
    int8_t *values;
    float *scales;
    int32_t *sums;
} cv_step_input;

/* Takes room for up to `rows` rows of K numbers. */
void cv_step_input_take(cv_step_input *out, cv_arena *arena, const cv_exec *exec, int rows, int K);
/* Sets the input to x [rows, K], whose rows are a stride apart. x must not change while the input is used. */
void cv_step_input_set(cv_step_input *input, const float *x, size_t stride, int rows, int K);
void cv_linear_step(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, cv_step_input *input);

/* --- many rows of one sequence -------------------------------------------------------------------------------- */

/* Returns the bytes that cv_linear_rows takes from its arena, on these threads. */
size_t cv_linear_scratch(const cv_exec *exec, int max_K);
/* Whether steps take the layer's inputs in 8 bits. */
bool cv_linear_takes_q8(const cv_exec *exec, const cv_linear *linear);
/* With the same bits as steps where these have 8-bit inputs; otherwise by matrix tiles; by the steps' kernel, again
 * with their bits, where it outruns BLAS; or else through BLAS, in blocks that depend on the shape alone. Only BLAS may
 * give a row other bits where there are more of them. */
void cv_linear_rows(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, const float *x,
                    size_t x_stride, int rows, cv_arena *arena);

/* --- many rows of many sequences: linear_many.c ----------------------------------------------------------------- */

/* Returns the bytes that cv_linear_many takes from its arena, on these threads. */
size_t cv_linear_many_scratch(const cv_exec *exec, int max_K);
/* Lays the weights out once, for a layer that sees few rows at a time: panels has room for as many floats as the first
 * returns, and the layer's `panels` may then point to it, under these kernels. */
size_t cv_linear_panel_floats(const cv_exec *exec, int N, int K);
void cv_linear_pack(const cv_exec *exec, const cv_linear *linear, float *panels, cv_arena *arena);
/* out = x W^T + b, or += where `add`. Every row is computed as if it were alone: its bits depend neither on the other
 * rows nor on their number. Inputs are in f32 whatever the type of the weights. */
void cv_linear_many(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, bool add,
                    const float *x, size_t x_stride, int rows, cv_arena *arena);

/* --- backward: linear_backward.c ------------------------------------------------------------------------------ */

/* Returns the bytes that cv_linear_backward takes from its arena, on these threads. */
size_t cv_linear_backward_scratch(const cv_exec *exec, int max_K);
/* For out = x W^T + b over `rows` rows and the gradient dy [rows, N] of out; rows of each lie a stride apart. grad:
 * the same layer bound to a store of gradients, += dy^T x and += the sums of dy's columns; NULL = frozen. dx [rows,
 * K] (+= if `add`, else set) dy W; NULL = not wanted, must not overlap dy or x. x is read only for `grad`. */
void cv_linear_backward(const cv_exec *exec, const cv_linear *linear, const cv_linear *grad, float *dx,
                        size_t dx_stride, bool add, const float *dy, size_t dy_stride, const float *x, size_t x_stride,
                        int rows, cv_arena *arena);

#endif
