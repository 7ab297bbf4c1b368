#include "nn/attention2d.h"
#include "nn/blas.h"

#include <math.h>
#include <string.h>

#define BLOCK CV_ATTENTION2D_BLOCK

/* The values between x and the result, [C][positions] each, and their gradients. */
typedef struct between {
    float *normed, *q, *k, *v, *seen; /* seen: the input of proj_out */
    float *d_normed, *dq, *dk, *dv, *d_seen;
    float *rows, *d_rows;     /* [BLOCK][C] */
    float *scores, *d_scores; /* [BLOCK][positions] */
} between;

static void take(between *b, cv_arena *arena, int C, int positions)
{
    float **all[] = { &b->normed, &b->q, &b->k, &b->v, &b->seen, &b->d_normed, &b->dq, &b->dk, &b->dv, &b->d_seen };
    float **rows[] = { &b->rows, &b->d_rows }, **scores[] = { &b->scores, &b->d_scores };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i] = cv_arena_take(arena, (size_t)C * (size_t)positions, sizeof **all[i]);
        if (*all[i])
            memset(*all[i], 0, (size_t)C * (size_t)positions * sizeof **all[i]);
    }
    for (int i = 0; i < 2; i++) {
        *rows[i] = cv_arena_take(arena, BLOCK * (size_t)C, sizeof **rows[i]);
        *scores[i] = cv_arena_take(arena, BLOCK * (size_t)positions, sizeof **scores[i]);
    }
}

/* Runs positions first .. first + count - 1 as queries. */
static void attend_backward(const cv_kernels *kernels, const between *b, int C, int positions, int first, int count)
{
    float scale = 1.0f / sqrtf((float)C);

    cv_attention2d_scores(kernels, b->scores, b->rows, b->q, b->k, C, positions, first, count);
    cv_blas_matmul_nt(b->seen + first, positions, b->v, positions, b->scores, positions, C, count, positions, 0.0f);
    cv_blas_matmul_nn(b->dv, positions, b->d_seen + first, positions, b->scores, positions, C, positions, count, 1.0f);
    cv_blas_matmul_tn(b->d_scores, positions, b->d_seen + first, positions, b->v, positions, count, positions, C, 0.0f);
    for (int i = 0; i < count; i++)
        kernels->softmax_backward(b->d_scores + (size_t)i * (size_t)positions,
                                  b->scores + (size_t)i * (size_t)positions, positions);
    cv_blas_matmul_tn(b->dk, positions, b->rows, C, b->d_scores, positions, C, positions, count, 1.0f);
    cv_blas_matmul_nt(b->d_rows, C, b->d_scores, positions, b->k, positions, count, C, positions, 0.0f);
    for (int i = 0; i < count; i++)
        for (int c = 0; c < C; c++)
            b->dq[(size_t)c * (size_t)positions + (size_t)(first + i)] = b->d_rows[i * C + c] * scale;
}

void cv_attention2d_backward(const cv_exec *exec, const cv_attention2d *attention, const cv_attention2d *grad,
                             float *dx, const float *dy, const float *x, int height, int width, cv_arena *arena)
{
    int C = attention->norm.C, positions = height * width;
    size_t mark = cv_arena_mark(arena), size = (size_t)C * (size_t)positions;
    bool run = arena->base != NULL;
    between b;

    take(&b, arena, C, positions);
    if (run)
        cv_group_norm_apply(exec, &attention->norm, b.normed, x, (size_t)positions, false);
    cv_conv2d_apply(exec, &attention->q, b.q, b.normed, height, width, false, arena);
    cv_conv2d_apply(exec, &attention->k, b.k, b.normed, height, width, false, arena);
    cv_conv2d_apply(exec, &attention->v, b.v, b.normed, height, width, false, arena);
    /* The gradients of proj_out's parameters need its input, so they follow below. */
    cv_conv2d_backward(exec, &attention->proj_out, NULL, b.d_seen, dy, NULL, height, width, arena);
    for (int first = 0; run && first < positions; first += BLOCK)
        attend_backward(&exec->kernels, &b, C, positions, first, positions - first < BLOCK ? positions - first : BLOCK);
    cv_conv2d_backward(exec, &attention->proj_out, grad ? &grad->proj_out : NULL, NULL, dy, b.seen, height, width,
                       arena);
    cv_conv2d_backward(exec, &attention->q, grad ? &grad->q : NULL, b.d_normed, b.dq, b.normed, height, width, arena);
    cv_conv2d_backward(exec, &attention->k, grad ? &grad->k : NULL, b.d_normed, b.dk, b.normed, height, width, arena);
    cv_conv2d_backward(exec, &attention->v, grad ? &grad->v : NULL, b.d_normed, b.dv, b.normed, height, width, arena);
    if (run) {
        for (size_t i = 0; i < size; i++)
            dx[i] += dy[i];
        cv_group_norm_backward(exec, &attention->norm, grad ? &grad->norm : NULL, dx, b.d_normed, x, (size_t)positions,
                               false);
    }
    cv_arena_rewind(arena, mark);
}
