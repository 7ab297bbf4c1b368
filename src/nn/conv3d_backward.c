#include "base/parallel.h"
#include "nn/blas.h"
#include "nn/conv3d.h"
#include "nn/unfold3d.h"

#include <string.h>

#define BLOCK_PLACES 256
/* The number of unfolded floats of a block of input channels. Channels are split, so that no two blocks share a
 * gradient. */
#define BLOCK_FLOATS (1 << 17)

/* The backward pass of one volume. */
typedef struct pass {
    const cv_conv3d *conv, *grad;
    float *dx;
    const float *dy, *x;
    cv_spread spread;
    bool plain;
    size_t volume;        /* numbers of a channel of x */
    int places;           /* of a channel of dy */
    int block;            /* places that are handled at once */
    int group;            /* input channels that are handled at once */
    size_t columns, seen; /* floats of a thread's columns and spread channels */
} pass;

static pass plan(const cv_conv3d *conv, const int size[3])
{
    pass p = { .conv = conv, .spread = cv_spread_plan(&conv->window, size), .volume = (size_t)cv_volume_count(size) };

    p.plain = cv_spread_is_plain(&p.spread);
    p.places = cv_volume_count(p.spread.places.out);
    p.block = p.places < BLOCK_PLACES ? p.places : BLOCK_PLACES;
    p.group = BLOCK_FLOATS / (p.spread.taps * p.block);
    p.group = p.group < 1 ? 1 : p.group > conv->in ? conv->in : p.group;
    p.columns = p.plain ? 0 : (size_t)p.group * (size_t)p.spread.taps * (size_t)p.block + CV_UNFOLD3D_SLACK;
    p.seen = p.plain ? 0 : (size_t)p.group * p.spread.channel + CV_UNFOLD3D_SLACK;
    return p;
}

/* Adds to `channels` input channels from `first` on, which lie plain, what the places give them. */
static void plain_backward(const pass *p, int first, int channels)
{
    const float *weight = (const float *)p->conv->weight + first;
    size_t offset = (size_t)first * p->volume;

    for (int at = 0, count; at < p->places; at += count) {
        count = p->places - at < p->block ? p->places - at : p->block;
        if (p->grad)
            cv_blas_matmul_nt((float *)p->grad->weight + first, p->conv->in, p->dy + at, p->places, p->x + offset + at,
                              p->places, p->conv->out, channels, count, 1.0f);
        if (p->dx)
            cv_blas_matmul_tn(p->dx + offset + at, p->places, weight, p->conv->in, p->dy + at, p->places, channels,
                              count, p->conv->out, 1.0f);
    }
}

/* The same by columns; `seen` is room for spread channels. */
static void group_backward(const pass *p, int first, int channels, float *columns, float *seen)
{
    const int rows = channels * p->spread.taps, K = p->conv->in * p->spread.taps;
    const float *weight = (const float *)p->conv->weight + (size_t)first * (size_t)p->spread.taps;
    const size_t channel = p->spread.channel, offset = (size_t)first * p->volume;

    if (p->grad) {
        for (int c = 0; c < channels; c++)
            cv_spread_channel(&p->spread, seen + (size_t)c * channel, p->x + offset + (size_t)c * p->volume);
        for (int at = 0, count; at < p->places; at += count) {
            count = p->places - at < p->block ? p->places - at : p->block;
            cv_unfold3d(&p->spread, columns, seen, channels, at, count);
            cv_blas_matmul_nt((float *)p->grad->weight + (size_t)first * (size_t)p->spread.taps, K, p->dy + at,
                              p->places, columns, count, p->conv->out, rows, count, 1.0f);
        }
    }
    if (!p->dx)
        return;
    memset(seen, 0, (size_t)channels * channel * sizeof *seen);
    for (int at = 0, count; at < p->places; at += count) {
        count = p->places - at < p->block ? p->places - at : p->block;
        cv_blas_matmul_tn(columns, count, weight, K, p->dy + at, p->places, rows, count, p->conv->out, 0.0f);
        cv_fold3d(&p->spread, seen, columns, channels, at, count);
    }
    for (int c = 0; c < channels; c++)
        cv_gather_channel(&p->spread, p->dx + offset + (size_t)c * p->volume, seen + (size_t)c * channel);
}

static void bias_backward(const cv_exec *exec, const cv_conv3d *grad, const float *dy, int places)
{
    float *bias = (float *)grad->bias;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < grad->out; c++) {
        double sum = 0;

        for (int i = 0; i < places; i++)
            sum += (double)dy[(size_t)c * (size_t)places + (size_t)i];
        bias[c] += (float)sum;
    }
}

void cv_conv3d_backward(const cv_exec *exec, const cv_conv3d *conv, const cv_conv3d *grad, float *dx, const float *dy,
                        const float *x, const int size[3], cv_arena *arena)
{
    cv_places places = cv_window_places(&conv->window, size);
    size_t mark = cv_arena_mark(arena);
    pass p;
    float *columns, *seen;
    int groups;

    if (cv_volume_count(places.out) == 0)
        return;
    p = plan(conv, size);
    groups = (conv->in + p.group - 1) / p.group;
    columns = cv_arena_take(arena, (size_t)exec->threads * p.columns, sizeof *columns);
    seen = cv_arena_take(arena, (size_t)exec->threads * p.seen, sizeof *seen);
    cv_arena_rewind(arena, mark);
    if (!arena->base)
        return;
    p.grad = grad;
    p.dx = dx;
    p.dy = dy;
    p.x = x;
    if (grad && grad->bias)
        bias_backward(exec, grad, dy, p.places);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int g = 0; g < groups; g++) {
        int first = g * p.group, channels = conv->in - first < p.group ? conv->in - first : p.group;
        size_t thread = (size_t)cv_thread_index();

        if (p.plain)
            plain_backward(&p, first, channels);
        else
            group_backward(&p, first, channels, columns + thread * p.columns, seen + thread * p.seen);
    }
}
