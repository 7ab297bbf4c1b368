#include "nn/attention.h"

#include "base/parallel.h"

#include <math.h>
#include <string.h>

size_t cv_attention_scratch(const cv_exec *exec, int max_keys, int D)
{
    return (size_t)exec->threads * ((size_t)max_keys + (size_t)D) * sizeof(float);
}

static cv_weight run_of(const cv_weight *matrix, const cv_attention_source *source, int run, int head)
{
    return cv_weight_rows(matrix, head * source->places + source->runs[run].first, source->runs[run].count);
}

void cv_attention_scores(const cv_kernels *kernels, const cv_weight *matrix, const cv_attention_source *source, int run, int head,
                         const float *x, float *out)
{
    cv_weight rows = run_of(matrix, source, run, head);

    kernels->linear[rows.type](out, (size_t)rows.N, x, (size_t)rows.K, &rows, 1);
}

void cv_attention_mix(const cv_kernels *kernels, const cv_weight *matrix, const cv_attention_source *source, int run, int head,
                      const float *weights, float *out)
{
    cv_weight rows = run_of(matrix, source, run, head);

    kernels->mix[rows.type](out, weights, &rows);
}

int cv_attention_weights(const cv_kernels *kernels, const cv_attention_query *query, int head, int D, float *weights,
                         float *scaled)
{
    const float *q = query->q + (size_t)head * (size_t)D;
    float scale = 1.0f / sqrtf((float)D);
    int count = 0;

    for (int d = 0; d < D; d++)
        scaled[d] = q[d] * scale;
    for (int s = 0; s < query->source_count; s++) {
        const cv_attention_source *source = &query->sources[s];
        int first = count;

        for (int r = 0; r < source->run_count; r++) {
            cv_attention_scores(kernels, &source->keys, source, r, head, scaled, weights + count);
            count += source->runs[r].count;
        }
        if (source->bias != 0)
            for (int i = first; i < count; i++)
                weights[i] += source->bias;
    }
    kernels->softmax(weights, count);
    return count;
}

static void attend(const cv_kernels *kernels, const cv_attention_query *query, int head, int D, float *weights,
                   float *scaled)
{
    float *out = query->out + (size_t)head * (size_t)D;
    int count = 0;

    cv_attention_weights(kernels, query, head, D, weights, scaled);
    memset(out, 0, (size_t)D * sizeof *out);
    for (int s = 0; s < query->source_count; s++) {
        const cv_attention_source *source = &query->sources[s];

        for (int r = 0; r < source->run_count; r++) {
            cv_attention_mix(kernels, &source->values, source, r, head, weights + count, out);
            count += source->runs[r].count;
        }
    }
}

void cv_attention(const cv_exec *exec, const cv_attention_query *queries, int count, int H, int D, int max_keys,
                  void *scratch)
{
    double keys = 0;

    for (int i = 0; i < count; i++)
        for (int s = 0; s < queries[i].source_count; s++)
            for (int r = 0; r < queries[i].sources[s].run_count; r++)
                keys += queries[i].sources[s].runs[r].count;
    /* Heads outermost: a thread stays with one head's keys, which fit its cache, for many queries. */
#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(2) if (2 * keys * H * D > CV_PARALLEL_WORK)
    for (int head = 0; head < H; head++)
        for (int i = 0; i < count; i++) {
            float *scores = (float *)scratch + (size_t)cv_thread_index() * ((size_t)max_keys + (size_t)D);

            attend(&exec->kernels, &queries[i], head, D, scores, scores + max_keys);
        }
}
