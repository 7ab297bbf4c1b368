#include "nn/blas.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "base/parallel.h"

#include <cblas.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

void cv_blas_init(void)
{
    openblas_set_num_threads(1);
}

/* The functions that a product calls first and last. No header declares them; where a build of OpenBLAS lacks them,
 * it allocates when it multiplies. */
extern void *blas_memory_alloc(int position) __attribute__((weak));
extern void blas_memory_free(void *buffer) __attribute__((weak));

/* OpenBLAS keeps a buffer mapped when a product gives it back, for the next product. */
bool cv_blas_reserve(int threads)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static int reserved;
    void *taken[CV_MAX_THREADS];
    bool room;

    pthread_mutex_lock(&mutex);
    room = threads <= reserved || cv_can_map(threads - reserved, CV_BLAS_BUFFER);
    if (room && threads > reserved && blas_memory_alloc && blas_memory_free) {
        for (int i = 0; i < threads; i++)
            taken[i] = blas_memory_alloc(0);
        for (int i = 0; i < threads; i++)
            blas_memory_free(taken[i]);
        reserved = threads;
    }
    pthread_mutex_unlock(&mutex);
    return room;
}

const char *cv_blas_name(void)
{
    return openblas_get_config();
}

const char *cv_blas_better_core(void)
{
    /* OpenBLAS falls back to this core where it does not know a processor's number. */
    if (getenv("OPENBLAS_CORETYPE") || strcasecmp(openblas_get_corename(), "Prescott") != 0)
        return NULL;
    return cv_cpu_has_avx512() ? "SkylakeX" : cv_cpu_has_avx2() ? "Haswell" : NULL;
}

/* One thread, whatever thread calls: OpenBLAS takes as many as OpenMP gives a thread by default, which cv_blas_init can
 * set for its own caller alone, and a product that is shared out has other roundings. */
static void multiply(CBLAS_TRANSPOSE turn_a, CBLAS_TRANSPOSE turn_b, float *out, int out_stride, const float *a,
                     int a_stride, const float *b, int b_stride, int M, int N, int K, float beta)
{
    const int before = cv_threads_default(1);

    cblas_sgemm(CblasRowMajor, turn_a, turn_b, M, N, K, 1.0f, a, a_stride, b, b_stride, beta, out, out_stride);
    cv_threads_default(before);
}

void cv_blas_matmul_nt(float *out, int out_stride, const float *a, int a_stride, const float *b, int b_stride, int M,
                       int N, int K, float beta)
{
    multiply(CblasNoTrans, CblasTrans, out, out_stride, a, a_stride, b, b_stride, M, N, K, beta);
}

void cv_blas_matmul_nn(float *out, int out_stride, const float *a, int a_stride, const float *b, int b_stride, int M,
                       int N, int K, float beta)
{
    multiply(CblasNoTrans, CblasNoTrans, out, out_stride, a, a_stride, b, b_stride, M, N, K, beta);
}

void cv_blas_matmul_tn(float *out, int out_stride, const float *a, int a_stride, const float *b, int b_stride, int M,
                       int N, int K, float beta)
{
    multiply(CblasTrans, CblasNoTrans, out, out_stride, a, a_stride, b, b_stride, M, N, K, beta);
}
