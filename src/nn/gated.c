#include "nn/gated.h"

#include <string.h>

/* Numbers that are in work at once, on the stack. */
#define CHUNK 256

static void run(const cv_exec *exec, cv_gelu_form form, float *out, const float *value, const float *gate, int width)
{
    float active[CHUNK];

    for (int first = 0; first < width; first += CHUNK) {
        const int count = width - first < CHUNK ? width - first : CHUNK;

        memcpy(active, gate + first, (size_t)count * sizeof *active);
        exec->kernels.gelu[form](active, (size_t)count);
        for (int i = 0; i < count; i++)
            out[first + i] = value[first + i] * active[i];
    }
}

void cv_gated_gelu(const cv_exec *exec, cv_gelu_form form, float *out, const float *value, const float *gate,
                   size_t stride, int width, int rows)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (rows > 1)
    for (int r = 0; r < rows; r++)
        run(exec, form, out + (size_t)r * (size_t)width, value + (size_t)r * stride, gate + (size_t)r * stride, width);
}

static void run_backward(const cv_exec *exec, cv_gelu_form form, float *dvalue, float *dgate, const float *dy,
                         const float *value, const float *gate, int width)
{
    float active[CHUNK], dactive[CHUNK];

    for (int first = 0; first < width; first += CHUNK) {
        const int count = width - first < CHUNK ? width - first : CHUNK;

        memcpy(active, gate + first, (size_t)count * sizeof *active);
        for (int i = 0; i < count; i++)
            dactive[i] = dy[first + i] * value[first + i];
        exec->kernels.gelu_backward[form](dgate + first, dactive, active, (size_t)count);
        exec->kernels.gelu[form](active, (size_t)count);
        for (int i = 0; i < count; i++)
            dvalue[first + i] = dy[first + i] * active[i];
    }
}

void cv_gated_gelu_backward(const cv_exec *exec, cv_gelu_form form, float *dvalue, float *dgate, const float *dy,
                            const float *value, const float *gate, size_t stride, int width, int rows)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (rows > 1)
    for (int r = 0; r < rows; r++) {
        const size_t at = (size_t)r * stride;

        run_backward(exec, form, dvalue + at, dgate + at, dy + (size_t)r * (size_t)width, value + at, gate + at, width);
    }
}
