#include "nn/activation.h"

#include "nn/fast_math.h"

#define BLOCK 4096

/* 0.5 (1 + tanh(u)) = 1 / (1 + e^-2u): one exp, exact also where tanh is near -1. SLOPE = -2 sqrt(2 / pi) */
#define SLOPE (-1.5957691216057308f)
#define CUBIC 0.044715f

static void gelu(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float y = x[i];

        x[i] = y / (1.0f + cv_fast_exp(SLOPE * y * (1.0f + CUBIC * y * y)));
    }
}

/* With s = 1 / (1 + e), e = e^-2u: d(y s) = s + y s (1 - s) d2u, and 1 - s = e s */
static void gelu_backward(float *dx, const float *dy, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float y = x[i], e = cv_fast_exp(SLOPE * y * (1.0f + CUBIC * y * y)), s = 1.0f / (1.0f + e);

        dx[i] = dy[i] * (s - y * s * (e * s) * SLOPE * (1.0f + 3.0f * CUBIC * y * y));
    }
}

void cv_gelu(const cv_exec *exec, float *x, size_t count)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (count > BLOCK)
    for (size_t first = 0; first < count; first += BLOCK)
        gelu(x + first, count - first < BLOCK ? count - first : BLOCK);
}

void cv_gelu_backward(const cv_exec *exec, float *dx, const float *dy, const float *x, size_t count)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (count > BLOCK)
    for (size_t first = 0; first < count; first += BLOCK)
        gelu_backward(dx + first, dy + first, x + first, count - first < BLOCK ? count - first : BLOCK);
}
