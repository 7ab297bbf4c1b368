/* blas.h - the only user of OpenBLAS: matrix products, eigenvalues, on the calling thread only.
 *
 * The layers split the work over threads themselves, into blocks that depend on shapes alone. If OpenBLAS split it
 * by the number of threads, results would depend on that number. */
#ifndef CV_NN_BLAS_H
#define CV_NN_BLAS_H

#include "base/status.h"

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

/* --- in f64, for statistics ----------------------------------------------------------------------------------- */

/* The same of dense f64: out [M, N] = a [M, K] * b [N, K]^T; a [M, K] * b [K, N]; a [K, M]^T * b [K, N]. */
void cv_blas_matmul_nt_f64(double *out, const double *a, const double *b, int M, int N, int K);
void cv_blas_matmul_nn_f64(double *out, const double *a, const double *b, int M, int N, int K);
void cv_blas_matmul_tn_f64(double *out, const double *a, const double *b, int M, int N, int K);
/* out [N, N] += a [K, N]^T * a, on the diagonal and above it only. */
void cv_blas_add_square_f64(double *out, const double *a, int N, int K);

/* Side of the largest matrix that the following take. */
#define CV_BLAS_MAX_EIGEN 16384
/* values [N] = the eigenvalues, rising, of a symmetric matrix [N, N], of which the diagonal and what is below it is
 * read: LAPACK's dsyevd. Row i of the matrix becomes the eigenvector of values[i] if `vectors`, else it is lost. Where
 * the rows grow by many orders of magnitude from the first to the last, small eigenvalues keep their digits, too; in
 * the other direction they drown in the rounding of the large ones. */
cogvideo_status cv_blas_eigen_f64(double *values, double *matrix, bool vectors, int N, cogvideo_error *err);
/* values [min(M, N)] = the singular values, falling, of a matrix [M, N], which is lost: LAPACK's dgesdd. */
cogvideo_status cv_blas_singular_values_f64(double *values, double *matrix, int M, int N, cogvideo_error *err);

#endif
