#include "base/parallel.h"
#include "nn/blas.h"
#include "nn/conv2d.h"
#include "nn/unfold.h"

/* The number of unfolded floats of a block of input channels. Channels are split, so that no two blocks share a
 * gradient. */
#define BLOCK_FLOATS (1 << 16)

/* The backward pass of one image. */
typedef struct pass {
    const cv_conv2d *conv, *grad;
    float *dx;
    const float *dy, *x;
    int height, width;
    int pixels; /* of dy */
    int block;  /* pixels that are handled at once */
    int group;  /* input channels that are handled at once */
} pass;

static pass plan(const cv_conv2d *conv, int height, int width)
{
    pass p = { .conv = conv, .height = height, .width = width };
    int taps = conv->kernel * conv->kernel, limit = cv_unfold_block(1);

    p.pixels = (height / conv->stride) * (width / conv->stride);
    p.block = p.pixels < limit ? p.pixels : limit;
    p.group = p.block > 0 ? BLOCK_FLOATS / (taps * p.block) : conv->in;
    p.group = p.group < 1 ? 1 : p.group > conv->in ? conv->in : p.group;
    return p;
}

/* Adds to `channels` input channels from `first` on what pixels at .. at + count - 1 give them. */
static void block_backward(const pass *p, int first, int channels, int at, int count, float *columns)
{
    int taps = p->conv->kernel * p->conv->kernel, K = p->conv->in * taps, stride = p->conv->stride;
    size_t offset = (size_t)first * (size_t)p->height * (size_t)p->width;
    const float *weight = (const float *)p->conv->weight + first * taps;

    if (p->grad) {
        const float *seen = taps == 1 ? p->x + offset + at : columns;

        if (taps > 1)
            cv_unfold(columns, p->x + offset, channels, p->height, p->width, stride, at, count);
        cv_blas_matmul_nt((float *)p->grad->weight + first * taps, K, p->dy + at, p->pixels, seen,
                          taps == 1 ? p->pixels : count, p->conv->out, channels * taps, count, 1.0f);
    }
    if (!p->dx)
        return;
    if (taps == 1) {
        cv_blas_matmul_tn(p->dx + offset + at, p->pixels, weight, K, p->dy + at, p->pixels, channels, count,
                          p->conv->out, 1.0f);
    } else {
        cv_blas_matmul_tn(columns, count, weight, K, p->dy + at, p->pixels, channels * taps, count, p->conv->out, 0.0f);
        cv_fold(p->dx + offset, columns, channels, p->height, p->width, stride, at, count);
    }
}

static void bias_backward(const cv_exec *exec, const cv_conv2d *grad, const float *dy, int pixels)
{
    float *bias = (float *)grad->bias;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < grad->out; c++) {
        double sum = 0;

        for (int i = 0; i < pixels; i++)
            sum += (double)dy[(size_t)c * (size_t)pixels + (size_t)i];
        bias[c] += (float)sum;
    }
}

void cv_conv2d_backward(const cv_exec *exec, const cv_conv2d *conv, const cv_conv2d *grad, float *dx, const float *dy,
                        const float *x, int height, int width, cv_arena *arena)
{
    pass p = plan(conv, height, width);
    int taps = conv->kernel * conv->kernel, groups = (conv->in + p.group - 1) / p.group;
    size_t mark = cv_arena_mark(arena), unfolded = taps == 1 ? 0 : (size_t)(p.group * taps) * (size_t)p.block;
    float *columns = cv_arena_take(arena, (size_t)exec->threads * unfolded, sizeof *columns);

    cv_arena_rewind(arena, mark);
    if (!arena->base || p.pixels == 0)
        return;
    p.grad = grad;
    p.dx = dx;
    p.dy = dy;
    p.x = x;
    if (grad)
        bias_backward(exec, grad, dy, p.pixels);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int g = 0; g < groups; g++) {
        int first = g * p.group, channels = conv->in - first < p.group ? conv->in - first : p.group;

        for (int at = 0; at < p.pixels; at += p.block)
            block_backward(&p, first, channels, at, p.pixels - at < p.block ? p.pixels - at : p.block,
                           columns + (size_t)cv_thread_index() * unfolded);
    }
}
