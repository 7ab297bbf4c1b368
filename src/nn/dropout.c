#include "nn/dropout.h"

#include "base/rng.h"

static void drop_row(const cv_dropout *dropout, float *x, int row, int C)
{
    /* p * 2^32 is below 2^32 for every f32 p < 1. */
    uint32_t threshold = (uint32_t)((double)dropout->p * 0x1p32);
    float scale = (float)(1.0 / (1.0 - (double)dropout->p));

    for (int i = 0; i < C; i += 4) {
        uint32_t counter[4] = { (uint32_t)i / 4, (uint32_t)row, dropout->step, dropout->tag }, random[4];

        cv_rng_block(random, dropout->seed, counter);
        for (int j = 0; j < 4 && i + j < C; j++)
            x[i + j] = random[j] < threshold ? 0.0f : x[i + j] * scale;
    }
}

void cv_dropout_apply(const cv_exec *exec, const cv_dropout *dropout, float *x, int first_row, int rows, int C)
{
    if (dropout->p <= 0)
        return;
#pragma omp parallel for num_threads(exec->threads) schedule(static)
    for (int r = 0; r < rows; r++)
        drop_row(dropout, x + (size_t)r * (size_t)C, first_row + r, C);
}
