#include "bench/linears.h"

/* Outputs and inputs of each layer, in units of `hidden`. */
static const int shapes[4][2] = { { 3, 1 }, { 1, 1 }, { 4, 1 }, { 1, 4 } };

size_t cv_linears_bytes(cv_weight_type type, int hidden)
{
    size_t bytes = 0;

    for (int i = 0; i < 4; i++) {
        size_t N = (size_t)(shapes[i][0] * hidden), K = (size_t)(shapes[i][1] * hidden);

        bytes += N * (cv_weight_row_bytes(type, K) + cv_weight_scale_bytes(type, K));
    }
    return bytes;
}

double cv_linears_run(void *user)
{
    cv_linears *l = user;
    const char *weights = l->weights, *scales = l->scales;
    double operations = 0;

    for (int copy = 0; copy < l->copies; copy++)
        for (int i = 0; i < 4; i++) {
            int N = shapes[i][0] * l->hidden, K = shapes[i][1] * l->hidden;
            const cv_linear linear = { .weight = { weights, l->type >= CV_WEIGHT_Q8 ? scales : NULL, l->type, N, K } };

            weights += (size_t)N * cv_weight_row_bytes(l->type, (size_t)K);
            scales += (size_t)N * cv_weight_scale_bytes(l->type, (size_t)K);
            if (l->step) {
                cv_step_input_set(&l->input, l->x, (size_t)K, l->rows, K);
                cv_linear_step(l->exec, &linear, l->out, (size_t)N, &l->input);
            } else {
                cv_linear_rows(l->exec, &linear, l->out, (size_t)N, l->x, (size_t)K, l->rows, l->arena);
            }
            operations += 2.0 * N * K * l->rows;
        }
    return l->count_bytes ? (double)l->copies * (double)cv_linears_bytes(l->type, l->hidden) : operations;
}
