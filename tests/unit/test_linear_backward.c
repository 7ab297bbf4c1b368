/* The gradients of linear layers: against slopes, in strides, frozen, from half weights, on any number of threads. */
#include "support/gradient.h"

#include "nn/blas.h"
#include "nn/linear.h"

enum { N = 131, K = 7, ROWS = 5, X = K + 2, Y = N + 1 };

typedef struct fixture {
    cv_exec exec;
    cv_linear linear;
    float weight[N * K], bias[N], x[ROWS * X], out[ROWS * Y], dout[ROWS * Y];
    cv_arena arena; /* f32 weights take nothing of it */
} fixture;

static void setup(fixture *f)
{
    f->arena = (cv_arena){ 0 };
    cv_blas_init();
    f->exec.threads = 2;
    check_kernels(&f->exec.kernels);
    f->linear = (cv_linear){ .weight = { .data = f->weight, .type = CV_WEIGHT_F32, .N = N, .K = K }, .bias = f->bias };
    gradient_fill(f->weight, N * K, 1, 1);
    gradient_fill(f->bias, N, 2, 1);
    gradient_fill(f->x, ROWS * X, 3, 1);
    gradient_fill(f->dout, ROWS * Y, 4, 1);
    memset(f->out, 0, sizeof f->out);
}

static double loss(void *user)
{
    fixture *f = user;
    double sum = 0;

    cv_linear_rows(&f->exec, &f->linear, f->out, Y, f->x, X, ROWS, &f->arena);
    for (int r = 0; r < ROWS; r++)
        sum += gradient_loss(f->out + r * Y, f->dout + r * Y, N);
    return sum;
}

static void gradients_are_slopes(void **state)
{
    fixture f;
    float dweight[N * K], dbias[N], dx[ROWS * X], once[N * K];
    cv_linear grad;

    (void)state;
    setup(&f);
    grad = f.linear;
    grad.weight.data = dweight;
    grad.bias = dbias;
    memset(dweight, 0, sizeof dweight);
    memset(dbias, 0, sizeof dbias);
    for (int i = 0; i < ROWS * X; i++)
        dx[i] = 100;
    cv_linear_backward(&f.exec, &f.linear, &grad, dx, X, false, f.dout, Y, f.x, X, ROWS, &f.arena);
    for (int r = 0; r < ROWS; r++)
        gradient_check(f.x + r * X, dx + r * X, K, loss, &f);
    assert_true(dx[K] == 100 && dx[K + 1] == 100);
    gradient_check(f.weight, dweight, N * K, loss, &f);
    gradient_check(f.bias, dbias, N, loss, &f);
    /* A second time, all but dx is added to; then dx alone. */
    memcpy(once, dweight, sizeof once);
    cv_linear_backward(&f.exec, &f.linear, &grad, NULL, 0, false, f.dout, Y, f.x, X, ROWS, &f.arena);
    for (int i = 0; i < N * K; i++)
        CHECK_CLOSE(dweight[i], 2 * once[i], 1e-4);
    memcpy(once, dx, sizeof dx);
    cv_linear_backward(&f.exec, &f.linear, NULL, dx, X, true, f.dout, Y, NULL, 0, ROWS, &f.arena);
    for (int r = 0; r < ROWS; r++)
        for (int k = 0; k < K; k++)
            CHECK_CLOSE(dx[r * X + k], 2 * once[r * X + k], 1e-4);
}

static void half_weights_give_the_same_dx(void **state)
{
    fixture f;
    float dx[2][ROWS * K];
    uint16_t half[N * K];
    cv_linear frozen;

    (void)state;
    setup(&f);
    frozen = f.linear;
    for (cv_dtype dtype = CV_F16; dtype <= CV_BF16; dtype++) {
        cv_from_f32(half, dtype, f.weight, N * K);
        cv_to_f32(f.weight, half, dtype, N * K);
        frozen.weight.data = half;
        frozen.weight.type = (cv_weight_type)dtype;
        assert_int_equal(cv_arena_create(&f.arena, cv_linear_backward_scratch(&f.exec, K), NULL), COGVIDEO_OK);
        for (int add = 0; add < 2; add++) {
            for (int i = 0; i < ROWS * K; i++)
                dx[0][i] = dx[1][i] = 1;
            cv_linear_backward(&f.exec, &f.linear, NULL, dx[0], K, add, f.dout, Y, NULL, 0, ROWS, &f.arena);
            cv_linear_backward(&f.exec, &frozen, NULL, dx[1], K, add, f.dout, Y, NULL, 0, ROWS, &f.arena);
            for (int i = 0; i < ROWS * K; i++)
                CHECK_CLOSE(dx[1][i], dx[0][i], 1e-4);
        }
        cv_arena_free(&f.arena);
    }
}

/* 600 rows make several blocks of every kind. */
static void threads_do_not_matter(void **state)
{
    enum { MANY = 600 };
    fixture f;
    float *x = cv_alloc(MANY * K, sizeof *x, NULL), *dy = cv_alloc(MANY * N, sizeof *dy, NULL);
    float *dx = cv_alloc(2 * MANY * K, sizeof *dx, NULL), dweight[2][N * K] = { 0 }, dbias[2][N] = { 0 };

    (void)state;
    setup(&f);
    assert_true(x && dy && dx);
    gradient_fill(x, MANY * K, 5, 1);
    gradient_fill(dy, MANY * N, 6, 1);
    for (int t = 0; t < 2; t++) {
        cv_linear grad = { .weight = { .data = dweight[t], .type = CV_WEIGHT_F32, .N = N, .K = K }, .bias = dbias[t] };

        f.exec.threads = t ? 3 : 1;
        cv_linear_backward(&f.exec, &f.linear, &grad, dx + t * MANY * K, K, false, dy, N, x, K, MANY, &f.arena);
    }
    assert_memory_equal(dx, dx + MANY * K, MANY * K * sizeof *dx);
    assert_memory_equal(dweight[0], dweight[1], sizeof dweight[0]);
    assert_memory_equal(dbias[0], dbias[1], sizeof dbias[0]);
    for (int n = 0; n < N; n++) {
        double sum = 0;

        for (int r = 0; r < MANY; r++)
            sum += (double)dy[r * N + n];
        CHECK_CLOSE(dbias[0][n], sum, 1e-4);
    }
    cv_free(x);
    cv_free(dy);
    cv_free(dx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(half_weights_give_the_same_dx),
        cmocka_unit_test(threads_do_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
