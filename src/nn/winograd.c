#include "nn/winograd.h"

#include "base/parallel.h"
#include "nn/blas.h"

#include <string.h>

#define POINTS 16              /* of the transformed tile */
#define BLOCK_FLOATS (1 << 20) /* of a thread's transformed inputs and results, which should stay in its cache */
#define LEAST_TILES 128        /* with fewer tiles, packing the weights costs more than the transform saves */
#define MOST_TILES 512
#define LEAST_SIDE 16 /* with fewer channels, transforming the tiles costs more than the algorithm saves */

typedef struct plan {
    const cv_winograd *conv;
    const float *weights; /* transformed: [POINTS][taps][out][in] */
    const float *x;
    float *y;
    int rows, columns; /* of tiles in a frame of y */
    int most;          /* tiles of a frame that a block has */
    int frames;        /* of y that a block has */
    int channels;      /* of y that a block has */
} plan;

/* What a thread works on: `count` tiles from tile `first` on, of `frames` frames from frame `t0` on, of `channels`
 * channels from channel `c0` on. */
typedef struct block {
    int first, count, t0, frames, c0, channels;
    float *inputs;  /* [POINTS][in][frames + taps - 1][count] */
    float *results; /* [POINTS][channels][frames][count] */
    float *lines;   /* [4][2][count + 1], of the pixels under a row of tiles */
} block;

#define RUN 64 /* kernels that are transformed at once */

/* U = G g G^T of `count` kernels g that lie `stride` apart, G = (1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1): to [POINTS],
 * `points` apart. */
static void transform_run(float *to, size_t points, const float *weight, size_t stride, int count)
{
    float g[9][RUN], half[4][3][RUN];

    for (int i = 0; i < count; i++)
        for (int k = 0; k < 9; k++)
            g[k][i] = weight[(size_t)i * stride + (size_t)k];
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < count; i++) {
            half[0][c][i] = g[c][i];
            half[1][c][i] = 0.5f * (g[c][i] + g[3 + c][i] + g[6 + c][i]);
            half[2][c][i] = 0.5f * (g[c][i] - g[3 + c][i] + g[6 + c][i]);
            half[3][c][i] = g[6 + c][i];
        }
    for (int r = 0; r < 4; r++, to += 4 * points)
        for (int i = 0; i < count; i++) {
            const float h0 = half[r][0][i], h1 = half[r][1][i], h2 = half[r][2][i];

            to[i] = h0;
            to[points + (size_t)i] = 0.5f * (h0 + h1 + h2);
            to[2 * points + (size_t)i] = 0.5f * (h0 - h1 + h2);
            to[3 * points + (size_t)i] = h2;
        }
}

/* To [POINTS][taps][out * in]. */
static void transform_weights(const cv_exec *exec, float *to, const cv_winograd *conv)
{
    const int taps = conv->taps, pairs = conv->out * conv->in, runs = (pairs + RUN - 1) / RUN;

#pragma omp parallel for num_threads(exec->threads) schedule(static) if (taps * pairs > 4096)
    for (int run = 0; run < runs; run++) {
        int first = run * RUN, count = pairs - first < RUN ? pairs - first : RUN;

        for (int tap = 0; tap < taps; tap++)
            transform_run(to + (size_t)tap * (size_t)pairs + (size_t)first, (size_t)taps * (size_t)pairs,
                          conv->weight + ((size_t)first * (size_t)taps + (size_t)tap) * 9, 9 * (size_t)taps, count);
    }
}

/* Copies one line of a frame under `count` tiles from column `tile` on and separates odd and even columns of the tiles:
 * pixels 2 (tile + i) - front and the one after, for i <= count. */
static void part_line(const cv_places *places, const float *frame, int line, int tile, int count, float *left,
                      float *right)
{
    const int height = places->in[1], width = places->in[2], start = 2 * tile - places->front[2];
    const float *from = frame + (ptrdiff_t)line * width + start;
    int whole = (width - start) / 2; /* pairs that exist */

    if (line < 0 || line >= height) {
        memset(left, 0, (size_t)(count + 1) * sizeof *left);
        memset(right, 0, (size_t)(count + 1) * sizeof *right);
        return;
    }
    whole = whole < count + 1 ? whole : count + 1;
    if (start < 0) {
        left[0] = 0;
        right[0] = from[1];
    }
    for (int i = start < 0; i < whole; i++) {
        left[i] = from[2 * i];
        right[i] = from[2 * i + 1];
    }
    for (int i = whole > 0 ? whole : start < 0; i <= count; i++) {
        left[i] = start + 2 * i < width ? from[2 * i] : 0;
        right[i] = 0;
    }
}

/* V = B^T d B of each tile d: rows d0 - d2, d1 + d2, d2 - d1, d1 - d3, then the same along the columns. Tiles of one
 * row of tiles, `count` from column `tile` on; `to` [POINTS] are `stride` floats apart. */
static void transform_inputs(const cv_places *places, float *lines, const float *frame, int row, int tile, int count,
                             float *to, size_t stride)
{
    const size_t n = (size_t)count + 1;

    for (int r = 0; r < 4; r++)
        part_line(places, frame, 2 * row - places->front[1] + r, tile, count, lines + (size_t)(2 * r) * n,
                  lines + (size_t)(2 * r + 1) * n);
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
static void transform_results(const cv_winograd *conv, float *line, float *frame, float bias, int row, int tile,
                              int count, const float *from, size_t stride)
{
    const int height = conv->places.out[1], width = conv->places.out[2];
    const int pixels = width - 2 * tile < 2 * count ? width - 2 * tile : 2 * count;

    for (int r = 0; r < 2 && 2 * row + r < height; r++) {
        float *to = frame + (size_t)(2 * row + r) * (size_t)width + 2 * (size_t)tile;
        const float *m1 = from + 4 * stride, *m2 = m1 + 4 * stride, *m = r == 0 ? from : m2 + 4 * stride;
        const float sign = r == 0 ? 1 : -1;

        for (int i = 0; i < count; i++) {
            float s[4];

            for (size_t c = 0; c < 4; c++)
                s[c] = m1[c * stride + (size_t)i] + sign * (m2[c * stride + (size_t)i] + m[c * stride + (size_t)i]);
            line[2 * i] = s[0] + s[1] + s[2] + bias;
            line[2 * i + 1] = s[1] - s[2] - s[3] + bias;
        }
        if (conv->add)
            for (int i = 0; i < pixels; i++)
                to[i] += line[i];
        else if (conv->relu)
            for (int i = 0; i < pixels; i++)
                to[i] = line[i] > 0 ? line[i] : 0;
        else
            memcpy(to, line, (size_t)pixels * sizeof *to);
    }
}

/* --- blocks --------------------------------------------------------------------------------------------------- */

/* From frames first .. end - 1 of the block, the tap sees frames of x; from the others, only zeros. */
static void frames_of_tap(const plan *p, const block *b, int tap, int *first, int *end)
{
    const int shift = b->t0 - p->conv->places.front[0] + tap, left = p->conv->places.in[0] - shift;

    *first = shift < 0 ? -shift : 0;
    *end = left < b->frames ? left : b->frames;
}

/* Transforms the tiles of all frames that the block sees, row by row of tiles. */
static void read_inputs(const plan *p, const block *b)
{
    const cv_places *places = &p->conv->places;
    const size_t frame = (size_t)places->in[1] * (size_t)places->in[2], T = (size_t)b->count;
    const int seen = b->frames + p->conv->taps - 1;

    for (int c = 0; c < p->conv->in; c++)
        for (int f = 0; f < seen; f++) {
            int t = b->t0 - places->front[0] + f;
            const float *from = p->x + ((size_t)c * (size_t)places->in[0] + (size_t)t) * frame;
            float *to = b->inputs + (size_t)(c * seen + f) * T;

            for (int done = 0, some; t >= 0 && t < places->in[0] && done < b->count; done += some) {
                int row = (b->first + done) / p->columns, tile = (b->first + done) % p->columns;

                some = p->columns - tile < b->count - done ? p->columns - tile : b->count - done;
                transform_inputs(places, b->lines, from, row, tile, some, to + done,
                                 (size_t)p->conv->in * (size_t)seen * T);
            }
        }
}

/* The products at each point, over the taps: first the one that sees a frame of x from every frame. */
static void multiply(const plan *p, const block *b)
{
    const cv_winograd *conv = p->conv;
    const int T = b->count, in = conv->in, seen = (b->frames + conv->taps - 1) * T, made = b->frames * T;

    for (size_t point = 0; point < POINTS; point++)
        for (int i = 0; i < conv->taps; i++) {
            int tap = (conv->places.front[0] + i) % conv->taps, first, end;
            const float *weights =
                p->weights +
                ((point * (size_t)conv->taps + (size_t)tap) * (size_t)conv->out + (size_t)b->c0) * (size_t)in;

            frames_of_tap(p, b, tap, &first, &end);
            if (first < end)
                cv_blas_matmul_nn(b->results + point * (size_t)b->channels * (size_t)made + first * T, made, weights,
                                  in, b->inputs + point * (size_t)in * (size_t)seen + (first + tap) * T, seen,
                                  b->channels, (end - first) * T, in, i == 0 ? 0.0f : 1.0f);
        }
}

static void write_results(const plan *p, const block *b)
{
    const cv_places *places = &p->conv->places;
    const size_t frame = (size_t)places->out[1] * (size_t)places->out[2], T = (size_t)b->count;

    for (int c = 0; c < b->channels; c++)
        for (int f = 0; f < b->frames; f++) {
            float *to = p->y + ((size_t)(b->c0 + c) * (size_t)places->out[0] + (size_t)(b->t0 + f)) * frame;
            const float *from = b->results + (size_t)(c * b->frames + f) * T;

            for (int done = 0, some; done < b->count; done += some) {
                int row = (b->first + done) / p->columns, tile = (b->first + done) % p->columns;

                some = p->columns - tile < b->count - done ? p->columns - tile : b->count - done;
                transform_results(p->conv, b->lines, to, p->conv->bias ? p->conv->bias[b->c0 + c] : 0, row, tile, some,
                                  from + done, (size_t)b->channels * (size_t)b->frames * T);
            }
        }
}

/* --- the work, split by shape --------------------------------------------------------------------------------- */

#define MOST_FRAMES 8     /* of a block */
#define ENOUGH_TASKS 8    /* with fewer blocks of tiles, output channels are split as well */
#define LEAST_CHANNELS 64 /* of a block; with fewer, transforming its inputs again costs too much */

static int pieces(int whole, int most)
{
    return (whole + most - 1) / most;
}

/* Piece `i` of `count` begins here. */
static int cut(int whole, int i, int count)
{
    return (int)((long long)whole * i / count);
}

static plan plan_of(const cv_winograd *conv)
{
    const int *out = conv->places.out;
    plan p = { .conv = conv, .rows = (out[1] + 1) / 2, .columns = (out[2] + 1) / 2 };
    int tiles = p.rows * p.columns, each, groups = 1;

    p.frames = pieces(out[0], pieces(out[0], MOST_FRAMES));
    each = POINTS * (conv->in * (p.frames + conv->taps - 1) + conv->out * p.frames);
    p.most = BLOCK_FLOATS / each * p.frames;
    p.most = p.most < LEAST_TILES ? LEAST_TILES : p.most > MOST_TILES ? MOST_TILES : p.most;
    p.most = pieces(p.most, p.frames);
    if (p.frames > 1 && p.most > p.columns) /* whole rows of tiles are transformed faster */
        p.most -= p.most % p.columns;
    p.most = p.most < tiles ? p.most : tiles;
    while (pieces(tiles, p.most) * pieces(out[0], p.frames) * groups < ENOUGH_TASKS &&
           conv->out / (2 * groups) >= LEAST_CHANNELS)
        groups *= 2;
    p.channels = pieces(conv->out, groups);
    return p;
}

bool cv_winograd_suits(const cv_window *window, const cv_places *places, int in, int out)
{
    const int *kernel = window->kernel;

    if ((kernel[0] != 1 && kernel[0] != 3) || kernel[1] != 3 || kernel[2] != 3)
        return false;
    for (int axis = 0; axis < 3; axis++)
        if (window->stride[axis] != 1 || places->front[axis] > (kernel[axis] == 3) ||
            places->out[axis] != places->in[axis] + 2 * places->front[axis] - kernel[axis] + 1)
            return false;
    return in >= LEAST_SIDE && out >= LEAST_SIDE;
}

void cv_winograd_apply(const cv_exec *exec, const cv_winograd *conv, float *y, const float *x, cv_arena *arena)
{
    const int *out = conv->places.out;
    plan p = plan_of(conv);
    const int tiles = p.rows * p.columns, blocks = tiles > 0 ? pieces(tiles, p.most) : 0;
    const int times = pieces(out[0], p.frames), groups = pieces(conv->out, p.channels);
    const size_t inputs = POINTS * (size_t)conv->in * (size_t)(p.frames + conv->taps - 1) * (size_t)p.most;
    const size_t results = POINTS * (size_t)p.channels * (size_t)p.frames * (size_t)p.most;
    const size_t each = inputs + results + 8 * ((size_t)p.most + 1), mark = cv_arena_mark(arena);
    const size_t transformed = POINTS * (size_t)conv->taps * (size_t)conv->out * (size_t)conv->in;
    float *weights = cv_arena_take(arena, transformed, sizeof *weights);
    float *scratch = cv_arena_take(arena, (size_t)exec->threads * each, sizeof *scratch);

    cv_arena_rewind(arena, mark);
    if (!arena->base)
        return;
    p.x = x;
    p.y = y;
    p.weights = weights;
    transform_weights(exec, weights, conv);
#pragma omp parallel for num_threads(exec->threads) schedule(dynamic)
    for (int task = 0; task < blocks * times * groups; task++) {
        int g = task % groups, t = task / groups % times, i = task / groups / times;
        float *mine = scratch + (size_t)cv_thread_index() * each;
        block b = { .first = cut(tiles, i, blocks),
                    .t0 = cut(out[0], t, times),
                    .c0 = cut(conv->out, g, groups),
                    .inputs = mine,
                    .results = mine + inputs,
                    .lines = mine + inputs + results };

        b.count = cut(tiles, i + 1, blocks) - b.first;
        b.frames = cut(out[0], t + 1, times) - b.t0;
        b.channels = cut(conv->out, g + 1, groups) - b.c0;
        read_inputs(&p, &b);
        multiply(&p, &b);
        write_results(&p, &b);
    }
}
