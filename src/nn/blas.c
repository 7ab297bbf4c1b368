#include "nn/blas.h"

#include <cblas.h>

void cv_blas_init(void)
{
    openblas_set_num_threads(1);
}

const char *cv_blas_name(void)
{
    return openblas_get_config();
}

void cv_blas_matmul_nt(float *out, int out_stride, const float *a, int a_stride, const float *b, int b_stride, int M,
                       int N, int K, float beta)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, M, N, K, 1.0f, a, a_stride, b, b_stride, beta, out,
                out_stride);
}

void cv_blas_matmul_nn(float *out, int out_stride, const float *a, int a_stride, const float *b, int b_stride, int M,
                       int N, int K, float beta)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, 1.0f, a, a_stride, b, b_stride, beta, out,
                out_stride);
}

void cv_blas_matmul_tn(float *out, int out_stride, const float *a, int a_stride, const float *b, int b_stride, int M,
                       int N, int K, float beta)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, M, N, K, 1.0f, a, a_stride, b, b_stride, beta, out,
                out_stride);
}
