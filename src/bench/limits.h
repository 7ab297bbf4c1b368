/* limits.h - measures the machine's limits: reading memory, multiplying in f32 and in 8 bits. */
#ifndef CV_BENCH_LIMITS_H
#define CV_BENCH_LIMITS_H

#include "bench/rounds.h"
#include "nn/exec.h"

typedef struct cv_limits {
    const cv_exec *exec;
    const void *buffer; /* larger than the caches, from a multiple of 64 bytes on; of less, what comes out is theirs */
    size_t bytes;       /* a multiple of 64; what is over a whole MiB is not read */
} cv_limits;

/* Functions for cv_bench_item, with a cv_limits: they return the bytes read, or the operations done. */
double cv_limit_read(void *limits);
double cv_limit_f32(void *limits);
double cv_limit_int8(void *limits);

#endif
