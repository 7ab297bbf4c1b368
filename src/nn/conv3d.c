#include "nn/conv3d.h"

#include "base/parallel.h"
#include "nn/blas.h"
#include "nn/unfold3d.h"
#include "nn/winograd.h"

#include <stdio.h>

cogvideo_status cv_conv3d_claim(cv_conv3d *out, cv_store *store, const char *weight, const char *bias, int in,
                                int channels, const cv_window *window, bool flat, cogvideo_error *err)
{
    cogvideo_status status;
    const cv_tensor *tensor;
    const int *kernel = window->kernel;
    size_t shape[5] = { (size_t)channels, (size_t)in, (size_t)kernel[0], (size_t)kernel[1], (size_t)kernel[2] };

    if (flat) {
        shape[2] = shape[3];
        shape[3] = shape[4];
    }
    CV_TRY(cv_store_claim(store, &tensor, weight, flat ? 4 : 5, shape, err));
    *out = (cv_conv3d){ .weight = tensor->data, .dtype = tensor->dtype, .in = in, .out = channels, .window = *window };
    if (bias)
        CV_TRY(cv_store_claim_vector(store, &out->bias, bias, (size_t)channels, err));
done:
    return status;
}

cogvideo_status cv_conv3d_bind(cv_conv3d *out, cv_store *store, const char *name, int in, int channels,
                               const cv_window *window, bool flat, bool bias, cogvideo_error *err)
{
    char names[2][256];

    snprintf(names[0], sizeof names[0], "%s.weight", name);
    snprintf(names[1], sizeof names[1], "%s.bias", name);
    return cv_conv3d_claim(out, store, names[0], bias ? names[1] : NULL, in, channels, window, flat, err);
}

static void widen(const cv_exec *exec, const cv_conv3d *conv, float *wide, int K)
{
    const cv_weight weight = { .data = conv->weight, .type = (cv_weight_type)conv->dtype, .N = conv->out, .K = K };

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < conv->out; c++) {
        cv_weight row = cv_weight_rows(&weight, c, 1);

        exec->kernels.widen[weight.type](wide + (size_t)c * (size_t)K, &row);
    }
}

/* --- the work, split by shape --------------------------------------------------------------------------------- */

#define BLOCK_PLACES \
    256                   /* with fewer, packing the weights for a product costs too much; with more, a thread's cache
                             does not hold the columns */
#define CHUNK_ROWS 384    /* of the columns; a product splits its inner dimension about so, too */
#define ENOUGH_TASKS 8    /* with fewer blocks of places, output channels are split as well */
#define LEAST_CHANNELS 80 /* of a group; with fewer, unfolding for each group costs too much */

typedef struct plan {
    const cv_conv3d *conv;
    const float *weight;
    float *out;
    const float *seen; /* the input, spread unless plain */
    cv_spread spread;
    bool plain, relu;
    int places;
    int blocks; /* of places */
    int groups; /* of output channels */
    int chunk;  /* input channels that are unfolded at once */
} plan;

static plan plan_of(const cv_conv3d *conv, const int size[3])
{
    plan p = { .conv = conv, .spread = cv_spread_plan(&conv->window, size), .groups = 1 };

    p.plain = cv_spread_is_plain(&p.spread);
    p.places = cv_volume_count(p.spread.places.out);
    p.blocks = (p.places + BLOCK_PLACES - 1) / BLOCK_PLACES;
    while (p.blocks * p.groups < ENOUGH_TASKS && conv->out / (2 * p.groups) >= LEAST_CHANNELS)
        p.groups *= 2;
    p.chunk = CHUNK_ROWS / p.spread.taps < 1 ? 1 : CHUNK_ROWS / p.spread.taps;
    p.chunk = p.chunk > conv->in ? conv->in : p.chunk;
    return p;
}

/* Adds the bias to `channels` rows of `count` results, and cuts what is negative. */
static void finish(float *out, const float *bias, int channels, int places, int count, bool relu)
{
    for (int c = 0; c < channels && (bias || relu); c++, out += places) {
        float add = bias ? bias[c] : 0;

        if (relu)
            for (int i = 0; i < count; i++)
                out[i] = out[i] + add > 0 ? out[i] + add : 0;
        else
            for (int i = 0; i < count; i++)
                out[i] += add;
    }
}

/* Computes `channels` output channels from `c0` on at places first .. first + count - 1. */
static void block(const plan *p, int c0, int channels, int first, int count, float *columns)
{
    const cv_conv3d *conv = p->conv;
    const int K = conv->in * p->spread.taps;
    const float *weight = p->weight + (size_t)c0 * (size_t)K;
    float *out = p->out + (size_t)c0 * (size_t)p->places + first;

    if (p->plain) {
        cv_blas_matmul_nn(out, p->places, weight, K, p->seen + first, p->places, channels, count, K, 0.0f);
    } else {
        for (int c = 0, some; c < conv->in; c += some) {
            some = conv->in - c < p->chunk ? conv->in - c : p->chunk;
            cv_unfold3d(&p->spread, columns, p->seen + (size_t)c * p->spread.channel, some, first, count);
            cv_blas_matmul_nn(out, p->places, weight + c * p->spread.taps, K, columns, count, channels, count,
                              some * p->spread.taps, c == 0 ? 0.0f : 1.0f);
        }
    }
    finish(out, conv->bias ? conv->bias + c0 : NULL, channels, p->places, count, p->relu);
}

/* Multiplies what the kernel sees at each place by the weights. */
static void product(const cv_exec *exec, const cv_conv3d *conv, const float *weight, float *out, const float *x,
                    const int size[3], bool relu, cv_arena *arena)
{
    plan p = plan_of(conv, size);
    size_t spread = p.plain ? 0 : (size_t)conv->in * p.spread.channel + CV_UNFOLD3D_SLACK;
    size_t unfolded = p.plain ? 0 : (size_t)p.chunk * (size_t)p.spread.taps * (size_t)BLOCK_PLACES + CV_UNFOLD3D_SLACK;
    float *seen = cv_arena_take(arena, spread, sizeof *seen);
    float *columns = cv_arena_take(arena, (size_t)exec->threads * unfolded, sizeof *columns);

    if (!arena->base)
        return;
    p.weight = weight;
    p.out = out;
    p.seen = p.plain ? x : seen;
    p.relu = relu;
#pragma omp parallel num_threads(exec->threads)
    {
        float *mine = columns + (size_t)cv_thread_index() * unfolded;

#pragma omp for schedule(static)
        for (int c = 0; c < (p.plain ? 0 : conv->in); c++)
            cv_spread_channel(&p.spread, seen + (size_t)c * p.spread.channel,
                              x + (size_t)c * (size_t)cv_volume_count(size));
#pragma omp for schedule(dynamic)
        for (int task = 0; task < p.blocks * p.groups; task++) {
            int b = task / p.groups, g = task % p.groups;
            int first = (int)((long long)p.places * b / p.blocks);
            int end = (int)((long long)p.places * (b + 1) / p.blocks);
            int c0 = conv->out * g / p.groups, c1 = conv->out * (g + 1) / p.groups;

            block(&p, c0, c1 - c0, first, end - first, mine);
        }
    }
}

/* With fewer places, transforming the weights costs more than Winograd's algorithm saves. */
#define WINOGRAD_PLACES 256

void cv_conv3d_apply(const cv_exec *exec, const cv_conv3d *conv, float *out, const float *x, const int size[3],
                     bool relu, cv_arena *arena)
{
    const int K = conv->in * cv_volume_count(conv->window.kernel);
    const size_t mark = cv_arena_mark(arena);
    cv_winograd winograd = { .weight = conv->weight,
                             .bias = conv->bias,
                             .in = conv->in,
                             .out = conv->out,
                             .taps = conv->window.kernel[0],
                             .places = cv_window_places(&conv->window, size),
                             .relu = relu };
    const int places = cv_volume_count(winograd.places.out);

    if (places == 0)
        return;
    if (conv->dtype != CV_F32) {
        float *wide = cv_arena_take(arena, (size_t)conv->out * (size_t)K, sizeof *wide);

        if (arena->base)
            widen(exec, conv, wide, K);
        winograd.weight = wide;
    }
    if (places >= WINOGRAD_PLACES && cv_winograd_suits(&conv->window, &winograd.places, conv->in, conv->out))
        cv_winograd_apply(exec, &winograd, out, x, arena);
    else
        product(exec, conv, winograd.weight, out, x, size, relu, arena);
    cv_arena_rewind(arena, mark);
}
