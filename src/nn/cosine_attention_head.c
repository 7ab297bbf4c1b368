#include "nn/cosine_attention_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Weights of a tile, which stay in the second cache beside keys and values; and rows of one. */
#define TILE_WEIGHTS (1 << 15)
#define FEWEST_ROWS 12

static size_t padded(int numbers)
{
    return ((size_t)numbers + CV_PRODUCT_STEP - 1) / CV_PRODUCT_STEP * CV_PRODUCT_STEP;
}

cv_cosine_room cv_cosine_room_of(const cv_exec *exec, const cv_cosine_attention *s)
{
    const size_t panel = (size_t)exec->kernels.product_width;
    cv_cosine_room room = { .keys = s->nulls + s->keys, .width = padded(s->D) };
    int tile = TILE_WEIGHTS / (room.keys > 0 ? room.keys : 1) / FEWEST_ROWS * FEWEST_ROWS;

    tile = tile < FEWEST_ROWS ? FEWEST_ROWS : tile;
    tile = tile > CV_COSINE_TILE ? CV_COSINE_TILE : tile;
    room.tile = tile < s->rows ? tile : s->rows;
    room.stride = padded(room.keys);
    room.panels = (room.stride + panel - 1) / panel * panel * (size_t)s->D;
    if (room.stride / CV_PRODUCT_STEP % 2 == 0)
        room.stride += CV_PRODUCT_STEP;
    room.rows = (size_t)room.keys * room.width;
    return room;
}

int cv_cosine_seen(const cv_cosine_attention *s, int item, int *at)
{
    const uint8_t *mask = s->mask ? s->mask + (size_t)item * (size_t)s->keys : NULL;
    int seen = 0;

    for (int i = 0; i < s->nulls; i++)
        at[seen++] = -1;
    for (int i = 0; i < s->keys; i++)
        if (!mask || mask[i])
            at[seen++] = i;
    return seen;
}

const float *cv_cosine_key(const cv_cosine_attention *s, int item, int head, const float *kv, const int *at, int i,
                           bool value)
{
    const size_t D = (size_t)s->D, width = (size_t)s->heads * D;

    if (at[i] < 0)
        return s->null_kv + (2 * ((size_t)head * (size_t)s->nulls + (size_t)i) + value) * D;
    return kv + (2 * ((size_t)item * (size_t)s->keys + (size_t)at[i]) + value) * width + (size_t)head * D;
}

void cv_cosine_take(const cv_exec *exec, const cv_cosine_attention *s, int item, int head, const float *kv,
                    const int *at, int seen, bool values, const cv_cosine_room *room, float *rows)
{
    const float *scale = values ? NULL : s->k_scale;

    for (int i = 0; i < seen; i++)
        exec->kernels.unit(rows + (size_t)i * room->width, (int)room->width,
                           cv_cosine_key(s, item, head, kv, at, i, values), scale, 1, s->D);
}

void cv_cosine_panels(const cv_exec *exec, const cv_cosine_attention *s, const cv_cosine_room *room, int seen,
                      const float *rows, float *panels)
{
    const size_t panel = (size_t)exec->kernels.product_width, D = (size_t)s->D, end = padded(seen);

    for (size_t i = 0; i < end; i++) {
        const float *row = rows + i * room->width;
        float *to = panels + i / panel * panel * D + i % panel;

        for (size_t d = 0; d < D; d++)
            to[d * panel] = i < (size_t)seen ? row[d] : 0;
    }
}

void cv_cosine_products(const cv_exec *exec, const cv_cosine_attention *s, const cv_cosine_room *room, int seen,
                        float *out, const float *x, int count, const float *panels)
{
    const size_t panel = (size_t)exec->kernels.product_width, end = padded(seen);

    for (size_t first = 0; first < end; first += panel)
        exec->kernels.product(out + first, room->stride, x, room->width, 1, count, panels + first * (size_t)s->D, panel,
                              s->D, (int)(end - first < panel ? end - first : panel), false);
}

/* What is added to the scores of a row, NULL = nothing. Returns the row of the bias itself where that is all. */
static const float *places_of(const cv_cosine_attention *s, int head, int row, const int *at, int seen, float *places)
{
    const float *bias = s->bias ? s->bias + ((size_t)head * (size_t)s->rows + (size_t)row) * (size_t)s->keys : NULL;

    if (!s->slopes && (!bias || (!s->nulls && !s->mask)))
        return bias;
    for (int i = 0; i < seen; i++) {
        places[i] = bias && at[i] >= 0 ? bias[at[i]] : 0;
        if (s->slopes && at[i] >= 0)
            places[i] -= s->slopes[head] * (float)abs(row - at[i]);
    }
    return places;
}

float cv_cosine_weigh(const cv_exec *exec, const cv_cosine_attention *s, int head, int row, const int *at, int seen,
                      float *scores, float *places)
{
    int count = seen;
    float sum;

    while (s->causal && count > 0 && at[count - 1] > row)
        count--;
    sum = count > 0 ? exec->kernels.weigh(scores, places_of(s, head, row, at, count, places), count) : 1;
    memset(scores + count, 0, (size_t)(seen - count) * sizeof *scores);
    return sum;
}
