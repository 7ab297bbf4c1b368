#include "nn/blas.h"

#include "base/cpu.h"

#include <cblas.h>
#include <stdlib.h>
#include <strings.h>

void cv_blas_init(void)
{
    openblas_set_num_threads(1);
}

const char *cv_blas_name(void)
{
    return openblas_get_config();
}

const char *cv_blas_better_core(void)
{
    /* What it falls back to where it does not know a processor's number. */
    if (getenv("OPENBLAS_CORETYPE") || strcasecmp(openblas_get_corename(), "Prescott") != 0)
        return NULL;
    return cv_cpu_has_avx512() ? "SkylakeX" : cv_cpu_has_avx2() ? "Haswell" : NULL;
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
