/* amx_bf16.c - many rows of inputs in f32 times weights of f16 and bf16, by AMX: tiles of 16 rows by 32 numbers in
 * bf16, whose products are added up in f32.
 *
 * The products are nearly as exact as those in f32 (known as bf16x3). A number of f32 is the sum of three of bf16, and
 * one of f16 the sum of two: so each part of the weights is multiplied by each part of the inputs, but for both
 * smallest parts, whose product is less than two units of f32's last digit. Parts below 1e-38 count as zero, so inputs
 * below 1e-33 lose digits; an infinity becomes NaN. */
#include "kernels/amx.h"

enum { SIDE = AMX_SIDE, DEPTH = CV_SPLIT_STEP, PARTS = CV_SPLIT_PARTS, ROW_BYTES = AMX_ROW_BYTES };
enum { TILE = SIDE * DEPTH }; /* numbers of a tile */
enum { PAIR = 2 };            /* tiles of weights, and of inputs, whose four sums lie in registers */
enum { BLOCK = 8 };           /* steps of DEPTH for which the sums lie there; weights are made ready for so many */
/* Pairs of tiles of inputs for which weights are made ready once, and of weights for which the inputs of a block are
 * read from the third cache once. */
enum { INPUT_PAIRS = CV_SPLIT_INPUTS / (PAIR * SIDE), WEIGHT_PAIRS = CV_SPLIT_WEIGHTS / (PAIR * SIDE) };

/* --- parts ---------------------------------------------------------------------------------------------------- */

/* The 8 leading bits of each number, which bf16 holds. */
INLINE __m512 leading(__m512 x)
{
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32((int)0xffff0000)));
}

/* Two vectors of such numbers as one of bf16. */
INLINE __m512i joined(__m512 low, __m512 high)
{
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

INLINE __mmask32 lanes_of_32(int count)
{
    return count >= 32 ? 0xffffffff : count > 0 ? (1u << count) - 1 : 0;
}

/* For each step, tiles of the parts: 16 pairs of numbers, each pair of all rows side by side, as the instruction wants
 * its second factor. */
static void split(uint16_t *out, const float *x, size_t x_stride, int rows, int K)
{
    for (int k = 0; k < K; k += DEPTH, out += PARTS * TILE) {
        __m512i part[PARTS][SIDE];

        for (int r = 0; r < SIDE; r++) {
            const int left = r < rows ? K - k : 0;
            const float *at = x + (size_t)(r < rows ? r : 0) * x_stride + k;
            __m512 low = _mm512_maskz_loadu_ps(amx_lanes(left), at),
                   high = _mm512_maskz_loadu_ps(amx_lanes(left - 16), at + 16);

            for (int p = 0; p < PARTS; p++) {
                const __m512 a = leading(low), b = leading(high);

                part[p][r] = joined(a, b);
                low = _mm512_sub_ps(low, a);
                high = _mm512_sub_ps(high, b);
            }
        }
        for (int p = 0; p < PARTS; p++) {
            amx_transpose(part[p]);
            for (int r = 0; r < SIDE; r++)
                _mm512_storeu_si512(out + p * TILE + r * DEPTH, part[p][r]);
        }
    }
}

/* --- weights -------------------------------------------------------------------------------------------------- */

typedef struct weights {
    uint16_t tile[PAIR][2][BLOCK][TILE]; /* leading bits, and for f16 what is left */
} weights;

/* A step of a row, in two parts or, but for f16, in one. */
INLINE void make_ready_step(cv_weight_type type, uint16_t *to, const char *at, int left)
{
    if (type == CV_WEIGHT_F16) {
        const __m512 low = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(amx_lanes(left), at)),
                     high = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(amx_lanes(left - 16), at + 32)), a = leading(low),
                     b = leading(high);

        _mm512_store_si512(to, joined(a, b));
        _mm512_store_si512(to + BLOCK * TILE, joined(_mm512_sub_ps(low, a), _mm512_sub_ps(high, b)));
    } else {
        _mm512_store_si512(to, _mm512_maskz_loadu_epi16(lanes_of_32(left), at));
    }
}

/* `steps` steps of rows n .. n + 31 of w, from number k on, and a look at the same place of the next 32 rows. */
INLINE void make_ready(cv_weight_type type, weights *out, const cv_weight *w, int n, int k, int steps)
{
    const size_t row_bytes = cv_weight_row_bytes(type, (size_t)w->K);

    for (int r = 0; r < PAIR * SIDE; r++) {
        const char *at = (const char *)w->data + (size_t)(n + r) * row_bytes + cv_weight_row_bytes(type, (size_t)k);
        uint16_t *to = out->tile[r / SIDE][0][0] + r % SIDE * DEPTH;
        const int left = n + r < w->N ? w->K - k : 0;

        for (int s = 0; s < steps; s++, at += ROW_BYTES, to += TILE) {
            prefetch_second(at + PAIR * SIDE * row_bytes);
            if (left >= (s + 1) * DEPTH) /* most of the time no lane is masked */
                make_ready_step(type, to, at, DEPTH);
            else
                make_ready_step(type, to, at, left - s * DEPTH);
        }
    }
}

/* --- products ------------------------------------------------------------------------------------------------- */

typedef struct sums {
    float of[PAIR][PAIR][SIDE * SIDE]; /* [tile of weights][tile of inputs][row of weights][row of inputs] */
} sums;

/* Tile registers, whose numbers are part of the instructions: 0 to 3 hold the sums, 4 and 5 a part of the weights, 6
 * and 7 a part of the inputs. Neighbouring products go to different sums, for a sum can take the next product only
 * when the last one is done. */
INLINE void multiply_parts(void)
{
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
}

INLINE void load_weights(const weights *w, int part, int step)
{
    _tile_loadd(4, w->tile[0][part][step], ROW_BYTES);
    _tile_loadd(5, w->tile[1][part][step], ROW_BYTES);
}

INLINE void load_inputs(const uint16_t *const x[PAIR], int part, int step)
{
    const size_t at = (size_t)(step * PARTS + part) * TILE;

    _tile_loadd(6, x[0] + at, ROW_BYTES);
    _tile_loadd(7, x[1] + at, ROW_BYTES);
}

/* In an order in which each turn loads one factor anew. */
INLINE void multiply_step(cv_weight_type type, const weights *w, const uint16_t *const x[PAIR], int step)
{
    load_weights(w, 0, step);
    load_inputs(x, 2, step);
    multiply_parts();
    load_inputs(x, 1, step);
    multiply_parts();
    if (type == CV_WEIGHT_F16) {
        load_weights(w, 1, step);
        multiply_parts();
    }
    load_inputs(x, 0, step);
    multiply_parts();
    if (type == CV_WEIGHT_F16) {
        load_weights(w, 0, step);
        multiply_parts();
    }
}

INLINE void multiply(cv_weight_type type, sums *sum, const weights *w, const uint16_t *const x[PAIR], int steps,
                     bool begins)
{
    amx_stored();
    amx_sums_load(sum, begins);
    for (int s = 0; s < steps; s++)
        multiply_step(type, w, x, s);
    amx_sums_store(sum);
}

/* Writes the sums of `rows` rows of weights and `count` of inputs where they belong. */
static void finish(float *out, size_t out_stride, const float *of, int rows, int count)
{
    __m512i row[SIDE];

    for (int r = 0; r < SIDE; r++)
        row[r] = _mm512_loadu_si512(of + r * SIDE);
    amx_transpose(row);
    for (int b = 0; b < count; b++)
        _mm512_mask_storeu_ps(out + (size_t)b * out_stride, amx_lanes(rows), _mm512_castsi512_ps(row[b]));
}

/* At most CV_SPLIT_INPUTS inputs and CV_SPLIT_WEIGHTS rows; their sums take 128 KB of the stack. */
INLINE void linear_few(cv_weight_type type, float *out, size_t out_stride, const uint16_t *x, const cv_weight *w, int B)
{
    const size_t group = cv_split_size(w->K);
    sums sum[WEIGHT_PAIRS][INPUT_PAIRS] __attribute__((aligned(64)));
    weights ready __attribute__((aligned(64)));

    _tile_loadconfig(&amx_shape);
    for (int k = 0; k < w->K; k += BLOCK * DEPTH) {
        const int steps = amx_min(BLOCK, cv_split_steps(w->K - k));

        for (int n = 0; n < w->N; n += PAIR * SIDE) {
            make_ready(type, &ready, w, n, k, steps);
            for (int b = 0; b < B; b += PAIR * SIDE) {
                const uint16_t *at = x + (size_t)(b / SIDE) * group + (size_t)(k / DEPTH) * PARTS * TILE;
                /* A lone tile is multiplied twice, and its second sums are never read. */
                const uint16_t *const pair[PAIR] = { at, b + SIDE < B ? at + group : at };

                multiply(type, &sum[n / (PAIR * SIDE)][b / (PAIR * SIDE)], &ready, pair, steps, k == 0);
            }
        }
    }
    _tile_release();
    for (int n = 0; n < w->N; n += SIDE)
        for (int b = 0; b < B; b += SIDE)
            finish(out + (size_t)b * out_stride + n, out_stride,
                   sum[n / (PAIR * SIDE)][b / (PAIR * SIDE)].of[n / SIDE % PAIR][b / SIDE % PAIR],
                   amx_min(SIDE, w->N - n), amx_min(SIDE, B - b));
}

INLINE void linear_split(cv_weight_type type, float *out, size_t out_stride, const uint16_t *x, const cv_weight *w,
                         int B)
{
    const size_t group = cv_split_size(w->K);

    for (int n = 0; n < w->N; n += CV_SPLIT_WEIGHTS) {
        const cv_weight some = cv_weight_rows(w, n, amx_min(CV_SPLIT_WEIGHTS, w->N - n));

        for (int b = 0; b < B; b += CV_SPLIT_INPUTS)
            linear_few(type, out + (size_t)b * out_stride + n, out_stride, x + (size_t)(b / SIDE) * group, &some,
                       amx_min(CV_SPLIT_INPUTS, B - b));
    }
}

static void linear_split_wf16(float *out, size_t out_stride, const uint16_t *x, const cv_weight *w, int B)
{
    linear_split(CV_WEIGHT_F16, out, out_stride, x, w, B);
}

static void linear_split_wbf16(float *out, size_t out_stride, const uint16_t *x, const cv_weight *w, int B)
{
    linear_split(CV_WEIGHT_BF16, out, out_stride, x, w, B);
}

void cv_amx_bf16(cv_kernels *table)
{
    table->split = split;
    table->linear_split[CV_WEIGHT_F16] = linear_split_wf16;
    table->linear_split[CV_WEIGHT_BF16] = linear_split_wbf16;
}
