#include "family/phenaki/network/quantizer_train.h"

#include "nn/blas.h"

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

/* The codes as signs, the mean distribution, what its entropy gives back, and the probabilities of a tile. */
typedef struct entropies {
    float *signs; /* [V][n] */
    double *mean; /* [V] */
    float *back;  /* [V]: d entropy of the mean / d probability */
    float *tile;  /* [TILE][V] */
} entropies;

static entropies take(const cv_cvivit_config *c, cv_arena *arena)
{
    const size_t V = (size_t)c->codes;
    entropies e = { .signs = cv_arena_take(arena, V * (size_t)c->code_width, sizeof *e.signs) };

    e.mean = cv_arena_take(arena, V, sizeof *e.mean);
    e.back = cv_arena_take(arena, V, sizeof *e.back);
    e.tile = cv_arena_take(arena, TILE * V, sizeof *e.tile);
    return e;
}

size_t cv_lfq_losses_scratch(const cv_exec *exec, const cv_cvivit_config *config)
{
    cv_arena arena = { 0 };

    (void)exec;
    if (config->quantizer == CV_QUANTIZER_LFQ)
        take(config, &arena);
    return arena.peak;
}

/* The tile's distributions over codes. */
static void distribute(const cv_exec *exec, const cv_cvivit_config *c, const entropies *e, const float *y, int rows)
{
    const int V = c->codes;

    cv_blas_matmul_nt(e->tile, V, y, c->code_width, e->signs, c->code_width, rows, V, c->code_width, 0.0f);
    for (int r = 0; r < rows; r++) {
        float *row = e->tile + (size_t)r * (size_t)V;

        for (int k = 0; k < V; k++)
            row[k] *= SHARPNESS;
        exec->kernels.softmax(row, V);
    }
}

/* What -p ln max(p, LEAST) has of a slope at p. */
static float slope(float p)
{
    return -(logf(fmaxf(p, LEAST)) + (p >= LEAST ? 1.0f : 0.0f));
}

/* Mean entropy of the distributions less that of their mean. */
static double entropy(const cv_exec *exec, const cv_cvivit *network, const float *y, size_t rows, const entropies *e)
{
    const cv_cvivit_config *c = &network->config;
    const size_t V = (size_t)c->codes;
    double each = 0, together = 0;

    for (size_t k = 0; k < V; k++)
        cv_quantize_vector(network, e->signs + k * (size_t)c->code_width, (int32_t)k);
    memset(e->mean, 0, V * sizeof *e->mean);
    for (size_t first = 0; first < rows; first += TILE) {
        const int count = rows - first < TILE ? (int)(rows - first) : TILE;

        distribute(exec, c, e, y + first * (size_t)c->code_width, count);
        for (size_t i = 0; i < (size_t)count * V; i++) {
            e->mean[i % V] += (double)e->tile[i] / (double)rows;
            each -= (double)(e->tile[i] * logf(fmaxf(e->tile[i], LEAST)));
        }
    }
    for (size_t k = 0; k < V; k++) {
        together -= e->mean[k] * log(fmax(e->mean[k], (double)LEAST));
        e->back[k] = slope((float)e->mean[k]);
    }
    return each / (double)rows - together;
}

/* Adds the entropies' gradient, times `weight`, to dy. */
static void entropy_backward(const cv_exec *exec, const cv_cvivit_config *c, double weight, const float *y, size_t rows,
                             const entropies *e, float *dy)
{
    const size_t V = (size_t)c->codes, width = (size_t)c->code_width;
    const float share = (float)(weight / (double)rows);

    for (size_t first = 0; first < rows; first += TILE) {
        const int count = rows - first < TILE ? (int)(rows - first) : TILE;

        distribute(exec, c, e, y + first * width, count);
        for (int r = 0; r < count; r++) {
            float *row = e->tile + (size_t)r * V;
            double mean = 0;

            for (size_t k = 0; k < V; k++)
                mean += (double)(row[k] * (slope(row[k]) - e->back[k]));
            for (size_t k = 0; k < V; k++)
                row[k] *= share * SHARPNESS * (slope(row[k]) - e->back[k] - (float)mean);
        }
        cv_blas_matmul_nn(dy + first * width, c->code_width, e->tile, c->codes, e->signs, c->code_width, count,
                          c->code_width, c->codes, 1.0f);
    }
}

static double lfq_losses(const cv_exec *exec, const cv_cvivit *network, const cv_cvivit_learning *options,
                         const float *y, const float *vectors, size_t rows, float *dy, cv_arena *arena)
{
    const cv_cvivit_config *c = &network->config;
    const size_t numbers = rows * (size_t)c->code_width, mark = cv_arena_mark(arena);
    const entropies e = take(c, arena);
    double squares = 0, sum;

    for (size_t i = 0; i < numbers; i++) {
        const float d = y[i] - vectors[i];

        squares += (double)d * (double)d;
        dy[i] = (float)(2.0 * options->commitment * (double)d / (double)numbers);
    }
    sum = options->commitment * squares / (double)numbers;
    if (options->entropy > 0) {
        sum += options->entropy * entropy(exec, network, y, rows, &e);
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
