#include "nn/unfold.h"

#include <stdbool.h>
#include <string.h>

#define TAPS 9
#define BLOCK_FLOATS (1 << 18)
#define MIN_BLOCK 64
#define MAX_BLOCK 512

int cv_unfold_block(int K)
{
    int size = BLOCK_FLOATS / K / 16 * 16;

    return size < MIN_BLOCK ? MIN_BLOCK : size > MAX_BLOCK ? MAX_BLOCK : size;
}

/* --- stride 1: a tap sees the whole plane, shifted by a few pixels -------------------------------------------- */

/* One tap: output pixel i sees pixel i + shift, where that is in the plane and in the row above, of or below i's. */
typedef struct moved {
    int shift;     /* in pixels, rows included */
    int low, high; /* output pixels low .. high - 1 of the block see the plane, but for those in column `blind` */
    int blind;     /* -1: none */
} moved;

static moved move_by(int tap, int height, int width, int first, int count)
{
    int right = tap % 3 - 1, pixels = height * width;
    moved m = { .shift = (tap / 3 - 1) * width + right, .low = first, .high = first + count };

    m.low = m.low + m.shift < 0 ? -m.shift : m.low;
    m.high = m.high + m.shift > pixels ? pixels - m.shift : m.high;
    m.low = m.low > first + count ? first + count : m.low;
    m.high = m.high < m.low ? m.low : m.high;
    m.blind = right < 0 ? 0 : right > 0 ? width - 1 : -1;
    return m;
}

/* Writes zeros where the tap reaches over the left or right edge. */
static void clear_blind(float *column, const moved *m, int width, int first, int count)
{
    int start = m->blind - first % width;

    if (m->blind < 0)
        return;
    for (int i = start < 0 ? start + width : start; i < count; i += width)
        column[i] = 0;
}

static void unfold_moved(float *column, const float *plane, int height, int width, int tap, int first, int count)
{
    moved m = move_by(tap, height, width, first, count);

    memset(column, 0, (size_t)(m.low - first) * sizeof *column);
    if (m.high > m.low)
        memcpy(column + (m.low - first), plane + (m.low + m.shift), (size_t)(m.high - m.low) * sizeof *column);
    memset(column + (m.high - first), 0, (size_t)(first + count - m.high) * sizeof *column);
    clear_blind(column, &m, width, first, count);
}

static void fold_moved(float *plane, float *column, int height, int width, int tap, int first, int count)
{
    moved m = move_by(tap, height, width, first, count);
    const float *from = column + (m.low - first);
    float *to;

    if (m.high == m.low)
        return;
    to = plane + (m.low + m.shift);
    clear_blind(column, &m, width, first, count);
    for (int i = 0; i < m.high - m.low; i++)
        to[i] += from[i];
}

/* --- stride 2: row by row ------------------------------------------------------------------------------------- */

/* Gathers output pixels first .. first + count - 1 of one tap from the plane or, if `back`, adds them to it. No tap
 * reaches over the left or upper edge. */
static void halve(float *column, float *plane, int height, int width, int tap, int first, int count, bool back)
{
    int out_width = width / 2;
    int y = 2 * (first / out_width) + tap / 3, x = 2 * (first % out_width) + tap % 3;

    for (int i = 0; i < count; i++, x += 2) {
        bool inside;

        if (x - tap % 3 == 2 * out_width) {
            x = tap % 3;
            y += 2;
        }
        inside = y < height && x < width;
        if (back && inside)
            plane[(size_t)y * (size_t)width + (size_t)x] += column[i];
        else if (!back)
            column[i] = inside ? plane[(size_t)y * (size_t)width + (size_t)x] : 0;
    }
}

void cv_unfold(float *columns, const float *x, int channels, int height, int width, int stride, int first, int count)
{
    for (int c = 0; c < channels; c++) {
        const float *plane = x + (size_t)c * (size_t)height * (size_t)width;

        for (int tap = 0; tap < TAPS; tap++, columns += count) {
            if (stride == 1)
                unfold_moved(columns, plane, height, width, tap, first, count);
            else
                halve(columns, (float *)plane, height, width, tap, first, count, false);
        }
    }
}

void cv_fold(float *x, float *columns, int channels, int height, int width, int stride, int first, int count)
{
    for (int c = 0; c < channels; c++) {
        float *plane = x + (size_t)c * (size_t)height * (size_t)width;

        for (int tap = 0; tap < TAPS; tap++, columns += count) {
            if (stride == 1)
                fold_moved(plane, columns, height, width, tap, first, count);
            else
                halve(columns, plane, height, width, tap, first, count, true);
        }
    }
}
