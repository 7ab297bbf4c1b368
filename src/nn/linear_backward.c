#include "nn/linear.h"

#include "base/parallel.h"
#include "nn/blas.h"

/* Weight rows per block of dW, and rows per block of dx: enough for BLAS to run near its full speed, few enough that
 * the blocks of a layer keep several threads busy to the end. */
#define WEIGHT_ROWS 96
#define ROWS 256
/* Weight rows that are widened at once. */
#define PANEL 128
/* Rows whose sum is added to a column's total at once, which keeps the rounding error of long columns small. */
#define SUM_ROWS 64

typedef struct backward {
    const cv_exec *exec;
    const cv_linear *linear, *grad;
    float *dx;
    size_t dx_stride, dy_stride, x_stride;
    bool add;
    const float *dy, *x;
    int rows;
    float *panels; /* [threads][PANEL][K], of weights that are not f32 */
} backward;

size_t cv_linear_backward_scratch(const cv_exec *exec, int max_K)
{
    return (size_t)exec->threads * PANEL * (size_t)max_K * sizeof(float);
}

/* sums[n] += the sum of column n of dy, over `count` columns. */
static void sum_columns(float *sums, const float *dy, size_t stride, int rows, int count)
{
    for (int first = 0; first < rows; first += SUM_ROWS) {
        int last = first + SUM_ROWS < rows ? first + SUM_ROWS : rows;
        float part[WEIGHT_ROWS] = { 0 };

        for (int r = first; r < last; r++)
            for (int n = 0; n < count; n++)
                part[n] += dy[(size_t)r * stride + (size_t)n];
        for (int n = 0; n < count; n++)
            sums[n] += part[n];
    }
}

static void weight_block(const backward *b, int block)
{
    int first = block * WEIGHT_ROWS, K = b->linear->weight.K;
    int count = b->linear->weight.N - first < WEIGHT_ROWS ? b->linear->weight.N - first : WEIGHT_ROWS;
    float *weight = (float *)b->grad->weight.data + (size_t)first * (size_t)K;

    cv_blas_matmul_tn(weight, K, b->dy + first, (int)b->dy_stride, b->x, (int)b->x_stride, count, K, b->rows, 1.0f);
    if (b->grad->bias)
        sum_columns((float *)b->grad->bias + first, b->dy + first, b->dy_stride, b->rows, count);
}

static void row_block(const backward *b, int block)
{
    const cv_linear *linear = b->linear;
    int first = block * ROWS, rows = b->rows - first < ROWS ? b->rows - first : ROWS, N = linear->weight.N,
        K = linear->weight.K;
    const float *dy = b->dy + (size_t)first * b->dy_stride;
    float *dx = b->dx + (size_t)first * b->dx_stride, *wide;

    if (linear->weight.type == CV_WEIGHT_F32) {
        cv_blas_matmul_nn(dx, (int)b->dx_stride, dy, (int)b->dy_stride, linear->weight.data, K, rows, K, N,
                          b->add ? 1.0f : 0.0f);
        return;
    }
    wide = b->panels + (size_t)cv_thread_index() * PANEL * (size_t)K;
    for (int n = 0; n < N; n += PANEL) {
        int count = N - n < PANEL ? N - n : PANEL;
        cv_weight panel = cv_weight_rows(&linear->weight, n, count);

        b->exec->kernels.widen[panel.type](wide, &panel);
        cv_blas_matmul_nn(dx, (int)b->dx_stride, dy + n, (int)b->dy_stride, wide, K, rows, K, count,
                          b->add || n > 0 ? 1.0f : 0.0f);
    }
}

void cv_linear_backward(const cv_exec *exec, const cv_linear *linear, const cv_linear *grad, float *dx,
                        size_t dx_stride, bool add, const float *dy, size_t dy_stride, const float *x, size_t x_stride,
                        int rows, cv_arena *arena)
{
    backward b = { .exec = exec,
                   .linear = linear,
                   .grad = grad,
                   .dx = dx,
                   .dx_stride = dx_stride,
                   .dy_stride = dy_stride,
                   .x_stride = x_stride,
                   .add = add,
                   .dy = dy,
                   .x = x,
                   .rows = rows };
    size_t mark = cv_arena_mark(arena);
    int weight_blocks = grad ? (linear->weight.N + WEIGHT_ROWS - 1) / WEIGHT_ROWS : 0;
    int row_blocks = dx ? (rows + ROWS - 1) / ROWS : 0;

    if (dx && linear->weight.type != CV_WEIGHT_F32)
        b.panels = cv_arena_take(arena, (size_t)exec->threads * PANEL * (size_t)linear->weight.K, sizeof *b.panels);

        /* One list of blocks, the large ones first. No two write to the same memory, so it does not matter which thread
     * takes which. */
#pragma omp parallel for num_threads(exec->threads) schedule(dynamic)
    for (int block = 0; block < weight_blocks + row_blocks; block++) {
        if (block < weight_blocks)
            weight_block(&b, block);
        else
            row_block(&b, block - weight_blocks);
    }
    cv_arena_rewind(arena, mark);
}
