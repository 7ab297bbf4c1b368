#include "model/trunk/rows.h"

#include "nn/activation.h"
#include "nn/heads.h"

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
    scratch.linear = cv_arena_take(arena, cv_linear_scratch(exec, mlp > hidden ? mlp : hidden), 1);
    return scratch;
}

void cv_rows_project(const cv_exec *exec, const cv_layer_norm *norm, const cv_linear *qkv, const float *x, int rows,
                     float *q, const cv_memory *memory, int first, int heads, const cv_rows_scratch *scratch)
{
    int C = norm->C, D = C / heads;
    size_t width = 3 * (size_t)C;

    for (int r = 0; r < rows; r += BLOCK) {
        int count = block_rows(r, rows);
        const float *inner = scratch->inner;

        cv_layer_norm_apply(exec, norm, scratch->normed, x + (size_t)r * (size_t)C, count);
        cv_linear_rows(exec, qkv, scratch->inner, width, scratch->normed, (size_t)C, count, scratch->linear);
        cv_rows_copy(exec, q + (size_t)r * (size_t)C, inner, width, count, C);
        cv_heads_store(exec, memory->keys, memory->head_stride, first + r, inner + C, width, count, heads, D);
        cv_heads_store(exec, memory->values, memory->head_stride, first + r, inner + 2 * (size_t)C, width, count,
                       heads, D);
    }
}

void cv_rows_add_dense(const cv_exec *exec, const cv_linear *dense, const cv_layer_norm *norm, float *x,
                       const float *context, int rows, const cv_rows_scratch *scratch)
{
    size_t C = (size_t)norm->C;

    for (int r = 0; r < rows; r += BLOCK) {
        int count = block_rows(r, rows);

        cv_linear_rows(exec, dense, scratch->normed, C, context + (size_t)r * C, C, count, scratch->linear);
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
        cv_linear_rows(exec, &layer->mlp_in, scratch->inner, mlp, scratch->normed, C, count, scratch->linear);
        cv_gelu(exec, scratch->inner, (size_t)count * mlp);
        cv_linear_rows(exec, &layer->mlp_out, scratch->normed, C, scratch->inner, mlp, count, scratch->linear);
        cv_layer_norm_add(exec, &layer->fourth_norm, at, scratch->normed, count);
    }
}
