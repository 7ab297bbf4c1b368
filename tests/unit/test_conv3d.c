/* The layers over volumes against naive loops, and their gradients against finite differences. */
#include "support/gradient.h"

#include "nn/batch_norm.h"
#include "nn/blas.h"
#include "nn/conv3d.h"
#include "nn/pool3d.h"

#define SEED 19

static int start(void **state)
{
    (void)state;
    cv_blas_init();
    return 0;
}

static void *room(size_t count, size_t size)
{
    cogvideo_error err;
    void *block = cv_alloc(count, size, &err);

    if (!block)
        fail_msg("%s", err.message);
    return block;
}

static float *numbers(const char *name, size_t count)
{
    float *values = room(count, sizeof *values);

    for (size_t i = 0; i < count; i++)
        values[i] = seeded_unit(SEED, name, i);
    return values;
}

static bool same(const void *a, const void *b, size_t count)
{
    return memcmp(a, b, count * sizeof(float)) == 0;
}

static cv_window window_of(cv_padding padding, int kt, int ky, int kx, int st, int sy, int sx)
{
    return (cv_window){ .kernel = { kt, ky, kx }, .stride = { st, sy, sx }, .padding = padding };
}

static cv_window padded(cv_window window, int t, int y, int x)
{
    window.pad[0] = t;
    window.pad[1] = y;
    window.pad[2] = x;
    return window;
}

/* --- windows -------------------------------------------------------------------------------------------------- */

static void check_places(cv_window window, int size, int out, int front)
{
    const int in[3] = { size, size, size };
    cv_places places = cv_window_places(&window, in);

    for (int axis = 0; axis < 3; axis++) {
        assert_int_equal(places.in[axis], size);
        assert_int_equal(places.out[axis], out);
        if (out > 0)
            assert_int_equal(places.front[axis], front);
    }
}

static void windows_stand_where_they_should(void **state)
{
    (void)state;
    /* I3D's first kernel and its pools; the zeros of an odd number are behind. */
    check_places(window_of(CV_PAD_SAME, 7, 7, 7, 2, 2, 2), 224, 112, 2);
    check_places(window_of(CV_PAD_SAME, 7, 7, 7, 2, 2, 2), 225, 113, 3);
    check_places(window_of(CV_PAD_SAME, 3, 3, 3, 2, 2, 2), 5, 3, 1);
    check_places(window_of(CV_PAD_SAME, 3, 3, 3, 2, 2, 2), 6, 3, 0);
    check_places(window_of(CV_PAD_SAME, 3, 3, 3, 1, 1, 1), 1, 1, 1);
    check_places(window_of(CV_PAD_SAME, 1, 1, 1, 2, 2, 2), 5, 3, 0);
    check_places(window_of(CV_PAD_SAME, 2, 2, 2, 2, 2, 2), 1, 1, 0);
    /* C3D's pools round up. */
    check_places(window_of(CV_PAD_COVER, 2, 2, 2, 2, 2, 2), 7, 4, 0);
    check_places(window_of(CV_PAD_COVER, 2, 2, 2, 2, 2, 2), 14, 7, 0);
    check_places(window_of(CV_PAD_COVER, 3, 3, 3, 2, 2, 2), 5, 2, 0);
    check_places(window_of(CV_PAD_COVER, 3, 3, 3, 1, 1, 1), 2, 1, 0);
    /* Inception's. */
    check_places(window_of(CV_PAD_EVEN, 3, 3, 3, 2, 2, 2), 299, 149, 0);
    check_places(window_of(CV_PAD_EVEN, 3, 3, 3, 2, 2, 2), 2, 0, 0);
    check_places(padded(window_of(CV_PAD_EVEN, 3, 3, 3, 1, 1, 1), 1, 1, 1), 8, 8, 1);
    check_places(padded(window_of(CV_PAD_EVEN, 3, 3, 3, 1, 1, 1), 1, 1, 1), 1, 1, 1);
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

/* Calls `visit` for each number that a place sees: the number's index in its channel and the tap's in the kernel. */
static void each_seen(const conv_case *c, const cv_places *places, int place, void (*visit)(void *, int, int),
                      void *user)
{
    const int *kernel = c->window.kernel, *stride = c->window.stride, *out = places->out, *in = c->size;

    for (int tap = 0; tap < cv_volume_count(kernel); tap++) {
        int t = place / out[2] / out[1] * stride[0] - places->front[0] + tap / kernel[2] / kernel[1];
        int y = place / out[2] % out[1] * stride[1] - places->front[1] + tap / kernel[2] % kernel[1];
        int x = place % out[2] * stride[2] - places->front[2] + tap % kernel[2];

        if (t >= 0 && t < in[0] && y >= 0 && y < in[1] && x >= 0 && x < in[2])
            visit(user, (t * in[1] + y) * in[2] + x, tap);
    }
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

                each_seen(c, &places, i, add_product, &n);
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

/* --- batch norm ----------------------------------------------------------------------------------------------- */

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
    const conv_case c = { 3, 4, { 2, 5, 6 }, .window = window_of(CV_PAD_SAME, 3, 3, 3, 1, 1, 1), .bias = true };
    const char *path = check_temp_path("fold.safetensors");
    const int count = cv_volume_count(c.size);
    float *x = numbers("x", (size_t)(c.in * count)), *y[2] = { numbers("y", 240), numbers("y", 240) };
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
    CHECK_OK(cv_conv3d_bind(&conv, store, "c", 3, 4, &c.window, false, true, &err), err);
    CHECK_OK(cv_batch_norm_bind(&norm, store, "n", 4, 1, true, &err), err);
    CHECK_OK(cv_store_check_claimed(store, &err), err);
    cv_conv3d_apply(&exec, &conv, NULL, NULL, c.size, false, &arena);
    CHECK_OK(cv_arena_create(&arena, arena.peak, &err), err);
    cv_conv3d_apply(&exec, &conv, y[0], x, c.size, false, &arena);
    for (int i = 0; i < 4 * count; i++) {
        int o = i / count;
        double h = ((double)y[0][i] - (double)norm.mean[o]) / sqrt((double)norm.variance[o] + 1);

        y[0][i] = (float)(h * (double)norm.weight[o] + (double)norm.bias[o]);
    }
    cv_batch_norm_fold(&norm, &conv, weight, bias);
    cv_arena_free(&arena);
    arena = (cv_arena){ 0 };
    cv_conv3d_apply(&exec, &conv, NULL, NULL, c.size, false, &arena);
    CHECK_OK(cv_arena_create(&arena, arena.peak, &err), err);
    cv_conv3d_apply(&exec, &conv, y[1], x, c.size, false, &arena);
    for (int i = 0; i < 4 * count; i++)
        CHECK_CLOSE(y[1][i], y[0][i], 1e-5);
    cv_arena_free(&arena);
    cv_store_close(&store);
    cv_free(x);
    cv_free(y[0]);
    cv_free(y[1]);
}

/* --- pools ---------------------------------------------------------------------------------------------------- */

typedef struct seen_numbers {
    const float *x;
    double sum;
    float largest;
    int count, index;
} seen_numbers;

static void see(void *user, int index, int tap)
{
    seen_numbers *s = user;

    (void)tap;
    if (s->count == 0 || s->x[index] > s->largest) {
        s->largest = s->x[index];
        s->index = index;
    }
    s->sum += (double)s->x[index];
    s->count++;
}

static void check_pool(cv_window window, int t, int y, int x)
{
    enum { CHANNELS = 5 };
    conv_case c = { CHANNELS, CHANNELS, { t, y, x }, .window = window };
    cv_places places = cv_window_places(&window, c.size);
    int volume = cv_volume_count(c.size), count = cv_volume_count(places.out);
    float *in = numbers("x", (size_t)(CHANNELS * volume)), *out = numbers("y", (size_t)(CHANNELS * count));
    float *again = numbers("z", (size_t)(CHANNELS * count)), *dx = room((size_t)(CHANNELS * volume), sizeof *dx);
    int32_t *largest = room((size_t)(CHANNELS * count), sizeof *largest);
    cv_exec exec = { .threads = 2 };

    for (int i = 0; i < CHANNELS * volume; i++)
        in[i] = roundf(4 * in[i]) - 1; /* with ties */
    for (int zeros = 0; zeros < 2; zeros++) {
        cv_max_pool3d(&exec, &window, out, in, CHANNELS, c.size, zeros, NULL);
        cv_max_pool3d(&exec, &window, again, in, CHANNELS, c.size, zeros, largest);
        assert_true(same(out, again, (size_t)(CHANNELS * count)));
        for (int i = 0; i < CHANNELS * count; i++) {
            seen_numbers s = { .x = in + i / count * volume };

            each_seen(&c, &places, i % count, see, &s);
            if (zeros && s.count < cv_volume_count(window.kernel) && s.largest < 0) {
                assert_int_equal(largest[i], -1);
                s.largest = 0;
            } else if (!zeros) {
                assert_int_equal(largest[i], s.index);
            }
            assert_true(out[i] == s.largest);
            assert_true(largest[i] < 0 ? out[i] == 0 : s.x[largest[i]] == out[i]);
        }
    }
    memset(dx, 0, (size_t)(CHANNELS * volume) * sizeof *dx);
    cv_max_pool3d_backward(&exec, dx, out, largest, CHANNELS, places.in, places.out);
    for (int i = 0; i < CHANNELS * count; i++)
        if (largest[i] >= 0)
            dx[i / count * volume + largest[i]] -= out[i];
    for (int i = 0; i < CHANNELS * volume; i++)
        assert_true(dx[i] == 0);
    cv_mean_pool3d(&exec, &window, out, in, CHANNELS, c.size);
    for (int i = 0; i < CHANNELS * count; i++) {
        seen_numbers s = { .x = in + i / count * volume };

        each_seen(&c, &places, i % count, see, &s);
        CHECK_CLOSE(out[i], s.sum / s.count, 1e-5);
    }
    cv_free(in);
    cv_free(out);
    cv_free(again);
    cv_free(dx);
    cv_free(largest);
}

static void pools_match(void **state)
{
    (void)state;
    check_pool(window_of(CV_PAD_SAME, 3, 3, 3, 2, 2, 2), 5, 7, 6);
    check_pool(window_of(CV_PAD_SAME, 1, 3, 3, 1, 2, 2), 3, 8, 9);
    check_pool(window_of(CV_PAD_SAME, 3, 3, 3, 1, 1, 1), 2, 4, 5);
    check_pool(window_of(CV_PAD_COVER, 2, 2, 2, 2, 2, 2), 2, 7, 5);
    check_pool(window_of(CV_PAD_EVEN, 2, 7, 7, 1, 1, 1), 2, 7, 7);
    check_pool(window_of(CV_PAD_EVEN, 1, 3, 3, 1, 2, 2), 1, 9, 8);
    check_pool(padded(window_of(CV_PAD_EVEN, 1, 3, 3, 1, 1, 1), 0, 1, 1), 1, 4, 5);
    check_pool(window_of(CV_PAD_EVEN, 1, 1, 2, 1, 1, 3), 1, 2, 10);
    check_pool(window_of(CV_PAD_EVEN, 1, 2, 300, 1, 1, 7), 1, 3, 601); /* wider than a line */
    check_pool(window_of(CV_PAD_SAME, 1, 1, 3, 1, 1, 2), 1, 1, 777);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_stand_where_they_should),
        cmocka_unit_test(convolutions_match),
        cmocka_unit_test(flat_convolutions_match),
        cmocka_unit_test(large_convolutions_match),
        cmocka_unit_test(gradients_match),
        cmocka_unit_test(gradients_of_groups_match),
        cmocka_unit_test(batches_match),
        cmocka_unit_test(norms_have_their_gradients),
        cmocka_unit_test(norms_with_relu_have_their_gradients),
        cmocka_unit_test(norms_know_the_batch),
        cmocka_unit_test(folding_matches),
        cmocka_unit_test(pools_match),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
