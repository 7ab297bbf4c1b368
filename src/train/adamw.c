#include "train/adamw.h"

#include <math.h>

double cv_gradient_norm(cv_store *const *gradients, int count)
{
    double sum = 0;

    for (int s = 0; s < count; s++)
        for (size_t t = 0; t < cv_store_count(gradients[s]); t++) {
            const cv_tensor *tensor = cv_store_at(gradients[s], t);
            const float *values = tensor->data;
            double part[4] = { 0 };

            for (size_t i = 0; i < tensor->count; i++)
                part[i & 3] += (double)values[i] * (double)values[i];
            sum += (part[0] + part[2]) + (part[1] + part[3]);
        }
    return sqrt(sum);
}

void cv_adamw_update(const cv_exec *exec, const cv_adamw *options, int step, double scale, cv_store *weights,
                     cv_store *gradients, cv_store *first, cv_store *second)
{
    float beta1 = (float)options->beta1, beta2 = (float)options->beta2, factor = (float)scale;
    float epsilon = (float)options->epsilon;
    float rate = (float)(options->rate / (1 - pow(options->beta1, step + 1)));
    float correction = (float)(1 / sqrt(1 - pow(options->beta2, step + 1)));

    for (size_t t = 0; t < cv_store_count(weights); t++) {
        const cv_tensor *tensor = cv_store_at(weights, t);
        float *w = cv_tensor_values(tensor), *m = cv_tensor_values(cv_store_at(first, t));
        float *v = cv_tensor_values(cv_store_at(second, t));
        const float *g = cv_store_at(gradients, t)->data;
        float keep = tensor->rank > 1 ? (float)(1 - options->rate * options->weight_decay) : 1;
        long long count = (long long)tensor->count;

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (count > 65536)
        for (long long i = 0; i < count; i++) {
            float gradient = g[i] * factor;

            m[i] = beta1 * m[i] + (1 - beta1) * gradient;
            v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
            w[i] = keep * w[i] - rate * m[i] / (sqrtf(v[i]) * correction + epsilon);
        }
    }
}
