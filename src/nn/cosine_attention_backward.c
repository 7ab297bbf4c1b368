/* With scores S = q k^T + bias of q that the scale is part of, weights P = softmax(S) and out = P v: dv = P^T dout,
 * dP = dout v^T, dS from dP by the softmax, dq = dS k, dk = dS^T q, and through the norms. A thread has all items of a
 * head, in order, so that what they share is summed in one order. */
#include "nn/cosine_attention.h"

#include "base/parallel.h"
#include "nn/cosine_attention_head.h"

#include <math.h>
#include <string.h>

/* Memory of a thread. */
typedef struct memory {
    float *key_panels, *value_panels;
    float *keys, *dkeys, *dvalues;      /* [keys][width] */
    float *queries, *dqueries, *dout;   /* [tile][width] */
    float *weights, *dweights, *places; /* [tile][stride], [stride] */
    int *at;                            /* [keys] */
} memory;

static memory take_memory(const cv_cosine_room *room, cv_arena *arena)
{
    const size_t tile = (size_t)room->tile, queries = tile * room->width, weights = tile * room->stride;
    memory m = { .key_panels = cv_arena_take(arena, room->panels, sizeof(float)) };

    m.value_panels = cv_arena_take(arena, room->panels, sizeof(float));
    m.keys = cv_arena_take(arena, room->rows, sizeof(float));
    m.dkeys = cv_arena_take(arena, room->rows, sizeof(float));
    m.dvalues = cv_arena_take(arena, room->rows, sizeof(float));
    m.queries = cv_arena_take(arena, queries, sizeof(float));
    m.dqueries = cv_arena_take(arena, queries, sizeof(float));
    m.dout = cv_arena_take(arena, queries, sizeof(float));
    m.weights = cv_arena_take(arena, weights, sizeof(float));
    m.dweights = cv_arena_take(arena, weights, sizeof(float));
    m.places = cv_arena_take(arena, room->stride, sizeof(float));
    m.at = cv_arena_take(arena, (size_t)room->keys, sizeof(int));
    return m;
}

/* Bytes of a thread. */
static size_t memory_bytes(const cv_cosine_room *room)
{
    cv_arena measure = { 0 };

    take_memory(room, &measure);
    return measure.peak;
}

/* Gradients of the scales of queries and keys, a row of each for each head. */
static float *take_scales(const cv_cosine_attention *s, cv_arena *arena)
{
    return cv_arena_take(arena, 2 * (size_t)s->heads * (size_t)s->D, sizeof(float));
}

size_t cv_cosine_attention_backward_scratch(const cv_exec *exec, const cv_cosine_attention *sizes)
{
    const cv_cosine_room room = cv_cosine_room_of(exec, sizes);
    cv_arena measure = { 0 };

    take_scales(sizes, &measure);
    cv_arena_take(&measure, (size_t)exec->threads, memory_bytes(&room));
    return measure.peak;
}

/* A head of an item, and where its gradients go. */
typedef struct head_pass {
    const cv_exec *exec;
    const cv_cosine_attention *s;
    const cv_cosine_room *room;
    memory m;
    int item, head, seen;
    float *dbias, *dnull; /* of the head; NULL = not wanted */
    float *dscales;       /* [2][D] */
} head_pass;

/* dx from the gradient dy of y = x / |x| * scale * by, and adds to dscale [D]. dx may be dy. */
static void normalize_backward(float *dx, float *dscale, const float *dy, const float *x, const float *scale, float by,
                               int D)
{
    float length = 0, along = 0;

    if (!scale) {
        for (int d = 0; d < D; d++)
            dx[d] = dy[d] * by;
        return;
    }
    for (int d = 0; d < D; d++)
        length += x[d] * x[d];
    length = fmaxf(sqrtf(length), 1e-12f);
    for (int d = 0; d < D; d++)
        along += dy[d] * by * scale[d] * x[d] / length;
    for (int d = 0; d < D; d++) {
        const float unit = x[d] / length, g = dy[d] * by;

        dscale[d] += g * unit;
        dx[d] = (g * scale[d] - unit * along) / length;
    }
}

/* Weights of a tile of rows, and gradients of their scores; adds to those of the bias. */
static void weigh_tile(const head_pass *p, int first, int count)
{
    const cv_cosine_attention *s = p->s;
    const memory *m = &p->m;
    const size_t stride = p->room->stride;

    cv_cosine_products(p->exec, s, p->room, p->seen, m->weights, m->queries, count, m->key_panels);
    cv_cosine_products(p->exec, s, p->room, p->seen, m->dweights, m->dout, count, m->value_panels);
    for (int r = 0; r < count; r++) {
        float *row = m->weights + (size_t)r * stride, *drow = m->dweights + (size_t)r * stride;
        const float scale = 1 / cv_cosine_weigh(p->exec, s, p->head, first + r, m->at, p->seen, row, m->places);

        for (int i = 0; i < p->seen; i++)
            row[i] *= scale;
        p->exec->kernels.softmax_backward(drow, row, p->seen);
        for (int i = s->nulls; i < p->seen && p->dbias; i++)
            p->dbias[(size_t)(first + r) * (size_t)s->keys + (size_t)m->at[i]] += drow[i];
    }
}

/* Rows first .. first + count - 1, at most a tile: their dq, and adds to the gradients of keys and values. */
static void tile_backward(const head_pass *p, int first, int count, float *dq, const float *dout, const float *q)
{
    const cv_cosine_attention *s = p->s;
    const memory *m = &p->m;
    const size_t width = p->room->width, stride = p->room->stride, step = (size_t)s->heads * (size_t)s->D,
                 at = ((size_t)p->item * (size_t)s->rows + (size_t)first) * step + (size_t)p->head * (size_t)s->D;
    cv_product_fn *product = p->exec->kernels.product;

    for (int r = 0; r < count; r++) {
        const size_t row = (size_t)r * width, from = at + (size_t)r * step;

        p->exec->kernels.unit(m->queries + row, (int)width, q + from, s->q_scale, s->scale, s->D);
        p->exec->kernels.unit(m->dout + row, (int)width, dout + from, NULL, 1, s->D);
    }
    weigh_tile(p, first, count);
    product(m->dvalues, width, m->weights, 1, stride, p->seen, m->dout, width, count, (int)width, true);
    product(m->dkeys, width, m->dweights, 1, stride, p->seen, m->queries, width, count, (int)width, true);
    product(m->dqueries, width, m->dweights, stride, 1, count, m->keys, width, p->seen, (int)width, false);
    for (int r = 0; r < count; r++) {
        const size_t row = at + (size_t)r * step;

        normalize_backward(dq + row, p->dscales, m->dqueries + (size_t)r * width, q + row, s->q_scale, s->scale, s->D);
    }
}

/* The gradients of a head's keys and values, nulls first, go where they belong. */
static void give_keys(const head_pass *p, float *dkv, const float *kv)
{
    const cv_cosine_attention *s = p->s;
    const memory *m = &p->m;
    const size_t D = (size_t)s->D, width = (size_t)s->heads * D,
                 first = 2 * (size_t)p->item * (size_t)s->keys * width + (size_t)p->head * D;

    for (size_t i = 0; i < 2 * (size_t)s->keys && p->seen < p->room->keys; i++)
        memset(dkv + first + i * width, 0, D * sizeof *dkv); /* of those that are not seen */
    for (int i = 0; i < p->seen; i++) {
        float *dkey = m->dkeys + (size_t)i * p->room->width;
        const float *dvalue = m->dvalues + (size_t)i * p->room->width;
        const float *key = cv_cosine_key(s, p->item, p->head, kv, m->at, i, false);

        normalize_backward(dkey, p->dscales + D, dkey, key, s->k_scale, 1, s->D);
        if (i >= s->nulls) {
            float *to = dkv + first + 2 * (size_t)m->at[i] * width;

            memcpy(to, dkey, D * sizeof *to);
            memcpy(to + width, dvalue, D * sizeof *to);
            continue;
        }
        for (size_t d = 0; d < D && p->dnull; d++) {
            p->dnull[2 * (size_t)i * D + d] += dkey[d];
            p->dnull[(2 * (size_t)i + 1) * D + d] += dvalue[d];
        }
    }
}

static void head_backward(head_pass *p, float *dq, float *dkv, const float *dout, const float *q, const float *kv)
{
    const cv_cosine_attention *s = p->s;
    const memory *m = &p->m;

    p->seen = cv_cosine_seen(s, p->item, m->at);
    cv_cosine_take(p->exec, s, p->item, p->head, kv, m->at, p->seen, true, p->room, m->keys);
    cv_cosine_panels(p->exec, s, p->room, p->seen, m->keys, m->value_panels);
    cv_cosine_take(p->exec, s, p->item, p->head, kv, m->at, p->seen, false, p->room, m->keys);
    cv_cosine_panels(p->exec, s, p->room, p->seen, m->keys, m->key_panels);
    memset(m->dkeys, 0, p->room->rows * sizeof *m->dkeys);
    memset(m->dvalues, 0, p->room->rows * sizeof *m->dvalues);
    for (int first = 0; first < s->rows; first += p->room->tile)
        tile_backward(p, first, s->rows - first < p->room->tile ? s->rows - first : p->room->tile, dq, dout, q);
    give_keys(p, dkv, kv);
}

static void add_scales(const cv_cosine_attention *s, const cv_cosine_attention_grad *grad, const float *dscales)
{
    for (int head = 0; head < s->heads; head++)
        for (int d = 0; d < s->D; d++) {
            if (grad->q_scale)
                grad->q_scale[d] += dscales[2 * head * s->D + d];
            if (grad->k_scale)
                grad->k_scale[d] += dscales[(2 * head + 1) * s->D + d];
        }
}

void cv_cosine_attention_backward(const cv_exec *exec, const cv_cosine_attention *sizes,
                                  const cv_cosine_attention_grad *grad, float *dq, float *dkv, const float *dout,
                                  const float *q, const float *kv, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena), D = (size_t)sizes->D;
    const cv_cosine_room room = cv_cosine_room_of(exec, sizes);
    const size_t bytes = memory_bytes(&room), bias = (size_t)sizes->rows * (size_t)sizes->keys,
                 nulls = 2 * (size_t)sizes->nulls * D;
    float *dscales = take_scales(sizes, arena);
    char *all = cv_arena_take(arena, (size_t)exec->threads, bytes);

    memset(dscales, 0, 2 * (size_t)sizes->heads * D * sizeof *dscales);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int head = 0; head < sizes->heads; head++) {
        cv_arena own = cv_arena_over(all + (size_t)cv_thread_index() * bytes, bytes);
        head_pass p = { exec, sizes, &room, take_memory(&room, &own), 0, head, 0, NULL, NULL, NULL };

        p.dbias = grad->bias ? grad->bias + (size_t)head * bias : NULL;
        p.dnull = grad->null_kv ? grad->null_kv + (size_t)head * nulls : NULL;
        p.dscales = dscales + 2 * (size_t)head * D;
        for (p.item = 0; p.item < sizes->items; p.item++)
            head_backward(&p, dq, dkv, dout, q, kv);
    }
    add_scales(sizes, grad, dscales);
    cv_arena_rewind(arena, mark);
}
