/* The gradients of layer normalization, and of GELU with the exp beneath it. */
#include "support/gradient.h"

#include "nn/activation.h"
#include "kernels/fast_math.h"
#include "nn/norm.h"

enum { C = 7, ROWS = 67 };

typedef struct fixture {
    cv_exec exec;
    cv_layer_norm norm;
    float weight[C], bias[C], x[ROWS * C], out[ROWS * C], dout[ROWS * C];
    cv_arena arena;
    _Alignas(64) char memory[256];
} fixture;

static void setup(fixture *f)
{
    f->exec.threads = 2;
    check_kernels(&f->exec.kernels);
    f->arena = cv_arena_over(f->memory, sizeof f->memory);
    assert_true(cv_layer_norm_backward_scratch(ROWS, C) <= sizeof f->memory);
    f->norm = (cv_layer_norm){ .weight = f->weight, .bias = f->bias, .C = C, .eps = 1e-5f };
    gradient_fill(f->weight, C, 1, 1);
    gradient_fill(f->bias, C, 2, 1);
    gradient_fill(f->x, ROWS * C, 3, 2);
    gradient_fill(f->dout, ROWS * C, 4, 1);
}

static double loss(void *user)
{
    fixture *f = user;

    memset(f->out, 0, sizeof f->out);
    cv_layer_norm_add(&f->exec, &f->norm, f->out, f->x, ROWS);
    return gradient_loss(f->out, f->dout, ROWS * C);
}

static void gradients_are_slopes(void **state)
{
    fixture f;
    float dweight[C] = { 0 }, dbias[C] = { 0 }, dx[ROWS * C], twice[ROWS * C];
    cv_layer_norm grad = { .weight = dweight, .bias = dbias, .C = C };

    (void)state;
    setup(&f);
    cv_layer_norm_backward(&f.exec, &f.norm, &grad, dx, false, f.dout, f.x, ROWS, &f.arena);
    gradient_check(f.x, dx, ROWS * C, loss, &f);
    gradient_check(f.weight, dweight, C, loss, &f);
    gradient_check(f.bias, dbias, C, loss, &f);
    memcpy(twice, dx, sizeof dx);
    cv_layer_norm_backward(&f.exec, &f.norm, NULL, twice, true, f.dout, f.x, ROWS, &f.arena);
    for (int i = 0; i < ROWS * C; i++)
        CHECK_CLOSE(twice[i], 2 * dx[i], 1e-5);
    /* In place of dy. */
    cv_layer_norm_backward(&f.exec, &f.norm, &grad, f.dout, false, f.dout, f.x, ROWS, &f.arena);
    assert_memory_equal(f.dout, dx, sizeof dx);
}

/* As one of zeros. */
static void a_bias_may_be_absent(void **state)
{
    float out[2][ROWS * C], added[2][ROWS * C], dx[2][ROWS * C], dweight[2][C] = { { 0 } };
    fixture f;

    (void)state;
    setup(&f);
    memset(f.bias, 0, sizeof f.bias);
    for (int absent = 0; absent < 2; absent++) {
        float dbias[C] = { 0 };
        cv_layer_norm grad = { .weight = dweight[absent], .bias = absent ? NULL : dbias, .C = C };

        f.norm.bias = absent ? NULL : f.bias;
        memcpy(added[absent], f.dout, sizeof added[absent]);
        cv_layer_norm_apply(&f.exec, &f.norm, out[absent], f.x, ROWS);
        cv_layer_norm_add(&f.exec, &f.norm, added[absent], f.x, ROWS);
        cv_layer_norm_backward(&f.exec, &f.norm, &grad, dx[absent], false, f.dout, f.x, ROWS, &f.arena);
    }
    for (int i = 0; i < ROWS * C; i++)
        assert_true(out[0][i] == out[1][i] && added[0][i] == added[1][i]);
    assert_memory_equal(dx[0], dx[1], sizeof dx[0]);
    assert_memory_equal(dweight[0], dweight[1], sizeof dweight[0]);
}

static void threads_do_not_matter(void **state)
{
    fixture f;
    float dx[2][ROWS * C], parameters[2][2 * C] = { { 0 } };

    (void)state;
    setup(&f);
    for (int t = 0; t < 2; t++) {
        cv_layer_norm grad = { .weight = parameters[t], .bias = parameters[t] + C, .C = C };

        f.exec.threads = t ? 3 : 1;
        cv_layer_norm_backward(&f.exec, &f.norm, &grad, dx[t], false, f.dout, f.x, ROWS, &f.arena);
    }
    assert_memory_equal(dx[0], dx[1], sizeof dx[0]);
    assert_memory_equal(parameters[0], parameters[1], sizeof parameters[0]);
}

typedef struct gelu_fixture {
    fixture f;
    cv_gelu_form form;
} gelu_fixture;

static double gelu_loss(void *user)
{
    gelu_fixture *g = user;

    memcpy(g->f.out, g->f.x, sizeof g->f.x);
    cv_gelu(&g->f.exec, g->form, g->f.out, ROWS * C);
    return gradient_loss(g->f.out, g->f.dout, ROWS * C);
}

static void gelu_gradients_are_slopes(void **state)
{
    gelu_fixture g;
    float dx[ROWS * C];

    (void)state;
    for (g.form = 0; g.form < CV_GELU_FORMS; g.form++) {
        fixture *f = &g.f;

        setup(f);
        gradient_fill(f->x, ROWS * C, 5, 6);
        cv_gelu_backward(&f->exec, g.form, dx, f->dout, f->x, ROWS * C);
        gradient_check(f->x, dx, ROWS * C, gelu_loss, &g);
        cv_gelu_backward(&f->exec, g.form, f->dout, f->dout, f->x, ROWS * C);
        assert_memory_equal(f->dout, dx, sizeof dx);
    }
}

static double gelu_exactly(cv_gelu_form form, double y)
{
    switch (form) {
    case CV_GELU_TANH:
        return 0.5 * y * (1 + tanh(sqrt(2 / acos(-1.0)) * (y + 0.044715 * y * y * y)));
    case CV_GELU_ERF:
        return 0.5 * y * erfc(-y / sqrt(2));
    default:
        return y / (1 + exp(-1.702 * y));
    }
}

static void gelu_is_exact_in_every_form(void **state)
{
    cv_exec exec = { .threads = 2 };
    static float x[20001];

    (void)state;
    check_kernels(&exec.kernels);
    for (cv_gelu_form form = 0; form < CV_GELU_FORMS; form++) {
        for (int i = 0; i <= 20000; i++)
            x[i] = (float)(i - 10000) * 1e-3f;
        cv_gelu(&exec, form, x, 20001);
        for (int i = 0; i <= 20000; i++) {
            double y = (double)((float)(i - 10000) * 1e-3f);

            CHECK_CLOSE(x[i], gelu_exactly(form, y), 2e-7 * fabs(y) + 1e-7);
        }
        x[0] = -100;
        x[1] = 100;
        cv_gelu(&exec, form, x, 2);
        assert_true(fabsf(x[0]) < 1e-30f && x[1] == 100);
    }
}

/* Over its whole range, alone and in a loop that is vectorized. */
static void exp_is_exact(void **state)
{
    enum { COUNT = 1 << 18 };
    float *x = cv_alloc(COUNT, sizeof *x, NULL), *y = cv_alloc(COUNT, sizeof *y, NULL);
    double worst = 0;

    (void)state;
    assert_true(x && y);
    for (int i = 0; i < COUNT; i++)
        x[i] = 87.3f * seeded_unit(1, "exp", (uint64_t)i) / (float)(1 << i % 12);
    for (int i = 0; i < COUNT; i++)
        y[i] = cv_fast_exp(x[i]);
    for (int i = 0; i < COUNT; i++) {
        volatile float alone = x[i];
        double exact = exp((double)x[i]), unit = (double)(nextafterf((float)exact, INFINITY) - (float)exact);
        double error = fabs((double)y[i] - exact) / unit;

        assert_true(cv_fast_exp(alone) == y[i]);
        worst = error > worst ? error : worst;
    }
    CHECK_CLOSE(worst, 0, 2);
    assert_true(cv_fast_exp(0) == 1);
    assert_true(cv_fast_exp(-88) == 0 && cv_fast_exp(-INFINITY) == 0);
    CHECK_CLOSE(cv_fast_exp(INFINITY) / 2.2e38f, 1, 0.1);
    assert_true(isnan(cv_fast_exp(NAN)));
    cv_free(x);
    cv_free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_slopes),        cmocka_unit_test(a_bias_may_be_absent),
        cmocka_unit_test(threads_do_not_matter),       cmocka_unit_test(gelu_gradients_are_slopes),
        cmocka_unit_test(gelu_is_exact_in_every_form), cmocka_unit_test(exp_is_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
