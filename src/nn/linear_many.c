#include "nn/linear.h"

#include "base/parallel.h"

#include <string.h>

/* Rows of weights that are widened together and then laid side by side, a few numbers of each at a time: they fill half
 * a cache line of the panel's. */
#define PACKED 8
#define PACKED_K 16
/* Between these rows: a power of two apart they would fall on the same lines of the cache. */
#define PAD 16

static size_t panel_floats(const cv_exec *exec, int K)
{
    return (size_t)exec->kernels.panel_width * (size_t)K + PACKED * ((size_t)K + PAD);
}

size_t cv_linear_many_scratch(const cv_exec *exec, int max_K)
{
    return (size_t)exec->threads * panel_floats(exec, max_K) * sizeof(float);
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

/* What the products are added to. */
static void start(const cv_linear *linear, float *out, size_t out_stride, bool add, int first, int count, int rows)
{
    for (int r = 0; r < rows && linear->bias; r++) {
        float *to = out + (size_t)r * out_stride;

        for (int n = first; n < first + count; n++)
            to[n] = add ? to[n] + linear->bias[n] : linear->bias[n];
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
    const size_t mark = cv_arena_mark(arena), each = panel_floats(exec, K);
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
    const int width = exec->kernels.panel_width, K = weight->K;
    const size_t mark = cv_arena_mark(arena), each = panel_floats(exec, K);
    float *all = cv_arena_take(arena, (size_t)exec->threads * each, sizeof *all);

#pragma omp parallel for num_threads(exec->threads) schedule(dynamic)
    for (int first = 0; first < weight->N; first += width) {
        const int count = weight->N - first < width ? weight->N - first : width;
        float *own = all + (size_t)cv_thread_index() * each;
        const float *panel = linear->panels ? linear->panels + (size_t)first * (size_t)K : own;

        if (!linear->panels)
            pack(exec, weight, first, own, own + (size_t)width * (size_t)K);
        start(linear, out, out_stride, add, first, count, rows);
        exec->kernels.panel(out + first, out_stride, x, x_stride, rows, panel, K, count, add || linear->bias);
    }
    cv_arena_rewind(arena, mark);
}
