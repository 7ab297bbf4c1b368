/* blas.h - the only user of OpenBLAS: matrix products, on the calling thread only.
 *
 * The layers split the work over threads themselves, into blocks that depend on shapes alone. If OpenBLAS split it
 * by the number of threads, results would depend on that number. */
#ifndef CV_NN_BLAS_H
#define CV_NN_BLAS_H

#include <stdbool.h>

/* Limits OpenBLAS to one thread per call, process-wide. Call it before the first product. */
void cv_blas_init(void);
/* Allocates the buffers for products on this many threads at once, which OpenBLAS then keeps; returns false where
 * there is no room for them. */
bool cv_blas_reserve(int threads);
const char *cv_blas_name(void);
/* Returns what cogvideo_blas_core returns. */
const char *cv_blas_better_core(void);

/* out [M, N] = a [M, K] * b [N, K]^T + beta * out, row-major with the strides of a row. */
void cv_blas_matmul_nt(float *out, int out_stride, const float *a, int a_stride, const float *b, int b_stride, int M,
                       int N, int K, float beta);
/* out [M, N] = a [M, K] * b [K, N] + beta * out */
void cv_blas_matmul_nn(float *out, int out_stride, const float *a, int a_stride, const float *b, int b_stride, int M,
                       int N, int K, float beta);
/* out [M, N] = a [K, M]^T * b [K, N] + beta * out */
void cv_blas_matmul_tn(float *out, int out_stride, const float *a, int a_stride, const float *b, int b_stride, int M,
                       int N, int K, float beta);

#endif
