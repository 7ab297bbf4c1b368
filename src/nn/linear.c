#include "nn/linear.h"

#include "base/parallel.h"
#include "nn/blas.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Most weight rows per block: enough for BLAS to run near its full speed, few enough for a widened block to stay in
 * cache. */
#define BLOCK 128
/* Rows of inputs in f32 that a block is multiplied by before the next: so many stay in the second cache. */
#define FEW 16

/* Rows per block, at most `most` of them, so that the number of blocks can be shared out evenly among `threads`. */
static int block_of(int N, int most, int threads)
{
    const int least = (N + most - 1) / most, blocks = (least + threads - 1) / threads * threads;

    return ((N + blocks - 1) / blocks + 15) / 16 * 16;
}

cogvideo_status cv_linear_bind(cv_linear *out, cv_store *store, const char *name, int N, int K, bool bias,
                               cogvideo_error *err)
{
    cogvideo_status status;
    char full[256];

    *out = (cv_linear){ 0 };
    snprintf(full, sizeof full, "%s.weight", name);
    CV_TRY(cv_store_claim_weight(store, &out->weight, full, N, K, err));
    if (bias) {
        snprintf(full, sizeof full, "%s.bias", name);
        CV_TRY(cv_store_claim_vector(store, &out->bias, full, (size_t)N, err));
    }
done:
    return status;
}

static void add_bias(const cv_linear *linear, float *out, size_t out_stride, int first, int count, int rows)
{
    if (!linear->bias)
        return;
    for (int r = 0; r < rows; r++)
        for (int n = first; n < first + count; n++)
            out[(size_t)r * out_stride + (size_t)n] += linear->bias[n];
}

/* --- a step --------------------------------------------------------------------------------------------------- */

static size_t groups_of(int K)
{
    return ((size_t)K + CV_Q4_GROUP - 1) / CV_Q4_GROUP;
}

void cv_step_input_take(cv_step_input *out, cv_arena *arena, const cv_exec *exec, int rows, int K)
{
    size_t n = exec->q8_inputs ? (size_t)rows : 0;

    *out = (cv_step_input){ 0 };
    out->sums = cv_arena_take(arena, n * groups_of(K), sizeof *out->sums);
    out->scales = cv_arena_take(arena, n, sizeof *out->scales);
    out->values = cv_arena_take(arena, n * (size_t)K, 1);
}

void cv_step_input_set(cv_step_input *input, const float *x, size_t stride, int rows, int K)
{
    input->x = x;
    input->stride = stride;
    input->rows = rows;
    input->K = K;
    input->narrowed = false;
}

/* Eight bits have no NaN. So that a row with NaN or an infinity does not pass for numbers, its scale becomes NaN,
 * and with it all of its products. */
static void narrow_row(const cv_exec *exec, cv_step_input *input, int row)
{
    const size_t K = (size_t)input->K;
    const float *x = input->x + (size_t)row * input->stride;
    int8_t *values = input->values + (size_t)row * K;
    int32_t *sums = input->sums + (size_t)row * groups_of(input->K);

    if (cv_dtype_not_finite(CV_F32, x, K) == K) {
        exec->kernels.quantize(values, &input->scales[row], sums, x, input->K);
        return;
    }
    memset(values, 0, K);
    memset(sums, 0, groups_of(input->K) * sizeof *sums);
    input->scales[row] = NAN;
}

static void narrow(const cv_exec *exec, cv_step_input *input)
{
    int K = input->K;

    if (input->narrowed)
        return;
    input->narrowed = true;
    input->q8 = (cv_q8_rows){ input->values, input->scales, input->sums, (size_t)K, groups_of(K) };
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (8.0 * input->rows * K > CV_PARALLEL_WORK)
    for (int r = 0; r < input->rows; r++)
        narrow_row(exec, input, r);
}

static cv_linear_q8_fn *q8_kernel(const cv_exec *exec, const cv_linear *linear)
{
    return exec->q8_inputs ? exec->kernels.linear_q8[linear->weight.type] : NULL;
}

bool cv_linear_takes_q8(const cv_exec *exec, const cv_linear *linear)
{
    return q8_kernel(exec, linear) != NULL;
}

void cv_linear_step(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, cv_step_input *input)
{
    const cv_weight *weight = &linear->weight;
    cv_linear_q8_fn *by_q8 = q8_kernel(exec, linear);
    cv_linear_fn *by_f32 = exec->kernels.linear_f32[weight->type];
    const int size = block_of(weight->N, BLOCK, exec->threads), blocks = (weight->N + size - 1) / size;
    double work = (double)weight->N * weight->K * input->rows;

    if (by_q8)
        narrow(exec, input);
#pragma omp parallel for num_threads(exec->threads) schedule(static) if (work > CV_PARALLEL_WORK)
    for (int block = 0; block < blocks; block++) {
        int first = block * size, count = weight->N - first < size ? weight->N - first : size;
        cv_weight part = cv_weight_rows(weight, first, count);

        if (by_q8)
            by_q8(out + first, out_stride, &input->q8, &part, input->rows);
        for (int r = 0; r < input->rows && !by_q8; r += FEW)
            by_f32(out + first + (size_t)r * out_stride, out_stride, input->x + (size_t)r * input->stride,
                   input->stride, &part, input->rows - r < FEW ? input->rows - r : FEW);
        add_bias(linear, out, out_stride, first, count, input->rows);
    }
}

/* --- many rows ------------------------------------------------------------------------------------------------ */

/* Rows whose inputs are held in 8 bits at once: so many that reading the weights again for each lot costs nothing. */
#define LOT 128

/* Numbers of the inputs that are split for matrix tiles at once. */
static size_t split_numbers(const cv_exec *exec, int K)
{
    return exec->kernels.split ? CV_SPLIT_INPUTS / CV_SPLIT_ROWS * cv_split_size(K) : 0;
}

size_t cv_linear_scratch(const cv_exec *exec, int max_K)
{
    const size_t panels = (size_t)exec->threads * BLOCK * (size_t)max_K * sizeof(float),
                 tiles = split_numbers(exec, max_K) * sizeof(uint16_t), most = tiles > panels ? tiles : panels;
    cv_arena narrow = { 0 };
    cv_step_input input;

    cv_step_input_take(&input, &narrow, exec, LOT, max_K);
    return narrow.peak > most ? narrow.peak : most;
}

/* Computes the same bits as the steps do. */
static void rows_by_steps(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, const float *x,
                          size_t x_stride, int rows, cv_arena *arena)
{
    cv_step_input input;

    cv_step_input_take(&input, arena, exec, LOT, linear->weight.K);
    for (int r = 0; r < rows; r += LOT) {
        cv_step_input_set(&input, x + (size_t)r * x_stride, x_stride, rows - r < LOT ? rows - r : LOT,
                          linear->weight.K);
        cv_linear_step(exec, linear, out + (size_t)r * out_stride, out_stride, &input);
    }
}

static void rows_by_tiles(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, const float *x,
                          size_t x_stride, int rows, cv_arena *arena)
{
    const cv_weight *weight = &linear->weight;
    const int size = block_of(weight->N, CV_SPLIT_WEIGHTS, exec->threads), blocks = (weight->N + size - 1) / size;
    const double work = (double)weight->N * weight->K * rows;
    uint16_t *tiles = cv_arena_take(arena, split_numbers(exec, weight->K), sizeof *tiles);

#pragma omp parallel num_threads(exec->threads) if (work > CV_PARALLEL_WORK)
    for (int first = 0; first < rows; first += CV_SPLIT_INPUTS) {
        const int count = rows - first < CV_SPLIT_INPUTS ? rows - first : CV_SPLIT_INPUTS;

#pragma omp for schedule(static)
        for (int r = 0; r < count; r += CV_SPLIT_ROWS)
            exec->kernels.split(tiles + (size_t)(r / CV_SPLIT_ROWS) * cv_split_size(weight->K),
                                x + (size_t)(first + r) * x_stride, x_stride,
                                count - r < CV_SPLIT_ROWS ? count - r : CV_SPLIT_ROWS, weight->K);
#pragma omp for schedule(static)
        for (int block = 0; block < blocks; block++) {
            int n = block * size, some = weight->N - n < size ? weight->N - n : size;
            cv_weight part = cv_weight_rows(weight, n, some);
            float *to = out + (size_t)first * out_stride;

            exec->kernels.linear_split[weight->type](to + n, out_stride, tiles, &part, count);
            add_bias(linear, to, out_stride, n, some, count);
        }
    }
}

/* In blocks as if there were two threads, for BLAS may round in another way in another block. */
static void rows_by_blas(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, const float *x,
                         size_t x_stride, int rows, cv_arena *arena)
{
    const cv_weight *weight = &linear->weight;
    const int size = block_of(weight->N, BLOCK, 2), blocks = (weight->N + size - 1) / size, K = weight->K;
    float *panels = weight->type == CV_WEIGHT_F32
                        ? NULL
                        : cv_arena_take(arena, (size_t)exec->threads * BLOCK * (size_t)K, sizeof *panels);

#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int block = 0; block < blocks; block++) {
        int first = block * size, count = weight->N - first < size ? weight->N - first : size;
        cv_weight part = cv_weight_rows(weight, first, count);
        const float *panel = part.data;

        if (weight->type != CV_WEIGHT_F32) {
            float *wide = panels + (size_t)cv_thread_index() * BLOCK * (size_t)K;

            exec->kernels.widen[weight->type](wide, &part);
            panel = wide;
        }
        cv_blas_matmul_nt(out + first, (int)out_stride, x, (int)x_stride, panel, K, rows, count, K, 0.0f);
        add_bias(linear, out, out_stride, first, count, rows);
    }
}

void cv_linear_rows(const cv_exec *exec, const cv_linear *linear, float *out, size_t out_stride, const float *x,
                    size_t x_stride, int rows, cv_arena *arena)
{
    const cv_weight_type type = linear->weight.type;
    const size_t mark = cv_arena_mark(arena);
    cv_step_input input = { 0 };

    if (q8_kernel(exec, linear)) {
        rows_by_steps(exec, linear, out, out_stride, x, x_stride, rows, arena);
    } else if (exec->kernels.linear_split[type]) {
        rows_by_tiles(exec, linear, out, out_stride, x, x_stride, rows, arena);
    } else if (exec->kernels.outruns_blas[type]) {
        cv_step_input_set(&input, x, x_stride, rows, linear->weight.K);
        cv_linear_step(exec, linear, out, out_stride, &input);
    } else {
        rows_by_blas(exec, linear, out, out_stride, x, x_stride, rows, arena);
    }
    cv_arena_rewind(arena, mark);
}
