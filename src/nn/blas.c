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

/* --- f64 ------------------------------------------------------------------------------------------------------ */

/* LAPACK, which OpenBLAS contains; the headers of OpenBLAS do not declare it. Fortran passes everything by address and
 * the lengths of texts behind it all. */
extern void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *stride, double *values,
                    double *work, const int *work_size, int *whole_work, const int *whole_size, int *info,
                    size_t job_length, size_t triangle_length);
extern void dgesdd_(const char *job, const int *m, const int *n, double *a, const int *stride, double *values,
                    double *u, const int *u_stride, double *vt, const int *vt_stride, double *work,
                    const int *work_size, int *whole_work, int *info, size_t job_length);

static void multiply_f64(CBLAS_TRANSPOSE turn_a, CBLAS_TRANSPOSE turn_b, double *out, const double *a, const double *b,
                         int M, int N, int K)
{
    const int before = cv_threads_default(1);

    cblas_dgemm(CblasRowMajor, turn_a, turn_b, M, N, K, 1, a, turn_a == CblasTrans ? M : K, b,
                turn_b == CblasTrans ? K : N, 0, out, N);
    cv_threads_default(before);
}

void cv_blas_matmul_nt_f64(double *out, const double *a, const double *b, int M, int N, int K)
{
    multiply_f64(CblasNoTrans, CblasTrans, out, a, b, M, N, K);
}

void cv_blas_matmul_nn_f64(double *out, const double *a, const double *b, int M, int N, int K)
{
    multiply_f64(CblasNoTrans, CblasNoTrans, out, a, b, M, N, K);
}

void cv_blas_matmul_tn_f64(double *out, const double *a, const double *b, int M, int N, int K)
{
    multiply_f64(CblasTrans, CblasNoTrans, out, a, b, M, N, K);
}

void cv_blas_add_square_f64(double *out, const double *a, int N, int K)
{
    const int before = cv_threads_default(1);

    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, N, K, 1, a, N, 1, out, N);
    cv_threads_default(before);
}

static cogvideo_status check_size(int larger, cogvideo_error *err)
{
    if (larger <= CV_BLAS_MAX_EIGEN)
        return COGVIDEO_OK;
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                   "a matrix of %d rows or columns has more than the %d that can be solved", larger, CV_BLAS_MAX_EIGEN);
}

cogvideo_status cv_blas_eigen_f64(double *values, double *matrix, bool vectors, int N, cogvideo_error *err)
{
    /* As LAPACK asks for: more makes it no faster, as its blocks are small. */
    const int size = vectors ? 1 + 6 * N + 2 * N * N : 1 + 34 * N, whole_size = vectors ? 3 + 5 * N : 1;
    double *work = NULL;
    int *whole = NULL, info, before;
    cogvideo_status status;

    CV_TRY(check_size(N, err));
    CV_NEW(work, size, err);
    CV_NEW(whole, whole_size, err);
    /* What is below the diagonal here is above it in Fortran, and its columns are rows here. */
    before = cv_threads_default(1);
    dsyevd_(vectors ? "V" : "N", "U", &N, matrix, &N, values, work, &size, whole, &whole_size, &info, 1, 1);
    cv_threads_default(before);
    if (info != 0)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "the eigenvalues of a matrix of side %d were not found", N);
done:
    cv_free(work);
    cv_free(whole);
    return status;
}

cogvideo_status cv_blas_singular_values_f64(double *values, double *matrix, int M, int N, cogvideo_error *err)
{
    const int smaller = M < N ? M : N, larger = M < N ? N : M, one = 1;
    const int size = 3 * smaller + larger + 34 * (M + N) + 7 * smaller;
    double *work = NULL, none = 0;
    int *whole = NULL, info, before;
    cogvideo_status status;

    CV_TRY(check_size(larger, err));
    CV_NEW(work, size, err);
    CV_NEW(whole, 8 * (size_t)smaller, err);
    /* Fortran sees the transposed matrix, whose singular values are the same. */
    before = cv_threads_default(1);
    dgesdd_("N", &N, &M, matrix, &N, values, &none, &one, &none, &one, work, &size, whole, &info, 1);
    cv_threads_default(before);
    if (info != 0)
        status = cv_fail(err, COGVIDEO_ERROR_FORMAT, "the singular values of a matrix of %d x %d were not found", M, N);
done:
    cv_free(work);
    cv_free(whole);
    return status;
}
