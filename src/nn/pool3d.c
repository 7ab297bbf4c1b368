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

/* Places first .. end - 1 of a row see a column inside the volume by this tap of the window. */
static span places_of_tap(const cv_window *window, const cv_places *places, int tap)
{
    const int stride = window->stride[2], before = places->front[2] - tap, behind = before + places->in[2];
    span s = { .first = before > 0 ? (before + stride - 1) / stride : 0,
               .end = behind > 0 ? (behind + stride - 1) / stride : 0 };

    s.end = s.end > places->out[2] ? places->out[2] : s.end;
    s.first = s.first > s.end ? s.end : s.first;
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

/* Lets the zeros outside count in a row of places: in all of them where `over`, otherwise in those that reach over an
 * edge of the row. */
static void count_zeros(const pool *p, float *out, bool over)
{
    const span first = places_of_tap(p->window, &p->places, 0);
    const span last = places_of_tap(p->window, &p->places, p->window->kernel[2] - 1);

    for (int i = 0; i < p->places.out[2]; i++) {
        if (!over && i == first.first && i < last.end)
            i = last.end;
        if (i < p->places.out[2] && out[i] < 0)
            out[i] = 0;
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
    if (p->mean)
        for (int i = 0; i < p->places.out[2]; i++) {
            span columns = span_of(p->window, &p->places, 2, i);

            out[i] /= (float)(lines * (columns.end - columns.first));
        }
    else if (p->zeros)
        count_zeros(p, out, frames.over || rows.over);
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

/* Takes `count` numbers that stand `stride` apart, the first with index `index`, where they are larger. Inlined for the
 * strides that networks have, and without branches, so that the loop is one of vectors. */
static inline void take_larger_by(float *restrict value, int32_t *restrict largest, const float *restrict x,
                                  int32_t index, int count, int stride)
{
    for (int i = 0; i < count; i++) {
        float seen = x[i * stride], before = value[i];
        int32_t larger = -(int32_t)(seen > before);

        value[i] = seen > before ? seen : before;
        largest[i] = ((index + i * stride) & larger) | (largest[i] & ~larger);
    }
}

static void take_larger(float *value, int32_t *largest, const float *x, int32_t index, int count, int stride)
{
    if (stride == 1)
        take_larger_by(value, largest, x, index, count, 1);
    else if (stride == 2)
        take_larger_by(value, largest, x, index, count, 2);
    else
        take_larger_by(value, largest, x, index, count, stride);
}

static void take_zeros(float *value, int32_t *largest, int count)
{
    for (int i = 0; i < count; i++)
        if (value[i] < 0) {
            value[i] = 0;
            largest[i] = -1;
        }
}

/* Finds the first largest numbers of one row of places, tap by tap in the order of the window. */
static void find_row(const pool *p, float *out, int32_t *largest, const float *x, int frame, int row)
{
    const cv_places *places = &p->places;
    const int *in = places->in, *kernel = p->window->kernel, *stride = p->window->stride, width = places->out[2];

    for (int i = 0; i < width; i++) {
        out[i] = -FLT_MAX;
        largest[i] = -1;
    }
    for (int line = 0; line < kernel[0] * kernel[1]; line++) {
        int t = frame * stride[0] - places->front[0] + line / kernel[1];
        int y = row * stride[1] - places->front[1] + line % kernel[1];
        bool outside = t < 0 || t >= in[0] || y < 0 || y >= in[1];

        if (outside && p->zeros)
            take_zeros(out, largest, width);
        for (int tap = 0; !outside && tap < kernel[2]; tap++) {
            span seen = places_of_tap(p->window, places, tap);
            int32_t index = (t * in[1] + y) * in[2] + seen.first * stride[2] + tap - places->front[2];

            if (p->zeros)
                take_zeros(out, largest, seen.first);
            if (seen.first < seen.end)
                take_larger(out + seen.first, largest + seen.first, x + index, index, seen.end - seen.first, stride[2]);
            if (p->zeros)
                take_zeros(out + seen.end, largest + seen.end, width - seen.end);
        }
    }
}

static void find_largest(const cv_exec *exec, const pool *p, float *out, int32_t *largest, const float *x, int C)
{
    const size_t volume = (size_t)cv_volume_count(p->places.in), places = (size_t)cv_volume_count(p->places.out);
    const int *size = p->places.out;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < C; c++)
        for (int row = 0; row < size[0] * size[1]; row++) {
            size_t to = (size_t)c * places + (size_t)row * (size_t)size[2];

            find_row(p, out + to, largest + to, x + (size_t)c * volume, row / size[1], row % size[1]);
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
