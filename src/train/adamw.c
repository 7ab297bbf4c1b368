#include "train/adamw.h"

#include <math.h>

void cv_adamw_update(const cv_exec *exec, const cv_adamw *options, int step, double scale, const cv_tensor *weights,
                     const cv_tensor *gradient, const cv_tensor *first, const cv_tensor *second)
{
    float beta1 = (float)options->beta1, beta2 = (float)options->beta2, factor = (float)scale;
    float epsilon = (float)options->epsilon;
    float rate = (float)(options->rate / (1 - pow(options->beta1, step + 1)));
    float correction = (float)(1 / sqrt(1 - pow(options->beta2, step + 1)));
    float keep = weights->rank > 1 ? (float)(1 - options->rate * options->weight_decay) : 1;
    float *w = cv_tensor_values(weights), *m = cv_tensor_values(first), *v = cv_tensor_values(second);
    const float *g = gradient->data;
    long long count = (long long)weights->count;

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (count > 65536)
    for (long long i = 0; i < count; i++) {
        float d = g[i] * factor;

        m[i] = beta1 * m[i] + (1 - beta1) * d;
        v[i] = beta2 * v[i] + (1 - beta2) * d * d;
        w[i] = keep * w[i] - rate * m[i] / (sqrtf(v[i]) * correction + epsilon);
    }
}
