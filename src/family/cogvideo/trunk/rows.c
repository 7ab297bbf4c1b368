#include "family/cogvideo/trunk/rows.h"

#include "nn/activation.h"

#include <string.h>

/* Rows per block: enough that the weights, widened anew for each block, cost little beside the product. */
#define BLOCK 512

static int block_rows(int first, int rows)
{
    return rows - first < BLOCK ? rows - first : BLOCK;
}

cv_rows_scratch cv_rows_take(cv_arena *arena, const cv_exec *exec, int hidden, int mlp)
{
    size_t widest = 3 * (size_t)hidden > (size_t)mlp ? 3 * (size_t)hidden : (size_t)mlp;
    cv_rows_scratch scratch;

    scratch.normed = cv_arena_take(arena, BLOCK * (size_t)hidden, sizeof(float));
    scratch.inner = cv_arena_take(arena, BLOCK * widest, sizeof(float));
    scratch.arena = arena;
    cv_arena_reserve(arena, cv_linear_scratch(exec, mlp > hidden ? mlp : hidden));
    return scratch;
}

void cv_rows_project(const cv_exec *exec, const cv_layer_norm *norm, const cv_linear *qkv, const float *x, int rows,
                     float *q, const cv_kv_cache *cache, int layer, int first, const cv_rows_scratch *scratch)
{
    size_t C = (size_t)norm->C;

    for (int r = 0; r < rows; r += BLOCK) {
        int count = block_rows(r, rows);

        cv_layer_norm_apply(exec, norm, scratch->normed, x + (size_t)r * C, count);
        cv_linear_rows(exec, qkv, scratch->inner, 3 * C, scratch->normed, C, count, scratch->arena);
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (count > 8)
        for (int i = 0; i < count; i++) {
            const float *row = scratch->inner + (size_t)i * 3 * C;

            memcpy(q + (size_t)(r + i) * C, row, C * sizeof *q);
            cv_kv_cache_put(cache, layer, first + r + i, row + C, row + 2 * C);
        }
    }
}

void cv_rows_add_dense(const cv_exec *exec, const cv_linear *dense, const cv_layer_norm *norm, float *x,
                       const float *context, int rows, const cv_rows_scratch *scratch)
{
    size_t C = (size_t)norm->C;

    for (int r = 0; r < rows; r += BLOCK) {
        int count = block_rows(r, rows);

        cv_linear_rows(exec, dense, scratch->normed, C, context + (size_t)r * C, C, count, scratch->arena);
        cv_layer_norm_add(exec, norm, x + (size_t)r * C, scratch->normed, count);
    }
}

void cv_rows_add_mlp(const cv_exec *exec, const cv_trunk_layer *layer, float *x, int rows,
                     const cv_rows_scratch *scratch)
{
    size_t C = (size_t)layer->mlp_in.weight.K, mlp = (size_t)layer->mlp_in.weight.N;

    for (int r = 0; r < rows; r += BLOCK) {
        int count = block_rows(r, rows);
        float *at = x + (size_t)r * C;

        cv_layer_norm_apply(exec, &layer->post_attention_norm, scratch->normed, at, count);
        cv_linear_rows(exec, &layer->mlp_in, scratch->inner, mlp, scratch->normed, C, count, scratch->arena);
        cv_gelu(exec, CV_GELU_TANH, scratch->inner, (size_t)count * mlp);
        cv_linear_rows(exec, &layer->mlp_out, scratch->normed, C, scratch->inner, mlp, count, scratch->arena);
        cv_layer_norm_add(exec, &layer->fourth_norm, at, scratch->normed, count);
    }
}
