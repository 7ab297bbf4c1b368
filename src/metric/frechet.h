/* frechet.h - the Frechet distance of two sets of features as Gaussians (Dowson and Landau, 1982): FVD and FID. */
#ifndef CV_METRIC_FRECHET_H
#define CV_METRIC_FRECHET_H

#include "base/status.h"
#include "nn/exec.h"

#include <stdbool.h>

/* Rows of features, [count][width]. */
typedef struct cv_feature_set {
    const float *rows;
    int count, width;
} cv_feature_set;

typedef struct cv_frechet_options {
    bool biased; /* covariance with divisor n (StyleGAN-V), not n - 1 */
    int draws;   /* of the bootstrap; 0 = none */
    bool extrapolate;
    uint64_t seed;
    /* 0 .. 1 as the work goes on; other than 0 stops with COGVIDEO_ERROR_CANCELLED; may be NULL */
    int (*progress)(void *user, double done);
    void *user;
} cv_frechet_options;

typedef struct cv_frechet {
    double distance;     /* at least 0 */
    double low, high;    /* the basic interval of 95 % over draws of both sets with replacement; 0 without draws */
    double extrapolated; /* where the line of F over 1 / share meets 0; 0 unless asked for */
} cv_frechet;

/* |mu_a - mu_b|^2 + tr A + tr B - 2 tr (A B)^(1/2). An error where a set has under 2 rows. The same numbers for any
 * number of threads. */
cogvideo_status cv_frechet_distance(const cv_exec *exec, const cv_feature_set *a, const cv_feature_set *b,
                                    const cv_frechet_options *options, cv_frechet *out, cogvideo_error *err);

#endif
