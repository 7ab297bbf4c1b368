/* Convolutions over volumes against naive loops, and their gradients against finite differences. */
#include "support/volumes.h"

#include "nn/blas.h"
#include "nn/conv3d.h"

#define SEED VOLUMES_SEED

static int start(void **state)
{
    (void)state;
    cv_blas_init();
    return 0;
}

/* --- convolutions --------------------------------------------------------------------------------------------- */

typedef struct conv_case {
    int in, out, size[3];
    cv_window window;
    bool flat, bias, relu;
} conv_case;

static size_t weight_count(const conv_case *c)
{
    return (size_t)(c->in * c->out * cv_volume_count(c->window.kernel));
}

typedef struct naive {
    const float *x, *weight;
    double sum;
} naive;

static void add_product(void *user, int index, int tap)
{
    naive *n = user;

    n->sum += (double)n->x[index] * (double)n->weight[tap];
}

/* The weights as they were written, in f32. */
static float *written(const cv_store *store, const char *name)
{
    const cv_tensor *tensor = check_tensor(store, name);
    float *values = room(tensor->count, sizeof *values);

    cv_to_f32(values, tensor->data, tensor->dtype, tensor->count);
    return values;
}

static void compare(const conv_case *c, const cv_store *store, const float *y, const float *x)
{
    cv_places places = cv_window_places(&c->window, c->size);
    int count = cv_volume_count(places.out), volume = cv_volume_count(c->size),
        taps = cv_volume_count(c->window.kernel);
    float *weight = written(store, "c.weight"), *bias = c->bias ? written(store, "c.bias") : NULL;

    for (int o = 0; o < c->out; o++)
        for (int i = 0; i < count; i++) {
            double sum = bias ? (double)bias[o] : 0;

            for (int k = 0; k < c->in; k++) {
                naive n = { x + k * volume, weight + (o * c->in + k) * taps, 0 };

                each_seen(&c->window, c->size, i, add_product, &n);
                sum += n.sum;
            }
            CHECK_CLOSE(y[o * count + i], c->relu && sum < 0 ? 0 : sum, 2e-5);
        }
    cv_free(weight);
    cv_free(bias);
}

static void write_weights(const conv_case *c, const char *path, cv_dtype dtype)
{
    seeded_list list = { 0 };
    const int *kernel = c->window.kernel;

    if (c->flat)
        seeded_add(&list, SEED, "c.weight", 4, c->out, c->in, kernel[1], kernel[2]);
    else
        seeded_add(&list, SEED, "c.weight", 5, c->out, c->in, kernel[0], kernel[1], kernel[2]);
    if (c->bias)
        seeded_add(&list, SEED, "c.bias", 1, c->out);
    seeded_write(&list, path, dtype);
    seeded_list_free(&list);
}

static void check_conv(conv_case c, cv_dtype dtype)
{
    const char *path = check_temp_path("conv.safetensors");
    cv_places places = cv_window_places(&c.window, c.size);
    size_t count = (size_t)(c.out * cv_volume_count(places.out));
    float *x = numbers("x", (size_t)(c.in * cv_volume_count(c.size))), *y[2];
    cv_store *store;
    cv_conv3d conv;
    cogvideo_error err;

    write_weights(&c, path, dtype);
    CHECK_OK(cv_store_open(&store, path, &err), err);
    CHECK_OK(cv_conv3d_bind(&conv, store, "c", c.in, c.out, &c.window, c.flat, c.bias, &err), err);
    CHECK_OK(cv_store_check_claimed(store, &err), err);
    for (int i = 0; i < 2; i++) {
        cv_exec exec = { .threads = i == 0 ? 1 : 3 };
        cv_arena arena = { 0 };

        cv_kernels_plain(&exec.kernels);
        y[i] = numbers("y", count);
        cv_conv3d_apply(&exec, &conv, NULL, NULL, c.size, c.relu, &arena);
        assert_int_equal(arena.used, 0);
        arena = cv_arena_over(aligned_alloc(64, arena.peak + 64), arena.peak);
        cv_conv3d_apply(&exec, &conv, y[i], x, c.size, c.relu, &arena);
        assert_int_equal(arena.used, 0);
        assert_true(arena.peak <= arena.capacity);
        free(arena.base);
    }
    assert_true(same(y[0], y[1], count));
    compare(&c, store, y[0], x);
    cv_store_close(&store);
    cv_free(x);
    cv_free(y[0]);
    cv_free(y[1]);
}

static void convolutions_match(void **state)
{
    const cv_window cube = window_of(CV_PAD_SAME, 3, 3, 3, 1, 1, 1);

    (void)state;
    for (cv_dtype dtype = CV_F32; dtype <= CV_BF16; dtype++) {
        check_conv((conv_case){ 5, 7, { 3, 9, 13 }, .window = cube, .bias = true }, dtype);
        check_conv((conv_case){ 3, 4, { 9, 21, 30 }, .window = window_of(CV_PAD_SAME, 7, 7, 7, 2, 2, 2), .relu = true },
                   dtype);
        check_conv((conv_case){ 6, 3, { 2, 7, 11 }, .window = window_of(CV_PAD_SAME, 1, 1, 1, 1, 1, 1), .relu = true },
                   dtype);
    }
    check_conv((conv_case){ 1, 1, { 1, 1, 1 }, .window = cube, .bias = true, .relu = true }, CV_F32);
    check_conv((conv_case){ 3, 2, { 1, 5, 1 }, .window = cube, .bias = true }, CV_F32);
    check_conv((conv_case){ 3, 2, { 2, 1, 5 }, .window = cube, .bias = true }, CV_F32);
    check_conv((conv_case){ 2, 3, { 5, 8, 6 }, .window = window_of(CV_PAD_SAME, 3, 3, 3, 2, 2, 2) }, CV_F32);
    check_conv((conv_case){ 2, 3, { 5, 8, 6 }, .window = window_of(CV_PAD_SAME, 1, 1, 1, 2, 2, 2) }, CV_F32);
    check_conv((conv_case){ 2, 3, { 6, 9, 10 }, .window = window_of(CV_PAD_SAME, 2, 3, 5, 1, 2, 3), .bias = true },
               CV_F32);
    check_conv((conv_case){ 2, 3, { 4, 7, 9 }, .window = window_of(CV_PAD_COVER, 2, 2, 2, 2, 2, 2) }, CV_F32);
    check_conv((conv_case){ 2, 3, { 4, 5, 1 }, .window = window_of(CV_PAD_COVER, 3, 3, 3, 2, 3, 1) }, CV_F32);
    check_conv((conv_case){ 2, 3, { 4, 5, 6 }, .window = padded(window_of(CV_PAD_EVEN, 3, 2, 3, 1, 1, 2), 2, 0, 1) },
               CV_F32);
    check_conv((conv_case){ 2, 3, { 4, 5, 6 }, .window = padded(window_of(CV_PAD_EVEN, 1, 1, 1, 1, 1, 1), 1, 1, 1) },
               CV_F32);
}

/* Pictures: Inception's kernels. */
static void flat_convolutions_match(void **state)
{
    (void)state;
    check_conv((conv_case){ 3, 5, { 1, 15, 17 }, .window = window_of(CV_PAD_EVEN, 1, 3, 3, 1, 2, 2), .flat = true },
               CV_F32);
    check_conv((conv_case){ 3, 5, { 1, 9, 8 }, .window = window_of(CV_PAD_EVEN, 1, 3, 3, 1, 1, 1), .flat = true },
               CV_F32);
    check_conv((conv_case){ 3,
                            5,
                            { 1, 9, 8 },
                            .window = padded(window_of(CV_PAD_EVEN, 1, 1, 7, 1, 1, 1), 0, 0, 3),
                            .flat = true,
                            .bias = true,
                            .relu = true },
               CV_F32);
    check_conv((conv_case){ 3,
                            5,
                            { 1, 9, 8 },
                            .window = padded(window_of(CV_PAD_EVEN, 1, 7, 1, 1, 1, 1), 0, 3, 0),
                            .flat = true },
               CV_F16);
    check_conv((conv_case){ 3,
                            5,
                            { 1, 7, 7 },
                            .window = padded(window_of(CV_PAD_EVEN, 1, 5, 5, 1, 1, 1), 0, 2, 2),
                            .flat = true },
               CV_F32);
    check_conv((conv_case){ 3, 5, { 1, 2, 9 }, .window = window_of(CV_PAD_EVEN, 1, 3, 3, 1, 1, 1), .flat = true },
               CV_F32);
}

/* Several blocks of places, chunks of input channels and groups of output channels, at sizes that fill none. */
static void large_convolutions_match(void **state)
{
    const cv_window cube = window_of(CV_PAD_SAME, 3, 3, 3, 1, 1, 1);

    (void)state;
    check_conv((conv_case){ 33, 5, { 3, 17, 19 }, .window = cube, .bias = true, .relu = true }, CV_F32);
    check_conv((conv_case){ 17, 150, { 2, 7, 7 }, .window = window_of(CV_PAD_SAME, 3, 3, 3, 2, 2, 2), .relu = true },
               CV_F32);
    check_conv((conv_case){ 40, 270, { 2, 5, 3 }, .window = window_of(CV_PAD_SAME, 1, 1, 1, 1, 1, 1), .bias = true },
               CV_BF16);
    check_conv((conv_case){ 3, 9, { 5, 40, 37 }, .window = window_of(CV_PAD_SAME, 7, 7, 7, 2, 2, 2) }, CV_F32);
}

/* Winograd's algorithm: odd sides, several blocks of tiles, of frames and of channels, with and without zeros. */
static void tiled_convolutions_match(void **state)
{
    const cv_window cube = window_of(CV_PAD_SAME, 3, 3, 3, 1, 1, 1), bare = window_of(CV_PAD_EVEN, 3, 3, 3, 1, 1, 1);
    const cv_window flat = window_of(CV_PAD_EVEN, 1, 3, 3, 1, 1, 1);

    (void)state;
    check_conv((conv_case){ 16, 17, { 4, 13, 15 }, .window = cube, .bias = true }, CV_F32);
    check_conv((conv_case){ 16, 16, { 1, 16, 17 }, .window = cube, .relu = true }, CV_F16);
    check_conv((conv_case){ 17, 16, { 11, 7, 6 }, .window = cube, .bias = true, .relu = true }, CV_F32);
    check_conv((conv_case){ 16, 16, { 300, 1, 1 }, .window = cube, .bias = true }, CV_F32);
    check_conv((conv_case){ 16, 16, { 2, 2, 150 }, .window = cube, .bias = true }, CV_F32);
    check_conv((conv_case){ 16, 16, { 2, 150, 1 }, .window = cube }, CV_F32);
    check_conv((conv_case){ 16, 150, { 2, 12, 13 }, .window = cube }, CV_F32);
    check_conv((conv_case){ 16, 16, { 3, 40, 41 }, .window = cube }, CV_F32);
    check_conv((conv_case){ 16, 16, { 6, 12, 13 }, .window = bare, .bias = true }, CV_F32);
    check_conv((conv_case){ 16, 16, { 6, 12, 13 }, .window = padded(bare, 1, 0, 1) }, CV_F32);
    check_conv((conv_case){ 16, 16, { 6, 12, 13 }, .window = padded(bare, 0, 1, 0) }, CV_F32);
    check_conv((conv_case){ 16, 16, { 6, 8, 9 }, .window = padded(bare, 2, 1, 1) }, CV_F32); /* not by tiles */
    check_conv((conv_case){ 16, 17, { 1, 19, 20 }, .window = flat, .flat = true, .bias = true }, CV_F32);
    check_conv((conv_case){ 16, 17, { 1, 20, 19 }, .window = padded(flat, 0, 1, 1), .flat = true }, CV_F32);
    check_conv((conv_case){ 16, 17, { 4, 9, 10 }, .window = padded(flat, 0, 1, 1), .relu = true }, CV_F32);
}

/* --- gradients of convolutions -------------------------------------------------------------------------------- */

/* A layer, its gradients, and the direction whose product with the result is the loss. */
typedef struct bench {
    const conv_case *c;
    cv_store *stores[2];
    cv_conv3d conv, grad;
    cv_exec exec;
    cv_arena arena;
    size_t in, out;
    float *x, *dx, *dy, *y;
} bench;

static void bench_open(bench *b, const conv_case *c, int threads)
{
    cv_places places = cv_window_places(&c->window, c->size);
    cv_store *plan = NULL;
    cogvideo_error err;

    *b = (bench){ .c = c, .exec = { .threads = threads } };
    cv_kernels_plain(&b->exec.kernels);
    CHECK_OK(cv_store_plan(&plan, "plan", &err), err);
    CHECK_OK(cv_conv3d_bind(&b->conv, plan, "l", c->in, c->out, &c->window, c->flat, c->bias, &err), err);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(cv_store_create_like(&b->stores[i], "memory", plan, &err), err);
        CHECK_OK(cv_conv3d_bind(i == 0 ? &b->conv : &b->grad, b->stores[i], "l", c->in, c->out, &c->window, c->flat,
                                c->bias, &err),
                 err);
    }
    cv_store_close(&plan);
    gradient_fill((float *)b->conv.weight, weight_count(c), SEED, 0.5f);
    if (c->bias)
        gradient_fill((float *)b->conv.bias, (size_t)c->out, SEED + 1, 0.5f);
    b->in = (size_t)(c->in * cv_volume_count(c->size));
    b->out = (size_t)(c->out * cv_volume_count(places.out));
    b->x = numbers("x", b->in);
    b->dx = room(b->in, sizeof *b->dx);
    b->dy = numbers("direction", b->out);
    b->y = room(b->out, sizeof *b->y);
    cv_conv3d_apply(&b->exec, &b->conv, NULL, NULL, c->size, false, &b->arena);
    cv_conv3d_backward(&b->exec, &b->conv, &b->grad, NULL, NULL, NULL, c->size, &b->arena);
    assert_int_equal(b->arena.used, 0);
    b->arena = cv_arena_over(aligned_alloc(64, b->arena.peak + 64), b->arena.peak);
}

static void bench_close(bench *b)
{
    assert_true(b->arena.peak <= b->arena.capacity);
    assert_int_equal(b->arena.used, 0);
    free(b->arena.base);
    cv_store_close(&b->stores[0]);
    cv_store_close(&b->stores[1]);
    cv_free(b->x);
    cv_free(b->dx);
    cv_free(b->dy);
    cv_free(b->y);
}

static double conv_loss(void *user)
{
    bench *b = user;

    cv_conv3d_apply(&b->exec, &b->conv, b->y, b->x, b->c->size, false, &b->arena);
    return gradient_loss(b->y, b->dy, b->out);
}

static void backward(bench *b, bool frozen)
{
    cv_conv3d_backward(&b->exec, &b->conv, frozen ? NULL : &b->grad, b->dx, b->dy, b->x, b->c->size, &b->arena);
}

static void check_gradients(conv_case c)
{
    bench two, one, frozen;

    bench_open(&two, &c, 2);
    backward(&two, false);
    gradient_check(two.x, two.dx, two.in, conv_loss, &two);
    gradient_check((float *)two.conv.weight, two.grad.weight, weight_count(&c), conv_loss, &two);
    if (c.bias)
        gradient_check((float *)two.conv.bias, two.grad.bias, (size_t)c.out, conv_loss, &two);
    bench_open(&one, &c, 1);
    backward(&one, false);
    assert_true(same(one.dx, two.dx, two.in));
    assert_true(same(one.grad.weight, two.grad.weight, weight_count(&c)));
    bench_open(&frozen, &c, 3);
    backward(&frozen, true);
    assert_true(same(frozen.dx, two.dx, two.in));
    /* A second run adds what the first gave. */
    backward(&one, false);
    for (size_t i = 0; i < one.in; i++)
        CHECK_CLOSE(one.dx[i], 2 * (double)two.dx[i], 1e-4 * (1 + fabs((double)two.dx[i])));
    for (size_t i = 0; i < weight_count(&c); i++) {
        double once = (double)((const float *)two.grad.weight)[i];

        CHECK_CLOSE(((const float *)one.grad.weight)[i], 2 * once, 1e-4 * (1 + fabs(once)));
    }
    bench_close(&one);
    bench_close(&two);
    bench_close(&frozen);
}

static void gradients_match(void **state)
{
    const cv_window cube = window_of(CV_PAD_SAME, 3, 3, 3, 1, 1, 1);

    (void)state;
    check_gradients((conv_case){ 2, 3, { 3, 4, 5 }, .window = cube, .bias = true });
    check_gradients((conv_case){ 2, 3, { 5, 7, 6 }, .window = window_of(CV_PAD_SAME, 5, 7, 7, 2, 2, 2) });
    check_gradients((conv_case){ 3, 4, { 3, 6, 5 }, .window = window_of(CV_PAD_SAME, 3, 3, 3, 2, 2, 2) });
    check_gradients((conv_case){ 4, 5, { 3, 5, 3 }, .window = window_of(CV_PAD_SAME, 1, 1, 1, 1, 1, 1), .bias = true });
    check_gradients((conv_case){ 2, 2, { 3, 5, 6 }, .window = window_of(CV_PAD_COVER, 2, 2, 3, 1, 2, 3) });
    check_gradients((conv_case){ 2,
                                 2,
                                 { 1, 5, 6 },
                                 .window = padded(window_of(CV_PAD_EVEN, 1, 1, 3, 1, 1, 1), 0, 0, 1),
                                 .flat = true });
    check_gradients((conv_case){ 5, 2, { 3, 10, 11 }, .window = cube }); /* more places than a block */
}

/* More input channels than a group: too many for differences, so <conv(x), dy> = <x, dx>. */
static void gradients_of_groups_match(void **state)
{
    conv_case c = { 41, 6, { 3, 10, 11 }, .window = window_of(CV_PAD_SAME, 3, 3, 3, 1, 1, 1) };
    bench b, one;
    double by_weight = 0;

    (void)state;
    bench_open(&b, &c, 2);
    backward(&b, false);
    CHECK_CLOSE(gradient_loss(b.x, b.dx, b.in), conv_loss(&b), 1e-2);
    for (size_t i = 0; i < weight_count(&c); i++)
        by_weight += (double)((const float *)b.grad.weight)[i] * (double)((const float *)b.conv.weight)[i];
    CHECK_CLOSE(by_weight, conv_loss(&b), 1e-2);
    bench_open(&one, &c, 1);
    backward(&one, false);
    assert_true(same(one.dx, b.dx, b.in));
    assert_true(same(one.grad.weight, b.grad.weight, weight_count(&c)));
    bench_close(&b);
    bench_close(&one);
}

static void run_batch(bench *b, float *y, float *dx, const float *dy, const float *x, int volumes, bool frozen)
{
    const int *size = b->c->size;
    cv_arena arena = { 0 };
    cogvideo_error err;

    cv_conv3d_apply_batch(&b->exec, &b->conv, NULL, NULL, volumes, size, true, &arena);
    cv_conv3d_backward_batch(&b->exec, &b->conv, &b->grad, NULL, NULL, NULL, volumes, size, &arena);
    CHECK_OK(cv_arena_create(&arena, arena.peak, &err), err);
    memset(dx, 0, (size_t)volumes * b->in * sizeof *dx);
    cv_conv3d_apply_batch(&b->exec, &b->conv, y, x, volumes, size, true, &arena);
    cv_conv3d_backward_batch(&b->exec, &b->conv, frozen ? NULL : &b->grad, dx, dy, x, volumes, size, &arena);
    assert_int_equal(arena.used, 0);
    cv_arena_free(&arena);
}

/* A batch gives what its volumes give one after the other, and on any number of threads the same. */
static void check_batch(int volumes, int threads, bool frozen)
{
    const conv_case c = { 3, 4, { 2, 5, 4 }, .window = window_of(CV_PAD_SAME, 3, 3, 3, 1, 1, 1), .bias = true };
    bench one, all, alone;
    float *x, *dy, *dx, *y;

    bench_open(&one, &c, 1);
    bench_open(&all, &c, threads);
    bench_open(&alone, &c, 1);
    x = numbers("x", (size_t)volumes * all.in);
    dx = room((size_t)volumes * all.in, sizeof *dx);
    dy = numbers("direction", (size_t)volumes * all.out);
    y = room((size_t)volumes * all.out, sizeof *y);
    run_batch(&alone, y, dx, dy, x, volumes, frozen);
    run_batch(&all, y, dx, dy, x, volumes, frozen);
    assert_true(same(alone.grad.weight, all.grad.weight, weight_count(&c)));
    assert_true(same(alone.grad.bias, all.grad.bias, (size_t)c.out));
    for (int v = 0; v < volumes; v++) {
        size_t in = (size_t)v * all.in, out = (size_t)v * all.out;

        cv_conv3d_apply(&one.exec, &one.conv, one.y, x + in, c.size, true, &one.arena);
        assert_true(same(one.y, y + out, all.out));
        memset(one.dx, 0, all.in * sizeof *one.dx);
        cv_conv3d_backward(&one.exec, &one.conv, &one.grad, one.dx, dy + out, x + in, c.size, &one.arena);
        assert_true(same(one.dx, dx + in, all.in));
    }
    for (size_t i = 0; i < weight_count(&c); i++)
        CHECK_CLOSE(((const float *)all.grad.weight)[i], frozen ? 0 : (double)((const float *)one.grad.weight)[i],
                    1e-4);
    for (int i = 0; i < c.out; i++)
        CHECK_CLOSE(all.grad.bias[i], frozen ? 0 : (double)one.grad.bias[i], 1e-4);
    bench_close(&one);
    bench_close(&all);
    bench_close(&alone);
    cv_free(x);
    cv_free(dx);
    cv_free(dy);
    cv_free(y);
}

static void batches_match(void **state)
{
    (void)state;
    check_batch(1, 2, false);
    check_batch(5, 2, false);
    check_batch(5, 3, true);
    check_batch(37, 3, false); /* more than parts */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_match),
        cmocka_unit_test(flat_convolutions_match),
        cmocka_unit_test(large_convolutions_match),
        cmocka_unit_test(tiled_convolutions_match),
        cmocka_unit_test(gradients_match),
        cmocka_unit_test(gradients_of_groups_match),
        cmocka_unit_test(batches_match),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
