/* quantizer.c - the two ways from numbers to a code. Lookup-free: Yu et al., "Language model beats diffusion: tokenizer is
 * key to visual generation", 2023. By angle: Yu et al., "Vector-quantized image modeling with improved VQGAN", 2021. */
#include "family/phenaki/network/cvivit_network.h"
#include "nn/blas.h"

#include <math.h>
#include <string.h>

#define TILE 64 /* rows whose similarities are held at once */

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

static size_t angle_floats(const cv_cvivit_config *c, size_t rows)
{
    const size_t tiles = (rows + TILE - 1) / TILE;

    return ((size_t)c->codes + rows) * (size_t)c->code_width + tiles * TILE * (size_t)c->codes;
}

static void nearest_by_angle(const cv_exec *exec, const cv_cvivit *network, int32_t *codes, float *margins,
                             const float *y, size_t rows, cv_arena *arena)
{
    const cv_cvivit_config *c = &network->config;
    const size_t mark = cv_arena_mark(arena), width = (size_t)c->code_width;
    const int V = c->codes, tiles = (int)((rows + TILE - 1) / TILE);
    float *units = cv_arena_take(arena, (size_t)V * width, sizeof *units),
          *turned = cv_arena_take(arena, rows * width, sizeof *turned),
          *all = cv_arena_take(arena, (size_t)tiles * TILE * (size_t)V, sizeof *all);

    make_units(units, network->embed, (size_t)V, c->code_width);
    make_units(turned, y, rows, c->code_width);
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int tile = 0; tile < tiles; tile++) {
        const size_t first = (size_t)tile * TILE;
        const int count = rows - first < TILE ? (int)(rows - first) : TILE;
        float *similarities = all + first * (size_t)V;

        cv_blas_matmul_nt(similarities, V, turned + first * width, c->code_width, units, c->code_width, count, V,
                          c->code_width, 0.0f);
        for (int r = 0; r < count; r++) {
            float margin;

            codes[first + (size_t)r] = best_of(similarities + (size_t)r * (size_t)V, V, &margin);
            if (margins)
                margins[first + (size_t)r] = margin;
        }
    }
    cv_arena_rewind(arena, mark);
}

/* --- both --------------------------------------------------------------------------------------------------------- */

size_t cv_quantize_scratch(const cv_exec *exec, const cv_cvivit *network, size_t rows)
{
    (void)exec;
    /* three takes, each rounded up to a cache line */
    return network->config.quantizer == CV_QUANTIZER_LFQ
               ? 0
               : angle_floats(&network->config, rows) * sizeof(float) + (size_t)3 * 64;
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
