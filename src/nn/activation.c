#include "nn/activation.h"

#define BLOCK 4096

void cv_gelu(const cv_exec *exec, cv_gelu_form form, float *x, size_t count)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (count > BLOCK)
    for (size_t first = 0; first < count; first += BLOCK)
        exec->kernels.gelu[form](x + first, count - first < BLOCK ? count - first : BLOCK);
}

void cv_gelu_backward(const cv_exec *exec, cv_gelu_form form, float *dx, const float *dy, const float *x, size_t count)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (count > BLOCK)
    for (size_t first = 0; first < count; first += BLOCK)
        exec->kernels.gelu_backward[form](dx + first, dy + first, x + first,
                                          count - first < BLOCK ? count - first : BLOCK);
}
