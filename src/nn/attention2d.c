#include "nn/attention2d.h"

#include "base/parallel.h"
#include "nn/blas.h"

#include <math.h>
#include <stdio.h>

#define BLOCK CV_ATTENTION2D_BLOCK

cogvideo_status cv_attention2d_bind(cv_attention2d *out, cv_store *store, const char *name, int C, int groups,
                                    float eps, cogvideo_error *err)
{
    cogvideo_status status;
    const struct {
        const char *name;
        cv_conv2d *conv;
    } parts[] = { { "q", &out->q }, { "k", &out->k }, { "v", &out->v }, { "proj_out", &out->proj_out } };
    char full[224];

    snprintf(full, sizeof full, "%s.norm", name);
    CV_TRY(cv_group_norm_bind(&out->norm, store, full, C, groups, eps, err));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(full, sizeof full, "%s.%s", name, parts[i].name);
        CV_TRY(cv_conv2d_bind(parts[i].conv, store, full, C, C, 1, 1, err));
    }
done:
    return status;
}

void cv_attention2d_scores(const cv_kernels *kernels, float *scores, float *rows, const float *q, const float *k, int C,
                           int positions, int first, int count)
{
    float scale = 1.0f / sqrtf((float)C);

    for (int i = 0; i < count; i++)
        for (int c = 0; c < C; c++)
            rows[(size_t)i * (size_t)C + (size_t)c] = q[(size_t)c * (size_t)positions + (size_t)(first + i)] * scale;
    cv_blas_matmul_nn(scores, positions, rows, C, k, positions, count, positions, C, 0.0f);
    for (int i = 0; i < count; i++)
        kernels->softmax(scores + (size_t)i * (size_t)positions, positions);
}

/* out[c][first + i] for `count` positions; q, k, v and out are [C][positions]. */
static void attend(const cv_kernels *kernels, float *out, const float *q, const float *k, const float *v, int C,
                   int positions, int first, int count, float *rows, float *scores)
{
    cv_attention2d_scores(kernels, scores, rows, q, k, C, positions, first, count);
    cv_blas_matmul_nt(out + first, positions, v, positions, scores, positions, C, count, positions, 0.0f);
}

void cv_attention2d_apply(const cv_exec *exec, const cv_attention2d *attention, float *x, int height, int width,
                          cv_arena *arena)
{
    int C = attention->norm.C, positions = height * width, blocks = (positions + BLOCK - 1) / BLOCK;
    size_t mark = cv_arena_mark(arena), size = (size_t)C * (size_t)positions;
    size_t rows_size = BLOCK * (size_t)C, scores_size = BLOCK * (size_t)positions;
    float *normed = cv_arena_take(arena, size, sizeof *normed);
    float *q = cv_arena_take(arena, size, sizeof *q);
    float *k = cv_arena_take(arena, size, sizeof *k);
    float *v = cv_arena_take(arena, size, sizeof *v);
    float *rows = cv_arena_take(arena, (size_t)exec->threads * rows_size, sizeof *rows);
    float *scores = cv_arena_take(arena, (size_t)exec->threads * scores_size, sizeof *scores);

    if (arena->base)
        cv_group_norm_apply(exec, &attention->norm, normed, x, (size_t)positions, false);
    cv_conv2d_apply(exec, &attention->q, q, normed, height, width, false, arena);
    cv_conv2d_apply(exec, &attention->k, k, normed, height, width, false, arena);
    cv_conv2d_apply(exec, &attention->v, v, normed, height, width, false, arena);
    if (arena->base) {
#pragma omp parallel for num_threads(exec->threads) schedule(static)
        for (int block = 0; block < blocks; block++) {
            int first = block * BLOCK, count = positions - first < BLOCK ? positions - first : BLOCK;
            size_t thread = (size_t)cv_thread_index();

            attend(&exec->kernels, normed, q, k, v, C, positions, first, count, rows + thread * rows_size,
                   scores + thread * scores_size);
        }
    }
    cv_conv2d_apply(exec, &attention->proj_out, x, normed, height, width, true, arena);
    cv_arena_rewind(arena, mark);
}
