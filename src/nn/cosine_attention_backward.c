/* With scores S = scale q k^T + bias, weights P = softmax(S) and out = P v: dv = P^T dout, dP = dout v^T, dS from dP by
 * the softmax, dq = scale dS k, dk = scale dS^T q, and through the norms. A thread has all items of a head, in order,
 * so that what they share is summed in one order. */
#include "nn/cosine_attention.h"

#include "base/parallel.h"
#include "nn/blas.h"
#include "nn/cosine_attention_head.h"

#include <math.h>
#include <string.h>

/* Memory of a thread. */
typedef struct head_memory {
    float *k, *v, *dk, *dv;    /* [keys][D] */
    float *q, *dq, *dout;      /* [tile][D] */
    float *weights, *dweights; /* [tile][keys] */
} head_memory;

static size_t head_floats(const cv_cosine_attention *s)
{
    const size_t keys = (size_t)cv_cosine_keys(s), tile = (size_t)cv_cosine_tile(s), D = (size_t)s->D;

    return 4 * keys * D + 3 * tile * D + 2 * tile * keys;
}

static head_memory memory_of(const cv_cosine_attention *s, float *at)
{
    const size_t keys = (size_t)cv_cosine_keys(s) * (size_t)s->D, tile = (size_t)cv_cosine_tile(s),
                 queries = tile * (size_t)s->D;
    head_memory m = { .k = at, .v = at + keys, .dk = at + 2 * keys, .dv = at + 3 * keys };

    at += 4 * keys;
    m.q = at;
    m.dq = at + queries;
    m.dout = at + 2 * queries;
    m.weights = at + 3 * queries;
    m.dweights = m.weights + tile * (size_t)cv_cosine_keys(s);
    return m;
}

size_t cv_cosine_attention_backward_scratch(const cv_exec *exec, const cv_cosine_attention *sizes)
{
    return ((size_t)exec->threads * head_floats(sizes) + 2 * (size_t)sizes->heads * (size_t)sizes->D) * sizeof(float);
}

/* dx from the gradient dy of y = x / |x| * scale, and adds to dscale [D], NULL = not wanted. dx may be dy. */
static void normalize_backward(float *dx, float *dscale, const float *dy, const float *x, const float *scale, int D)
{
    float length = 0, along = 0;

    if (!scale) {
        memmove(dx, dy, (size_t)D * sizeof *dx);
        return;
    }
    for (int d = 0; d < D; d++)
        length += x[d] * x[d];
    length = fmaxf(sqrtf(length), 1e-12f);
    for (int d = 0; d < D; d++)
        along += dy[d] * scale[d] * x[d] / length;
    for (int d = 0; d < D; d++) {
        const float unit = x[d] / length;

        if (dscale)
            dscale[d] += dy[d] * unit;
        dx[d] = (dy[d] * scale[d] - unit * along) / length;
    }
}

/* One tile of rows: dq of it, and adds to dk, dv and dbias. */
static void tile_backward(const cv_exec *exec, const cv_cosine_attention *s, int item, int head, int first, int rows,
                          const head_memory *m, float *dbias)
{
    const int keys = cv_cosine_keys(s), D = s->D;

    cv_cosine_weigh(exec, s, item, head, first, rows, m->q, m->k, m->weights);
    cv_blas_matmul_tn(m->dv, D, m->weights, keys, m->dout, D, keys, D, rows, 1.0f);
    cv_blas_matmul_nt(m->dweights, keys, m->dout, D, m->v, D, rows, keys, D, 0.0f);
    for (int r = 0; r < rows; r++) {
        float *row = m->dweights + (size_t)r * (size_t)keys;
        const int seen = s->causal ? s->nulls + first + r + 1 : keys;

        exec->kernels.softmax_backward(row, m->weights + (size_t)r * (size_t)keys, seen);
        memset(row + seen, 0, (size_t)(keys - seen) * sizeof *row);
        if (dbias)
            for (int i = s->nulls; i < keys; i++)
                dbias[(size_t)(first + r) * (size_t)s->keys + (size_t)(i - s->nulls)] += row[i];
        for (int i = 0; i < keys; i++)
            row[i] *= s->scale;
    }
    cv_blas_matmul_nn(m->dq, D, m->dweights, keys, m->k, D, rows, D, keys, 0.0f);
    cv_blas_matmul_tn(m->dk, D, m->dweights, keys, m->q, D, keys, D, rows, 1.0f);
}

/* The gradients of a head's keys and values, nulls first, go where they belong. */
static void give_keys(const cv_cosine_attention *s, int item, int head, const head_memory *m, float *dkv,
                      const float *kv, float *dnull, float *dscale)
{
    const size_t D = (size_t)s->D, width = (size_t)s->heads * D;
    const float *null_kv = s->null_kv + 2 * (size_t)head * (size_t)s->nulls * D;
    const size_t at = 2 * (size_t)item * (size_t)s->keys * width + (size_t)head * D;

    for (int i = 0; i < s->nulls; i++) {
        float *dk = m->dk + (size_t)i * D;

        normalize_backward(dk, dscale, dk, null_kv + 2 * (size_t)i * D, s->k_scale, s->D);
        for (size_t d = 0; d < D && dnull; d++) {
            dnull[2 * (size_t)i * D + d] += dk[d];
            dnull[(2 * (size_t)i + 1) * D + d] += m->dv[(size_t)i * D + d];
        }
    }
    for (int i = 0; i < s->keys; i++) {
        const size_t row = (size_t)(s->nulls + i) * D, to = at + 2 * (size_t)i * width;

        normalize_backward(dkv + to, dscale, m->dk + row, kv + to, s->k_scale, s->D);
        memcpy(dkv + to + width, m->dv + row, D * sizeof *dkv);
    }
}

static void head_backward(const cv_exec *exec, const cv_cosine_attention *s, int item, int head,
                          const cv_cosine_attention_grad *grad, float *dscales, float *dq, float *dkv,
                          const float *dout, const float *q, const float *kv, const head_memory *m)
{
    const size_t D = (size_t)s->D, width = (size_t)s->heads * D,
                 at = (size_t)item * (size_t)s->rows * width + (size_t)head * D, keys = (size_t)cv_cosine_keys(s);
    const int tile = cv_cosine_tile(s);
    float *dbias = grad->bias ? grad->bias + (size_t)head * (size_t)s->rows * (size_t)s->keys : NULL,
          *dnull = grad->null_kv ? grad->null_kv + 2 * (size_t)head * (size_t)s->nulls * D : NULL;

    cv_cosine_take_keys(s, item, head, kv, m->k, m->v);
    memset(m->dk, 0, 2 * keys * D * sizeof *m->dk);
    for (int first = 0; first < s->rows; first += tile) {
        const int rows = first + tile < s->rows ? tile : s->rows - first;

        for (int r = 0; r < rows; r++) {
            const size_t row = at + (size_t)(first + r) * width;

            cv_cosine_normalize(m->q + (size_t)r * D, q + row, s->q_scale, s->D);
            memcpy(m->dout + (size_t)r * D, dout + row, D * sizeof *dout);
        }
        tile_backward(exec, s, item, head, first, rows, m, dbias);
        for (int r = 0; r < rows; r++) {
            const size_t row = at + (size_t)(first + r) * width;

            normalize_backward(dq + row, dscales, m->dq + (size_t)r * D, q + row, s->q_scale, s->D);
        }
    }
    give_keys(s, item, head, m, dkv, kv, dnull, dscales + D);
}

void cv_cosine_attention_backward(const cv_exec *exec, const cv_cosine_attention *sizes,
                                  const cv_cosine_attention_grad *grad, float *dq, float *dkv, const float *dout,
                                  const float *q, const float *kv, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena), floats = head_floats(sizes), D = (size_t)sizes->D;
    float *all = cv_arena_take(arena, (size_t)exec->threads * floats, sizeof *all);
    float *dscales = cv_arena_take(arena, 2 * (size_t)sizes->heads * D, sizeof *dscales);

    memset(dscales, 0, 2 * (size_t)sizes->heads * D * sizeof *dscales);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int head = 0; head < sizes->heads; head++) {
        const head_memory m = memory_of(sizes, all + (size_t)cv_thread_index() * floats);

        for (int item = 0; item < sizes->items; item++)
            head_backward(exec, sizes, item, head, grad, dscales + 2 * (size_t)head * D, dq, dkv, dout, q, kv, &m);
    }
    for (int head = 0; head < sizes->heads; head++)
        for (size_t d = 0; d < D; d++) {
            if (grad->q_scale)
                grad->q_scale[d] += dscales[2 * (size_t)head * D + d];
            if (grad->k_scale)
                grad->k_scale[d] += dscales[(2 * (size_t)head + 1) * D + d];
        }
    cv_arena_rewind(arena, mark);
}
