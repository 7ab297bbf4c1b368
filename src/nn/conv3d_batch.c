#include "base/parallel.h"
#include "nn/conv3d.h"

#include <string.h>

/* Gradients of a batch are summed in so many parts at most, by volumes that follow one another. */
#define MOST_PARTS 16

/* One thread's share of a batch: layers on this thread alone, with memory of its own. */
typedef struct share {
    cv_exec exec;
    char *memory; /* of all threads */
    size_t bytes; /* of one */
} share;

static share share_of(const cv_exec *exec, const cv_arena *measured, cv_arena *arena)
{
    share s = { .exec = *exec, .bytes = measured->peak };

    s.exec.threads = 1;
    s.memory = cv_arena_take(arena, (size_t)exec->threads, s.bytes);
    return s;
}

static cv_arena own_arena(const share *s)
{
    return cv_arena_over(s->memory + (size_t)cv_thread_index() * s->bytes, s->bytes);
}

void cv_conv3d_apply_batch(const cv_exec *exec, const cv_conv3d *conv, float *out, const float *x, int B,
                           const int size[3], bool relu, cv_arena *arena)
{
    const cv_places places = cv_window_places(&conv->window, size);
    const size_t from = (size_t)conv->in * (size_t)cv_volume_count(size);
    const size_t to = (size_t)conv->out * (size_t)cv_volume_count(places.out), mark = cv_arena_mark(arena);
    cv_arena measured = { 0 };
    const cv_exec one = { .threads = 1 };
    share s;

    cv_conv3d_apply(&one, conv, NULL, NULL, size, relu, &measured);
    s = share_of(exec, &measured, arena);
    cv_arena_rewind(arena, mark);
    if (!arena->base)
        return;
#pragma omp parallel for num_threads(exec->threads) schedule(dynamic)
    for (int b = 0; b < B; b++) {
        cv_arena own = own_arena(&s);

        cv_conv3d_apply(&s.exec, conv, out + (size_t)b * to, x + (size_t)b * from, size, relu, &own);
    }
}

/* Adds `parts` rows of `count` numbers that stand `stride` apart to `out`, in their order. */
static void add_parts(const cv_exec *exec, float *out, const float *parts, int number, size_t stride, size_t count)
{
    enum { PIECE = 1024 };
    const int pieces = (int)((count + PIECE - 1) / PIECE);

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (count > PIECE)
    for (int piece = 0; piece < pieces; piece++) {
        size_t first = (size_t)piece * PIECE, end = first + PIECE < count ? first + PIECE : count;

        for (int part = 0; part < number; part++)
            for (size_t i = first; i < end; i++)
                out[i] += parts[(size_t)part * stride + i];
    }
}

void cv_conv3d_backward_batch(const cv_exec *exec, const cv_conv3d *conv, const cv_conv3d *grad, float *dx,
                              const float *dy, const float *x, int B, const int size[3], cv_arena *arena)
{
    const cv_places places = cv_window_places(&conv->window, size);
    const size_t from = (size_t)conv->in * (size_t)cv_volume_count(size);
    const size_t to = (size_t)conv->out * (size_t)cv_volume_count(places.out), mark = cv_arena_mark(arena);
    const size_t weights = (size_t)conv->out * (size_t)conv->in * (size_t)cv_volume_count(conv->window.kernel);
    const size_t each = weights + (size_t)conv->out;
    const int parts = B < MOST_PARTS ? B : MOST_PARTS;
    cv_arena measured = { 0 };
    const cv_exec one = { .threads = 1 };
    float *sums = cv_arena_take(arena, grad ? (size_t)parts * each : 0, sizeof *sums);
    share s;

    cv_conv3d_backward(&one, conv, grad, dx, NULL, NULL, size, &measured);
    s = share_of(exec, &measured, arena);
    cv_arena_rewind(arena, mark);
    if (!arena->base)
        return;
#pragma omp parallel for num_threads(exec->threads) schedule(dynamic)
    for (int part = 0; part < parts; part++) {
        int first = (int)((long long)B * part / parts), end = (int)((long long)B * (part + 1) / parts);
        cv_arena own = own_arena(&s);
        cv_conv3d mine = *conv;

        if (grad) {
            float *sum = sums + (size_t)part * each;

            memset(sum, 0, each * sizeof *sum);
            mine.weight = sum;
            mine.bias = grad->bias ? sum + weights : NULL;
        }
        for (int b = first; b < end; b++)
            cv_conv3d_backward(&s.exec, conv, grad ? &mine : NULL, dx ? dx + (size_t)b * from : NULL,
                               dy + (size_t)b * to, x + (size_t)b * from, size, &own);
    }
    if (grad)
        add_parts(exec, (float *)grad->weight, sums, parts, each, weights);
    if (grad && grad->bias)
        add_parts(exec, (float *)grad->bias, sums + weights, parts, each, (size_t)conv->out);
}
