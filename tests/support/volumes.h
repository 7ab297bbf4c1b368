/* volumes.h - what the tests of layers over volumes share: seeded numbers, windows, and what a window sees. */
#ifndef TESTS_VOLUMES_H
#define TESTS_VOLUMES_H

#include "support/gradient.h"

#include "nn/window.h"

#define VOLUMES_SEED 19

static inline void *room(size_t count, size_t size)
{
    cogvideo_error err;
    void *block = cv_alloc(count, size, &err);

    if (!block)
        fail_msg("%s", err.message);
    return block;
}

static inline float *numbers(const char *name, size_t count)
{
    float *values = room(count, sizeof *values);

    for (size_t i = 0; i < count; i++)
        values[i] = seeded_unit(VOLUMES_SEED, name, i);
    return values;
}

static inline bool same(const void *a, const void *b, size_t count)
{
    return memcmp(a, b, count * sizeof(float)) == 0;
}

static inline cv_window window_of(cv_padding padding, int kt, int ky, int kx, int st, int sy, int sx)
{
    return (cv_window){ .kernel = { kt, ky, kx }, .stride = { st, sy, sx }, .padding = padding };
}

static inline cv_window padded(cv_window window, int t, int y, int x)
{
    window.pad[0] = t;
    window.pad[1] = y;
    window.pad[2] = x;
    return window;
}

/* Calls `visit` for each number that a place sees of a volume `in`: the number's index and the tap's in the kernel. */
static inline void each_seen(const cv_window *window, const int in[3], int place, void (*visit)(void *, int, int),
                             void *user)
{
    const cv_places places = cv_window_places(window, in);
    const int *kernel = window->kernel, *stride = window->stride, *out = places.out;

    for (int tap = 0; tap < cv_volume_count(kernel); tap++) {
        int t = place / out[2] / out[1] * stride[0] - places.front[0] + tap / kernel[2] / kernel[1];
        int y = place / out[2] % out[1] * stride[1] - places.front[1] + tap / kernel[2] % kernel[1];
        int x = place % out[2] * stride[2] - places.front[2] + tap % kernel[2];

        if (t >= 0 && t < in[0] && y >= 0 && y < in[1] && x >= 0 && x < in[2])
            visit(user, (t * in[1] + y) * in[2] + x, tap);
    }
}

#endif
