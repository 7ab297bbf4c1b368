#include "nn/pool3d.h"

#include <float.h>

/* Numbers of a row that are pooled at once. */
#define LINE 256

/* Numbers first .. end - 1 of an axis lie in a window, counted from the volume's first. */
typedef struct span {
    int first, end;
    bool over; /* the window reaches over an edge */
} span;

static span span_of(const cv_window *window, const cv_places *places, int axis, int place)
{
    int first = place * window->stride[axis] - places->front[axis], end = first + window->kernel[axis];
    span s = { .first = first < 0 ? 0 : first, .end = end > places->in[axis] ? places->in[axis] : end };

    s.end = s.end < s.first ? s.first : s.end;
    s.over = s.end - s.first < window->kernel[axis];
    return s;
}

typedef struct pool {
    const cv_window *window;
    cv_places places;
    bool mean, zeros;
} pool;

static void combine(const pool *p, float *to, const float *from, int count, int stride)
{
    if (p->mean)
        for (int i = 0; i < count; i++, from += stride)
            to[i] += *from;
    else if (stride == 1)
        for (int i = 0; i < count; i++)
            to[i] = from[i] > to[i] ? from[i] : to[i];
    else
        for (int i = 0; i < count; i++, from += stride)
            to[i] = *from > to[i] ? *from : to[i];
}

/* Pools columns from .. from + count - 1, which `line` holds, into the row of places whose windows reach over them. */
static void pool_line(const pool *p, float *out, const float *line, int from, int count)
{
    const int stride = p->window->stride[2];

    for (int tap = 0; tap < p->window->kernel[2]; tap++) {
        int column = tap - p->places.front[2] - from; /* of the line, that the first place sees */
        int first = column < 0 ? (stride - 1 - column) / stride : 0, left = count - column - first * stride;
        int some = left > 0 ? (left + stride - 1) / stride : 0;

        some = some < p->places.out[2] - first ? some : p->places.out[2] - first;
        combine(p, out + first, line + column + first * stride, some, stride);
    }
}

/* Pools one row of places: first down the rows of the volume under it, then along the line that this gives. */
static void pool_row(const pool *p, float *out, const float *x, span frames, span rows)
{
    const int *in = p->places.in, lines = (frames.end - frames.first) * (rows.end - rows.first);
    const float start = p->mean ? 0 : -FLT_MAX;
    float line[LINE];

    for (int i = 0; i < p->places.out[2]; i++)
        out[i] = start;
    for (int from = 0, count; from < in[2]; from += count) {
        count = in[2] - from < LINE ? in[2] - from : LINE;
        for (int i = 0; i < count; i++)
            line[i] = start;
        for (int t = frames.first; t < frames.end; t++)
            for (int y = rows.first; y < rows.end; y++)
                combine(p, line, x + ((size_t)t * (size_t)in[1] + (size_t)y) * (size_t)in[2] + from, count, 1);
        pool_line(p, out, line, from, count);
    }
    for (int i = 0; i < p->places.out[2]; i++) {
        span columns = span_of(p->window, &p->places, 2, i);

        if (p->mean)
            out[i] /= (float)(lines * (columns.end - columns.first));
        else if (p->zeros && (frames.over || rows.over || columns.over) && out[i] < 0)
            out[i] = 0;
    }
}

static void pool_channels(const cv_exec *exec, const pool *p, float *out, const float *x, int C)
{
    const size_t volume = (size_t)cv_volume_count(p->places.in), places = (size_t)cv_volume_count(p->places.out);
    const int *size = p->places.out;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < C; c++)
        for (int row = 0; row < size[0] * size[1]; row++)
            pool_row(p, out + (size_t)c * places + (size_t)row * (size_t)size[2], x + (size_t)c * volume,
                     span_of(p->window, &p->places, 0, row / size[1]),
                     span_of(p->window, &p->places, 1, row % size[1]));
}

/* The first largest number of a window in the order of its places, those outside among them where `zeros`. */
static int32_t first_largest(const pool *p, float *value, const float *x, const int place[3])
{
    const int *in = p->places.in, *kernel = p->window->kernel;
    int first[3];
    int32_t at = -1;
    bool none = true;

    *value = -FLT_MAX;

    for (int axis = 0; axis < 3; axis++)
        first[axis] = place[axis] * p->window->stride[axis] - p->places.front[axis];
    for (int t = first[0]; t < first[0] + kernel[0]; t++)
        for (int y = first[1]; y < first[1] + kernel[1]; y++)
            for (int z = first[2]; z < first[2] + kernel[2]; z++) {
                bool outside = t < 0 || t >= in[0] || y < 0 || y >= in[1] || z < 0 || z >= in[2];
                int32_t index = outside ? -1 : (t * in[1] + y) * in[2] + z;
                float seen = outside ? 0 : x[index];

                if ((outside && !p->zeros) || (!none && !(seen > *value)))
                    continue;
                none = false;
                *value = seen;
                at = index;
            }
    return at;
}

static void find_largest(const cv_exec *exec, const pool *p, float *out, int32_t *largest, const float *x, int C)
{
    const size_t volume = (size_t)cv_volume_count(p->places.in);
    const int *size = p->places.out, places = cv_volume_count(size);

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < C; c++)
        for (int i = 0; i < places; i++) {
            int place[3] = { i / size[2] / size[1], i / size[2] % size[1], i % size[2] };
            size_t to = (size_t)c * (size_t)places + (size_t)i;

            largest[to] = first_largest(p, out + to, x + (size_t)c * volume, place);
        }
}

void cv_max_pool3d(const cv_exec *exec, const cv_window *window, float *out, const float *x, int C, const int size[3],
                   bool zeros, int32_t *largest)
{
    const pool p = { .window = window, .places = cv_window_places(window, size), .zeros = zeros };

    if (largest)
        find_largest(exec, &p, out, largest, x, C);
    else
        pool_channels(exec, &p, out, x, C);
}

void cv_max_pool3d_backward(const cv_exec *exec, float *dx, const float *dy, const int32_t *largest, int C,
                            const int in[3], const int out[3])
{
    const size_t volume = (size_t)cv_volume_count(in), places = (size_t)cv_volume_count(out);

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < C; c++)
        for (size_t i = (size_t)c * places; i < (size_t)(c + 1) * places; i++)
            if (largest[i] >= 0)
                dx[(size_t)c * volume + (size_t)largest[i]] += dy[i];
}

void cv_mean_pool3d(const cv_exec *exec, const cv_window *window, float *out, const float *x, int C, const int size[3])
{
    const pool p = { .window = window, .places = cv_window_places(window, size), .mean = true };

    pool_channels(exec, &p, out, x, C);
}
