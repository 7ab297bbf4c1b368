/* t5_bias.h - the bias of T5's attention by how far a key stands behind its query; private to T5. Distances fall into
 * buckets, a table has a number for each bucket and head, and all blocks read block 0's table. */
#ifndef CV_MODEL_T5_T5_BIAS_H
#define CV_MODEL_T5_T5_BIAS_H

#include "nn/exec.h"
#include "tensor/weight.h"

#include <stddef.h>

/* Distances among rows of at most `longest`: number longest - 1 + d of a head belongs to a key d rows behind its query,
 * d from 1 - longest to longest - 1. */
static inline size_t cv_t5_distances(int longest)
{
    return 2 * (size_t)longest - 1;
}

/* The bucket of a distance, 0 .. CV_T5_BUCKETS - 1. */
int cv_t5_bucket(int distance);

/* by_distance [heads][cv_t5_distances], from the table [CV_T5_BUCKETS, heads]. */
void cv_t5_bias_by_distance(float *by_distance, const cv_weight *table, int longest);
/* bias [heads][rows][rows], rows at most `longest`. */
void cv_t5_bias_of_rows(const cv_exec *exec, float *bias, const float *by_distance, int heads, int longest, int rows);

/* dby_distance += from dbias [heads][rows][rows]. */
void cv_t5_bias_of_rows_backward(const cv_exec *exec, double *dby_distance, const float *dbias, int heads, int longest,
                                 int rows);
/* dtable [CV_T5_BUCKETS, heads] += */
void cv_t5_bias_by_distance_backward(float *dtable, const double *dby_distance, int heads, int longest);

#endif
