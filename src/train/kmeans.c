#include "train/kmeans.h"

#include "base/rng.h"
#include "nn/nearest.h"

#include <math.h>
#include <string.h>

typedef struct rows {
    const float *x;
    int count, dimensions;
} rows;

static const float *row_at(const rows *r, int i)
{
    return r->x + (size_t)i * (size_t)r->dimensions;
}

static double unit(uint64_t seed, uint32_t place)
{
    uint32_t bits[4];

    cv_rng_block(bits, seed, (const uint32_t[4]){ place, 0, 0, 0 });
    return cv_rng_unit(bits[0], bits[1]);
}

/* Each centre a row, drawn by its squared distance from the centres before. */
static void first_centres(const cv_exec *exec, const rows *r, float *centres, int k, uint64_t seed, double *away)
{
    size_t size = (size_t)r->dimensions * sizeof *centres;

    for (int i = 0; i < r->count; i++)
        away[i] = 1;
    for (int c = 0; c < k; c++) {
        float *centre = centres + (size_t)c * (size_t)r->dimensions;
        double total = 0, left;
        int chosen = 0;

        for (int i = 0; i < r->count; i++)
            total += away[i];
        left = unit(seed, (uint32_t)c) * total;
        while (chosen < r->count - 1 && (left -= away[chosen]) >= 0)
            chosen++;
        memcpy(centre, row_at(r, chosen), size);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
        for (int i = 0; i < r->count; i++) {
            double d = cv_squared_distance(row_at(r, i), centre, r->dimensions);

            away[i] = c == 0 || d < away[i] ? d : away[i];
        }
    }
}

/* The means of each centre's rows, in f64; `sums` [k][dimensions]. A centre without rows gets the row farthest from its
 * own centre, each such row once. */
static void move_centres(const rows *r, float *centres, const int32_t *labels, int k, double *sums, int *sizes,
                         double *away)
{
    size_t dimensions = (size_t)r->dimensions;

    memset(sums, 0, (size_t)k * dimensions * sizeof *sums);
    memset(sizes, 0, (size_t)k * sizeof *sizes);
    for (int i = 0; i < r->count; i++) {
        away[i] = cv_squared_distance(row_at(r, i), centres + (size_t)labels[i] * dimensions, r->dimensions);
        sizes[labels[i]]++;
        for (size_t j = 0; j < dimensions; j++)
            sums[(size_t)labels[i] * dimensions + j] += (double)row_at(r, i)[j];
    }
    for (int c = 0; c < k; c++) {
        float *centre = centres + (size_t)c * dimensions;
        int farthest = 0;

        for (size_t j = 0; sizes[c] > 0 && j < dimensions; j++)
            centre[j] = (float)(sums[(size_t)c * dimensions + j] / sizes[c]);
        if (sizes[c] > 0)
            continue;
        for (int i = 1; i < r->count; i++)
            farthest = away[i] > away[farthest] ? i : farthest;
        memcpy(centre, row_at(r, farthest), dimensions * sizeof *centre);
        away[farthest] = 0;
    }
}

void cv_kmeans(const cv_exec *exec, float *centres, int32_t *labels, const float *x, int count, int dimensions, int k,
               int rounds, uint64_t seed, cv_arena *arena)
{
    const rows r = { .x = x, .count = count, .dimensions = dimensions };
    const cv_weight book = { .data = centres, .type = CV_WEIGHT_F32, .N = k, .K = dimensions };
    size_t mark = cv_arena_mark(arena);
    double *away = cv_arena_take(arena, (size_t)count, sizeof *away);
    double *sums = cv_arena_take(arena, (size_t)k * (size_t)dimensions, sizeof *sums);
    int *sizes = cv_arena_take(arena, (size_t)k, sizeof *sizes);

    if (arena->base)
        first_centres(exec, &r, centres, k, seed, away);
    cv_nearest(exec, labels, x, count, &book, arena);
    for (int round = 0; arena->base && round < rounds; round++) {
        move_centres(&r, centres, labels, k, sums, sizes, away);
        cv_nearest(exec, labels, x, count, &book, arena);
    }
    cv_arena_rewind(arena, mark);
}
