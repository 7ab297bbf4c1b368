/* panel_body.h - many rows times a panel of weights, in register tiles of several rows by the panel's whole width. */
#ifndef CV_KERNELS_PANEL_BODY_H
#define CV_KERNELS_PANEL_BODY_H

#include "kernels/vec.h"

/* Vectors of a panel's width, and rows of a tile: the sums of a tile, a row of the panel and one input fill the
 * registers of AVX2, of which there are 16, and leave some of the 32 of the other sets. */
enum { PANEL_VECS = 3, PANEL_WIDTH = PANEL_VECS * LANES, PANEL_ROWS = LANES == 8 ? 4 : 8 };
enum { PANEL_K = 256 }; /* of a block, whose part of the panel stays in the cache for all rows */

/* Like EACH, for the rows of a tile. */
#define EACH_ROW(r, rows)                \
    UNROLL                               \
    for (int r = 0; r < PANEL_ROWS; r++) \
        if (r < (rows))

/* Each cell has one accumulator that walks through a block of K in order and is then added to `out`, so its value is
 * the same in every tile. It begins at zero: products that were added one by one to a large number, such as a residual,
 * would each lose what lies below that number's last digit. */
INLINE void panel_tile(int rows, float *out, size_t out_stride, const float *x, size_t x_stride, const float *panel,
                       int K, bool begins)
{
    vec sum[PANEL_ROWS][PANEL_VECS];

    EACH_ROW(r, rows)
    EACH (c, PANEL_VECS)
        sum[r][c] = vec_all(0);
    for (int k = 0; k < K; k++) {
        vec w[PANEL_VECS];

        EACH (c, PANEL_VECS)
            w[c] = vec_load(panel + (size_t)k * PANEL_WIDTH + c * LANES);
        EACH_ROW(r, rows)
        {
            const vec v = vec_all(x[(size_t)r * x_stride + (size_t)k]);

            EACH (c, PANEL_VECS)
                sum[r][c] = vec_fma(sum[r][c], v, w[c]);
        }
    }
    EACH_ROW(r, rows)
    EACH (c, PANEL_VECS) {
        float *to = out + (size_t)r * out_stride + c * LANES;

        vec_store(to, begins ? sum[r][c] : vec_add(vec_load(to), sum[r][c]));
    }
}

/* All rows with one block of K. */
static void panel_block(float *out, size_t out_stride, const float *x, size_t x_stride, int rows, const float *panel,
                        int K, bool begins)
{
    int r = 0;

    for (; r + PANEL_ROWS <= rows; r += PANEL_ROWS)
        panel_tile(PANEL_ROWS, out + (size_t)r * out_stride, out_stride, x + (size_t)r * x_stride, x_stride, panel, K,
                   begins);
    for (; r < rows; r++)
        panel_tile(1, out + (size_t)r * out_stride, out_stride, x + (size_t)r * x_stride, x_stride, panel, K, begins);
}

static void panel_whole(float *out, size_t out_stride, const float *x, size_t x_stride, int rows, const float *panel,
                        int K, bool add)
{
    for (int k = 0; k < K; k += PANEL_K)
        panel_block(out, out_stride, x + k, x_stride, rows, panel + (size_t)k * PANEL_WIDTH,
                    K - k < PANEL_K ? K - k : PANEL_K, !add && k == 0);
}

static void panel(float *out, size_t out_stride, const float *x, size_t x_stride, int rows, const float *weights, int K,
                  int count, bool add)
{
    float tile[PANEL_ROWS * PANEL_WIDTH] = { 0 };

    if (count == PANEL_WIDTH) {
        panel_whole(out, out_stride, x, x_stride, rows, weights, K, add);
        return;
    }
    for (int first = 0; first < rows; first += PANEL_ROWS) {
        const int some = rows - first < PANEL_ROWS ? rows - first : PANEL_ROWS;
        float *to = out + (size_t)first * out_stride;

        for (int r = 0; r < some && add; r++)
            for (int n = 0; n < count; n++)
                tile[r * PANEL_WIDTH + n] = to[(size_t)r * out_stride + (size_t)n];
        panel_whole(tile, PANEL_WIDTH, x + (size_t)first * x_stride, x_stride, some, weights, K, add);
        for (int r = 0; r < some; r++)
            for (int n = 0; n < count; n++)
                to[(size_t)r * out_stride + (size_t)n] = tile[r * PANEL_WIDTH + n];
    }
}

static void set_panel(cv_kernels *table)
{
    table->panel_width = PANEL_WIDTH;
    table->panel = panel;
}

#endif
