#include "nn/self_attention.h"

#include "base/parallel.h"
#include "nn/blas.h"

#include <math.h>
#include <string.h>

/* A head of an item in [items][rows][thirds * heads * D]. */
typedef struct head_view {
    size_t at;  /* of its first number, in what has one third */
    size_t qkv; /* the same in what has three */
    int width;  /* heads * D */
} head_view;

static head_view view_of(const cv_self_attention *s, int item, int head)
{
    const size_t width = (size_t)s->heads * (size_t)s->D, first = (size_t)item * (size_t)s->rows * width,
                 column = (size_t)head * (size_t)s->D;

    return (head_view){ first + column, 3 * first + column, (int)width };
}

static size_t matrix_of(const cv_self_attention *s)
{
    return (size_t)s->rows * (size_t)s->rows;
}

size_t cv_self_attention_scratch(const cv_exec *exec, const cv_self_attention *sizes)
{
    return (size_t)exec->threads * matrix_of(sizes) * sizeof(float);
}

size_t cv_self_attention_backward_scratch(const cv_exec *exec, const cv_self_attention *sizes)
{
    return 2 * cv_self_attention_scratch(exec, sizes);
}

static int keys_of(const cv_self_attention *s, int row)
{
    return s->causal ? row + 1 : s->rows;
}

/* weights [rows][rows]; zeros where a row does not look. */
static void weigh(const cv_exec *exec, const cv_self_attention *s, const head_view *v, const float *qkv, float *weights)
{
    const float scale = 1.0f / sqrtf((float)s->D), *q = qkv + v->qkv;
    const int rows = s->rows;

    cv_blas_matmul_nt(weights, rows, q, 3 * v->width, q + v->width, 3 * v->width, rows, rows, s->D, 0.0f);
    for (int r = 0; r < rows; r++) {
        float *row = weights + (size_t)r * (size_t)rows;
        int keys = keys_of(s, r);

        for (int k = 0; k < keys; k++)
            row[k] *= scale;
        exec->kernels.softmax(row, keys);
        memset(row + keys, 0, (size_t)(rows - keys) * sizeof *row);
    }
}

void cv_self_attention_apply(const cv_exec *exec, const cv_self_attention *sizes, float *out, const float *qkv,
                             cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena);
    float *all = cv_arena_take(arena, (size_t)exec->threads * matrix_of(sizes), sizeof *all);

#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(2)
    for (int item = 0; item < sizes->items; item++)
        for (int head = 0; head < sizes->heads; head++) {
            float *weights = all + (size_t)cv_thread_index() * matrix_of(sizes);
            head_view v = view_of(sizes, item, head);

            weigh(exec, sizes, &v, qkv, weights);
            cv_blas_matmul_nn(out + v.at, v.width, weights, sizes->rows, qkv + v.qkv + 2 * v.width, 3 * v.width,
                              sizes->rows, sizes->D, sizes->rows, 0.0f);
        }
    cv_arena_rewind(arena, mark);
}

/* With scores S = scale q k^T, weights P = softmax(S) and out = P v: dv = P^T dout, dP = dout v^T, dS from dP by the
 * softmax, dq = scale dS k, dk = scale dS^T q. */
static void head_backward(const cv_exec *exec, const cv_self_attention *s, const head_view *v, float *dqkv,
                          const float *dout, const float *qkv, float *weights, float *dweights)
{
    const float scale = 1.0f / sqrtf((float)s->D), *q = qkv + v->qkv;
    const int rows = s->rows, width = v->width, wide = 3 * width;
    float *dq = dqkv + v->qkv;

    weigh(exec, s, v, qkv, weights);
    cv_blas_matmul_tn(dq + 2 * width, wide, weights, rows, dout + v->at, width, rows, s->D, rows, 0.0f);
    cv_blas_matmul_nt(dweights, rows, dout + v->at, width, q + 2 * width, wide, rows, rows, s->D, 0.0f);
    for (int r = 0; r < rows; r++) {
        float *row = dweights + (size_t)r * (size_t)rows;
        int keys = keys_of(s, r);

        exec->kernels.softmax_backward(row, weights + (size_t)r * (size_t)rows, keys);
        for (int k = 0; k < keys; k++)
            row[k] *= scale;
        memset(row + keys, 0, (size_t)(rows - keys) * sizeof *row);
    }
    cv_blas_matmul_nn(dq, wide, dweights, rows, q + width, wide, rows, s->D, rows, 0.0f);
    cv_blas_matmul_tn(dq + width, wide, dweights, rows, q, wide, rows, s->D, rows, 0.0f);
}

void cv_self_attention_backward(const cv_exec *exec, const cv_self_attention *sizes, float *dqkv, const float *dout,
                                const float *qkv, cv_arena *arena)
{
    const size_t mark = cv_arena_mark(arena), matrix = matrix_of(sizes);
    float *all = cv_arena_take(arena, (size_t)exec->threads * 2 * matrix, sizeof *all);

#pragma omp parallel for num_threads(exec->threads) schedule(static) collapse(2)
    for (int item = 0; item < sizes->items; item++)
        for (int head = 0; head < sizes->heads; head++) {
            float *weights = all + (size_t)cv_thread_index() * 2 * matrix;
            head_view v = view_of(sizes, item, head);

            head_backward(exec, sizes, &v, dqkv, dout, qkv, weights, weights + matrix);
        }
    cv_arena_rewind(arena, mark);
}
