/* product_body.h - the product of two small matrices as they lie in memory, in register tiles of several rows by
 * several vectors. */
#ifndef CV_KERNELS_PRODUCT_BODY_H
#define CV_KERNELS_PRODUCT_BODY_H

#include "kernels/vec.h"

/* Vectors and rows of a tile: its sums, a row of w and one number of x fill the registers of AVX2, of which there are
 * 16, and nearly the 32 of the other sets. */
enum { PRODUCT_VECS = LANES == 8 ? 2 : 4, PRODUCT_ROWS = 6, PRODUCT_WIDTH = PRODUCT_VECS * LANES };
enum { PRODUCT_K = 128 }; /* of a block, whose part of w stays in the cache for all rows */

/* Like EACH, for the rows of a tile. */
#define EACH_LINE(r, rows)                 \
    UNROLL                                 \
    for (int r = 0; r < PRODUCT_ROWS; r++) \
        if (r < (rows))

/* Operands: w [K][w_stride], and x, whose rows are x_stride apart and whose columns x_step. */
typedef struct product_in {
    const float *x, *w;
    size_t x_stride, x_step, w_stride;
} product_in;

/* Each cell has one accumulator that walks through a block of K in order, as those of panels do. */
INLINE void product_tile(int rows, int V, float *out, size_t out_stride, const product_in *in, size_t row,
                         size_t column, int K, bool begins)
{
    /* Three rows from each of two: so many addresses are formed from few registers. */
    const float *x[] = { in->x + row * in->x_stride, in->x + (row + (rows > 3 ? 3 : 0)) * in->x_stride },
                *w = in->w + column;
    vec sum[PRODUCT_ROWS][PRODUCT_VECS];

    EACH_LINE(r, rows)
    EACH (c, V)
        sum[r][c] = vec_all(0);
    for (int k = 0; k < K; k++, x[0] += in->x_step, x[1] += in->x_step, w += in->w_stride) {
        vec part[PRODUCT_VECS];

        EACH (c, V)
            part[c] = vec_load(w + c * LANES);
        EACH_LINE(r, rows)
        {
            const vec v = vec_all(x[r / 3][(size_t)(r % 3) * in->x_stride]);

            EACH (c, V)
                sum[r][c] = vec_fma(sum[r][c], v, part[c]);
        }
    }
    out += row * out_stride + column;
    EACH_LINE(r, rows)
    EACH (c, V) {
        float *to = out + (size_t)r * out_stride + c * LANES;

        vec_store(to, begins ? sum[r][c] : vec_add(vec_load(to), sum[r][c]));
    }
}

/* All rows of V vectors of columns, over one block of K. */
INLINE void product_columns(int V, float *out, size_t out_stride, const product_in *in, int rows, size_t column, int K,
                            bool begins)
{
    int r = 0;

    for (; r + PRODUCT_ROWS <= rows; r += PRODUCT_ROWS)
        product_tile(PRODUCT_ROWS, V, out, out_stride, in, (size_t)r, column, K, begins);
    for (; r + 3 <= rows; r += 3)
        product_tile(3, V, out, out_stride, in, (size_t)r, column, K, begins);
    for (; r < rows; r++)
        product_tile(1, V, out, out_stride, in, (size_t)r, column, K, begins);
}

static void product_block(float *out, size_t out_stride, const product_in *in, int rows, int K, int count, bool begins)
{
    int n = 0;

    for (; n + PRODUCT_WIDTH <= count; n += PRODUCT_WIDTH)
        product_columns(PRODUCT_VECS, out, out_stride, in, rows, (size_t)n, K, begins);
    if (LANES < CV_PRODUCT_STEP)
        return; /* a tile is one step of columns */
    switch ((count - n) / LANES) {
    case 3:
        product_columns(3 < PRODUCT_VECS ? 3 : 1, out, out_stride, in, rows, (size_t)n, K, begins);
        break;
    case 2:
        product_columns(2 < PRODUCT_VECS ? 2 : 1, out, out_stride, in, rows, (size_t)n, K, begins);
        break;
    case 1:
        product_columns(1, out, out_stride, in, rows, (size_t)n, K, begins);
        break;
    }
}

static void product(float *out, size_t out_stride, const float *x, size_t x_stride, size_t x_step, int rows,
                    const float *w, size_t w_stride, int K, int count, bool add)
{
    for (int k = 0; k < K; k += PRODUCT_K) {
        const product_in in = { x + (size_t)k * x_step, w + (size_t)k * w_stride, x_stride, x_step, w_stride };

        product_block(out, out_stride, &in, rows, K - k < PRODUCT_K ? K - k : PRODUCT_K, count, !add && k == 0);
    }
}

static void set_product(cv_kernels *table)
{
    table->product_width = PRODUCT_WIDTH;
    table->product = product;
}

#endif
