#include "family/phenaki/network/quantizer_train.h"

#include "base/parallel.h"

#include <math.h>
#include <string.h>

#define SHARPNESS 200.0f /* of the softmax over codes that the entropies are taken of */
#define LEAST 1e-5f      /* probabilities count as at least that in a logarithm */
#define TILE 64          /* rows whose probabilities are held at once */

/* --- by angle ----------------------------------------------------------------------------------------------------- */

static float length_of(const float *y, int width)
{
    float sum = 0;

    for (int i = 0; i < width; i++)
        sum += y[i] * y[i];
    return fmaxf(sqrtf(sum), 1e-12f);
}

void cv_quantizer_compared(const cv_cvivit_config *config, float *out, const float *y)
{
    const float length = config->quantizer == CV_QUANTIZER_COSINE ? length_of(y, config->code_width) : 1;

    for (int i = 0; i < config->code_width; i++)
        out[i] = y[i] / length;
}

/* beta mean (e - y / |y|)^2 over true rows. */
static double commitment(const cv_cvivit_config *c, double beta, const float *y, const float *vectors,
                         const bool *true_rows, size_t rows, float *dy)
{
    const size_t width = (size_t)c->code_width;
    double sum = 0, count = 0;

    for (size_t r = 0; r < rows; r++)
        count += true_rows[r] ? (double)width : 0;
    for (size_t r = 0; r < rows; r++) {
        const float length = length_of(y + r * width, c->code_width);

        for (size_t i = 0; i < width; i++) {
            const float d = true_rows[r] ? y[r * width + i] / length - vectors[r * width + i] : 0;

            sum += (double)d * (double)d;
            dy[r * width + i] = (float)(2.0 * beta * (double)d / count);
        }
    }
    return beta * sum / count;
}

/* --- lookup-free -------------------------------------------------------------------------------------------------- */

/* Distributions over codes, of some rows at a time, and what of them all rows share. The bits of a code are independent
 * of each other, so a distribution is the product of theirs. */
typedef struct entropies {
    float *tile;     /* [TILE][V]: probabilities */
    float *one;      /* [threads][V]: of one row, then their gradients */
    float *logs;     /* [threads][V]: of a row's probabilities */
    double *of_rows; /* [TILE]: their entropies */
    double *mean;    /* [V]: of all rows' probabilities */
    float *back;     /* [V]: the slope of the mean's entropy */
} entropies;

static entropies take(const cv_exec *exec, const cv_cvivit_config *c, cv_arena *arena)
{
    const size_t V = (size_t)c->codes;
    entropies e = { .tile = cv_arena_take(arena, TILE * V, sizeof *e.tile) };

    e.one = cv_arena_take(arena, (size_t)exec->threads * V, sizeof *e.one);
    e.logs = cv_arena_take(arena, (size_t)exec->threads * V, sizeof *e.logs);
    e.of_rows = cv_arena_take(arena, TILE, sizeof *e.of_rows);
    e.mean = cv_arena_take(arena, V, sizeof *e.mean);
    e.back = cv_arena_take(arena, V, sizeof *e.back);
    return e;
}

size_t cv_lfq_losses_scratch(const cv_exec *exec, const cv_cvivit_config *config)
{
    cv_arena arena = { 0 };

    if (config->quantizer == CV_QUANTIZER_LFQ)
        take(exec, config, &arena);
    return arena.peak;
}

/* The softmax over codes of SHARPNESS times y . signs, and its logarithms: bit after bit from the lowest, of which each
 * doubles the codes there are. */
static void distribute(const cv_cvivit_config *c, const float *y, float *p, float *logs)
{
    size_t codes = 1;

    p[0] = 1;
    logs[0] = 0;
    for (int b = c->code_width - 1; b >= 0; b--, codes *= 2) {
        const double odds = 2.0 * (double)SHARPNESS * (double)y[b], small = log1p(exp(-fabs(odds)));
        const float on = (float)(fmin(odds, 0) - small), off = (float)(fmin(-odds, 0) - small);
        const float p_on = expf(on), p_off = expf(off);

        for (size_t k = 0; k < codes; k++) {
            p[codes + k] = p[k] * p_on;
            p[k] *= p_off;
            logs[codes + k] = logs[k] + on;
            logs[k] += off;
        }
    }
}

/* What -p ln max(p, LEAST) has of a slope at p. */
static float slope(float p, float log)
{
    return -(p >= LEAST ? log + 1.0f : logf(LEAST));
}

static double entropy_of(const float *p, const float *logs, size_t V)
{
    const float least = logf(LEAST);
    double sum = 0;

    for (size_t k = 0; k < V; k++)
        sum -= (double)(p[k] * fmaxf(logs[k], least));
    return sum;
}

/* Mean entropy of the distributions less that of their mean. */
static double entropy(const cv_exec *exec, const cv_cvivit_config *c, const float *y, size_t rows, const entropies *e)
{
    const size_t V = (size_t)c->codes;
    double each = 0, together = 0;

    memset(e->mean, 0, V * sizeof *e->mean);
    for (size_t first = 0; first < rows; first += TILE) {
        const int count = rows - first < TILE ? (int)(rows - first) : TILE;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
        for (int r = 0; r < count; r++) {
            float *p = e->tile + (size_t)r * V, *logs = e->logs + (size_t)cv_thread_index() * V;

            distribute(c, y + (first + (size_t)r) * (size_t)c->code_width, p, logs);
            e->of_rows[r] = entropy_of(p, logs, V);
        }
        for (int r = 0; r < count; r++)
            each += e->of_rows[r];
#pragma omp parallel for num_threads(exec->threads) schedule(static)
        for (size_t k = 0; k < V; k++)
            for (int r = 0; r < count; r++)
                e->mean[k] += (double)e->tile[(size_t)r * V + k];
    }
    for (size_t k = 0; k < V; k++) {
        const double p = e->mean[k] / (double)rows;

        together -= p * log(fmax(p, (double)LEAST));
        e->back[k] = slope((float)p, (float)log(fmax(p, (double)LEAST)));
    }
    return each / (double)rows - together;
}

/* The gradient of the entropies at the logits of a row, whose probabilities are in p: p (g - sum of p g). */
static void logits_backward(const float *logs, const float *back, size_t V, float *p)
{
    double mean = 0;

    for (size_t k = 0; k < V; k++)
        mean += (double)(p[k] * (slope(p[k], logs[k]) - back[k]));
    for (size_t k = 0; k < V; k++)
        p[k] *= slope(p[k], logs[k]) - back[k] - (float)mean;
}

/* dy [n] += weight * sum over codes of their signs times d [V], which is lost: bit after bit from the highest, half of
 * the codes with it and half without, which the lower bits do not tell apart. */
static void signs_backward(const cv_cvivit_config *c, float weight, float *d, float *dy)
{
    size_t half = (size_t)c->codes / 2;

    for (int b = 0; b < c->code_width; b++, half /= 2) {
        double sum = 0;

        for (size_t k = 0; k < half; k++) {
            sum += (double)d[half + k] - (double)d[k];
            d[k] += d[half + k];
        }
        dy[b] += weight * (float)sum;
    }
}

/* Adds the entropies' gradient, times `weight`, to dy. */
static void entropy_backward(const cv_exec *exec, const cv_cvivit_config *c, double weight, const float *y, size_t rows,
                             const entropies *e, float *dy)
{
    const size_t V = (size_t)c->codes, width = (size_t)c->code_width;
    const float share = (float)(weight / (double)rows) * SHARPNESS;

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (size_t r = 0; r < rows; r++) {
        const size_t thread = (size_t)cv_thread_index() * V;
        float *p = e->one + thread, *logs = e->logs + thread;

        distribute(c, y + r * width, p, logs);
        logits_backward(logs, e->back, V, p);
        signs_backward(c, share, p, dy + r * width);
    }
}

static double lfq_losses(const cv_exec *exec, const cv_cvivit *network, const cv_cvivit_learning *options,
                         const float *y, const float *vectors, size_t rows, float *dy, cv_arena *arena)
{
    const cv_cvivit_config *c = &network->config;
    const size_t numbers = rows * (size_t)c->code_width, mark = cv_arena_mark(arena);
    const entropies e = take(exec, c, arena);
    double squares = 0, sum;

    for (size_t i = 0; i < numbers; i++) {
        const float d = y[i] - vectors[i];

        squares += (double)d * (double)d;
        dy[i] = (float)(2.0 * options->commitment * (double)d / (double)numbers);
    }
    sum = options->commitment * squares / (double)numbers;
    if (options->entropy > 0) {
        sum += options->entropy * entropy(exec, c, y, rows, &e);
        entropy_backward(exec, c, options->entropy, y, rows, &e, dy);
    }
    cv_arena_rewind(arena, mark);
    return sum;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

double cv_quantizer_losses(const cv_exec *exec, const cv_cvivit *network, const cv_cvivit_learning *options,
                           const float *y, const float *vectors, const bool *true_rows, size_t rows, float *dy,
                           cv_arena *arena)
{
    return network->config.quantizer == CV_QUANTIZER_LFQ
               ? lfq_losses(exec, network, options, y, vectors, rows, dy, arena)
               : commitment(&network->config, options->commitment, y, vectors, true_rows, rows, dy);
}

void cv_quantizer_backward(const cv_cvivit_config *config, float *dy, const float *through, const float *y, size_t rows)
{
    const size_t width = (size_t)config->code_width;

    for (size_t r = 0; r < rows; r++, dy += width, through += width, y += width) {
        float length, along = 0;

        for (size_t i = 0; i < width; i++)
            dy[i] += through[i];
        if (config->quantizer == CV_QUANTIZER_LFQ)
            continue;
        length = length_of(y, config->code_width);
        for (size_t i = 0; i < width; i++)
            along += dy[i] * y[i] / length;
        for (size_t i = 0; i < width; i++)
            dy[i] = (dy[i] - y[i] / length * along) / length;
    }
}
