#include "model/t5/t5_bias.h"

#include "model/t5/t5.h"

#include <stdlib.h>
#include <string.h>

#define SIDE (CV_T5_BUCKETS / 2) /* keys behind the query have the second half */
#define EXACT (SIDE / 2)         /* distances that have a bucket each; beyond them buckets grow by sqrt(2) */

/* Beyond EXACT = 8 the bucket is 8 + trunc(ln(a / 8) / ln(128 / 8) * 8) = 8 + trunc(log2((a / 8)^2)), here in whole
 * numbers. */
int cv_t5_bucket(int distance)
{
    const int first = distance > 0 ? SIDE : 0, a = abs(distance);
    int bucket = EXACT;

    if (a < EXACT)
        return first + a;
    if (a >= CV_T5_FARTHEST)
        return first + SIDE - 1;
    while (bucket < SIDE - 1 && a * a >= EXACT * EXACT << (bucket + 1 - EXACT))
        bucket++;
    return first + bucket;
}

void cv_t5_bias_by_distance(float *by_distance, const cv_weight *table, int longest)
{
    const int heads = table->K;
    float row[CV_T5_HEADS];

    for (int bucket = 0; bucket < CV_T5_BUCKETS; bucket++) {
        cv_weight_widen(row, table, bucket);
        for (int d = 1 - longest; d < longest; d++) {
            if (cv_t5_bucket(d) != bucket)
                continue;
            for (int j = 0; j < heads; j++)
                by_distance[(size_t)j * cv_t5_distances(longest) + (size_t)(longest - 1 + d)] = row[j];
        }
    }
}

void cv_t5_bias_of_rows(const cv_exec *exec, float *bias, const float *by_distance, int heads, int longest, int rows)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int j = 0; j < heads; j++)
        for (int r = 0; r < rows; r++)
            memcpy(bias + ((size_t)j * (size_t)rows + (size_t)r) * (size_t)rows,
                   by_distance + (size_t)j * cv_t5_distances(longest) + (size_t)(longest - 1 - r),
                   (size_t)rows * sizeof *bias);
}

void cv_t5_bias_of_rows_backward(const cv_exec *exec, double *dby_distance, const float *dbias, int heads, int longest,
                                 int rows)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int j = 0; j < heads; j++)
        for (int r = 0; r < rows; r++) {
            const float *from = dbias + ((size_t)j * (size_t)rows + (size_t)r) * (size_t)rows;
            double *to = dby_distance + (size_t)j * cv_t5_distances(longest) + (size_t)(longest - 1 - r);

            for (int key = 0; key < rows; key++)
                to[key] += (double)from[key];
        }
}

void cv_t5_bias_by_distance_backward(float *dtable, const double *dby_distance, int heads, int longest)
{
    for (int j = 0; j < heads; j++) {
        double sums[CV_T5_BUCKETS] = { 0 };

        for (int d = 1 - longest; d < longest; d++)
            sums[cv_t5_bucket(d)] += dby_distance[(size_t)j * cv_t5_distances(longest) + (size_t)(longest - 1 + d)];
        for (int bucket = 0; bucket < CV_T5_BUCKETS; bucket++)
            dtable[(size_t)bucket * (size_t)heads + (size_t)j] += (float)sums[bucket];
    }
}
