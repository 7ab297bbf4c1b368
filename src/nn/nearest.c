#include "nn/nearest.h"

#include "base/parallel.h"
#include "nn/blas.h"

#include <math.h>

/* Rows and codes whose products are held at once. */
#define ROWS 64
#define CODES 512
/* Codes that a thread gets ready at once. */
#define READY 64

/* The codebook in f32, with what a search needs. */
typedef struct prepared {
    const float *codes;
    float *half_norms; /* |e|^2 / 2 */
    int N, K;
    double largest; /* of the half norms */
} prepared;

/* In sums that do not depend on each other, so that the compiler can use vectors. */
static double half_norm(const float *x, int K)
{
    enum { LANES = 8 };
    double sums[LANES] = { 0 }, sum = 0;
    int k = 0;

    for (; k + LANES <= K; k += LANES)
        for (int lane = 0; lane < LANES; lane++)
            sums[lane] += (double)x[k + lane] * (double)x[k + lane];
    for (; k < K; k++)
        sum += (double)x[k] * (double)x[k];
    for (int lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    return sum / 2;
}

/* |x - e|^2 / 2 = |x|^2 / 2 + (|e|^2 / 2 - x . e), where the first term is the same for all codes. The f32 product
 * is off by at most about K 2^-24 |x| |e|, so a code whose score is within twice that of the least so far may be
 * nearer; the slack is wider still. */
static void search(int32_t *out, const float *x, int rows, const prepared *book, float *scores)
{
    float least[ROWS], slack[ROWS];
    double best[ROWS];

    for (int r = 0; r < rows; r++) {
        double size = sqrt(half_norm(x + (size_t)r * (size_t)book->K, book->K) * book->largest) + book->largest;

        out[r] = 0;
        least[r] = INFINITY;
        best[r] = INFINITY;
        slack[r] = (float)(size * 8 * (book->K + 4) * 0x1p-24);
    }
    for (int first = 0; first < book->N; first += CODES) {
        int count = book->N - first < CODES ? book->N - first : CODES;

        cv_blas_matmul_nt(scores, CODES, x, book->K, book->codes + (size_t)first * (size_t)book->K, book->K, rows,
                          count, book->K, 0.0f);
        for (int r = 0; r < rows; r++)
            for (int i = 0; i < count; i++) {
                float score = book->half_norms[first + i] - scores[r * CODES + i];
                double exact;

                if (!(score <= least[r] + slack[r]))
                    continue;
                least[r] = score < least[r] ? score : least[r];
                exact = cv_squared_distance(x + (size_t)r * (size_t)book->K,
                                            book->codes + (size_t)(first + i) * (size_t)book->K, book->K);
                if (exact < best[r]) {
                    best[r] = exact;
                    out[r] = first + i;
                }
            }
    }
}

static void prepare(const cv_exec *exec, prepared *book, const cv_weight *codebook, float *wide)
{
    book->codes = codebook->type == CV_WEIGHT_F32 ? codebook->data : wide;
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int first = 0; first < book->N; first += READY) {
        const int count = book->N - first < READY ? book->N - first : READY;
        const cv_weight rows = cv_weight_rows(codebook, first, count);

        if (codebook->type != CV_WEIGHT_F32)
            exec->kernels.widen[rows.type](wide + (size_t)first * (size_t)book->K, &rows);
        for (int n = first; n < first + count; n++)
            book->half_norms[n] = (float)half_norm(book->codes + (size_t)n * (size_t)book->K, book->K);
    }
    for (int n = 0; n < book->N; n++)
        if ((double)book->half_norms[n] > book->largest)
            book->largest = (double)book->half_norms[n];
}

void cv_nearest(const cv_exec *exec, int32_t *out, const float *x, int rows, const cv_weight *codebook, cv_arena *arena)
{
    prepared book = { .N = codebook->N, .K = codebook->K };
    int blocks = (rows + ROWS - 1) / ROWS;
    size_t mark = cv_arena_mark(arena);
    size_t widened = codebook->type == CV_WEIGHT_F32 ? 0 : (size_t)codebook->N * (size_t)codebook->K;
    float *wide = cv_arena_take(arena, widened, sizeof *wide);
    float *scores = cv_arena_take(arena, (size_t)exec->threads * ROWS * CODES, sizeof *scores);

    book.half_norms = cv_arena_take(arena, (size_t)codebook->N, sizeof *book.half_norms);
    cv_arena_rewind(arena, mark);
    if (!arena->base)
        return;
    prepare(exec, &book, codebook, wide);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int block = 0; block < blocks; block++) {
        int first = block * ROWS, count = rows - first < ROWS ? rows - first : ROWS;

        search(out + first, x + (size_t)first * (size_t)book.K, count, &book,
               scores + (size_t)cv_thread_index() * ROWS * CODES);
    }
}
