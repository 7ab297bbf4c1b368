#include "nn/linear.h"

#include "base/parallel.h"

#include <string.h>

/* Rows of weights that are widened together and then laid side by side, a few numbers of each at a time: they fill half
 * a cache line of the panel's. */
#define PACKED 8
#define PACKED_K 16
/* Between these rows: a power of two apart they would fall on the same lines of the cache. */
#define PAD 16

/* Panels that a thread multiplies by turns, and the rows and numbers of each that all of them meet before the next. So
 * a part of x, of the panels and of what comes out stay in the second cache together. No sum depends on it. */
#define GROUP 4
#define ROWS 256
#define DEPTH 256

static size_t packing_floats(int K)
{
    return PACKED * ((size_t)K + PAD);
}

static size_t group_floats(const cv_exec *exec, int K)
{
    return GROUP * (size_t)exec->kernels.panel_width * (size_t)K + packing_floats(K);
}

size_t cv_linear_many_scratch(const cv_exec *exec, int max_K)
{
    return (size_t)exec->threads * group_floats(exec, max_K) * sizeof(float);
}

/* Widens a row of the weights; one behind the last is as good as any. */
static void widen(const cv_exec *exec, const cv_weight *weight, int n, float *out)
{
    cv_weight row = cv_weight_rows(weight, n < weight->N ? n : weight->N - 1, 1);

    if (row.type == CV_WEIGHT_F32)
        memcpy(out, row.data, (size_t)row.K * sizeof *out);
    else
        exec->kernels.widen[row.type](out, &row);
}

/* panel [K][width] = rows first .. first + width - 1 of the weights, side by side. */
static void pack(const cv_exec *exec, const cv_weight *weight, int first, float *panel, float *rows)
{
    const size_t width = (size_t)exec->kernels.panel_width, K = (size_t)weight->K;

    for (size_t from = 0; from < width; from += PACKED) {
        const size_t count = width - from < PACKED ? width - from : PACKED;

        for (size_t n = 0; n < count; n++)
            widen(exec, weight, first + (int)(from + n), rows + n * (K + PAD));
        for (size_t block = 0; block < K; block += PACKED_K) {
            const size_t end = block + PACKED_K < K ? block + PACKED_K : K;

            for (size_t n = 0; n < count; n++)
                for (size_t k = block; k < end; k++)
                    panel[k * width + from + n] = rows[n * (K + PAD) + k];
        }
    }
}

/* What is multiplied, and what the products are added to. */
typedef struct product {
    const cv_linear *linear;
    float *out;
    const float *x;
    size_t out_stride, x_stride;
    bool add;
    int rows;
} product;

static int min(int a, int b)
{
    return a < b ? a : b;
}

static void start(const product *p, int first, int count, int row, int rows)
{
    const float *bias = p->linear->bias;

    for (int r = row; r < row + rows && bias; r++) {
        float *to = p->out + (size_t)r * p->out_stride;

        for (int n = first; n < first + count; n++)
            to[n] = p->add ? to[n] + bias[n] : bias[n];
    }
}

/* Columns first .. first + count - 1 from their panels. */
static void multiply(const cv_exec *exec, const product *p, const float *panels, int first, int count)
{
    const int width = exec->kernels.panel_width, K = p->linear->weight.K;

    for (int row = 0; row < p->rows; row += ROWS) {
        const int rows = min(ROWS, p->rows - row);
        float *out = p->out + (size_t)row * p->out_stride + first;

        start(p, first, count, row, rows);
        for (int k = 0; k < K; k += DEPTH)
            for (int n = 0; n < count; n += width)
                exec->kernels.panel(out + n, p->out_stride, p->x + (size_t)row * p->x_stride + k, p->x_stride, rows,
                                    panels + (size_t)n * (size_t)K + (size_t)k * (size_t)width, min(DEPTH, K - k),
                                    min(width, count - n), p->add || p->linear->bias || k > 0);
    }
}

size_t cv_linear_panel_floats(const cv_exec *exec, int N, int K)
{
    const size_t width = (size_t)exec->kernels.panel_width;

    return ((size_t)N + width - 1) / width * width * (size_t)K;
}

void cv_linear_pack(const cv_exec *exec, const cv_linear *linear, float *panels, cv_arena *arena)
{
    const int width = exec->kernels.panel_width, K = linear->weight.K;
    const size_t mark = cv_arena_mark(arena), each = packing_floats(K);
    float *all = cv_arena_take(arena, (size_t)exec->threads * each, sizeof *all);

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int first = 0; first < linear->weight.N; first += width)
        pack(exec, &linear->weight, first, panels + (size_t)first * (size_t)K, all + (size_t)cv_thread_index() * each);
    cv_arena_rewind(arena, mark);
}

void cv_linear_many(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, bool add,
                    const float *x, size_t x_stride, int rows, cv_arena *arena)
{
    const cv_weight *weight = &linear->weight;
    const product p = { linear, out, x, out_stride, x_stride, add, rows };
    const int width = exec->kernels.panel_width, K = weight->K, panels = (weight->N + width - 1) / width,
              shares = panels / (4 * exec->threads), group = width * (shares < 1 ? 1 : min(shares, GROUP));
    const size_t mark = cv_arena_mark(arena), each = group_floats(exec, K);
    float *all = cv_arena_take(arena, (size_t)exec->threads * each, sizeof *all);

#pragma omp parallel for num_threads(exec->threads) schedule(dynamic)
    for (int first = 0; first < weight->N; first += group) {
        const int count = min(group, weight->N - first);
        float *own = all + (size_t)cv_thread_index() * each;
        const float *laid_out = linear->panels ? linear->panels + (size_t)first * (size_t)K : own;

        for (int n = 0; n < count && !linear->panels; n += width)
            pack(exec, weight, first + n, own + (size_t)n * (size_t)K, own + (size_t)GROUP * (size_t)(width * K));
        multiply(exec, &p, laid_out, first, count);
    }
    cv_arena_rewind(arena, mark);
}
