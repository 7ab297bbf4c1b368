#include "nn/group_norm.h"

#include "kernels/fast_math.h"

#include <math.h>
#include <stdio.h>

/* Partial sums, so that the order of additions is fixed and still fills a vector register. */
#define LANES 8

cogvideo_status cv_group_norm_bind(cv_group_norm *out, cv_store *store, const char *name, int C, int groups, float eps,
                                   cogvideo_error *err)
{
    cogvideo_status status;
    char full[256];

    *out = (cv_group_norm){ .C = C, .groups = groups, .eps = eps };
    snprintf(full, sizeof full, "%s.weight", name);
    CV_TRY(cv_store_claim_vector(store, &out->weight, full, (size_t)C, err));
    snprintf(full, sizeof full, "%s.bias", name);
    CV_TRY(cv_store_claim_vector(store, &out->bias, full, (size_t)C, err));
done:
    return status;
}

/* Returns the mean of x - shift, or of its square, in f64. */
static double mean_of(const float *x, size_t count, double shift, bool square)
{
    double lanes[LANES] = { 0 }, sum = 0;
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        for (int lane = 0; lane < LANES; lane++) {
            double d = (double)x[i + (size_t)lane] - shift;

            lanes[lane] += square ? d * d : d;
        }
    for (; i < count; i++) {
        double d = (double)x[i] - shift;

        sum += square ? d * d : d;
    }
    for (int lane = 0; lane < LANES; lane++)
        sum += lanes[lane];
    return sum / (double)count;
}

void cv_group_norm_stats(const cv_group_norm *norm, const float *x, size_t count, double *mean, double *scale)
{
    *mean = mean_of(x, count, 0, false);
    *scale = 1.0 / sqrt(mean_of(x, count, *mean, true) + (double)norm->eps);
}

static void scale_plane(float *out, const float *x, size_t pixels, float scale, float shift, bool swish)
{
    for (size_t i = 0; i < pixels; i++)
        out[i] = x[i] * scale + shift;
    if (swish)
        for (size_t i = 0; i < pixels; i++)
            out[i] = out[i] / (1.0f + cv_fast_exp(-out[i]));
}

void cv_group_norm_place_stats(const cv_group_norm *norm, const float *x, size_t pixels, int count, float *mean,
                               float *scale)
{
    int width = norm->C / norm->groups;
    double sums[CV_GROUP_NORM_POSITIONS] = { 0 };

    for (int c = 0; c < width; c++)
        for (int i = 0; i < count; i++)
            sums[i] += (double)x[(size_t)c * pixels + (size_t)i];
    for (int i = 0; i < count; i++) {
        mean[i] = (float)(sums[i] / width);
        sums[i] = 0;
    }
    for (int c = 0; c < width; c++)
        for (int i = 0; i < count; i++) {
            double d = (double)(x[(size_t)c * pixels + (size_t)i] - mean[i]);

            sums[i] += d * d;
        }
    for (int i = 0; i < count; i++)
        scale[i] = (float)(1.0 / sqrt(sums[i] / width + (double)norm->eps));
}

/* Normalizes positions first .. first + count - 1. */
static void scale_positions(const cv_group_norm *norm, float *out, const float *x, size_t pixels, size_t first,
                            int count, bool swish)
{
    int width = norm->C / norm->groups;
    float mean[CV_GROUP_NORM_POSITIONS], scale[CV_GROUP_NORM_POSITIONS];

    for (int c = 0; c < norm->C; c++) {
        const float *from = x + (size_t)c * pixels + first;
        float *to = out + (size_t)c * pixels + first;

        if (c % width == 0)
            cv_group_norm_place_stats(norm, from, pixels, count, mean, scale);
        for (int i = 0; i < count; i++)
            to[i] = (from[i] - mean[i]) * scale[i] * norm->weight[c] + norm->bias[c];
        if (swish)
            for (int i = 0; i < count; i++)
                to[i] = to[i] / (1.0f + cv_fast_exp(-to[i]));
    }
}

static void apply_per_position(const cv_exec *exec, const cv_group_norm *norm, float *out, const float *x,
                               size_t pixels, bool swish)
{
    size_t blocks = (pixels + CV_GROUP_NORM_POSITIONS - 1) / CV_GROUP_NORM_POSITIONS;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (size_t block = 0; block < blocks; block++) {
        size_t first = block * CV_GROUP_NORM_POSITIONS, left = pixels - first;

        scale_positions(norm, out, x, pixels, first,
                        left < CV_GROUP_NORM_POSITIONS ? (int)left : CV_GROUP_NORM_POSITIONS, swish);
    }
}

void cv_group_norm_apply(const cv_exec *exec, const cv_group_norm *norm, float *out, const float *x, size_t pixels,
                         bool swish)
{
    int width = norm->C / norm->groups;

    if (norm->per_position) {
        apply_per_position(exec, norm, out, x, pixels, swish);
        return;
    }
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int group = 0; group < norm->groups; group++) {
        const float *from = x + (size_t)group * (size_t)width * pixels;
        size_t count = (size_t)width * pixels;
        double mean, scale;

        cv_group_norm_stats(norm, from, count, &mean, &scale);
        for (int i = 0; i < width; i++) {
            int c = group * width + i;
            double by = scale * (double)norm->weight[c];

            scale_plane(out + (size_t)c * pixels, x + (size_t)c * pixels, pixels, (float)by,
                        (float)((double)norm->bias[c] - mean * by), swish);
        }
    }
}
