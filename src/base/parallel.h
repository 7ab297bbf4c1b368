/* parallel.h - the one door to omp.h; the pragmas stand in nn/, model/, train/ and bench/. */
#ifndef CV_BASE_PARALLEL_H
#define CV_BASE_PARALLEL_H

/* Multiply-adds below which one thread is done before others would have woken up. For the `if` of a parallel loop. */
#define CV_PARALLEL_WORK 200000

/* This thread's number inside the innermost parallel region, 0 .. threads-1. */
int cv_thread_index(void);

#endif
