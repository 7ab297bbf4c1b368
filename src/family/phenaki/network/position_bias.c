/* position_bias.c - places that are equally far apart have one bias, so the network runs once for each distance, not
 * for each pair. Liu et al., "Swin Transformer V2", 2022, section 3.3. */
#include "family/phenaki/network/blocks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOPE 0.1f /* of the leaky ReLU below 0 */

cogvideo_status cv_position_bias_bind(cv_position_bias *out, cv_store *store, const char *prefix, int axes, int K,
                                      int heads, cogvideo_error *err)
{
    static const char *const names[] = { "net.0.0", "net.1.0", "net.2" };
    const int widths[] = { axes, K, K, heads };
    cogvideo_status status = COGVIDEO_OK;
    char name[200];

    *out = (cv_position_bias){ .axes = axes };
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, names[i]);
        CV_TRY(cv_linear_bind(&out->net[i], store, name, widths[i + 1], widths[i], true, err));
    }
done:
    return status;
}

/* The distances of a box, numbered. */
typedef struct distances {
    int size[3]; /* of the box: T, h, w */
    int count;   /* (2 T - 1) (2 h - 1) (2 w - 1) */
} distances;

static distances distances_of(int T, int h, int w)
{
    return (distances){ { T, h, w }, (2 * T - 1) * (2 * h - 1) * (2 * w - 1) };
}

/* The distance from the place of a query to the first key of a row of keys; those of its others follow. */
static int number_of(const distances *d, int query, int time, int row)
{
    const int h = d->size[1], w = d->size[2];

    return ((time - query / (h * w) + d->size[0] - 1) * (2 * h - 1) + row - query / w % h + h - 1) * (2 * w - 1) + w -
           1 - query % w;
}

/* What the network computes, for all distances: its input, two hidden layers before and behind the ReLU, its output,
 * and that with the distances of each head side by side, in which keys of a row are neighbours. */
typedef struct pass {
    float *x, *before[2], *hidden[2], *out; /* [distances][..] */
    float *table;                           /* [heads][distances] */
} pass;

static pass take(const cv_position_bias *net, const distances *d, cv_arena *arena)
{
    const size_t count = (size_t)d->count, K = (size_t)net->net[0].weight.N, heads = (size_t)net->net[2].weight.N;
    pass p = { .x = cv_arena_take(arena, count * (size_t)net->axes, sizeof(float)) };

    for (int i = 0; i < 2; i++) {
        p.before[i] = cv_arena_take(arena, count * K, sizeof(float));
        p.hidden[i] = cv_arena_take(arena, count * K, sizeof(float));
    }
    p.out = cv_arena_take(arena, count * heads, sizeof(float));
    p.table = cv_arena_take(arena, count * heads, sizeof(float));
    return p;
}

size_t cv_position_bias_scratch(const cv_exec *exec, const cv_position_bias *net, int T, int h, int w)
{
    const distances d = distances_of(T, h, w);
    const int K = net->net[0].weight.N;
    cv_arena arena = { 0 };

    take(net, &d, &arena);
    take(net, &d, &arena); /* gradients */
    cv_arena_reserve(&arena, cv_linear_many_scratch(exec, K > 3 ? K : 3));
    cv_arena_reserve(&arena, cv_linear_backward_scratch(exec, K > net->net[2].weight.N ? K : net->net[2].weight.N));
    return arena.peak;
}

/* sign(d) ln(|d| + 1) along each axis, d = query - key; of two axes time is left out. */
static void fill(const cv_position_bias *net, const distances *d, float *x)
{
    for (int i = 0; i < d->count; i++) {
        const int h = 2 * d->size[1] - 1, w = 2 * d->size[2] - 1;
        const int at[] = { d->size[0] - 1 - i / (h * w), d->size[1] - 1 - i / w % h, d->size[2] - 1 - i % w };

        for (int axis = 3 - net->axes; axis < 3; axis++)
            *x++ = copysignf(logf((float)abs(at[axis]) + 1.0f), (float)at[axis]) * (at[axis] != 0);
    }
}

static void forward(const cv_exec *exec, const cv_position_bias *net, const distances *d, const pass *p,
                    cv_arena *arena)
{
    const size_t K = (size_t)net->net[0].weight.N, heads = (size_t)net->net[2].weight.N;
    const float *x = p->x;
    size_t width = (size_t)net->axes;

    fill(net, d, p->x);
    for (int i = 0; i < 2; i++) {
        cv_linear_many(exec, &net->net[i], p->before[i], K, false, x, width, d->count, arena);
        for (size_t n = 0; n < (size_t)d->count * K; n++)
            p->hidden[i][n] = p->before[i][n] > 0 ? p->before[i][n] : SLOPE * p->before[i][n];
        x = p->hidden[i];
        width = K;
    }
    cv_linear_many(exec, &net->net[2], p->out, heads, false, x, K, d->count, arena);
}

/* Between a table and what the layers have. */
static void turn(const pass *p, int heads, int count, bool to_table)
{
    for (int head = 0; head < heads; head++)
        for (int i = 0; i < count; i++) {
            float *cell = p->table + (size_t)head * (size_t)count + i, *out = p->out + (size_t)i * (size_t)heads + head;

            *(to_table ? cell : out) = *(to_table ? out : cell);
        }
}

/* A query's row of a head's bias, from its table. */
static void read_table(const distances *d, float *bias, const float *table, int query)
{
    const int h = d->size[1], w = d->size[2];

    for (int time = 0; time < d->size[0]; time++)
        for (int row = 0; row < h; row++, bias += w)
            memcpy(bias, table + number_of(d, query, time, row), (size_t)w * sizeof *bias);
}

/* The way back: adds a query's row of gradients to the table. */
static void add_to_table(const distances *d, float *table, const float *dbias, int query)
{
    const int h = d->size[1], w = d->size[2];

    for (int time = 0; time < d->size[0]; time++)
        for (int row = 0; row < h; row++, dbias += w) {
            float *cells = table + number_of(d, query, time, row);

            for (int column = 0; column < w; column++)
                cells[column] += dbias[column];
        }
}

void cv_position_bias_apply(const cv_exec *exec, const cv_position_bias *net, float *bias, int T, int h, int w,
                            cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    const distances d = distances_of(T, h, w);
    const pass p = take(net, &d, arena);
    const int heads = net->net[2].weight.N, rows = T * h * w;

    forward(exec, net, &d, &p, arena);
    turn(&p, heads, d.count, true);
#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(2)
    for (int head = 0; head < heads; head++)
        for (int query = 0; query < rows; query++)
            read_table(&d, bias + ((size_t)head * (size_t)rows + (size_t)query) * (size_t)rows,
                       p.table + (size_t)head * (size_t)d.count, query);
    cv_arena_rewind(arena, mark);
}

void cv_position_bias_backward(const cv_exec *exec, const cv_position_bias *net, const cv_position_bias *grad,
                               const float *dbias, int T, int h, int w, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    const distances d = distances_of(T, h, w);
    const pass p = take(net, &d, arena), g = take(net, &d, arena);
    const int heads = net->net[2].weight.N, rows = T * h * w;
    const size_t K = (size_t)net->net[0].weight.N;
    const float *dy = g.out;
    size_t width = (size_t)heads;

    forward(exec, net, &d, &p, arena);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int head = 0; head < heads; head++) {
        float *sums = g.table + (size_t)head * (size_t)d.count;

        memset(sums, 0, (size_t)d.count * sizeof *sums);
        for (int query = 0; query < rows; query++)
            add_to_table(&d, sums, dbias + ((size_t)head * (size_t)rows + (size_t)query) * (size_t)rows, query);
    }
    turn(&g, heads, d.count, false);
    for (int i = 2; i >= 0; i--) {
        const float *x = i > 0 ? p.hidden[i - 1] : p.x;
        const size_t in = i > 0 ? K : (size_t)net->axes;
        float *dx = i > 0 ? g.hidden[i - 1] : NULL;

        cv_linear_backward(exec, &net->net[i], &grad->net[i], dx, in, false, dy, width, x, in, d.count, arena);
        for (size_t n = 0; i > 0 && n < (size_t)d.count * K; n++)
            dx[n] *= p.before[i - 1][n] > 0 ? 1.0f : SLOPE;
        dy = dx;
        width = K;
    }
    cv_arena_rewind(arena, mark);
}
