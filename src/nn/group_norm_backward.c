#include "kernels/fast_math.h"
#include "nn/group_norm.h"

/* With h = (x - mean) scale and y = w h + b, over the n numbers of a group:
 * dx = scale (w dy - mean(w dy) - h mean(w dy h)); dw = sum(dy h); db = sum(dy). */

/* Partial sums, as in the forward pass. */
#define LANES 8

/* Turns dL/d(y sigmoid(y)) in dy into dL/d(y), for y = x * scale + shift. */
static void swish_backward(float *dy, const float *x, size_t pixels, float scale, float shift)
{
    for (size_t i = 0; i < pixels; i++) {
        float y = x[i] * scale + shift;
        float s = 1.0f / (1.0f + cv_fast_exp(-y));

        dy[i] *= s * (1.0f + y * (1.0f - s));
    }
}

/* Sums dy and dy h over one plane. */
static void plane_sums(const float *dy, const float *x, size_t pixels, float mean, float scale, double *sum,
                       double *product)
{
    double sums[LANES] = { 0 }, products[LANES] = { 0 };
    size_t i = 0;

    *sum = *product = 0;
    for (; i + LANES <= pixels; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            sums[lane] += (double)dy[i + lane];
            products[lane] += (double)(dy[i + lane] * ((x[i + lane] - mean) * scale));
        }
    for (; i < pixels; i++) {
        *sum += (double)dy[i];
        *product += (double)(dy[i] * ((x[i] - mean) * scale));
    }
    for (int lane = 0; lane < LANES; lane++) {
        *sum += sums[lane];
        *product += products[lane];
    }
}

/* Handles one group of `width` channels from `first` on. */
static void group_backward(const cv_group_norm *norm, const cv_group_norm *grad, int first, int width, float *dx,
                           float *dy, const float *x, size_t pixels, bool swish)
{
    size_t offset = (size_t)first * pixels, count = (size_t)width * pixels;
    double mean, scale, sum, product, all = 0, all_products = 0;
    float by, h_mean, m, s;

    cv_group_norm_stats(norm, x + offset, count, &mean, &scale);
    m = (float)mean;
    s = (float)scale;
    for (int c = first; c < first + width; c++) {
        size_t at = (size_t)c * pixels;
        double w = (double)norm->weight[c];

        if (swish)
            swish_backward(dy + at, x + at, pixels, (float)(scale * w),
                           (float)((double)norm->bias[c] - mean * scale * w));
        plane_sums(dy + at, x + at, pixels, m, s, &sum, &product);
        all += w * sum;
        all_products += w * product;
        if (grad) {
            ((float *)grad->weight)[c] += (float)product;
            ((float *)grad->bias)[c] += (float)sum;
        }
    }
    by = (float)(all / (double)count);
    h_mean = (float)(all_products / (double)count);
    for (int c = first; c < first + width; c++) {
        size_t at = (size_t)c * pixels;

        for (size_t i = 0; i < pixels; i++)
            dx[at + i] += s * (norm->weight[c] * dy[at + i] - by - (x[at + i] - m) * s * h_mean);
    }
}

/* The same for positions first .. first + count - 1 of a norm per position, for one group from channel `c0` on. */
static void positions_backward(const cv_group_norm *norm, const cv_group_norm *grad, int c0, float *dx, float *dy,
                               const float *x, size_t pixels, size_t first, int count, bool swish)
{
    int width = norm->C / norm->groups;
    float mean[CV_GROUP_NORM_POSITIONS], scale[CV_GROUP_NORM_POSITIONS], h[CV_GROUP_NORM_POSITIONS];
    float by[CV_GROUP_NORM_POSITIONS] = { 0 }, h_mean[CV_GROUP_NORM_POSITIONS] = { 0 };

    cv_group_norm_place_stats(norm, x + (size_t)c0 * pixels + first, pixels, count, mean, scale);
    for (int c = c0; c < c0 + width; c++) {
        const float *from = x + (size_t)c * pixels + first;
        float *back = dy + (size_t)c * pixels + first, w = norm->weight[c];
        double sum = 0, product = 0;

        for (int i = 0; i < count; i++)
            h[i] = (from[i] - mean[i]) * scale[i];
        if (swish)
            swish_backward(back, h, (size_t)count, w, norm->bias[c]);
        for (int i = 0; i < count; i++) {
            sum += (double)back[i];
            product += (double)(back[i] * h[i]);
            by[i] += w * back[i] / (float)width;
            h_mean[i] += w * back[i] * h[i] / (float)width;
        }
        if (grad) {
            ((float *)grad->weight)[c] += (float)product;
            ((float *)grad->bias)[c] += (float)sum;
        }
    }
    for (int c = c0; c < c0 + width; c++) {
        size_t at = (size_t)c * pixels + first;

        for (int i = 0; i < count; i++)
            dx[at + (size_t)i] += scale[i] * (norm->weight[c] * dy[at + (size_t)i] - by[i] -
                                              (x[at + (size_t)i] - mean[i]) * scale[i] * h_mean[i]);
    }
}

/* Every position adds to every parameter, so the work is split by groups. */
static void backward_per_position(const cv_exec *exec, const cv_group_norm *norm, const cv_group_norm *grad, float *dx,
                                  float *dy, const float *x, size_t pixels, bool swish)
{
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int group = 0; group < norm->groups; group++)
        for (size_t first = 0; first < pixels; first += CV_GROUP_NORM_POSITIONS) {
            size_t left = pixels - first;

            positions_backward(norm, grad, group * (norm->C / norm->groups), dx, dy, x, pixels, first,
                               left < CV_GROUP_NORM_POSITIONS ? (int)left : CV_GROUP_NORM_POSITIONS, swish);
        }
}

void cv_group_norm_backward(const cv_exec *exec, const cv_group_norm *norm, const cv_group_norm *grad, float *dx,
                            float *dy, const float *x, size_t pixels, bool swish)
{
    int width = norm->C / norm->groups;

    if (norm->per_position) {
        backward_per_position(exec, norm, grad, dx, dy, x, pixels, swish);
        return;
    }
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int group = 0; group < norm->groups; group++)
        group_backward(norm, grad, group * width, width, dx, dy, x, pixels, swish);
}
