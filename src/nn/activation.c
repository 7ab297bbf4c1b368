#include "nn/activation.h"

#include <math.h>

void cv_gelu(const cv_exec *exec, float *x, size_t count)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (count > 4096)
    for (size_t i = 0; i < count; i++) {
        float y = x[i];

        x[i] = 0.5f * y * (1.0f + tanhf(0.7978845608028654f * y * (1.0f + 0.044715f * y * y)));
    }
}
