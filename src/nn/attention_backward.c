#include "nn/attention.h"

#include "base/parallel.h"

#include <math.h>
#include <string.h>

/* One thread's scratch, for a tile. */
typedef struct scratch_rows {
    float *weights, *dweights; /* [CV_ATTENTION_TILE][max_keys] */
    float *q, *dout, *dq;      /* [CV_ATTENTION_TILE][D]; q is scaled */
} scratch_rows;

static size_t scratch_floats(int max_keys, int D)
{
    return CV_ATTENTION_TILE * (2 * (size_t)max_keys + 3 * (size_t)D);
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

/* How many rows at the beginning of a run go through products for all queries of the tile. */
static int rows_together(const cv_attention_query *tile, int count, int s, int run, const int *at, int D)
{
    return tile[0].sources[s].keys.type == CV_WEIGHT_F32 && D % CV_PRODUCT_STEP == 0
               ? cv_attention_shared(tile, count, s, run, at)
               : 0;
}

/* Gradients of a tile's keys and of its queries, given those of its weights [count][stride]; or of its values, given
 * the weights. */
static void rows_backward(const cv_kernels *kernels, const cv_attention_query *tile,
                          const cv_attention_query_grad *grads, int count, bool values, int head, int D,
                          const float *weights, size_t stride, const float *x, float *dq)
{
    int at[CV_ATTENTION_TILE] = { 0 };

    for (int s = 0; s < tile[0].source_count; s++)
        for (int r = 0; r < tile[0].sources[s].run_count; r++) {
            const cv_attention_source *source = &tile[0].sources[s];
            const int together = rows_together(tile, count, s, r, at, D);
            const size_t width = (size_t)D, first = (size_t)(head * source->positions + source->runs[r].first) * width;
            float *to = values ? grads[0].sources[s].dvalues : grads[0].sources[s].dkeys;

            if (together > 0 && !values)
                kernels->product(dq, width, weights + at[0], stride, 1, count, (const float *)source->keys.data + first,
                                 width, together, D, true);
            if (together > 0 && to)
                kernels->product(to + first, width, weights + at[0], 1, stride, together, x, width, count, D, true);
            for (int q = 0; q < count; q++) {
                const cv_key_run run = tile[q].sources[s].runs[r];
                const int row = head * source->positions + run.first + together, more = run.count - together;
                const float *own = weights + (size_t)q * stride + at[q] + together;
                const cv_weight keys = cv_weight_rows(&source->keys, row, more);

                if (more > 0 && !values)
                    kernels->mix[keys.type](dq + (size_t)q * width, own, &keys);
                if (more > 0 && to)
                    kernels->spread(to + (size_t)row * width, own, x + (size_t)q * width, more, D);
                at[q] += run.count;
            }
        }
}

static void tile_backward(const cv_kernels *kernels, const cv_attention_query *tile,
                          const cv_attention_query_grad *grads, int count, int head, int D, int max_keys,
                          const scratch_rows *rows)
{
    const size_t stride = (size_t)max_keys, width = (size_t)D;
    const float scale = 1.0f / sqrtf((float)D);

    cv_attention_weights(kernels, tile, count, head, D, rows->weights, stride, rows->q);
    for (int i = 0; i < count; i++)
        memcpy(rows->dout + i * D, grads[i].dout + (size_t)head * width, width * sizeof *rows->dout);
    cv_attention_scores(kernels, tile, count, true, head, rows->dout, D, rows->dweights, stride);
    rows_backward(kernels, tile, grads, count, true, head, D, rows->weights, stride, rows->dout, NULL);
    for (int i = 0; i < count; i++)
        kernels->softmax_backward(rows->dweights + i * max_keys, rows->weights + i * max_keys,
                                  cv_attention_keys(&tile[i]));
    memset(rows->dq, 0, (size_t)count * width * sizeof *rows->dq);
    rows_backward(kernels, tile, grads, count, false, head, D, rows->dweights, stride, rows->q, rows->dq);
    for (int i = 0; i < count; i++)
        for (int d = 0; d < D; d++)
            grads[i].dq[(size_t)head * width + (size_t)d] = rows->dq[i * D + d] * scale;
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
