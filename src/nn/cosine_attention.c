#include "nn/cosine_attention.h"

#include "base/parallel.h"
#include "nn/blas.h"
#include "nn/cosine_attention_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- a head of an item -------------------------------------------------------------------------------------------- */

int cv_cosine_keys(const cv_cosine_attention *s)
{
    return s->nulls + s->keys;
}

int cv_cosine_tile(const cv_cosine_attention *s)
{
    return s->rows < CV_COSINE_TILE ? s->rows : CV_COSINE_TILE;
}

float cv_cosine_normalize(float *out, const float *x, const float *scale, int D)
{
    float sum = 0, length;

    if (!scale) {
        memcpy(out, x, (size_t)D * sizeof *out);
        return 1;
    }
    for (int d = 0; d < D; d++)
        sum += x[d] * x[d];
    length = fmaxf(sqrtf(sum), 1e-12f);
    for (int d = 0; d < D; d++)
        out[d] = x[d] / length * scale[d];
    return length;
}

void cv_cosine_take_keys(const cv_cosine_attention *s, int item, int head, const float *kv, float *k, float *v)
{
    const size_t D = (size_t)s->D, width = (size_t)s->heads * D;
    const float *null_kv = s->null_kv + 2 * (size_t)head * (size_t)s->nulls * D,
                *from = kv + 2 * (size_t)item * (size_t)s->keys * width + (size_t)head * D;

    for (int i = 0; i < s->nulls; i++, k += D, v += D) {
        cv_cosine_normalize(k, null_kv + 2 * (size_t)i * D, s->k_scale, s->D);
        memcpy(v, null_kv + (2 * (size_t)i + 1) * D, D * sizeof *v);
    }
    for (int i = 0; i < s->keys; i++, k += D, v += D) {
        cv_cosine_normalize(k, from + 2 * (size_t)i * width, s->k_scale, s->D);
        memcpy(v, from + (2 * (size_t)i + 1) * width, D * sizeof *v);
    }
}

/* Adds to the scores of a row what does not come from the network's numbers. The number of keys that it sees, the first
 * ones; what is masked among them has a weight of zero. */
static int add_places(const cv_cosine_attention *s, int item, int head, int row, float *scores)
{
    const int keys = s->causal ? row + 1 : s->keys;
    float *own = scores + s->nulls;

    if (s->bias) {
        const float *bias = s->bias + ((size_t)head * (size_t)s->rows + (size_t)row) * (size_t)s->keys;

        for (int i = 0; i < keys; i++)
            own[i] += bias[i];
    }
    if (s->slopes)
        for (int i = 0; i < keys; i++)
            own[i] -= s->slopes[head] * (float)abs(row - i);
    if (s->mask) {
        const uint8_t *mask = s->mask + (size_t)item * (size_t)s->keys;

        for (int i = 0; i < keys; i++)
            if (!mask[i])
                own[i] = -3.4e38f;
    }
    return s->nulls + keys;
}

void cv_cosine_weigh(const cv_exec *exec, const cv_cosine_attention *s, int item, int head, int first, int rows,
                     const float *q, const float *k, float *weights)
{
    const int keys = cv_cosine_keys(s);

    cv_blas_matmul_nt(weights, keys, q, s->D, k, s->D, rows, keys, s->D, 0.0f);
    for (int r = 0; r < rows; r++) {
        float *row = weights + (size_t)r * (size_t)keys;
        int seen;

        for (int i = 0; i < keys; i++)
            row[i] *= s->scale;
        seen = add_places(s, item, head, first + r, row);
        exec->kernels.softmax(row, seen);
        memset(row + seen, 0, (size_t)(keys - seen) * sizeof *row);
    }
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

/* Floats of a thread: keys, values, queries and weights of a tile. */
static size_t head_floats(const cv_cosine_attention *s)
{
    const size_t keys = (size_t)cv_cosine_keys(s), tile = (size_t)cv_cosine_tile(s), D = (size_t)s->D;

    return 2 * keys * D + tile * D + tile * keys;
}

size_t cv_cosine_attention_scratch(const cv_exec *exec, const cv_cosine_attention *sizes)
{
    return (size_t)exec->threads * head_floats(sizes) * sizeof(float);
}

static void run_head(const cv_exec *exec, const cv_cosine_attention *s, int item, int head, float *out, const float *q,
                     const float *kv, float *scratch)
{
    const size_t D = (size_t)s->D, width = (size_t)s->heads * D,
                 at = (size_t)item * (size_t)s->rows * width + (size_t)head * D;
    const int keys = cv_cosine_keys(s), tile = cv_cosine_tile(s);
    float *k = scratch, *v = k + (size_t)keys * D, *queries = v + (size_t)keys * D,
          *weights = queries + (size_t)tile * D;

    cv_cosine_take_keys(s, item, head, kv, k, v);
    for (int first = 0; first < s->rows; first += tile) {
        const int rows = first + tile < s->rows ? tile : s->rows - first;

        for (int r = 0; r < rows; r++)
            cv_cosine_normalize(queries + (size_t)r * D, q + at + (size_t)(first + r) * width, s->q_scale, s->D);
        cv_cosine_weigh(exec, s, item, head, first, rows, queries, k, weights);
        cv_blas_matmul_nn(out + at + (size_t)first * width, (int)width, weights, keys, v, s->D, rows, s->D, keys, 0.0f);
    }
}

void cv_cosine_attention_apply(const cv_exec *exec, const cv_cosine_attention *sizes, float *out, const float *q,
                               const float *kv, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena), floats = head_floats(sizes);
    float *all = cv_arena_take(arena, (size_t)exec->threads * floats, sizeof *all);

#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(2)
    for (int item = 0; item < sizes->items; item++)
        for (int head = 0; head < sizes->heads; head++)
            run_head(exec, sizes, item, head, out, q, kv, all + (size_t)cv_thread_index() * floats);
    cv_arena_rewind(arena, mark);
}

void cv_alibi_slopes(float *slopes, int heads)
{
    int power = 1;

    while (2 * power <= heads)
        power *= 2;
    for (int i = 0; i < power && i < heads; i++)
        slopes[i] = (float)pow(2.0, -8.0 / power * (i + 1));
    for (int i = power; i < heads; i++)
        slopes[i] = (float)pow(2.0, -4.0 / power * (2 * (i - power) + 1));
}
