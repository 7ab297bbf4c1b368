/* loops.c - kernels in plain C that the compiler vectorizes, compiled once for each instruction set. The operations
 * and their order are the same everywhere, so all sets give the same bits. */
#include "kernels/kernels.h"

#include "kernels/fast_math.h"

#include <math.h>

#ifndef CV_LOOPS /* the name of this build's table */
#define CV_LOOPS cv_loops_plain
#endif

#define LANES 8 /* partial sums, in f64: a row is short compared with the matrices around it */

static double total(const double part[LANES])
{
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

/* --- activations ---------------------------------------------------------------------------------------------- */

/* 0.5 (1 + tanh(u)) = 1 / (1 + e^-2u): one exp, exact also where tanh is near -1. SLOPE = -2 sqrt(2 / pi) */
#define SLOPE (-1.5957691216057308f)
#define CUBIC 0.044715f

static void gelu_tanh(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float y = x[i];

        x[i] = y / (1.0f + cv_fast_exp(SLOPE * y * (1.0f + CUBIC * y * y)));
    }
}

/* With s = 1 / (1 + e), e = e^-2u: d(y s) = s + y s (1 - s) d2u, and 1 - s = e s */
static void gelu_tanh_backward(float *dx, const float *dy, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float y = x[i], e = cv_fast_exp(SLOPE * y * (1.0f + CUBIC * y * y)), s = 1.0f / (1.0f + e);

        dx[i] = dy[i] * (s - y * s * (e * s) * SLOPE * (1.0f + 3.0f * CUBIC * y * y));
    }
}

/* The share of the normal distribution below y, from e = e^(-y^2 / 2). With t = |y| and u = 1 / (1 + 0.3 t), the share
 * beyond t is e times a polynomial in u, fitted by least squares until its largest relative error for t < 13.3, where
 * e is 0, was 1.3e-7. So both tails keep their digits, as 1 + erf would not. */
static inline float normal_share(float y, float e)
{
    float u = 1.0f / (1.0f + 0.3f * fabsf(y)), p = 0.036036246f;

    p = p * u - 0.15871340f;
    p = p * u + 0.20896429f;
    p = p * u - 0.056095438f;
    p = p * u + 0.12984331f;
    p = p * u + 0.099523097f;
    p = p * u + 0.12081689f;
    p = p * u + 0.11962517f;
    p = p * u * e;
    return cv_select(y < 0, p, 1.0f - p);
}

static void gelu_erf(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float y = x[i];

        x[i] = y * normal_share(y, cv_fast_exp(-0.5f * y * y));
    }
}

#define DENSITY 0.3989422804014327f /* 1 / sqrt(2 pi) */

static void gelu_erf_backward(float *dx, const float *dy, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float y = x[i], e = cv_fast_exp(-0.5f * y * y);

        dx[i] = dy[i] * (normal_share(y, e) + y * e * DENSITY);
    }
}

#define QUICK 1.702f

static void gelu_quick(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = x[i] / (1.0f + cv_fast_exp(-QUICK * x[i]));
}

/* With s = 1 / (1 + e): d(y s) = s + 1.702 y s (1 - s), and 1 - s = e s */
static void gelu_quick_backward(float *dx, const float *dy, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float y = x[i], e = cv_fast_exp(-QUICK * y), s = 1.0f / (1.0f + e);

        dx[i] = dy[i] * (s + QUICK * y * s * (e * s));
    }
}

/* --- softmax -------------------------------------------------------------------------------------------------- */

/* In lanes: a maximum does not depend on the order. */
static float largest(const float *x, int count)
{
    float part[LANES], best;
    int i = 0;

    for (int j = 0; j < LANES; j++)
        part[j] = x[0];
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            part[j] = x[i + j] > part[j] ? x[i + j] : part[j];
    best = part[0];
    for (int j = 1; j < LANES; j++)
        best = part[j] > best ? part[j] : best;
    for (; i < count; i++)
        best = x[i] > best ? x[i] : best;
    return best;
}

static void softmax(float *scores, int count)
{
    double sum[LANES] = { 0 };
    float best = largest(scores, count), scale;
    int i = 0;

    for (int k = 0; k < count; k++)
        scores[k] = cv_fast_exp(scores[k] - best);
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            sum[j] += (double)scores[i + j];
    for (int j = 0; i + j < count; j++)
        sum[j] += (double)scores[i + j];
    scale = (float)(1.0 / total(sum));
    for (int k = 0; k < count; k++)
        scores[k] *= scale;
}

static void softmax_backward(float *d, const float *weights, int count)
{
    double sum[LANES] = { 0 };
    float mean;
    int i = 0;

    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            sum[j] += (double)(weights[i + j] * d[i + j]);
    for (int j = 0; i + j < count; j++)
        sum[j] += (double)(weights[i + j] * d[i + j]);
    mean = (float)total(sum);
    for (int k = 0; k < count; k++)
        d[k] = weights[k] * (d[k] - mean);
}

/* --- cosine attention --------------------------------------------------------------------------------------------- */

#define WEIGHED CV_PRODUCT_STEP

/* Of partial sums in f32, which are of few numbers. */
static float few_total(const float part[LANES])
{
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

static float weigh(float *restrict scores, const float *restrict bias, int count)
{
    const int end = (count + WEIGHED - 1) / WEIGHED * WEIGHED;
    float sum[WEIGHED] = { 0 }, parts[LANES], best;

    for (int i = 0; i < count && bias; i++)
        scores[i] += bias[i];
    for (int i = count; i < end; i++)
        scores[i] = -3.4e38f;
    best = largest(scores, end);
    for (int i = 0; i < end; i += WEIGHED)
        for (int j = 0; j < WEIGHED; j++) {
            scores[i + j] = cv_fast_exp(scores[i + j] - best);
            sum[j] += scores[i + j];
        }
    for (int j = 0; j < LANES; j++)
        parts[j] = sum[j] + sum[j + LANES];
    return few_total(parts);
}

static void unit(float *restrict out, int width, const float *restrict x, const float *restrict scale, float by, int D)
{
    if (scale) {
        float squares[LANES] = { 0 }, length;
        int d = 0;

        for (; d + LANES <= D; d += LANES)
            for (int j = 0; j < LANES; j++)
                squares[j] += x[d + j] * x[d + j];
        for (int j = 0; d + j < D; j++)
            squares[j] += x[d + j] * x[d + j];
        length = sqrtf(few_total(squares));
        by /= length > 1e-12f ? length : 1e-12f;
        for (d = 0; d < D; d++)
            out[d] = x[d] * by * scale[d];
    } else {
        for (int d = 0; d < D; d++)
            out[d] = x[d] * by;
    }
    for (int d = D; d < width; d++)
        out[d] = 0;
}

/* --- layer norm ----------------------------------------------------------------------------------------------- */

static void norm_stats(const float *x, int C, float eps, float *mean, float *scale)
{
    double sum[LANES] = { 0 }, squares[LANES] = { 0 }, average;
    int whole = C / LANES * LANES;

    for (int i = 0; i < whole; i += LANES)
        for (int j = 0; j < LANES; j++)
            sum[j] += (double)x[i + j];
    for (int i = whole; i < C; i++)
        sum[i - whole] += (double)x[i];
    average = total(sum) / C;
    for (int i = 0; i < whole; i += LANES)
        for (int j = 0; j < LANES; j++)
            squares[j] += ((double)x[i + j] - average) * ((double)x[i + j] - average);
    for (int i = whole; i < C; i++)
        squares[i - whole] += ((double)x[i] - average) * ((double)x[i] - average);
    *mean = (float)average;
    *scale = (float)(1.0 / sqrt(total(squares) / C + (double)eps));
}

static void norm_row(float *out, bool add, const float *x, const cv_norm_row *n)
{
    if (!n->bias)
        for (int i = 0; i < n->C; i++) {
            const float value = (x[i] - n->mean) * n->scale * n->weight[i];

            out[i] = add ? out[i] + value : value;
        }
    else if (add)
        for (int i = 0; i < n->C; i++)
            out[i] += (x[i] - n->mean) * n->scale * n->weight[i] + n->bias[i];
    else
        for (int i = 0; i < n->C; i++)
            out[i] = (x[i] - n->mean) * n->scale * n->weight[i] + n->bias[i];
}

/* With g = dy * weight and y = (x - mean) * scale: dx = scale * (g - mean of g - y * mean of g y) */
static void norm_row_backward(float *dx, bool add, const float *dy, const float *x, const cv_norm_row *n)
{
    const float *weight = n->weight, average = n->mean, scale = n->scale;
    double sums[LANES] = { 0 }, dots[LANES] = { 0 };
    int C = n->C, whole = C / LANES * LANES;
    float mean, dot;

    for (int i = 0; i < whole; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float g = dy[i + j] * weight[i + j];

            sums[j] += (double)g;
            dots[j] += (double)(g * ((x[i + j] - average) * scale));
        }
    for (int i = whole; i < C; i++) {
        float g = dy[i] * weight[i];

        sums[i - whole] += (double)g;
        dots[i - whole] += (double)(g * ((x[i] - average) * scale));
    }
    mean = (float)total(sums) / (float)C;
    dot = (float)total(dots) / (float)C;
    for (int i = 0; i < C; i++) {
        float value = scale * (dy[i] * weight[i] - mean - (x[i] - average) * scale * dot);

        dx[i] = add ? dx[i] + value : value;
    }
}

static void norm_row_gradients(float *dweight, float *dbias, const float *dy, const float *x, const cv_norm_row *n)
{
    for (int i = 0; i < n->C; i++) {
        dweight[i] += dy[i] * ((x[i] - n->mean) * n->scale);
        if (dbias)
            dbias[i] += dy[i];
    }
}

/* --- depthwise convolutions ----------------------------------------------------------------------------------- */

static void depthwise(float *restrict out, const float *const *in, const float *const *weights, int taps, int count)
{
    int tap = 0;

    for (; tap + 3 <= taps; tap += 3) {
        const float *const x[] = { in[tap], in[tap + 1], in[tap + 2] }, *const w[] = { weights[tap], weights[tap + 1],
                                                                                       weights[tap + 2] };

        for (int c = 0; c < count; c++)
            out[c] = ((out[c] + w[0][c] * x[0][c]) + w[1][c] * x[1][c]) + w[2][c] * x[2][c];
    }
    for (; tap < taps; tap++)
        for (int c = 0; c < count; c++)
            out[c] += weights[tap][c] * in[tap][c];
}

static void depthwise_gradients(float *const *gradients, const float *d, const float *const *in, int taps, int count)
{
    for (int tap = 0; tap < taps; tap++) {
        float *restrict gradient = gradients[tap];
        const float *restrict x = in[tap];

        for (int c = 0; c < count; c++)
            gradient[c] += d[c] * x[c];
    }
}

void CV_LOOPS(cv_kernels *table)
{
    table->gelu[CV_GELU_TANH] = gelu_tanh;
    table->gelu[CV_GELU_ERF] = gelu_erf;
    table->gelu[CV_GELU_QUICK] = gelu_quick;
    table->gelu_backward[CV_GELU_TANH] = gelu_tanh_backward;
    table->gelu_backward[CV_GELU_ERF] = gelu_erf_backward;
    table->gelu_backward[CV_GELU_QUICK] = gelu_quick_backward;
    table->softmax = softmax;
    table->softmax_backward = softmax_backward;
    table->weigh = weigh;
    table->unit = unit;
    table->norm_stats = norm_stats;
    table->norm_row = norm_row;
    table->norm_row_backward = norm_row_backward;
    table->norm_row_gradients = norm_row_gradients;
    table->depthwise = depthwise;
    table->depthwise_gradients = depthwise_gradients;
}
