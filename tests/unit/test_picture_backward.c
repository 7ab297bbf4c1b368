/* The backward passes of the picture networks' layers against central differences of their forward passes. */
#include "support/gradient.h"

#include "nn/attention2d.h"
#include "nn/blas.h"
#include "nn/resample.h"
#include "nn/resblock.h"

#define SEED 7

/* A layer in both directions; `grad` NULL: frozen. On a measuring arena both only measure. */
typedef union parts {
    cv_conv2d conv;
    cv_group_norm norm;
    cv_resblock block;
    cv_attention2d attention;
} parts;

typedef struct layer {
    int in, out, kernel, stride, groups, height, width;
    bool swish, local;       /* local: norms per position */
    int in_count, out_count; /* numbers of x and of the result */
    cogvideo_status (*bind)(const struct layer *layer, parts *out, cv_store *store, cogvideo_error *err);
    void (*forward)(const struct layer *layer, const cv_exec *exec, const parts *p, float *out, const float *x,
                    cv_arena *arena);
    void (*backward)(const struct layer *layer, const cv_exec *exec, const parts *p, const parts *grad, float *dx,
                     float *dy, const float *x, cv_arena *arena);
} layer;

/* Weights, gradients, input and the direction whose product with the result is the loss. */
typedef struct bench {
    const layer *layer;
    cv_store *stores[2];
    parts parts[2];
    cv_exec exec;
    cv_arena arena;
    float *x, *dx, *direction, *dy, *out;
} bench;

static int start(void **state)
{
    (void)state;
    cv_blas_init();
    return 0;
}

static float *numbers(const char *name, int count)
{
    cogvideo_error err;
    float *values = cv_alloc((size_t)count, sizeof *values, &err);

    assert_non_null(values);
    for (int i = 0; i < count; i++)
        values[i] = seeded_unit(SEED, name, (uint64_t)i);
    return values;
}

static void bench_open(bench *b, const layer *l, int threads)
{
    cogvideo_error err;
    cv_store *plan = NULL;

    *b = (bench){ .layer = l, .exec = { .threads = threads } };
    cv_kernels_plain(&b->exec.kernels);
    CHECK_OK(cv_store_plan(&plan, "plan", &err), err);
    if (l->bind)
        CHECK_OK(l->bind(l, &b->parts[0], plan, &err), err);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(cv_store_create_like(&b->stores[i], "memory", plan, &err), err);
        if (l->bind)
            CHECK_OK(l->bind(l, &b->parts[i], b->stores[i], &err), err);
    }
    cv_store_close(&plan);
    for (size_t t = 0; t < cv_store_count(b->stores[0]); t++) {
        const cv_tensor *tensor = cv_store_at(b->stores[0], t);

        for (size_t i = 0; i < tensor->count; i++)
            cv_tensor_values(tensor)[i] =
                0.5f * seeded_unit(SEED, tensor->name, i) + (strstr(tensor->name, "norm") ? 0.7f : 0);
    }
    b->x = numbers("x", l->in_count);
    b->dx = numbers("x", l->in_count);
    memset(b->dx, 0, (size_t)l->in_count * sizeof *b->dx);
    b->direction = numbers("direction", l->out_count);
    b->dy = numbers("direction", l->out_count);
    b->out = numbers("out", l->out_count);
    l->forward(l, &b->exec, &b->parts[0], NULL, NULL, &b->arena);
    l->backward(l, &b->exec, &b->parts[0], &b->parts[1], NULL, NULL, NULL, &b->arena);
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
    cv_free(b->direction);
    cv_free(b->dy);
    cv_free(b->out);
}

static double loss(void *user)
{
    bench *b = user;

    b->layer->forward(b->layer, &b->exec, &b->parts[0], b->out, b->x, &b->arena);
    return gradient_loss(b->out, b->direction, (size_t)b->layer->out_count);
}

static void backward(bench *b, bool frozen)
{
    memcpy(b->dy, b->direction, (size_t)b->layer->out_count * sizeof *b->dy);
    b->layer->backward(b->layer, &b->exec, &b->parts[0], frozen ? NULL : &b->parts[1], b->dx, b->dy, b->x, &b->arena);
}

static bool same(const float *a, const float *b, size_t count)
{
    return memcmp(a, b, count * sizeof *a) == 0;
}

/* Another bench on another number of threads, to the bit; frozen, it gets the same dx. */
static void check_threads(bench *b, bool frozen)
{
    bench one;

    bench_open(&one, b->layer, 1);
    backward(&one, frozen);
    assert_true(same(one.dx, b->dx, (size_t)b->layer->in_count));
    for (size_t t = 0; !frozen && t < cv_store_count(b->stores[1]); t++)
        assert_true(same(cv_store_at(one.stores[1], t)->data, cv_store_at(b->stores[1], t)->data,
                         cv_store_at(b->stores[1], t)->count));
    bench_close(&one);
}

/* A second run adds what the first gave. */
static void check_addition(bench *b)
{
    float *once = numbers("x", b->layer->in_count);

    memcpy(once, b->dx, (size_t)b->layer->in_count * sizeof *once);
    backward(b, false);
    for (int i = 0; i < b->layer->in_count; i++)
        CHECK_CLOSE(b->dx[i], 2 * (double)once[i], 1e-4 * (1 + fabs((double)once[i])));
    cv_free(once);
}

static void check_layer(layer l)
{
    bench b;

    bench_open(&b, &l, 2);
    backward(&b, false);
    gradient_check(b.x, b.dx, (size_t)l.in_count, loss, &b);
    for (size_t t = 0; t < cv_store_count(b.stores[0]); t++) {
        const cv_tensor *tensor = cv_store_at(b.stores[0], t);
        const float *gradient = cv_store_at(b.stores[1], t)->data;

        /* A bias of all keys moves no score against another. */
        for (size_t i = 0; strcmp(tensor->name, "l.k.bias") == 0 && i < tensor->count; i++)
            CHECK_CLOSE(gradient[i], 0, 1e-5);
        if (strcmp(tensor->name, "l.k.bias") != 0)
            gradient_check(cv_tensor_values(tensor), gradient, tensor->count, loss, &b);
    }
    check_threads(&b, false);
    check_threads(&b, true);
    check_addition(&b);
    bench_close(&b);
}

/* --- convolutions --------------------------------------------------------------------------------------------- */

static cogvideo_status conv_bind(const layer *l, parts *out, cv_store *store, cogvideo_error *err)
{
    return cv_conv2d_bind(&out->conv, store, "l", l->in, l->out, l->kernel, l->stride, err);
}

static void conv_forward(const layer *l, const cv_exec *exec, const parts *p, float *out, const float *x,
                         cv_arena *arena)
{
    cv_conv2d_apply(exec, &p->conv, out, x, l->height, l->width, false, arena);
}

static void conv_backward(const layer *l, const cv_exec *exec, const parts *p, const parts *grad, float *dx, float *dy,
                          const float *x, cv_arena *arena)
{
    cv_conv2d_backward(exec, &p->conv, grad ? &grad->conv : NULL, dx, dy, x, l->height, l->width, arena);
}

static layer conv(int in, int out, int kernel, int stride, int height, int width)
{
    return (layer){ .in = in,
                    .out = out,
                    .kernel = kernel,
                    .stride = stride,
                    .height = height,
                    .width = width,
                    .in_count = in * height * width,
                    .out_count = out * (height / stride) * (width / stride),
                    .bind = conv_bind,
                    .forward = conv_forward,
                    .backward = conv_backward };
}

static void convolutions(void **state)
{
    (void)state;
    check_layer(conv(5, 3, 3, 1, 7, 5));
    check_layer(conv(3, 4, 3, 2, 6, 8));
    check_layer(conv(3, 4, 3, 2, 7, 9)); /* the last row and column feed the last output, or nothing */
    check_layer(conv(4, 5, 1, 1, 5, 3));
    check_layer(conv(2, 2, 3, 1, 1, 1));
    check_layer(conv(17, 2, 3, 1, 19, 28)); /* more pixels than a block, more channels than a group */
}

/* --- group norm ----------------------------------------------------------------------------------------------- */

static cogvideo_status norm_bind(const layer *l, parts *out, cv_store *store, cogvideo_error *err)
{
    cogvideo_status status = cv_group_norm_bind(&out->norm, store, "l.norm", l->in, l->groups, 1e-6f, err);

    out->norm.per_position = l->local;
    return status;
}

static void norm_forward(const layer *l, const cv_exec *exec, const parts *p, float *out, const float *x,
                         cv_arena *arena)
{
    if (arena->base)
        cv_group_norm_apply(exec, &p->norm, out, x, (size_t)(l->height * l->width), l->swish);
}

static void norm_backward(const layer *l, const cv_exec *exec, const parts *p, const parts *grad, float *dx, float *dy,
                          const float *x, cv_arena *arena)
{
    if (arena->base)
        cv_group_norm_backward(exec, &p->norm, grad ? &grad->norm : NULL, dx, dy, x, (size_t)(l->height * l->width),
                               l->swish);
}

static void group_norms(void **state)
{
    layer l = { .in = 6,
                .groups = 3,
                .height = 5,
                .width = 7,
                .in_count = 6 * 35,
                .out_count = 6 * 35,
                .bind = norm_bind,
                .forward = norm_forward,
                .backward = norm_backward };

    (void)state;
    check_layer(l);
    l.swish = true;
    check_layer(l);
    l.local = true;
    l.in = 24; /* few channels a group would be all but signs, whose slopes are steep */
    l.groups = 2;
    l.height = 11; /* more positions than a block */
    l.in_count = l.out_count = 24 * 77;
    check_layer(l);
    l.swish = false;
    check_layer(l);
}

/* --- blocks --------------------------------------------------------------------------------------------------- */

static cogvideo_status block_bind(const layer *l, parts *out, cv_store *store, cogvideo_error *err)
{
    return l->local ? cv_resblock_bind_per_position(&out->block, store, "l", l->in, l->kernel, 1e-6f, err)
                    : cv_resblock_bind(&out->block, store, "l", l->in, l->out, l->groups, 1e-6f, err);
}

static void block_forward(const layer *l, const cv_exec *exec, const parts *p, float *out, const float *x,
                          cv_arena *arena)
{
    size_t mark = cv_arena_mark(arena);
    float *inner = cv_arena_take(arena, (size_t)l->in_count, sizeof *inner);
    float *middle = cv_arena_take(arena, (size_t)l->out_count, sizeof *middle);

    if (arena->base && l->in == l->out)
        memcpy(out, x, (size_t)l->in_count * sizeof *x);
    cv_resblock_apply(exec, &p->block, out, l->in == l->out ? out : x, inner, middle, NULL, l->height, l->width, arena);
    cv_arena_rewind(arena, mark);
}

static void block_backward(const layer *l, const cv_exec *exec, const parts *p, const parts *grad, float *dx, float *dy,
                           const float *x, cv_arena *arena)
{
    size_t mark = cv_arena_mark(arena), larger = (size_t)(l->in_count > l->out_count ? l->in_count : l->out_count);
    float *saved = cv_arena_take(arena, (size_t)l->out_count, sizeof *saved);
    float *inner = cv_arena_take(arena, larger, sizeof *inner);
    float *middle = cv_arena_take(arena, larger, sizeof *middle);
    float *out = cv_arena_take(arena, larger, sizeof *out);

    if (arena->base)
        memcpy(out, x, (size_t)l->in_count * sizeof *x);
    cv_resblock_apply(exec, &p->block, out, l->in == l->out ? out : x, inner, middle, saved, l->height, l->width,
                      arena);
    cv_resblock_backward(exec, &p->block, grad ? &grad->block : NULL, dx, dy, x, saved, l->height, l->width, arena);
    cv_arena_rewind(arena, mark);
}

static void resblocks(void **state)
{
    layer l = { .in = 4,
                .out = 4,
                .groups = 2,
                .height = 5,
                .width = 3,
                .in_count = 60,
                .out_count = 60,
                .bind = block_bind,
                .forward = block_forward,
                .backward = block_backward };

    (void)state;
    check_layer(l);
    l.local = true;
    for (l.kernel = 1; l.kernel <= 3; l.kernel += 2)
        check_layer(l);
    l.local = false;
    l.out = 6;
    l.out_count = 90;
    check_layer(l);
    l.out = 2;
    l.out_count = 30;
    l.groups = 1; /* norm2 in groups of one channel would take every bias away again */
    check_layer(l);
}

/* --- attention ------------------------------------------------------------------------------------------------ */

static cogvideo_status attention_bind(const layer *l, parts *out, cv_store *store, cogvideo_error *err)
{
    return cv_attention2d_bind(&out->attention, store, "l", l->in, l->groups, 1e-6f, err);
}

static void attention_forward(const layer *l, const cv_exec *exec, const parts *p, float *out, const float *x,
                              cv_arena *arena)
{
    if (arena->base)
        memcpy(out, x, (size_t)l->in_count * sizeof *x);
    cv_attention2d_apply(exec, &p->attention, out, l->height, l->width, arena);
}

static void attention_backward(const layer *l, const cv_exec *exec, const parts *p, const parts *grad, float *dx,
                               float *dy, const float *x, cv_arena *arena)
{
    cv_attention2d_backward(exec, &p->attention, grad ? &grad->attention : NULL, dx, dy, x, l->height, l->width, arena);
}

static void attentions(void **state)
{
    layer l = { .in = 6,
                .out = 6,
                .groups = 3,
                .height = 5,
                .width = 9,
                .in_count = 270,
                .out_count = 270,
                .bind = attention_bind,
                .forward = attention_forward,
                .backward = attention_backward };

    (void)state;
    check_layer(l);
}

/* --- resampling: linear, so that <A x, y> = <x, A' y> tells all ----------------------------------------------- */

static void resampling(void **state)
{
    enum { C = 3, H = 5, W = 7, SIDE = 2, PATCHES = C * SIDE * SIDE * (H / SIDE) * (W / SIDE) };
    cv_exec exec = { .threads = 2 };
    float *x = numbers("x", C * H * W), *y = numbers("y", C * 4 * H * W), up[C * 4 * H * W],
          half[C * (H / 2) * (W / 2)];
    float patches[PATCHES], dx[3][C * H * W] = { { 0 } };
    double sums[6] = { 0 };

    (void)state;
    cv_upsample_nearest(&exec, up, x, C, H, W);
    cv_average_pool(&exec, half, x, C, H, W);
    cv_patches(&exec, patches, x, C, H, W, SIDE);
    cv_upsample_nearest_backward(&exec, dx[0], y, C, H, W);
    cv_average_pool_backward(&exec, dx[1], y, C, H, W);
    cv_patches_backward(&exec, dx[2], y, C, H, W, SIDE);
    for (int i = 0; i < C * 4 * H * W; i++)
        sums[0] += (double)up[i] * (double)y[i];
    for (int i = 0; i < C * (H / 2) * (W / 2); i++)
        sums[1] += (double)half[i] * (double)y[i];
    for (int i = 0; i < PATCHES; i++)
        sums[4] += (double)patches[i] * (double)y[i];
    for (int i = 0; i < C * H * W; i++) {
        sums[2] += (double)dx[0][i] * (double)x[i];
        sums[3] += (double)dx[1][i] * (double)x[i];
        sums[5] += (double)dx[2][i] * (double)x[i];
    }
    CHECK_CLOSE(sums[0], sums[2], 1e-4);
    CHECK_CLOSE(sums[1], sums[3], 1e-4);
    CHECK_CLOSE(sums[4], sums[5], 1e-4);
    cv_free(x);
    cv_free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions), cmocka_unit_test(group_norms), cmocka_unit_test(resblocks),
        cmocka_unit_test(attentions),   cmocka_unit_test(resampling),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
