#include "family/metrics/network/dense.h"

void cv_dense(const cv_exec *exec, const cv_linear *linear, float *out, const float *x, bool relu, cv_arena *arena)
{
    const int N = linear->weight.N, K = linear->weight.K;
    const size_t mark = cv_arena_mark(arena);
    cv_step_input input;

    cv_step_input_take(&input, arena, exec, 1, K);
    if (arena->base) {
        cv_step_input_set(&input, x, (size_t)K, 1, K);
        cv_linear_step(exec, linear, out, (size_t)N, &input);
        for (int n = 0; n < N && relu; n++)
            out[n] = out[n] > 0 ? out[n] : 0;
    }
    cv_arena_rewind(arena, mark);
}
