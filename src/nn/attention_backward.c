#include "nn/attention.h"

#include "base/parallel.h"

#include <math.h>
#include <string.h>

/* One thread's scratch, for a tile. */
typedef struct scratch_rows {
    float *weights, *dweights; /* [CV_ATTENTION_TILE][max_keys] */
    float *q, *dout;           /* [CV_ATTENTION_TILE][D]; q is scaled */
    float *dq;                 /* [D] */
} scratch_rows;

static size_t scratch_floats(int max_keys, int D)
{
    return 2 * CV_ATTENTION_TILE * ((size_t)max_keys + (size_t)D) + (size_t)D;
}

size_t cv_attention_backward_scratch(const cv_exec *exec, int max_keys, int D)
{
    return (size_t)exec->threads * scratch_floats(max_keys, D) * sizeof(float);
}

static scratch_rows rows_of(float *all, int max_keys, int D)
{
    float *at = all + (size_t)cv_thread_index() * scratch_floats(max_keys, D);
    size_t keys = CV_ATTENTION_TILE * (size_t)max_keys, width = CV_ATTENTION_TILE * (size_t)D;

    return (scratch_rows){ at, at + keys, at + 2 * keys, at + 2 * keys + width, at + 2 * keys + 2 * width };
}

/* Gradients of a query's keys and of the query, given those of its weights [keys]; or of its values, given its
 * weights. */
static void rows_backward(const cv_kernels *kernels, const cv_attention_query *query,
                          const cv_attention_query_grad *grad, bool values, int head, int D, const float *weights,
                          const float *x, float *dq)
{
    for (int s = 0; s < query->source_count; s++) {
        const cv_attention_source *source = &query->sources[s];
        float *to = values ? grad->sources[s].dvalues : grad->sources[s].dkeys;

        for (int r = 0; r < source->run_count; weights += source->runs[r++].count) {
            size_t first = (size_t)(head * source->positions + source->runs[r].first) * (size_t)D;

            if (!values)
                cv_attention_mix(kernels, &source->keys, source, r, head, weights, dq);
            if (to)
                kernels->spread(to + first, weights, x, source->runs[r].count, D);
        }
    }
}

static void query_backward(const cv_kernels *kernels, const cv_attention_query *query,
                           const cv_attention_query_grad *grad, int head, int D, float *weights, float *dweights,
                           const float *q, const float *dout, float *dq)
{
    float *to = grad->dq + (size_t)head * (size_t)D, scale = 1.0f / sqrtf((float)D);

    rows_backward(kernels, query, grad, true, head, D, weights, dout, NULL);
    kernels->softmax_backward(dweights, weights, cv_attention_keys(query));
    memset(dq, 0, (size_t)D * sizeof *dq);
    rows_backward(kernels, query, grad, false, head, D, dweights, q, dq);
    for (int d = 0; d < D; d++)
        to[d] = dq[d] * scale;
}

static void tile_backward(const cv_kernels *kernels, const cv_attention_query *tile,
                          const cv_attention_query_grad *grads, int count, int head, int D, int max_keys,
                          const scratch_rows *rows)
{
    cv_attention_weights(kernels, tile, count, head, D, rows->weights, (size_t)max_keys, rows->q);
    for (int i = 0; i < count; i++)
        memcpy(rows->dout + i * D, grads[i].dout + (size_t)head * (size_t)D, (size_t)D * sizeof *rows->dout);
    cv_attention_scores(kernels, tile, count, true, head, rows->dout, D, rows->dweights, (size_t)max_keys);
    for (int i = 0; i < count; i++)
        query_backward(kernels, &tile[i], &grads[i], head, D, rows->weights + i * max_keys,
                       rows->dweights + i * max_keys, rows->q + i * D, rows->dout + i * D, rows->dq);
}

void cv_attention_backward(const cv_exec *exec, const cv_attention_query *queries, const cv_attention_query_grad *grads,
                           const int *groups, int group_count, int H, int D, int max_keys, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    float *all = cv_arena_take(arena, (size_t)exec->threads * scratch_floats(max_keys, D), sizeof *all);

    /* A thread stays with one head's keys and their gradients, which fit its cache, for all queries of a group. */
#pragma omp parallel for num_threads(exec->threads) schedule(dynamic) collapse(2)
    for (int g = 0; g < group_count; g++)
        for (int head = 0; head < H; head++) {
            scratch_rows rows = rows_of(all, max_keys, D);

            for (int i = groups[g], tile; i < groups[g + 1]; i += tile) {
                tile = cv_attention_tile(queries + i, groups[g + 1] - i);
                tile_backward(&exec->kernels, queries + i, grads + i, tile, head, D, max_keys, &rows);
            }
        }
    cv_arena_rewind(arena, mark);
}
