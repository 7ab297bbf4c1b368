/* The norm by the root of the mean square: its formula, its gradients, and that threads do not matter. */
#include "support/gradient.h"

#include "nn/rms_norm.h"

enum { C = 11, ROWS = 67 };

typedef struct fixture {
    cv_exec exec;
    cv_rms_norm norm;
    float weight[C], x[ROWS * C], out[ROWS * C], dout[ROWS * C];
    cv_arena arena;
    _Alignas(64) char memory[256];
} fixture;

static void setup(fixture *f)
{
    f->exec.threads = 2;
    check_kernels(&f->exec.kernels);
    f->arena = cv_arena_over(f->memory, sizeof f->memory);
    assert_true(cv_rms_norm_backward_scratch(ROWS, C) <= sizeof f->memory);
    f->norm = (cv_rms_norm){ .weight = f->weight, .C = C, .eps = 1e-6f };
    gradient_fill(f->weight, C, 1, 1);
    gradient_fill(f->x, ROWS * C, 2, 2);
    gradient_fill(f->dout, ROWS * C, 3, 1);
}

static double loss(void *user)
{
    fixture *f = user;

    cv_rms_norm_apply(&f->exec, &f->norm, f->out, f->x, ROWS);
    return gradient_loss(f->out, f->dout, ROWS * C);
}

static void no_mean_is_subtracted(void **state)
{
    fixture f;

    (void)state;
    setup(&f);
    for (int i = 0; i < ROWS * C; i++)
        f.x[i] += 3;
    memset(f.x, 0, C * sizeof *f.x); /* a padded row stays 0 */
    loss(&f);
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;

        for (int i = 0; i < C; i++)
            sum += pow((double)f.x[r * C + i], 2);
        for (int i = 0; i < C; i++)
            CHECK_CLOSE(f.out[r * C + i], (double)f.weight[i] * (double)f.x[r * C + i] / sqrt(sum / C + 1e-6), 1e-6);
    }
    /* In place. */
    cv_rms_norm_apply(&f.exec, &f.norm, f.x, f.x, ROWS);
    assert_memory_equal(f.x, f.out, sizeof f.x);
}

static void gradients_are_slopes(void **state)
{
    fixture f;
    float dweight[C] = { 0 }, dx[ROWS * C], twice[ROWS * C];
    cv_rms_norm grad = { .weight = dweight, .C = C };

    (void)state;
    setup(&f);
    cv_rms_norm_backward(&f.exec, &f.norm, &grad, dx, false, f.dout, f.x, ROWS, &f.arena);
    gradient_check(f.x, dx, ROWS * C, loss, &f);
    gradient_check(f.weight, dweight, C, loss, &f);
    memcpy(twice, dx, sizeof dx);
    cv_rms_norm_backward(&f.exec, &f.norm, NULL, twice, true, f.dout, f.x, ROWS, &f.arena);
    for (int i = 0; i < ROWS * C; i++)
        CHECK_CLOSE(twice[i], 2 * dx[i], 1e-5);
    /* Gradients are added to; and in place of dy. */
    cv_rms_norm_backward(&f.exec, &f.norm, &grad, f.dout, false, f.dout, f.x, ROWS, &f.arena);
    assert_memory_equal(f.dout, dx, sizeof dx);
    setup(&f);
    for (int i = 0; i < C; i++)
        dweight[i] /= 2;
    gradient_check(f.weight, dweight, C, loss, &f);
}

static void threads_do_not_matter(void **state)
{
    fixture f;
    float dx[2][ROWS * C], dweight[2][C] = { { 0 } };

    (void)state;
    setup(&f);
    for (int t = 0; t < 2; t++) {
        cv_rms_norm grad = { .weight = dweight[t], .C = C };

        f.exec.threads = t ? 3 : 1;
        cv_rms_norm_backward(&f.exec, &f.norm, &grad, dx[t], false, f.dout, f.x, ROWS, &f.arena);
    }
    assert_memory_equal(dx[0], dx[1], sizeof dx[0]);
    assert_memory_equal(dweight[0], dweight[1], sizeof dweight[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_mean_is_subtracted),
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(threads_do_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
