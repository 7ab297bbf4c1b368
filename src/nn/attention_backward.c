#include "nn/attention.h"

#include "base/parallel.h"

#include <math.h>
#include <string.h>

/* One thread's scratch. */
typedef struct scratch_rows {
    float *weights, *dweights; /* [max_keys] */
    float *q, *dout, *dq;      /* [D]; q is scaled */
} scratch_rows;

static size_t scratch_floats(int max_keys, int D)
{
    return 2 * (size_t)max_keys + 3 * (size_t)D;
}

size_t cv_attention_backward_scratch(const cv_exec *exec, int max_keys, int D)
{
    return (size_t)exec->threads * scratch_floats(max_keys, D) * sizeof(float);
}

static scratch_rows rows_of(void *scratch, int max_keys, int D)
{
    float *at = (float *)scratch + (size_t)cv_thread_index() * scratch_floats(max_keys, D);

    return (scratch_rows){ at, at + max_keys, at + 2 * max_keys, at + 2 * max_keys + D, at + 2 * max_keys + 2 * D };
}

static void values_backward(const cv_kernels *kernels, const cv_attention_source *source,
                            const cv_attention_grad *grad, int head, int D, const scratch_rows *rows, int at)
{
    size_t base = (size_t)head * (size_t)source->places * (size_t)D;

    for (int r = 0; r < source->run_count; at += source->runs[r++].count) {
        size_t first = base + (size_t)source->runs[r].first * (size_t)D;

        cv_attention_scores(kernels, &source->values, source, r, head, rows->dout, rows->dweights + at);
        if (grad->dvalues)
            kernels->spread(grad->dvalues + first, rows->weights + at, rows->dout, source->runs[r].count, D);
    }
}

static void keys_backward(const cv_kernels *kernels, const cv_attention_source *source, const cv_attention_grad *grad,
                          int head, int D, const scratch_rows *rows, int at)
{
    size_t base = (size_t)head * (size_t)source->places * (size_t)D;

    for (int r = 0; r < source->run_count; at += source->runs[r++].count) {
        size_t first = base + (size_t)source->runs[r].first * (size_t)D;

        cv_attention_mix(kernels, &source->keys, source, r, head, rows->dweights + at, rows->dq);
        if (grad->dkeys)
            kernels->spread(grad->dkeys + first, rows->dweights + at, rows->q, source->runs[r].count, D);
    }
}

static int source_keys(const cv_attention_source *source)
{
    int count = 0;

    for (int r = 0; r < source->run_count; r++)
        count += source->runs[r].count;
    return count;
}

static void query_backward(const cv_kernels *kernels, const cv_attention_query *query,
                           const cv_attention_query_grad *grad, int head, int D, const scratch_rows *rows)
{
    float *dq = grad->dq + (size_t)head * (size_t)D, scale = 1.0f / sqrtf((float)D);
    int count = cv_attention_weights(kernels, query, head, D, rows->weights, rows->q), at = 0;

    memcpy(rows->dout, grad->dout + (size_t)head * (size_t)D, (size_t)D * sizeof *dq);
    for (int s = 0; s < query->source_count; at += source_keys(&query->sources[s++]))
        values_backward(kernels, &query->sources[s], &grad->sources[s], head, D, rows, at);
    kernels->softmax_backward(rows->dweights, rows->weights, count);
    memset(rows->dq, 0, (size_t)D * sizeof *dq);
    at = 0;
    for (int s = 0; s < query->source_count; at += source_keys(&query->sources[s++]))
        keys_backward(kernels, &query->sources[s], &grad->sources[s], head, D, rows, at);
    for (int d = 0; d < D; d++)
        dq[d] = rows->dq[d] * scale;
}

void cv_attention_backward(const cv_exec *exec, const cv_attention_query *queries,
                           const cv_attention_query_grad *grads, const int *groups, int group_count, int H, int D,
                           int max_keys, void *scratch)
{
    /* A thread stays with one head's keys and their gradients, which fit its cache, for all queries of a group. */
#pragma omp parallel for num_threads(exec->threads) schedule(dynamic) collapse(2)
    for (int g = 0; g < group_count; g++)
        for (int head = 0; head < H; head++) {
            scratch_rows rows = rows_of(scratch, max_keys, D);

            for (int i = groups[g]; i < groups[g + 1]; i++)
                query_backward(&exec->kernels, &queries[i], &grads[i], head, D, &rows);
        }
}
