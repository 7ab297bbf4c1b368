#include "bench/limits.h"

#define PEAK_ROUNDS 4000000L
#define CHUNK ((size_t)1 << 20) /* bytes that a thread reads at a time */

/* Keeps the compiler from removing the computation of a value. */
static void keep(float value)
{
    volatile float kept = value;

    (void)kept;
}

double cv_limit_read(void *user)
{
    cv_limits *limits = user;
    const size_t size = limits->bytes < CHUNK ? limits->bytes : CHUNK;
    const int chunks = (int)(limits->bytes / CHUNK) + (size < CHUNK);

#pragma omp parallel for num_threads(limits->exec->threads) schedule(static)
    for (int chunk = 0; chunk < chunks; chunk++)
        keep(limits->exec->kernels.read((const char *)limits->buffer + (size_t)chunk * CHUNK, size));
    return (double)chunks * (double)size;
}

static double peak(cv_limits *limits, cv_peak_fn *run)
{
    double operations = 0;

#pragma omp parallel for num_threads(limits->exec->threads) schedule(static)
    for (int t = 0; t < limits->exec->threads; t++) {
        float own = 0.25f;
        double done = run(PEAK_ROUNDS, &own);

#pragma omp atomic
        operations += done;
        keep(own);
    }
    return operations;
}

double cv_limit_f32(void *user)
{
    cv_limits *limits = user;

    return peak(limits, limits->exec->kernels.peak_f32);
}

double cv_limit_int8(void *user)
{
    cv_limits *limits = user;

    return peak(limits, limits->exec->kernels.peak_int8);
}
