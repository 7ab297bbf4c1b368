#include "nn/attention.h"

#include "base/parallel.h"

#include <math.h>
#include <string.h>

/* Queries that a thread takes at once in the forward pass: with more, a step of few queries would leave cores idle. */
#define FORWARD_TILE 4

/* Floats that one thread needs for a tile: weights [tile][max_keys] and queries [tile][D]. */
static size_t thread_floats(int max_keys, int D)
{
    return FORWARD_TILE * ((size_t)max_keys + (size_t)D);
}

size_t cv_attention_scratch(const cv_exec *exec, int max_keys, int D)
{
    return (size_t)exec->threads * thread_floats(max_keys, D) * sizeof(float);
}

int cv_attention_keys(const cv_attention_query *query)
{
    int count = 0;

    for (int s = 0; s < query->source_count; s++)
        for (int r = 0; r < query->sources[s].run_count; r++)
            count += query->sources[s].runs[r].count;
    return count;
}

static bool sees_the_same(const cv_attention_query *a, const cv_attention_query *b)
{
    if (a->source_count != b->source_count)
        return false;
    for (int s = 0; s < a->source_count; s++)
        if (a->sources[s].keys.data != b->sources[s].keys.data || a->sources[s].run_count != b->sources[s].run_count)
            return false;
    return true;
}

int cv_attention_tile(const cv_attention_query *queries, int count)
{
    int tile = 1;

    while (tile < count && tile < CV_ATTENTION_TILE && sees_the_same(&queries[0], &queries[tile]))
        tile++;
    return tile;
}

/* Returns `count` rows of a head's keys or values in a source, from `skip` rows after the beginning of a run. */
static cv_weight rows_of(const cv_attention_source *source, bool values, int head, int run, int skip, int count)
{
    return cv_weight_rows(values ? &source->values : &source->keys,
                          head * source->positions + source->runs[run].first + skip, count);
}

int cv_attention_shared(const cv_attention_query *tile, int count, int s, int run, const int *at)
{
    const cv_key_run *first = &tile[0].sources[s].runs[run];
    int shared = first->count;

    for (int q = 1; q < count; q++) {
        const cv_key_run *other = &tile[q].sources[s].runs[run];

        if (other->first != first->first || at[q] != at[0])
            return 0;
        shared = other->count < shared ? other->count : shared;
    }
    return shared;
}

void cv_attention_scores(const cv_kernels *kernels, const cv_attention_query *tile, int count, bool values, int head,
                         const float *x, int D, float *out, size_t stride)
{
    int at[CV_ATTENTION_TILE] = { 0 };

    for (int s = 0; s < tile[0].source_count; s++)
        for (int r = 0; r < tile[0].sources[s].run_count; r++) {
            int shared = cv_attention_shared(tile, count, s, r, at);
            cv_weight rows = rows_of(&tile[0].sources[s], values, head, r, 0, shared);

            if (shared > 0)
                kernels->linear_f32[rows.type](out + at[0], stride, x, (size_t)D, &rows, count);
            for (int q = 0; q < count; q++) {
                const cv_attention_source *source = &tile[q].sources[s];
                int more = source->runs[r].count - shared;

                rows = rows_of(source, values, head, r, shared, more);
                if (more > 0)
                    kernels->linear_f32[rows.type](out + (size_t)q * stride + at[q] + shared, stride,
                                                   x + (size_t)q * (size_t)D, (size_t)D, &rows, 1);
                at[q] += source->runs[r].count;
            }
        }
}

/* out [D] += weights . rows, over a head's rows of one of the source's runs. */
static void mix_run(const cv_kernels *kernels, const cv_weight *matrix, const cv_attention_source *source, int run,
                    int head, const float *weights, float *out)
{
    cv_weight rows =
        cv_weight_rows(matrix, head * source->positions + source->runs[run].first, source->runs[run].count);

    kernels->mix[rows.type](out, weights, &rows);
}

/* Turns scores into weights. */
static void weigh(const cv_kernels *kernels, const cv_attention_query *query, float *weights)
{
    int count = 0;

    for (int s = 0; s < query->source_count; s++) {
        const cv_attention_source *source = &query->sources[s];
        int first = count;

        for (int r = 0; r < source->run_count; r++)
            count += source->runs[r].count;
        if (source->bias != 0)
            for (int i = first; i < count; i++)
                weights[i] += source->bias;
    }
    kernels->softmax(weights, count);
}

void cv_attention_weights(const cv_kernels *kernels, const cv_attention_query *tile, int count, int head, int D,
                          float *weights, size_t stride, float *scaled)
{
    float scale = 1.0f / sqrtf((float)D);

    for (int q = 0; q < count; q++)
        for (int d = 0; d < D; d++)
            scaled[q * D + d] = tile[q].q[head * D + d] * scale;
    cv_attention_scores(kernels, tile, count, false, head, scaled, D, weights, stride);
    for (int q = 0; q < count; q++)
        weigh(kernels, &tile[q], weights + (size_t)q * stride);
}

static void mix_query(const cv_kernels *kernels, const cv_attention_query *query, int head, int D, const float *weights)
{
    float *out = query->out + (size_t)head * (size_t)D;
    int count = 0;

    memset(out, 0, (size_t)D * sizeof *out);
    for (int s = 0; s < query->source_count; s++) {
        const cv_attention_source *source = &query->sources[s];

        for (int r = 0; r < source->run_count; r++) {
            mix_run(kernels, &source->values, source, r, head, weights + count, out);
            count += source->runs[r].count;
        }
    }
}

static void attend(const cv_kernels *kernels, const cv_attention_query *queries, int count, int head, int D,
                   float *weights, size_t stride, float *scaled)
{
    for (int first = 0, tile; first < count; first += tile) {
        tile = cv_attention_tile(queries + first, count - first);
        cv_attention_weights(kernels, queries + first, tile, head, D, weights, stride, scaled);
        for (int q = 0; q < tile; q++)
            mix_query(kernels, &queries[first + q], head, D, weights + (size_t)q * stride);
    }
}

void cv_attention(const cv_exec *exec, const cv_attention_query *queries, int count, int H, int D, int max_keys,
                  cv_arena *arena)
{
    const int blocks = (count + FORWARD_TILE - 1) / FORWARD_TILE;
    const size_t each = thread_floats(max_keys, D), mark = cv_arena_mark(arena);
    float *all = cv_arena_take(arena, (size_t)exec->threads * each, sizeof *all);
    double keys = 0;

    for (int i = 0; i < count; i++)
        keys += cv_attention_keys(&queries[i]);
        /* Heads are the outer loop: a thread stays with one head's keys, which fit its cache, for many queries. */
#pragma omp parallel for num_threads(exec->threads) schedule(static) \
    collapse(2) if (2 * keys * H * D > CV_PARALLEL_WORK)
    for (int head = 0; head < H; head++)
        for (int block = 0; block < blocks; block++) {
            float *own = all + (size_t)cv_thread_index() * each;
            int first = block * FORWARD_TILE, left = count - first;

            attend(&exec->kernels, queries + first, left < FORWARD_TILE ? left : FORWARD_TILE, head, D, own,
                   (size_t)max_keys, own + FORWARD_TILE * (size_t)max_keys);
        }
    cv_arena_rewind(arena, mark);
}
