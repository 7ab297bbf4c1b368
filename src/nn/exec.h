/* exec.h - how a layer runs: with which kernels, on how many threads. The first argument of every threaded
 * operation. */
#ifndef CV_NN_EXEC_H
#define CV_NN_EXEC_H

#include "base/status.h"
#include "kernels/kernels.h"

typedef struct cv_exec {
    int threads;          /* at least 1 */
    bool q8_inputs;       /* quantized weights take their inputs in 8 bits */
    cv_weight_type cache; /* type of the KV cache: f32, f16 or q8 */
    cv_kernels kernels;
} cv_exec;

/* Returns how many threads to use where `wanted` were asked for (0 = as many as are worth it): no more than can be
 * started, and by default no more than fit into the address space. Logs it where they are fewer. */
int cv_exec_threads(int wanted, const cogvideo_log *log);
/* Starts the threads and allocates the buffers of their products; an error where either fails. Call it before
 * anything is computed: OpenMP ends the process when a thread cannot be started, and OpenBLAS before 0.3.30 retries
 * forever when it cannot allocate. */
cogvideo_status cv_exec_prepare(const cv_exec *exec, cogvideo_error *err);

#endif
