/* exec.h - how a layer runs: with which kernels, on how many threads. Passed first to every threaded operation. */
#ifndef CV_NN_EXEC_H
#define CV_NN_EXEC_H

#include "base/status.h"
#include "kernels/kernels.h"

typedef struct cv_exec {
    int threads;    /* at least 1 */
    bool q8_inputs; /* quantised weights take their inputs in 8 bits */
    cv_weight_type cache; /* of keys and values that one step leaves for the next: f32, f16 or q8 */
    cv_kernels kernels;
} cv_exec;

/* How many threads to work with where `wanted` were asked for (0 = as many as are worth it): no more than can be started, and unasked no
 * more than have room in the address space. The log is told of fewer. */
int cv_exec_threads(int wanted, const cogvideo_log *log);
/* Starts the threads and takes the memory of their products. Before anything is computed: OpenMP ends the process where it is refused a
 * thread, and OpenBLAS before 0.3.30 asks again and again where it is refused memory. An error where either cannot be had. */
cogvideo_status cv_exec_prepare(const cv_exec *exec, cogvideo_error *err);

#endif
