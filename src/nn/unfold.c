#include "nn/unfold.h"

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

/* `count` numbers of a row of a plane, `stride` apart, from column x of row y on; zeros outside the plane. */
static void copy_row(float *to, const float *plane, int height, int width, int y, int x, int stride, int count)
{
    const float *row;
    int i = 0;

    if (y < 0 || y >= height) {
        memset(to, 0, (size_t)count * sizeof *to);
        return;
    }
    row = plane + (size_t)y * (size_t)width;
    for (; i < count && x + i * stride < 0; i++)
        to[i] = 0;
    if (stride == 1) {
        int inside = count < width - x ? count : width - x;

        if (inside > i) {
            memcpy(to + i, row + x + i, (size_t)(inside - i) * sizeof *to);
            i = inside;
        }
    }
    for (; i < count && x + i * stride < width; i++)
        to[i] = row[x + i * stride];
    for (; i < count; i++)
        to[i] = 0;
}

/* The way back: `count` numbers added to those they came from. */
static void add_row(float *plane, const float *from, int height, int width, int y, int x, int stride, int count)
{
    float *row;
    int i = 0, end;

    if (y < 0 || y >= height)
        return;
    row = plane + (size_t)y * (size_t)width;
    for (; i < count && x + i * stride < 0; i++)
        ;
    end = width - x > 0 ? (width - x + stride - 1) / stride : 0;
    end = end < count ? end : count;
    if (stride == 1) {
        for (; i < end; i++)
            row[x + i] += from[i];
        return;
    }
    for (; i < end; i++)
        row[x + i * stride] += from[i];
}

void cv_unfold(float *columns, const float *x, int channels, int height, int width, int stride, int first, int count)
{
    int out_width = width / stride, pad = stride == 1 ? 1 : 0;

    for (int c = 0; c < channels; c++) {
        const float *plane = x + (size_t)c * (size_t)height * (size_t)width;

        for (int tap = 0; tap < TAPS; tap++, columns += count) {
            int row = first / out_width, column = first % out_width;

            for (int done = 0; done < count; row++, column = 0) {
                int run = out_width - column < count - done ? out_width - column : count - done;

                copy_row(columns + done, plane, height, width, row * stride - pad + tap / 3,
                         column * stride - pad + tap % 3, stride, run);
                done += run;
            }
        }
    }
}

void cv_fold(float *x, const float *columns, int channels, int height, int width, int stride, int first, int count)
{
    int out_width = width / stride, pad = stride == 1 ? 1 : 0;

    for (int c = 0; c < channels; c++) {
        float *plane = x + (size_t)c * (size_t)height * (size_t)width;

        for (int tap = 0; tap < TAPS; tap++, columns += count) {
            int row = first / out_width, column = first % out_width;

            for (int done = 0; done < count; row++, column = 0) {
                int run = out_width - column < count - done ? out_width - column : count - done;

                add_row(plane, columns + done, height, width, row * stride - pad + tap / 3,
                        column * stride - pad + tap % 3, stride, run);
                done += run;
            }
        }
    }
}
