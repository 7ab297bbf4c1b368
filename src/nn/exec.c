#include "nn/exec.h"

#include "base/cpu.h"
#include "base/parallel.h"
#include "nn/blas.h"

#include <pthread.h>
#include <stdio.h>

#define LEAST_STACK (512 << 10) /* bytes: kernels of matrix tiles take 170 KB, OpenBLAS 100 */
#define SHARE 2 /* threads may use one part in so many of the address space; the rest is for weights and results */

/* Returns the bytes of address space that a thread needs: its stack and the buffer of its products. */
static long long thread_bytes(void)
{
    pthread_attr_t attributes;
    size_t stack = 0;

    if (pthread_getattr_default_np(&attributes) == 0) {
        pthread_attr_getstacksize(&attributes, &stack);
        pthread_attr_destroy(&attributes);
    }
    return CV_BLAS_BUFFER + (long long)stack;
}

static int limit_by_room(int threads, const cogvideo_log *log)
{
    const long long left = cv_address_space_left(), room = left / SHARE / thread_bytes();

    if (left < 0 || room >= threads || threads == 1)
        return threads;
    threads = room > 1 ? (int)room : 1;
    cv_log(log, COGVIDEO_LOG_INFO,
           "%d thread%s: the limits of the process (ulimit -v, ulimit -d) leave %lld MB of address space, and each "
           "thread takes %lld MB",
           threads, threads == 1 ? " works" : "s work", left / 1000000, thread_bytes() / 1000000);
    return threads;
}

int cv_exec_threads(int wanted, const cogvideo_log *log)
{
    const int threads = wanted ? wanted : limit_by_room(cv_thread_count(), log),
              possible = cv_threads_possible(threads);

    if (possible < threads)
        cv_log(log, COGVIDEO_LOG_WARNING,
               "%d thread%s instead of %d: the system does not start more (ulimit -u and control groups set the limit)",
               possible, possible == 1 ? " works" : "s work", threads);
    return possible;
}

static cogvideo_status no_room(int threads, cogvideo_error *err)
{
    const long long left = cv_address_space_left();
    char has[80] = "less is left";

    if (left >= 0)
        snprintf(has, sizeof has, "the limits of the process leave %lld MB", left / 1000000);
    return cv_fail(err, COGVIDEO_ERROR_MEMORY,
                   "matrix products on %d thread%s take %lld MB of address space, and %s: %sraise the limits ('ulimit "
                   "-v' and 'ulimit -d' print them in KiB)",
                   threads, threads == 1 ? "" : "s", threads * thread_bytes() / 1000000, has,
                   threads > 1 ? "use fewer threads (--threads), or " : "");
}

cogvideo_status cv_exec_prepare(const cv_exec *exec, cogvideo_error *err)
{
    static _Thread_local int ready; /* threads that OpenMP keeps for later regions of this thread */
    int started = 0;

    if (exec->threads <= ready)
        return COGVIDEO_OK;
    if (cv_stack_bytes() < LEAST_STACK)
        return cv_fail(
            err, COGVIDEO_ERROR_MEMORY,
            "a thread's stack has %lld KB and needs %d: raise 'ulimit -s', and OMP_STACKSIZE where it is set",
            cv_stack_bytes() >> 10, LEAST_STACK >> 10);
    if (!cv_blas_reserve(exec->threads))
        return no_room(exec->threads, err);
    if (cv_threads_possible(exec->threads) < exec->threads)
        return cv_fail(err, COGVIDEO_ERROR_MEMORY,
                       "%d threads cannot be started: use fewer (--threads), or raise the limits of the process "
                       "(ulimit -u, ulimit -v)",
                       exec->threads);
#pragma omp parallel num_threads(exec->threads)
    {
#pragma omp atomic
        started++;
    }
    ready = started;
    return COGVIDEO_OK;
}
