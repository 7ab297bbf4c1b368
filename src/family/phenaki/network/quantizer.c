/* quantizer.c - the two ways from numbers to a code. Lookup-free: Yu et al., "Language model beats diffusion:
 * tokenizer is key to visual generation", 2023. By angle: Yu et al., "Vector-quantized image modeling with improved
 * VQGAN", 2021. */
#include "family/phenaki/network/cvivit_network.h"

#include <math.h>
#include <string.h>

/* Similarities that are held at once, of so many rows. */
#define SIMILARITIES (1 << 21)
#define FEWEST 8
#define MOST 256
/* A code of zeros was taken out of use (train/codebook.h), so it is less similar than any other. */
#define OUT_OF_REACH (-4.0f)

/* --- lookup-free -------------------------------------------------------------------------------------------------- */

static void signs(const cv_cvivit_config *c, int32_t *codes, float *margins, const float *y, size_t rows)
{
    for (size_t r = 0; r < rows; r++, y += c->code_width) {
        float least = INFINITY;
        int32_t code = 0;

        for (int b = 0; b < c->code_width; b++) {
            code = 2 * code + (y[b] > 0);
            least = isfinite(y[b]) ? fminf(least, fabsf(y[b])) : NAN;
            if (isnan(least))
                break;
        }
        codes[r] = isnan(least) ? -1 : code;
        if (margins)
            margins[r] = least;
    }
}

/* --- by angle ----------------------------------------------------------------------------------------------------- */

static void make_units(float *units, const float *rows, size_t count, int width)
{
    for (size_t r = 0; r < count; r++, rows += width, units += width) {
        float length = 0;

        for (int i = 0; i < width; i++)
            length += rows[i] * rows[i];
        length = fmaxf(sqrtf(length), 1e-12f);
        for (int i = 0; i < width; i++)
            units[i] = rows[i] / length;
    }
}

static bool is_zero(const float *row, size_t width)
{
    for (size_t i = 0; i < width; i++)
        if (row[i] != 0)
            return false;
    return true;
}

/* The first of the largest of `count` similarities, and by how much it leads. */
static int32_t best_of(const float *similarities, int count, float *margin)
{
    float best = -INFINITY, second = -INFINITY;
    int32_t code = -1;

    for (int k = 0; k < count; k++)
        if (similarities[k] > best) {
            second = best;
            best = similarities[k];
            code = k;
        } else if (similarities[k] > second) {
            second = similarities[k];
        }
    *margin = best - second;
    return code;
}

/* What a search takes. */
typedef struct search {
    float *units;        /* [V][code_width]: the codebook, each row of length 1 */
    float *start;        /* [V]: what a similarity begins with */
    float *turned;       /* [at once][code_width]: rows, likewise */
    float *similarities; /* [at once][V] */
} search;

/* How many rows are compared at once: it bounds the memory, and no row depends on the others. */
static int rows_at_once(const cv_cvivit_config *c)
{
    const int rows = SIMILARITIES / c->codes;

    return rows < FEWEST ? FEWEST : rows > MOST ? MOST : rows;
}

static search take(const cv_cvivit_config *c, cv_arena *arena)
{
    const size_t width = (size_t)c->code_width, rows = (size_t)rows_at_once(c);
    search s = { .units = cv_arena_take(arena, (size_t)c->codes, width * sizeof(float)) };

    s.start = cv_arena_take(arena, (size_t)c->codes, sizeof(float));
    s.turned = cv_arena_take(arena, rows, width * sizeof(float));
    s.similarities = cv_arena_take(arena, rows, (size_t)c->codes * sizeof(float));
    return s;
}

static void nearest_by_angle(const cv_exec *exec, const cv_cvivit *network, int32_t *codes, float *margins,
                             const float *y, size_t rows, cv_arena *arena)
{
    const cv_cvivit_config *c = &network->config;
    const size_t mark = cv_arena_mark(arena), width = (size_t)c->code_width, V = (size_t)c->codes,
                 most = (size_t)rows_at_once(c);
    const search s = take(c, arena);
    const cv_linear book = { .weight = { s.units, NULL, CV_WEIGHT_F32, c->codes, c->code_width }, .bias = s.start };

    make_units(s.units, network->embed, V, c->code_width);
    for (size_t k = 0; k < V; k++)
        s.start[k] = is_zero(s.units + k * width, width) ? OUT_OF_REACH : 0;
    for (size_t first = 0; first < rows; first += most) {
        const int count = (int)(rows - first < most ? rows - first : most);

        make_units(s.turned, y + first * width, (size_t)count, c->code_width);
        cv_linear_many(exec, &book, s.similarities, V, false, s.turned, width, count, arena);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
        for (int r = 0; r < count; r++) {
            float margin;

            codes[first + (size_t)r] = best_of(s.similarities + (size_t)r * V, c->codes, &margin);
            if (margins)
                margins[first + (size_t)r] = margin;
        }
    }
    cv_arena_rewind(arena, mark);
}

/* --- both --------------------------------------------------------------------------------------------------------- */

size_t cv_quantize_scratch(const cv_exec *exec, const cv_cvivit *network)
{
    cv_arena arena = { 0 };

    if (network->config.quantizer == CV_QUANTIZER_COSINE) {
        take(&network->config, &arena);
        cv_arena_reserve(&arena, cv_linear_many_scratch(exec, network->config.code_width));
    }
    return arena.peak;
}

void cv_quantize_codes(const cv_exec *exec, const cv_cvivit *network, int32_t *codes, float *margins, const float *y,
                       size_t rows, cv_arena *arena)
{
    if (network->config.quantizer == CV_QUANTIZER_LFQ)
        signs(&network->config, codes, margins, y, rows);
    else
        nearest_by_angle(exec, network, codes, margins, y, rows, arena);
}

void cv_quantize_vector(const cv_cvivit *network, float *vector, int32_t code)
{
    const cv_cvivit_config *c = &network->config;

    if (c->quantizer == CV_QUANTIZER_COSINE) {
        memcpy(vector, network->embed + (size_t)code * (size_t)c->code_width, (size_t)c->code_width * sizeof *vector);
        return;
    }
    for (int b = 0; b < c->code_width; b++)
        vector[b] = code >> (c->code_width - 1 - b) & 1 ? 1.0f : -1.0f;
}
