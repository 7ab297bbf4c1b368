/* kmeans.h - k-means (Lloyd, 1957) from k-means++ centres (Arthur and Vassilvitskii, 2007). */
#ifndef CV_TRAIN_KMEANS_H
#define CV_TRAIN_KMEANS_H

#include "base/arena.h"
#include "nn/exec.h"

#include <stdint.h>

/* centres [k][dimensions] and, for each of the `count` rows of x [count][dimensions], the label of its centre. Depends
 * on the rows, k, the rounds and the seed alone. A centre that loses all rows moves to the row farthest from its own;
 * with fewer different rows than k some centres agree, and the later ones have no rows. Scratch is taken from `arena`
 * and given back; on a measuring arena nothing else happens. */
void cv_kmeans(const cv_exec *exec, float *centres, int32_t *labels, const float *x, int count, int dimensions, int k,
               int rounds, uint64_t seed, cv_arena *arena);

#endif
