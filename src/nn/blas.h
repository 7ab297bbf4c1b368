/* blas.h - the one door to OpenBLAS: matrix products, on the calling thread only.
 *
 * The layers split the work over threads themselves, into blocks that depend on shapes alone; OpenBLAS
 * splitting it by thread count would make results depend on that count. */
#ifndef CV_NN_BLAS_H
#define CV_NN_BLAS_H

#include <stdbool.h>

/* Keeps OpenBLAS to one thread per call, process-wide. Call before the first product. */
void cv_blas_init(void);
/* Takes the buffers of products on so many threads at once, which OpenBLAS keeps for good; false where there is no room for them. */
bool cv_blas_reserve(int threads);
const char *cv_blas_name(void);
/* See cogvideo_blas_core. */
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
