/* parallel.h - how many threads there can be; the only file that includes omp.h. The pragmas stand beside the loops
 * in nn/, model/, train/, bench/ and the steps of families. */
#ifndef CV_BASE_PARALLEL_H
#define CV_BASE_PARALLEL_H

/* Below this many multiply-adds one thread is done before the others would have woken up. For the `if` of a parallel
 * loop. */
#define CV_PARALLEL_WORK 200000

#define CV_MAX_THREADS 1024
/* Bytes of address space that OpenBLAS takes for each thread that multiplies, at its first product or when it is
 * loaded. Versions before 0.3.30 retry forever where they cannot get them. */
#define CV_BLAS_BUFFER ((long long)128 << 20)

/* Returns how many of `wanted` threads, the calling one included, the system lets run at once; 'ulimit -u', control
 * groups and the address space limit that. OpenMP ends the process when a thread cannot be started, so this tries it
 * first. */
int cv_threads_possible(int wanted);

/* Returns the bytes of stack of the thread that has least: of the first one by 'ulimit -s', of the others by the
 * environment variable OMP_STACKSIZE, too. */
long long cv_stack_bytes(void);

/* Sets how many threads a parallel region of the calling thread has that asks for no number, and returns how many it
 * had before. */
int cv_threads_default(int threads);

/* This thread's number inside the innermost parallel region, 0 .. threads-1. */
int cv_thread_index(void);

#endif
