#include "media/palette.h"

#include <stdlib.h>
#include <string.h>

/* The number of pixels of a cell, and their mean. */
typedef struct cell {
    uint64_t count;
    double mean[3];
    int cell;
} cell;

/* A run of cells that becomes one colour; `spread` along `axis` is the gain of cutting it there. */
typedef struct box {
    size_t first, count;
    double spread;
    int axis;
} box;

/* Counts the pixels of every cell and moves the cells that occur to the front; returns how many there are. */
static size_t collect(cell *cells, const cogvideo_video *video)
{
    size_t pixels = (size_t)video->frames * (size_t)video->width * (size_t)video->height, kept = 0;

    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *pixel = video->pixels + 3 * i;
        cell *c = &cells[cv_palette_cell(pixel)];

        c->count++;
        for (int k = 0; k < 3; k++)
            c->mean[k] += pixel[k];
    }
    for (int i = 0; i < CV_PALETTE_CELLS; i++) {
        cell c = cells[i];

        if (c.count == 0)
            continue;
        for (int k = 0; k < 3; k++)
            c.mean[k] /= (double)c.count;
        c.cell = i;
        cells[kept++] = c;
    }
    return kept;
}

/* Computes the mean colour of a box, and the sum of squared distances from it along each axis. */
static void measure(box *b, const cell *cells, double mean[3])
{
    double total = 0, spread[3] = { 0 };

    mean[0] = mean[1] = mean[2] = 0;
    for (size_t i = b->first; i < b->first + b->count; i++) {
        total += (double)cells[i].count;
        for (int k = 0; k < 3; k++)
            mean[k] += (double)cells[i].count * cells[i].mean[k];
    }
    for (int k = 0; k < 3; k++)
        mean[k] /= total;
    for (size_t i = b->first; i < b->first + b->count; i++)
        for (int k = 0; k < 3; k++) {
            double d = cells[i].mean[k] - mean[k];

            spread[k] += (double)cells[i].count * d * d;
        }
    b->axis = 0;
    for (int k = 1; k < 3; k++)
        if (spread[k] > spread[b->axis])
            b->axis = k;
    b->spread = b->count > 1 ? spread[b->axis] : 0;
}

/* Compares by the mean of one channel; the cell's number settles ties, so that the order is always the same. */
#define COMPARE_BY(axis)                                    \
    static int compare_##axis(const void *a, const void *b) \
    {                                                       \
        const cell *x = a, *y = b;                          \
                                                            \
        if (x->mean[axis] != y->mean[axis])                 \
            return x->mean[axis] < y->mean[axis] ? -1 : 1;  \
        return x->cell - y->cell;                           \
    }
COMPARE_BY(0)
COMPARE_BY(1)
COMPARE_BY(2)

/* Cuts the box at its mean into itself and `rest`; both get at least one cell. */
static void cut(box *b, box *rest, cell *cells)
{
    static int (*const compare[3])(const void *, const void *) = { compare_0, compare_1, compare_2 };
    double mean[3];
    size_t left = 1;
    int axis = b->axis;

    qsort(cells + b->first, b->count, sizeof *cells, compare[axis]);
    measure(b, cells, mean);
    while (left + 1 < b->count && cells[b->first + left].mean[axis] < mean[axis])
        left++;
    *rest = (box){ b->first + left, b->count - left, 0, 0 };
    b->count = left;
    measure(b, cells, mean);
    measure(rest, cells, mean);
}

static int nearest(const cv_palette *palette, const double colour[3])
{
    int best = 0;
    double best_distance = 1e9;

    for (int i = 0; i < palette->count; i++) {
        double distance = 0;

        for (int k = 0; k < 3; k++) {
            double d = palette->colours[i][k] - colour[k];

            distance += d * d;
        }
        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}

cogvideo_status cv_palette_make(cv_palette *palette, const cogvideo_video *video, cogvideo_error *err)
{
    box boxes[255] = { 0 };
    cell *cells = NULL;
    double mean[3];
    int count = 1;
    cogvideo_status status = COGVIDEO_OK;

    CV_NEW(cells, CV_PALETTE_CELLS, err);
    boxes[0].count = collect(cells, video);
    measure(&boxes[0], cells, mean);
    for (; count < 255; count++) {
        int widest = 0;

        for (int i = 1; i < count; i++)
            if (boxes[i].spread > boxes[widest].spread)
                widest = i;
        if (!(boxes[widest].spread > 0))
            break;
        cut(&boxes[widest], &boxes[count], cells);
    }
    palette->count = count;
    for (int i = 0; i < count; i++) {
        measure(&boxes[i], cells, mean);
        for (int k = 0; k < 3; k++)
            palette->colours[i][k] = (uint8_t)(mean[k] + 0.5);
    }
    memset(palette->index, 0, sizeof palette->index);
    for (int i = 0; i < count; i++)
        for (size_t c = boxes[i].first; c < boxes[i].first + boxes[i].count; c++)
            palette->index[cells[c].cell] = (uint8_t)nearest(palette, cells[c].mean);
done:
    cv_free(cells);
    return status;
}
