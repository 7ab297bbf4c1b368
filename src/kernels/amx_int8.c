/* amx_int8.c - q8 weights times inputs in 8 bits, by AMX: tiles of 16 rows by 64 numbers, whose products are added up
 * in 32 bits. Sums are whole numbers, so results have the very bits of the other kernels, which serve small batches. */
#include "kernels/amx.h"

enum { SIDE = AMX_SIDE, DEPTH = 64, ROW_BYTES = AMX_ROW_BYTES };
enum { TILE = SIDE * DEPTH };
enum { LEAST_ENTRIES = 8 };  /* of a batch, from which on this is faster */
enum { TILES = 4 };          /* of weights that are multiplied in turn: a sum is ready again four products later */
enum { BLOCK = 32 * DEPTH }; /* numbers of each entry that are laid out at once */
enum { MOST_TILES = 8 };     /* of weights for which they are */

/* The first `count` of 64 lanes, at least one, or more. */
INLINE __mmask64 lanes_of_64(int count)
{
    return count >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1;
}

/* For each step of DEPTH, a tile of 16 quads of numbers, each quad of all entries side by side, as the instruction
 * wants its second factor. */
static void lay_out(int8_t *out, const cv_q8_rows *x, int first, int entries, int k, int count)
{
    for (int from = 0; from < count; from += DEPTH, out += TILE) {
        const __mmask64 some = lanes_of_64(count - from);
        __m512i row[SIDE];

        for (int e = 0; e < SIDE; e++)
            row[e] = e < entries ? _mm512_maskz_loadu_epi8(some, x->values + (size_t)(first + e) * x->stride + k + from)
                                 : _mm512_setzero_si512();
        amx_transpose(row);
        for (int i = 0; i < SIDE; i++)
            _mm512_store_si512(out + i * ROW_BYTES, row[i]);
    }
}

/* Weights as they are, but where tiles would reach beyond the matrix: there in a copy with zeros behind. */
typedef struct tiles {
    const int8_t *at;
    size_t row_bytes;
    int8_t copy[TILES * TILE] __attribute__((aligned(64)));
} tiles;

INLINE void find_tiles(tiles *out, const cv_weight *w, int n, int k)
{
    const size_t K = (size_t)w->K;
    const int8_t *at = (const int8_t *)w->data + (size_t)n * K + (size_t)k;
    const int left = w->K - k;
    const __mmask64 some = lanes_of_64(left);

    if (n + TILES * SIDE <= w->N && left >= DEPTH) {
        out->at = at;
        out->row_bytes = K;
        return;
    }
    for (int r = 0; r < TILES * SIDE; r++)
        _mm512_store_si512(out->copy + r * ROW_BYTES,
                           n + r < w->N ? _mm512_maskz_loadu_epi8(some, at + (size_t)r * K) : _mm512_setzero_si512());
    out->at = out->copy;
    out->row_bytes = ROW_BYTES;
}

typedef int32_t tile_sums[SIDE * SIDE]; /* [row of weights][entry] */

/* TILES tiles of rows from n on, over `count` numbers from k on. Numbers of tile registers are part of the
 * instructions: sums in 0 to 3, inputs in 4, weights in 5 to 7. */
INLINE void multiply(tile_sums sum[TILES], const cv_weight *w, int n, int k, int count, const int8_t *x)
{
    /* While a step reads a bit of each row, it fetches as much of the next rows in the order of memory. */
    const char *next = (const char *)w->data + (size_t)(n + TILES * SIDE) * (size_t)w->K + (size_t)k * TILES * SIDE;
    tiles t;

    amx_sums_load(sum, k == 0);
    for (int from = 0; from < count; from += DEPTH, x += TILE) {
        find_tiles(&t, w, n, k + from);
        amx_stored();
        for (int line = 0; line < TILES * SIDE; line++, next += ROW_BYTES)
            prefetch_second(next);
        _tile_loadd(4, x, ROW_BYTES);
        _tile_loadd(5, t.at, t.row_bytes);
        _tile_dpbssd(0, 5, 4);
        _tile_loadd(6, t.at + SIDE * t.row_bytes, t.row_bytes);
        _tile_dpbssd(1, 6, 4);
        _tile_loadd(7, t.at + 2 * SIDE * t.row_bytes, t.row_bytes);
        _tile_dpbssd(2, 7, 4);
        _tile_loadd(5, t.at + 3 * SIDE * t.row_bytes, t.row_bytes);
        _tile_dpbssd(3, 5, 4);
    }
    amx_sums_store(sum);
}

/* Scales the sums of `rows` rows of weights as the other kernels do, and writes them where they belong. */
static void finish(float *out, size_t out_stride, const tile_sums sum, const float *scales, int rows,
                   const float *entry_scales, int entries)
{
    const __m512 scale = _mm512_maskz_loadu_ps(amx_lanes(rows), scales);
    __m512i row[SIDE];

    for (int r = 0; r < SIDE; r++)
        row[r] = _mm512_loadu_si512(sum + r * SIDE);
    amx_transpose(row);
    for (int e = 0; e < entries; e++)
        _mm512_mask_storeu_ps(out + (size_t)e * out_stride, amx_lanes(rows),
                              _mm512_mul_ps(_mm512_cvtepi32_ps(row[e]),
                                            _mm512_mul_ps(scale, _mm512_set1_ps(entry_scales[e]))));
}

/* Up to SIDE entries from `first` on, and MOST_TILES tiles of rows. */
static void multiply_few(float *out, size_t out_stride, const cv_q8_rows *x, int first, int entries, const cv_weight *w)
{
    int8_t inputs[BLOCK * SIDE] __attribute__((aligned(64)));
    tile_sums sum[MOST_TILES] __attribute__((aligned(64)));

    _tile_loadconfig(&amx_shape);
    for (int k = 0; k < w->K; k += BLOCK) {
        const int count = amx_min(BLOCK, w->K - k);

        lay_out(inputs, x, first, entries, k, count);
        for (int n = 0; n < w->N; n += TILES * SIDE)
            multiply(sum + n / SIDE, w, n, k, count, inputs);
    }
    _tile_release();
    for (int n = 0; n < w->N; n += SIDE)
        finish(out + n, out_stride, sum[n / SIDE], (const float *)w->scales + n, amx_min(SIDE, w->N - n),
               x->scales + first, entries);
}

static void linear_q8_wq8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    if (B < LEAST_ENTRIES) {
        cv_avx512_linear_q8(out, out_stride, x, w, B);
        return;
    }
    for (int n = 0; n < w->N; n += MOST_TILES * SIDE) {
        const cv_weight rows = cv_weight_rows(w, n, amx_min(MOST_TILES * SIDE, w->N - n));

        for (int b = 0; b < B; b += SIDE)
            multiply_few(out + (size_t)b * out_stride + n, out_stride, x, b, amx_min(SIDE, B - b), &rows);
    }
}

void cv_amx_int8(cv_kernels *table)
{
    table->linear_q8[CV_WEIGHT_Q8] = linear_q8_wq8;
}
