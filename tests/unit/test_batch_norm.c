/* Batch norm: its statistics, its gradients against finite differences, and folding it into a convolution. */
#include "support/volumes.h"

#include "nn/batch_norm.h"
#include "nn/blas.h"

#define SEED VOLUMES_SEED

static int start(void **state)
{
    (void)state;
    cv_blas_init();
    return 0;
}

enum { B = 3, C = 4, PLACES = 21, N = B * C * PLACES };

typedef struct norm_bench {
    cv_batch_norm norm;
    cv_exec exec;
    float weight[C], bias[C], running[2][C], saved[2][C];
    float x[N], dy[N], out[N];
    bool relu;
} norm_bench;

static void norm_open(norm_bench *b, int threads, bool relu)
{
    *b = (norm_bench){ .exec = { .threads = threads }, .relu = relu };
    b->norm = (cv_batch_norm){ b->weight, b->bias, b->running[0], b->running[1], C, 1e-3f };
    gradient_fill(b->x, N, SEED, 2);
    gradient_fill(b->dy, N, SEED + 1, 1);
    gradient_fill(b->bias, C, SEED + 2, 0.3f);
    for (int c = 0; c < C; c++) {
        b->weight[c] = 0.5f + 0.3f * (float)c;
        b->running[0][c] = (float)c;
        b->running[1][c] = 1 + (float)c;
    }
}

static double norm_loss(void *user)
{
    norm_bench *b = user;

    cv_batch_norm_train(&b->exec, &b->norm, b->out, b->x, B, PLACES, b->relu, 0, b->saved[0], b->saved[1]);
    return gradient_loss(b->out, b->dy, N);
}

static void check_norm_gradients(bool relu)
{
    static norm_bench b[2];
    float dx[2][N], dw[2][C] = { { 0 } }, db[2][C] = { { 0 } };

    for (int i = 0; i < 2; i++) {
        cv_batch_norm grad = { .weight = dw[i], .bias = db[i], .C = C };

        norm_open(&b[i], i + 1, relu);
        norm_loss(&b[i]);
        memcpy(dx[i], b[i].dy, sizeof dx[i]);
        cv_batch_norm_backward(&b[i].exec, &b[i].norm, &grad, dx[i], dx[i], b[i].x, b[i].out, B, PLACES, relu,
                               b[i].saved[0], b[i].saved[1]);
    }
    assert_true(same(b[0].out, b[1].out, N) && same(dx[0], dx[1], N));
    assert_true(same(dw[0], dw[1], C) && same(db[0], db[1], C));
    gradient_check(b[0].bias, db[0], C, norm_loss, &b[0]);
    gradient_check(b[0].weight, dw[0], C, norm_loss, &b[0]);
    gradient_check(b[0].x, dx[0], N, norm_loss, &b[0]);
    /* Without weights they are ones, and nothing is moved where all is frozen. */
    b[0].norm.weight = NULL;
    norm_loss(&b[0]);
    cv_batch_norm_backward(&b[0].exec, &b[0].norm, NULL, dx[1], b[0].dy, b[0].x, b[0].out, B, PLACES, relu,
                           b[0].saved[0], b[0].saved[1]);
    gradient_check(b[0].x, dx[1], N, norm_loss, &b[0]);
}

static void norms_have_their_gradients(void **state)
{
    (void)state;
    check_norm_gradients(false);
}

/* Seeded so that no number crosses zero when it is moved. */
static void norms_with_relu_have_their_gradients(void **state)
{
    static norm_bench b;
    float dx[N], masked[N], expected[N], dw[2][C] = { { 0 } }, db[2][C] = { { 0 } };
    cv_batch_norm grad[2] = { { .weight = dw[0], .bias = db[0], .C = C }, { .weight = dw[1], .bias = db[1], .C = C } };

    (void)state;
    norm_open(&b, 2, true);
    norm_loss(&b);
    for (int i = 0; i < N; i++) {
        assert_true(b.out[i] >= 0);
        masked[i] = b.out[i] > 0 ? b.dy[i] : 0;
    }
    cv_batch_norm_backward(&b.exec, &b.norm, &grad[0], dx, b.dy, b.x, b.out, B, PLACES, true, b.saved[0], b.saved[1]);
    cv_batch_norm_backward(&b.exec, &b.norm, &grad[1], expected, masked, b.x, NULL, B, PLACES, false, b.saved[0],
                           b.saved[1]);
    assert_true(same(dx, expected, N) && same(dw[0], dw[1], C) && same(db[0], db[1], C));
}

static void norms_know_the_batch(void **state)
{
    static norm_bench b;

    (void)state;
    norm_open(&b, 2, false);
    for (int i = 0; i < N; i++)
        b.x[i] += 1000; /* far from zero */
    cv_batch_norm_train(&b.exec, &b.norm, b.out, b.x, B, PLACES, false, 0.05f, b.saved[0], b.saved[1]);
    for (int c = 0; c < C; c++) {
        double mean = 0, variance = 0, n = B * PLACES;

        for (int i = 0; i < B * PLACES; i++)
            mean += (double)b.x[(i / PLACES * C + c) * PLACES + i % PLACES] / n;
        for (int i = 0; i < B * PLACES; i++)
            variance += pow((double)b.x[(i / PLACES * C + c) * PLACES + i % PLACES] - mean, 2) / n;
        CHECK_CLOSE(b.saved[0][c], mean, 1e-3);
        CHECK_CLOSE(b.saved[1][c], 1 / sqrt(variance + 1e-3), 1e-5);
        CHECK_CLOSE(b.running[0][c], 0.95 * c + 0.05 * mean, 1e-3);
        CHECK_CLOSE(b.running[1][c], 0.95 * (1 + c) + 0.05 * variance * n / (n - 1), 1e-5);
        for (int i = 0; i < B * PLACES; i++) {
            int at = (i / PLACES * C + c) * PLACES + i % PLACES;
            double h = ((double)b.x[at] - mean) / sqrt(variance + 1e-3);

            CHECK_CLOSE(b.out[at], h * (double)b.weight[c] + (double)b.bias[c], 2e-3);
        }
    }
}

/* A norm that is folded into a convolution gives what the two give one after the other. */
static void folding_matches(void **state)
{
    const cv_window window = window_of(CV_PAD_SAME, 3, 3, 3, 1, 1, 1);
    const int size[3] = { 2, 5, 6 };
    const char *path = check_temp_path("fold.safetensors");
    const int count = cv_volume_count(size);
    float *x = numbers("x", (size_t)(3 * count)), *y[2] = { numbers("y", 240), numbers("y", 240) };
    float weight[4 * 3 * 27], bias[4];
    cv_exec exec = { .threads = 2 };
    seeded_list list = { 0 };
    cv_arena arena = { 0 };
    cv_store *store;
    cv_conv3d conv;
    cv_batch_norm norm;
    cogvideo_error err;

    (void)state;
    cv_kernels_plain(&exec.kernels);
    seeded_add(&list, SEED, "c.weight", 5, 4, 3, 3, 3, 3);
    seeded_add(&list, SEED, "c.bias", 1, 4);
    seeded_add(&list, SEED, "n.weight", 1, 4);
    seeded_add(&list, SEED, "n.bias", 1, 4);
    seeded_add(&list, SEED, "n.running_mean", 1, 4);
    seeded_add(&list, SEED, "n.running_var", 1, 4);
    seeded_write(&list, path, CV_F16);
    seeded_list_free(&list);
    CHECK_OK(cv_store_open(&store, path, &err), err);
    CHECK_OK(cv_conv3d_bind(&conv, store, "c", 3, 4, &window, false, true, &err), err);
    CHECK_OK(cv_batch_norm_bind(&norm, store, "n", 4, 1, true, &err), err);
    CHECK_OK(cv_store_check_claimed(store, &err), err);
    cv_conv3d_apply(&exec, &conv, NULL, NULL, size, false, &arena);
    CHECK_OK(cv_arena_create(&arena, arena.peak, &err), err);
    cv_conv3d_apply(&exec, &conv, y[0], x, size, false, &arena);
    for (int i = 0; i < 4 * count; i++) {
        int o = i / count;
        double h = ((double)y[0][i] - (double)norm.mean[o]) / sqrt((double)norm.variance[o] + 1);

        y[0][i] = (float)(h * (double)norm.weight[o] + (double)norm.bias[o]);
    }
    cv_batch_norm_fold(&norm, &conv, weight, bias);
    cv_arena_free(&arena);
    arena = (cv_arena){ 0 };
    cv_conv3d_apply(&exec, &conv, NULL, NULL, size, false, &arena);
    CHECK_OK(cv_arena_create(&arena, arena.peak, &err), err);
    cv_conv3d_apply(&exec, &conv, y[1], x, size, false, &arena);
    for (int i = 0; i < 4 * count; i++)
        CHECK_CLOSE(y[1][i], y[0][i], 1e-5);
    cv_arena_free(&arena);
    cv_store_close(&store);
    cv_free(x);
    cv_free(y[0]);
    cv_free(y[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_have_their_gradients),
        cmocka_unit_test(norms_with_relu_have_their_gradients),
        cmocka_unit_test(norms_know_the_batch),
        cmocka_unit_test(folding_matches),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
