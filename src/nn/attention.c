#include "nn/attention.h"

#include "base/parallel.h"

#include <math.h>
#include <string.h>

size_t cv_attention_scratch(const cv_exec *exec, int max_keys, int D)
{
    return (size_t)exec->threads * ((size_t)max_keys + (size_t)D) * sizeof(float);
}

/* Softmax in place; the sum in f64 keeps long rows exact. */
static void softmax(float *scores, int count)
{
    float best = scores[0];
    double sum = 0;
    float scale;

    for (int i = 1; i < count; i++)
        best = scores[i] > best ? scores[i] : best;
    for (int i = 0; i < count; i++) {
        scores[i] = expf(scores[i] - best);
        sum += (double)scores[i];
    }
    scale = (float)(1.0 / sum);
    for (int i = 0; i < count; i++)
        scores[i] *= scale;
}

static void attend(const cv_kernels *kernels, const cv_attention_query *query, int head, int D, float *scores,
                   float *scaled)
{
    const float *q = query->q + (size_t)head * (size_t)D;
    float *out = query->out + (size_t)head * (size_t)D;
    float scale = 1.0f / sqrtf((float)D);
    int count = 0;

    for (int d = 0; d < D; d++)
        scaled[d] = q[d] * scale;
    for (int s = 0; s < query->source_count; s++) {
        const cv_attention_source *source = &query->sources[s];
        const float *keys = source->keys + (size_t)head * source->head_stride;
        int first = count;

        for (int r = 0; r < source->run_count; r++) {
            kernels->scores(scores + count, scaled, keys + (size_t)source->runs[r].first * (size_t)D,
                            source->runs[r].count, D);
            count += source->runs[r].count;
        }
        if (source->bias != 0)
            for (int i = first; i < count; i++)
                scores[i] += source->bias;
    }
    softmax(scores, count);
    memset(out, 0, (size_t)D * sizeof *out);
    count = 0;
    for (int s = 0; s < query->source_count; s++) {
        const cv_attention_source *source = &query->sources[s];
        const float *values = source->values + (size_t)head * source->head_stride;

        for (int r = 0; r < source->run_count; r++) {
            kernels->mix(out, scores + count, values + (size_t)source->runs[r].first * (size_t)D,
                         source->runs[r].count, D);
            count += source->runs[r].count;
        }
    }
}

void cv_attention(const cv_exec *exec, const cv_attention_query *queries, int count, int H, int D, int max_keys,
                  void *scratch)
{
    /* Heads outermost: a thread stays with one head's keys, which fit its cache, for many queries. */
#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(2)
    for (int head = 0; head < H; head++)
        for (int i = 0; i < count; i++) {
            float *scores = (float *)scratch + (size_t)cv_thread_index() * ((size_t)max_keys + (size_t)D);

            attend(&exec->kernels, &queries[i], head, D, scores, scores + max_keys);
        }
}
