#include "nn/batch_norm.h"

#include <math.h>
#include <stdio.h>

cogvideo_status cv_batch_norm_bind(cv_batch_norm *out, cv_store *store, const char *name, int C, float eps, bool scaled,
                                   cogvideo_error *err)
{
    cogvideo_status status;
    char full[256];

    *out = (cv_batch_norm){ .C = C, .eps = eps };
    if (scaled) {
        snprintf(full, sizeof full, "%s.weight", name);
        CV_TRY(cv_store_claim_vector(store, &out->weight, full, (size_t)C, err));
    }
    snprintf(full, sizeof full, "%s.bias", name);
    CV_TRY(cv_store_claim_vector(store, &out->bias, full, (size_t)C, err));
    snprintf(full, sizeof full, "%s.running_mean", name);
    CV_TRY(cv_store_claim_vector(store, &out->mean, full, (size_t)C, err));
    snprintf(full, sizeof full, "%s.running_var", name);
    CV_TRY(cv_store_claim_vector(store, &out->variance, full, (size_t)C, err));
done:
    return status;
}

static double gain(const cv_batch_norm *norm, int c)
{
    return norm->weight ? (double)norm->weight[c] : 1;
}

void cv_batch_norm_fold(const cv_batch_norm *norm, cv_conv3d *conv, float *weight, float *bias)
{
    const size_t K = (size_t)conv->in * (size_t)cv_volume_count(conv->window.kernel);

    for (int c = 0; c < conv->out; c++) {
        double scale = gain(norm, c) / sqrt((double)norm->variance[c] + (double)norm->eps);
        double before = conv->bias ? (double)conv->bias[c] : 0;
        float *row = weight + (size_t)c * K;

        cv_to_f32(row, (const char *)conv->weight + (size_t)c * K * cv_dtype_size(conv->dtype), conv->dtype, K);
        for (size_t i = 0; i < K; i++)
            row[i] = (float)(scale * (double)row[i]);
        bias[c] = (float)((double)norm->bias[c] + (before - (double)norm->mean[c]) * scale);
    }
    conv->weight = weight;
    conv->dtype = CV_F32;
    conv->bias = bias;
}

/* --- training ------------------------------------------------------------------------------------------------- */

/* Partial sums, so that additions do not wait for each other. */
#define LANES 8

/* Sums x - shift and its squares over one channel's places of one clip. */
static void add_moments(const float *x, size_t count, double shift, double *sum, double *squares)
{
    double sums[LANES] = { 0 }, products[LANES] = { 0 };
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            double value = (double)x[i + lane] - shift;

            sums[lane] += value;
            products[lane] += value * value;
        }
    for (; i < count; i++) {
        double value = (double)x[i] - shift;

        sums[0] += value;
        products[0] += value * value;
    }
    for (int lane = 0; lane < LANES; lane++) {
        *sum += sums[lane];
        *squares += products[lane];
    }
}

/* The numbers of channel c of clip b begin at x + offset_of(...). */
static size_t offset_of(const cv_batch_norm *norm, int b, int c, int places)
{
    return ((size_t)b * (size_t)norm->C + (size_t)c) * (size_t)places;
}

void cv_batch_norm_train(const cv_exec *exec, const cv_batch_norm *norm, float *out, const float *x, int B, int places,
                         bool relu, float momentum, float *saved_mean, float *saved_scale)
{
    const double n = (double)B * (double)places;

    if (B == 0 || places == 0)
        return;
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < norm->C; c++) {
        /* Moved by one of its numbers, a channel far from zero loses no digits of its variance. */
        double shift = (double)x[offset_of(norm, 0, c, places)], sum = 0, squares = 0, mean, variance, scale;
        float by, add;

        for (int b = 0; b < B; b++)
            add_moments(x + offset_of(norm, b, c, places), (size_t)places, shift, &sum, &squares);
        mean = shift + sum / n;
        variance = squares / n - sum / n * (sum / n);
        variance = variance > 0 ? variance : 0;
        scale = 1 / sqrt(variance + (double)norm->eps);
        by = (float)(scale * gain(norm, c));
        add = (float)((double)norm->bias[c] - mean * scale * gain(norm, c));
        saved_mean[c] = (float)mean;
        saved_scale[c] = (float)scale;
        for (int b = 0; b < B; b++) {
            const float *from = x + offset_of(norm, b, c, places);
            float *to = out + offset_of(norm, b, c, places);

            for (int i = 0; i < places; i++) {
                float y = from[i] * by + add;

                to[i] = relu && !(y > 0) ? 0 : y;
            }
        }
        if (momentum > 0) {
            double m = (double)momentum;
            float *running = (float *)norm->mean + c, *spread = (float *)norm->variance + c;

            *running = (float)((1 - m) * (double)*running + m * mean);
            *spread = (float)((1 - m) * (double)*spread + m * variance * (n > 1 ? n / (n - 1) : 1));
        }
    }
}

/* --- backward: with h = (x - mean) scale and y = w h + b, over the n numbers of a channel,
 * dx = w scale (dy - mean(dy) - h mean(dy h)); dw = sum(dy h); db = sum(dy). ----------------------------------- */

/* Sums dy and dy h over one channel's places of one clip. */
static void add_products(const float *dy, const float *x, size_t count, float mean, float scale, double *sum,
                         double *product)
{
    double sums[LANES] = { 0 }, products[LANES] = { 0 };
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            sums[lane] += (double)dy[i + lane];
            products[lane] += (double)dy[i + lane] * (double)((x[i + lane] - mean) * scale);
        }
    for (; i < count; i++) {
        sums[0] += (double)dy[i];
        products[0] += (double)dy[i] * (double)((x[i] - mean) * scale);
    }
    for (int lane = 0; lane < LANES; lane++) {
        *sum += sums[lane];
        *product += products[lane];
    }
}

/* dx = what comes back through relu. */
static void relu_backward(float *dx, const float *dy, const float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float passed = dy[i];

        dx[i] = out[i] > 0 ? passed : 0;
    }
}

void cv_batch_norm_backward(const cv_exec *exec, const cv_batch_norm *norm, const cv_batch_norm *grad, float *dx,
                            const float *dy, const float *x, const float *out, int B, int places, bool relu,
                            const float *saved_mean, const float *saved_scale)
{
    const double n = (double)B * (double)places;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int c = 0; c < norm->C; c++) {
        float mean = saved_mean[c], scale = saved_scale[c], by = (float)(gain(norm, c) * (double)scale);
        float dy_mean, h_mean;
        const float *back = relu ? dx : dy; /* dL/dy */
        double sum = 0, product = 0;

        for (int b = 0; b < B; b++) {
            size_t at = offset_of(norm, b, c, places);

            if (relu)
                relu_backward(dx + at, dy + at, out + at, (size_t)places);
            add_products(back + at, x + at, (size_t)places, mean, scale, &sum, &product);
        }
        dy_mean = (float)(sum / n);
        h_mean = (float)(product / n);
        for (int b = 0; b < B; b++) {
            size_t at = offset_of(norm, b, c, places);

            for (size_t i = at; i < at + (size_t)places; i++)
                dx[i] = by * (back[i] - dy_mean - (x[i] - mean) * scale * h_mean);
        }
        if (grad && grad->weight)
            ((float *)grad->weight)[c] += (float)product;
        if (grad)
            ((float *)grad->bias)[c] += (float)sum;
    }
}
