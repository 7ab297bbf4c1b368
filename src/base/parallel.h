/* parallel.h - threads: how many there can be, and the one door to omp.h; the pragmas of the work stand in nn/, model/, train/ and
 * bench/. */
#ifndef CV_BASE_PARALLEL_H
#define CV_BASE_PARALLEL_H

/* Multiply-adds below which one thread is done before others would have woken up. For the `if` of a parallel loop. */
#define CV_PARALLEL_WORK 200000

#define CV_MAX_THREADS 1024
/* Bytes of address space that OpenBLAS takes for each thread that multiplies, at its first product or when it is loaded. Where it is
 * refused them, versions before 0.3.30 ask again and again. */
#define CV_BLAS_BUFFER ((long long)128 << 20)

/* Of `wanted` threads, the calling one included, as many as the system lets run at once, which 'ulimit -u', a control group and the
 * address space limit. OpenMP ends the process where it is refused one, so this tries. */
int cv_threads_possible(int wanted);

/* Sets how many threads a parallel region of the calling thread has that asks for no number, and returns how many it had before. */
int cv_threads_default(int threads);

/* This thread's number inside the innermost parallel region, 0 .. threads-1. */
int cv_thread_index(void);

#endif
