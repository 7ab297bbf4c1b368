/* Passes of many rows against steps of a row each: the same bits wherever a kernel serves both, near them elsewhere. */
#include "support/gradient.h"

#include "nn/blas.h"
#include "nn/linear.h"

/* Several blocks of weights, the last one short, and lots of inputs, the last one short; strides are wider. */
enum { N = 131, K = 320, ROWS = 213, X = K + 2, Y = N + 1 };

static float wide[N * K], bias[N], x[ROWS * X];
static char data[N * K * sizeof(float)], scales[N * K];

static void by_rows(const cv_exec *exec, const cv_linear *linear, float *out, int first, int count)
{
    cv_arena arena = { 0 };

    assert_int_equal(cv_arena_create(&arena, cv_linear_scratch(exec, K), NULL), COGVIDEO_OK);
    cv_linear_rows(exec, linear, out + first * Y, Y, x + first * X, X, count, &arena);
    cv_arena_free(&arena);
}

/* The very bits on other numbers of threads; and of rows by themselves, unless BLAS sees how many there are. */
static void company_changes_no_bit(const cv_exec *exec, const cv_linear *linear, const float *rows)
{
    static float other[ROWS * Y];
    cv_exec some = *exec;

    for (some.threads = 1; some.threads < 4; some.threads++) {
        memset(other, 0, sizeof other);
        by_rows(&some, linear, other, 0, ROWS);
        assert_memory_equal(other, rows, sizeof other);
    }
    if (!cv_linear_takes_q8(exec, linear) && !exec->kernels.linear_split[linear->weight.type])
        return;
    memset(other, 0, sizeof other);
    for (int r = 0; r < ROWS; r++)
        by_rows(exec, linear, other, r, 1);
    assert_memory_equal(other, rows, sizeof other);
}

static void by_steps(const cv_exec *exec, const cv_linear *linear, float *out)
{
    cv_arena measured = { 0 }, arena = { 0 };
    cv_step_input input;

    cv_step_input_take(&input, &measured, exec, 1, K);
    assert_int_equal(cv_arena_create(&arena, measured.peak, NULL), COGVIDEO_OK);
    cv_step_input_take(&input, &arena, exec, 1, K);
    for (int r = 0; r < ROWS; r++) {
        cv_step_input_set(&input, x + r * X, X, 1, K);
        cv_linear_step(exec, linear, out + r * Y, Y, &input);
    }
    cv_arena_free(&arena);
}

static void try_type(const cv_exec *exec, cv_weight_type type)
{
    const cv_linear linear = { .weight = { data, type < CV_WEIGHT_Q8 ? NULL : scales, type, N, K }, .bias = bias };
    static float rows[ROWS * Y], steps[ROWS * Y];

    for (int n = 0; n < N; n++) {
        cv_weight row = cv_weight_rows(&linear.weight, n, 1);

        cv_weight_narrow((void *)row.data, (void *)row.scales, type, wide + n * K, K);
    }
    memset(rows, 0, sizeof rows);
    memset(steps, 0, sizeof steps);
    by_rows(exec, &linear, rows, 0, ROWS);
    company_changes_no_bit(exec, &linear, rows);
    by_steps(exec, &linear, steps);
    if (cv_linear_takes_q8(exec, &linear) || (exec->kernels.outruns_blas[type] && !exec->kernels.linear_split[type]))
        assert_memory_equal(rows, steps, sizeof rows);
    for (int i = 0; i < ROWS * Y; i++)
        CHECK_CLOSE(rows[i], steps[i], 2e-4);
}

static void rows_are_steps(void **state)
{
    cv_exec exec = { .threads = 2 };

    (void)state;
    cv_blas_init();
    gradient_fill(wide, N * K, 1, 1);
    gradient_fill(bias, N, 2, 1);
    gradient_fill(x, ROWS * X, 3, 1);
    for (int set = 0; cv_kernels_usable(set, &exec.kernels); set++)
        for (int q8 = 0; q8 < 2; q8++) {
            exec.q8_inputs = q8;
            for (cv_weight_type type = 0; type < CV_WEIGHT_TYPES; type++)
                try_type(&exec, type);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rows_are_steps) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
