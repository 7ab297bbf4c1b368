#include "nn/winograd.h"

#include "base/parallel.h"
#include "nn/blas.h"

#include <string.h>

#define POINTS 16              /* of the transformed tile */
#define BLOCK_FLOATS (1 << 20) /* of a thread's transformed inputs and results, which should stay in its cache */
#define LEAST_TILES 64         /* with fewer tiles, packing the weights costs more than the transform saves */
#define MOST_TILES 512

typedef struct plan {
    const float *x, *bias;
    float *y;
    int in, out, height, width;
    bool add;
    int columns;    /* of tiles */
    int most;       /* tiles of a block */
    float *inputs;  /* [POINTS][in][count], of one thread */
    float *results; /* [POINTS][out][count] */
    float *lines;   /* [4][2][most + 1], of the pixels under a row of tiles */
} plan;

/* U = G g G^T of each kernel g, G = (1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1): to [POINTS][kernels]. */
static void transform_weights(const cv_exec *exec, float *to, const float *weight, int kernels)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (kernels > 4096)
    for (int i = 0; i < kernels; i++) {
        const float *g = weight + (size_t)i * 9;
        float half[4][3];

        for (int c = 0; c < 3; c++) {
            half[0][c] = g[c];
            half[1][c] = 0.5f * (g[c] + g[3 + c] + g[6 + c]);
            half[2][c] = 0.5f * (g[c] - g[3 + c] + g[6 + c]);
            half[3][c] = g[6 + c];
        }
        for (int r = 0; r < 4; r++) {
            float *u = to + (size_t)(4 * r) * (size_t)kernels + (size_t)i;

            u[0] = half[r][0];
            u[(size_t)kernels] = 0.5f * (half[r][0] + half[r][1] + half[r][2]);
            u[2 * (size_t)kernels] = 0.5f * (half[r][0] - half[r][1] + half[r][2]);
            u[3 * (size_t)kernels] = half[r][2];
        }
    }
}

/* Copies one line of pixels under tiles from column `tile` on and separates odd and even columns of the tiles:
 * pixels 2 (tile + i) - 1 and 2 (tile + i), for i <= count. */
static void part_line(const plan *p, const float *plane, int line, int tile, int count, float *left, float *right)
{
    const float *from = plane + (size_t)line * (size_t)p->width;
    int first = 2 * tile, whole = (p->width - first) / 2; /* pairs whose right pixel and next left pixel exist */

    if (line < 0 || line >= p->height) {
        memset(left, 0, (size_t)(count + 1) * sizeof *left);
        memset(right, 0, (size_t)(count + 1) * sizeof *right);
        return;
    }
    left[0] = first > 0 ? from[first - 1] : 0;
    from += first;
    whole = whole < count ? whole : count;
    for (int i = 0; i < whole; i++) {
        right[i] = from[2 * i];
        left[i + 1] = from[2 * i + 1];
    }
    for (int i = whole; i <= count; i++) {
        right[i] = first + 2 * i < p->width ? from[2 * i] : 0;
        if (i < count)
            left[i + 1] = first + 2 * i + 1 < p->width ? from[2 * i + 1] : 0;
    }
}

/* V = B^T d B of each tile d: rows d0 - d2, d1 + d2, d2 - d1, d1 - d3, then the same along the columns. Tiles of one
 * row of tiles, `count` from column `tile` on; `to` [POINTS] are `stride` floats apart. */
static void transform_inputs(const plan *p, const float *plane, int row, int tile, int count, float *to, size_t stride)
{
    const size_t n = (size_t)p->most + 1;
    float *lines = p->lines;

    for (int r = 0; r < 4; r++)
        part_line(p, plane, 2 * row - 1 + r, tile, count, lines + (size_t)(2 * r) * n, lines + (size_t)(2 * r + 1) * n);
    for (size_t side = 0; side < 2; side++) {
        float *d0 = lines + side * n, *d1 = d0 + 2 * n, *d2 = d1 + 2 * n, *d3 = d2 + 2 * n;

        for (int i = 0; i <= count; i++) {
            float a = d0[i] - d2[i], b = d1[i] + d2[i], c = d2[i] - d1[i], d = d1[i] - d3[i];

            d0[i] = a;
            d1[i] = b;
            d2[i] = c;
            d3[i] = d;
        }
    }
    for (int r = 0; r < 4; r++, lines += 2 * n) {
        const float *left = lines, *right = lines + n;
        float *v0 = to + (size_t)(4 * r) * stride, *v1 = v0 + stride, *v2 = v1 + stride, *v3 = v2 + stride;

        for (int i = 0; i < count; i++) {
            v0[i] = left[i] - left[i + 1];
            v1[i] = right[i] + left[i + 1];
            v2[i] = left[i + 1] - right[i];
            v3[i] = right[i] - right[i + 1];
        }
    }
}

/* A^T m A of each tile m: rows m0 + m1 + m2 and m1 - m2 - m3, then the same along the columns. */
static void transform_results(const plan *p, float *plane, float bias, int row, int tile, int count, const float *from,
                              size_t stride)
{
    const int pixels = p->width - 2 * tile < 2 * count ? p->width - 2 * tile : 2 * count;
    float *line = p->lines;

    for (int r = 0; r < 2 && 2 * row + r < p->height; r++) {
        float *to = plane + (size_t)(2 * row + r) * (size_t)p->width + 2 * (size_t)tile;
        const float *m1 = from + 4 * stride, *m2 = m1 + 4 * stride, *m = r == 0 ? from : m2 + 4 * stride;
        const float sign = r == 0 ? 1 : -1;

        for (int i = 0; i < count; i++) {
            float s[4];

            for (size_t c = 0; c < 4; c++)
                s[c] = m1[c * stride + (size_t)i] + sign * (m2[c * stride + (size_t)i] + m[c * stride + (size_t)i]);
            line[2 * i] = s[0] + s[1] + s[2] + bias;
            line[2 * i + 1] = s[1] - s[2] - s[3] + bias;
        }
        if (p->add)
            for (int i = 0; i < pixels; i++)
                to[i] += line[i];
        else
            memcpy(to, line, (size_t)pixels * sizeof *to);
    }
}

/* Handles tiles first .. first + count - 1, row by row. */
static void block(const plan *p, const float *weights, int first, int count)
{
    const size_t plane = (size_t)p->height * (size_t)p->width, T = (size_t)count;

    for (int done = 0, some; done < count; done += some) {
        int row = (first + done) / p->columns, tile = (first + done) % p->columns;

        some = p->columns - tile < count - done ? p->columns - tile : count - done;
        for (int c = 0; c < p->in; c++)
            transform_inputs(p, p->x + (size_t)c * plane, row, tile, some, p->inputs + (size_t)c * T + (size_t)done,
                             (size_t)p->in * T);
    }
    for (size_t point = 0; point < POINTS; point++)
        cv_blas_matmul_nn(p->results + point * (size_t)p->out * T, count,
                          weights + point * (size_t)p->out * (size_t)p->in, p->in,
                          p->inputs + point * (size_t)p->in * T, count, p->out, count, p->in, 0.0f);
    for (int done = 0, some; done < count; done += some) {
        int row = (first + done) / p->columns, tile = (first + done) % p->columns;

        some = p->columns - tile < count - done ? p->columns - tile : count - done;
        for (int c = 0; c < p->out; c++)
            transform_results(p, p->y + (size_t)c * plane, p->bias[c], row, tile, some,
                              p->results + (size_t)c * T + (size_t)done, (size_t)p->out * T);
    }
}

static int block_tiles(int in, int out, int tiles)
{
    int most = BLOCK_FLOATS / (POINTS * (in + out));

    most = most < LEAST_TILES ? LEAST_TILES : most > MOST_TILES ? MOST_TILES : most;
    return most < tiles ? most : tiles;
}

void cv_winograd(const cv_exec *exec, float *y, const float *weight, const float *bias, const float *x, int out, int in,
                 int height, int width, bool add, cv_arena *arena)
{
    const int columns = (width + 1) / 2, tiles = columns * ((height + 1) / 2), most = block_tiles(in, out, tiles);
    const int blocks = tiles > 0 ? (tiles + most - 1) / most : 0;
    const size_t inputs = POINTS * (size_t)in * (size_t)most, results = POINTS * (size_t)out * (size_t)most;
    const size_t each = inputs + results + 8 * ((size_t)most + 1), mark = cv_arena_mark(arena);
    float *weights = cv_arena_take(arena, POINTS * (size_t)out * (size_t)in, sizeof *weights);
    float *scratch = cv_arena_take(arena, (size_t)exec->threads * each, sizeof *scratch);

    cv_arena_rewind(arena, mark);
    if (!arena->base)
        return;
    transform_weights(exec, weights, weight, out * in);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int b = 0; b < blocks; b++) {
        float *mine = scratch + (size_t)cv_thread_index() * each;
        plan p = { .x = x,
                   .bias = bias,
                   .y = y,
                   .in = in,
                   .out = out,
                   .height = height,
                   .width = width,
                   .add = add,
                   .columns = columns,
                   .most = most,
                   .inputs = mine,
                   .results = mine + inputs,
                   .lines = mine + inputs + results };
        int first = (int)((long long)tiles * b / blocks), end = (int)((long long)tiles * (b + 1) / blocks);

        block(&p, weights, first, end - first);
    }
}
