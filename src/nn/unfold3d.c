#include "nn/unfold3d.h"

#include <string.h>

cv_spread cv_spread_plan(const cv_window *window, const int in[3])
{
    const int *kernel = window->kernel, *stride = window->stride;
    cv_spread s = { .window = *window, .places = cv_window_places(window, in), .taps = cv_volume_count(kernel) };

    s.frames = (s.places.out[0] - 1) * stride[0] + kernel[0];
    s.rows = (s.places.out[1] - 1) * stride[1] + kernel[1];
    s.width = s.places.out[2] + (kernel[2] - 1) / stride[2];
    s.channel = (size_t)s.frames * (size_t)s.rows * (size_t)stride[2] * (size_t)s.width;
    return s;
}

bool cv_spread_is_plain(const cv_spread *spread)
{
    for (int axis = 0; axis < 3; axis++)
        if (spread->window.kernel[axis] != 1 || spread->window.stride[axis] != 1 || spread->places.front[axis] != 0 ||
            spread->places.in[axis] != spread->places.out[axis])
            return false;
    return true;
}

/* --- spread rows ---------------------------------------------------------------------------------------------- */

/* Numbers first .. end - 1 of one remainder of a row lie inside the volume, the first of them in column `column`. */
typedef struct inside {
    int first, end, column;
} inside;

static inside inside_of(const cv_spread *s, int remainder)
{
    int stride = s->window.stride[2], before = s->places.front[2] - remainder, behind = before + s->places.in[2];
    inside i = { .first = before > 0 ? (before + stride - 1) / stride : 0,
                 .end = behind > 0 ? (behind + stride - 1) / stride : 0 };

    i.end = i.end > s->width ? s->width : i.end;
    i.first = i.first > i.end ? i.end : i.first;
    i.column = i.first * stride - before;
    return i;
}

/* Returns the row of x that row `row` of frame `frame` of the spread channel is a copy of; -1 = none, it is zeros. */
static int row_behind(const cv_spread *s, int frame, int row)
{
    int t = frame - s->places.front[0], y = row - s->places.front[1];

    if (t < 0 || t >= s->places.in[0] || y < 0 || y >= s->places.in[1])
        return -1;
    return t * s->places.in[1] + y;
}

void cv_spread_channel(const cv_spread *s, float *to, const float *x)
{
    const int stride = s->window.stride[2];

    for (int row = 0; row < s->frames * s->rows; row++) {
        int behind = row_behind(s, row / s->rows, row % s->rows);

        for (int remainder = 0; remainder < stride; remainder++, to += s->width) {
            inside in = inside_of(s, remainder);
            const float *from = x + (size_t)behind * (size_t)s->places.in[2] + in.column;

            if (behind < 0) {
                memset(to, 0, (size_t)s->width * sizeof *to);
                continue;
            }
            memset(to, 0, (size_t)in.first * sizeof *to);
            if (stride == 1)
                memcpy(to + in.first, from, (size_t)(in.end - in.first) * sizeof *to);
            else
                for (int i = in.first; i < in.end; i++, from += stride)
                    to[i] = *from;
            memset(to + in.end, 0, (size_t)(s->width - in.end) * sizeof *to);
        }
    }
}

void cv_gather_channel(const cv_spread *s, float *x, const float *from)
{
    const int stride = s->window.stride[2];

    for (int row = 0; row < s->frames * s->rows; row++) {
        int behind = row_behind(s, row / s->rows, row % s->rows);

        for (int remainder = 0; remainder < stride; remainder++, from += s->width) {
            inside in = inside_of(s, remainder);
            float *to = x + (size_t)behind * (size_t)s->places.in[2] + in.column;

            for (int i = in.first; behind >= 0 && i < in.end; i++, to += stride)
                *to += from[i];
        }
    }
}

/* --- columns -------------------------------------------------------------------------------------------------- */

/* Places of one block that see neighbouring numbers, for the first tap. */
typedef struct run {
    size_t at; /* in the spread channel */
    int count;
} run;

/* Writes the runs of places first .. first + count - 1 and returns their number. */
static int runs_of(const cv_spread *s, run runs[CV_UNFOLD3D_PLACES], int first, int count)
{
    const int *out = s->places.out, *stride = s->window.stride;
    const size_t row = (size_t)stride[2] * (size_t)s->width;
    int n = 0;

    for (int done = 0, some; done < count; done += some) {
        int x = (first + done) % out[2], y = (first + done) / out[2] % out[1], t = (first + done) / out[2] / out[1];
        size_t at = ((size_t)(t * stride[0]) * (size_t)s->rows + (size_t)(y * stride[1])) * row + (size_t)x;

        some = out[2] - x < count - done ? out[2] - x : count - done;
        if (n > 0 && runs[n - 1].at + (size_t)runs[n - 1].count == at)
            runs[n - 1].count += some;
        else
            runs[n++] = (run){ .at = at, .count = some };
    }
    return n;
}

/* Returns where the runs begin for another tap, from where they begin for the first. */
static size_t tap_offset(const cv_spread *s, int tap)
{
    const int *kernel = s->window.kernel, stride = s->window.stride[2];
    int x = tap % kernel[2], y = tap / kernel[2] % kernel[1], t = tap / kernel[2] / kernel[1];

    return ((size_t)t * (size_t)s->rows + (size_t)y) * (size_t)stride * (size_t)s->width +
           (size_t)(x % stride) * (size_t)s->width + (size_t)(x / stride);
}

void cv_unfold3d(const cv_spread *s, float *columns, const float *from, int channels, int first, int count)
{
    run runs[CV_UNFOLD3D_PLACES];
    int n = runs_of(s, runs, first, count);

    for (int c = 0; c < channels; c++, from += s->channel)
        for (int tap = 0; tap < s->taps; tap++) {
            const float *seen = from + tap_offset(s, tap);

            /* Whole vectors: what is copied too much is overwritten by the next run. */
            for (int r = 0; r < n; columns += runs[r++].count)
                for (int i = 0; i < runs[r].count; i += CV_UNFOLD3D_SLACK)
                    memcpy(columns + i, seen + runs[r].at + i, CV_UNFOLD3D_SLACK * sizeof *columns);
        }
}

void cv_fold3d(const cv_spread *s, float *to, const float *columns, int channels, int first, int count)
{
    run runs[CV_UNFOLD3D_PLACES];
    int n = runs_of(s, runs, first, count);

    for (int c = 0; c < channels; c++, to += s->channel)
        for (int tap = 0; tap < s->taps; tap++) {
            float *seen = to + tap_offset(s, tap);

            for (int r = 0; r < n; columns += runs[r++].count)
                for (int i = 0; i < runs[r].count; i++)
                    seen[runs[r].at + (size_t)i] += columns[i];
        }
}
