/* frechet.h - the Frechet distance of two sets of features as Gaussians (Dowson and Landau, 1982): FVD and FID.
 *
 * F = |mean_a - mean_b|^2 + tr A + tr B - 2 tr (A B)^(1/2), in f64. The root of the product is never taken: its trace
 * is the sum of the roots of the eigenvalues of A^(1/2) B A^(1/2), which is symmetric. Where both sets have fewer rows
 * than features are wide, it is the sum of the singular values of the product of their centred rows, a smaller matrix
 * that is exact where those eigenvalues lose half of their digits. */
#ifndef CV_METRIC_FRECHET_H
#define CV_METRIC_FRECHET_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Rows of features, [count][width]. */
typedef struct cv_feature_set {
    const float *rows;
    int count, width;
    /* Rows that a draw or a share takes together, as they are no samples of their own: the frames of a clip. It divides
     * `count`; 0 = 1. */
    int group;
} cv_feature_set;

/* Zero is the plain distance with divisor n - 1. */
typedef struct cv_frechet_options {
    bool biased;      /* covariance with divisor n (StyleGAN-V, cd-fvd), not n - 1 */
    int draws;        /* of the bootstrap; 0 = none */
    bool extrapolate; /* compute `extrapolated` */
    uint64_t seed;    /* of both */
    /* 0 .. 1 as the work goes on; other than 0 stops with COGVIDEO_ERROR_CANCELLED; may be NULL */
    int (*progress)(void *user, double done);
    void *user;
} cv_frechet_options;

typedef struct cv_frechet {
    double distance; /* at least 0 */
    /* The basic interval of 95 %, [2F - q97.5, 2F - q2.5], of draws of both sets with replacement: such draws repeat
     * rows, so their F is itself too large, and the interval of the quantiles themselves would lie above the truth.
     * `low` may be negative. 0 without draws. */
    double low, high;
    /* F of infinitely many rows: where the least-squares line of F over 1/s meets 0, both sets cut to the share s,
     * eight values from 1/4 to 1, and to no fewer than 2 rows. It may be negative. 0 unless asked for. */
    double extrapolated;
} cv_frechet;

/* COGVIDEO_ERROR_ARGUMENT where a set has under 2 rows, the widths differ, or a feature is not finite; the sentence
 * calls the sets the first and the second. Runs on the calling thread. */
cogvideo_status cv_frechet_distance(const cv_feature_set *a, const cv_feature_set *b, const cv_frechet_options *options,
                                    cv_frechet *out, cogvideo_error *err);

#endif
