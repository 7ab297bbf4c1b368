/* avx512.c - the linear kernels for AVX-512 with its byte dot product (VNNI). This file is compiled with those flags
 * and called only where the processor has them. The other kernels come from avx2.c. */
#include "kernels/vec.h"

#include "kernels/limits_body.h"
#include "kernels/linear_f32_body.h"
#include "kernels/linear_q8_body.h"
#include "kernels/mix_body.h"
#include "kernels/panel_body.h"
#include "kernels/product_body.h"

enum { ENTRIES = 16 }; /* of a batch, for which each weight is read once */

/* --- linear, inputs in f32 ------------------------------------------------------------------------------------ */

/* With many entries, what is read again and again must stay in the L1 cache. K is split into blocks, whose inputs
 * and widened weights are copied side by side, since rows that lie a power of two apart would evict each other. */
enum { K_BLOCK = 384, GROUP = 64 /* rows */, FEW = 4 /* entries that need no blocks */ };

/* Widens K weights of a row and puts zeros behind them. */
INLINE void gather(cv_weight_type type, float *to, const void *row, int K)
{
    int k = 0;

    for (; k + LANES <= K; k += LANES)
        vec_store(to + k, vec_weights(type, row, k));
    if (k < K)
        vec_store(to + k, vec_weights_some(type, row, k, K - k));
}

/* Multiplies four rows of a block by every entry. One function serves all types, since the weights are wide by now. */
static void f32_rows_of_block(int rows, const f32_job *job, f32_block block)
{
    f32_rows(CV_WEIGHT_F32, rows, job, block);
}

/* Multiplies at most GROUP rows by at most ENTRIES entries. */
INLINE void f32_group(cv_weight_type type, float *out, size_t out_stride, const float *x, size_t x_stride,
                      const cv_weight *w, int B)
{
    const size_t row_bytes = cv_weight_row_bytes(type, (size_t)w->K);
    vec waiting[GROUP * ENTRIES];
    _Alignas(64) float in[ENTRIES * K_BLOCK], wide[4 * K_BLOCK];

    for (int from = 0; from < w->K; from += K_BLOCK) {
        const int K = w->K - from < K_BLOCK ? w->K - from : K_BLOCK;
        f32_block block = { .part = (from == 0 ? BEGINS : 0) | (from + K == w->K ? ENDS : 0) };

        for (int b = 0; b < B; b++)
            gather(CV_WEIGHT_F32, in + b * K_BLOCK, x + (size_t)b * x_stride + from, K);
        for (int n = 0, rows; n < w->N; n += rows) {
            const f32_job rows_of_w = f32_job_of(type, w, n, out, out_stride, in, K_BLOCK, B);
            f32_job job = rows_of_w;

            rows = w->N - n >= 4 ? 4 : 1;
            for (int r = 0; r < rows; r++) {
                const char *row = rows_of_w.w + (size_t)r * row_bytes + cv_weight_row_bytes(type, (size_t)from);

                gather(type, wide + r * K_BLOCK, row, K);
                for (size_t at = 0; at < cv_weight_row_bytes(type, (size_t)K); at += 64)
                    prefetch(row + 4 * row_bytes + at);
            }
            job.w = (const char *)wide;
            job.row_bytes = K_BLOCK * sizeof *wide;
            job.K = K;
            block.waiting = waiting + n * ENTRIES;
            f32_rows_of_block(rows, &job, block);
        }
    }
}

/* These are never inlined: the prologue probes the pages of their large stack frames one by one, which would delay
 * calls with few entries. */
#define OF_ITS_OWN static __attribute__((noinline))

OF_ITS_OWN void f32_group_wf32(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w,
                               int B)
{
    f32_group(CV_WEIGHT_F32, out, out_stride, x, x_stride, w, B);
}

OF_ITS_OWN void f32_group_wf16(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w,
                               int B)
{
    f32_group(CV_WEIGHT_F16, out, out_stride, x, x_stride, w, B);
}

OF_ITS_OWN void f32_group_wbf16(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w,
                                int B)
{
    f32_group(CV_WEIGHT_BF16, out, out_stride, x, x_stride, w, B);
}

OF_ITS_OWN void f32_group_wq8(float *out, size_t out_stride, const float *x, size_t x_stride, const cv_weight *w, int B)
{
    f32_group(CV_WEIGHT_Q8, out, out_stride, x, x_stride, w, B);
}

static cv_linear_fn *const f32_groups[CV_WEIGHT_TYPES] = {
    [CV_WEIGHT_F32] = f32_group_wf32,
    [CV_WEIGHT_F16] = f32_group_wf16,
    [CV_WEIGHT_BF16] = f32_group_wbf16,
    [CV_WEIGHT_Q8] = f32_group_wq8,
};

INLINE void linear_f32(cv_weight_type type, float *out, size_t out_stride, const float *x, size_t x_stride,
                       const cv_weight *w, int B)
{
    for (int b = 0; b < B; b += ENTRIES) {
        const int count = B - b < ENTRIES ? B - b : ENTRIES;
        const float *in = x + (size_t)b * x_stride;
        float *to = out + (size_t)b * out_stride;

        if (count <= FEW)
            f32_matrix(type, to, out_stride, in, x_stride, w, count, true);
        else
            for (int n = 0; n < w->N; n += GROUP) {
                const cv_weight part = cv_weight_rows(w, n, w->N - n < GROUP ? w->N - n : GROUP);

                f32_groups[type](to + n, out_stride, in, x_stride, &part, count);
            }
    }
}

/* --- linear, inputs in 8 bits --------------------------------------------------------------------------------- */

/* Computes 128 times the sum of each of `count` inputs: the excess of q8_dot. */
static void q8_offsets(int32_t *offsets, const cv_q8_rows *x, int count, int K)
{
    for (int b = 0; b < count; b++) {
        const int32_t *sums = x->sums + (size_t)b * x->sum_stride;

        offsets[b] = 0;
        for (int g = 0; g < (K + CV_Q4_GROUP - 1) / CV_Q4_GROUP; g++)
            offsets[b] += 128 * sums[g];
    }
}

static void linear_q8_wq8(float *out, size_t out_stride, const cv_q8_rows *x, const cv_weight *w, int B)
{
    int32_t offsets[ENTRIES];

    for (int from = 0; from < B; from += ENTRIES) {
        const int count = B - from < ENTRIES ? B - from : ENTRIES;
        const cv_q8_rows entries = { x->values + (size_t)from * x->stride, x->scales + from,
                                     x->sums + (size_t)from * x->sum_stride, x->stride, x->sum_stride };

        q8_offsets(offsets, &entries, count, w->K);
        q8_matrix(out + (size_t)from * out_stride, out_stride, &entries, offsets, w, count);
    }
}

void cv_kernels_avx512(cv_kernels *table)
{
    cv_loops_avx512(table);
    set_linear_f32(table);
    set_linear_q8(table);
    set_mix(table);
    set_panel(table);
    set_product(table);
    set_limits(table);
}
