/* The layers of the metrics' networks against the original's: units of a convolution, a batch norm and ReLU, and max
 * pools, with all gradients. */
#include "support/check.h"
#include "support/seeded.h"

#include "nn/batch_norm.h"
#include "nn/blas.h"
#include "nn/pool3d.h"

#define SEED 109
#define EPSILON 1e-3f
#define MOMENTUM 0.05f

typedef struct fixture {
    cv_store *golden;
    cv_exec exec;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    cogvideo_error err;
    const char *path = check_golden("metrics/loss.safetensors");

    cv_blas_init();
    f.exec.threads = 2;
    cv_kernels_plain(&f.exec.kernels);
    if (path)
        CHECK_OK(cv_store_open(&f.golden, path, &err), err);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    cv_store_close(&f->golden);
    return 0;
}

static const cv_tensor *golden(const fixture *f, const char *part, const char *name)
{
    char full[64];

    snprintf(full, sizeof full, "%s.%s", part, name);
    return check_tensor(f->golden, full);
}

/* Compares numbers with a golden tensor, to a share of its largest. */
static void check_near(const fixture *f, const char *part, const char *name, const float *values, double share)
{
    const cv_tensor *tensor = golden(f, part, name);
    const float *expected = tensor->data;
    double largest = 0;

    for (size_t i = 0; i < tensor->count; i++)
        largest = fmax(largest, fabs((double)expected[i]));
    assert_true(largest > 0);
    for (size_t i = 0; i < tensor->count; i++)
        if (!(fabs((double)values[i] - (double)expected[i]) <= share * largest))
            fail_msg("%s.%s, element %zu: %.9g instead of %.9g", part, name, i, (double)values[i], (double)expected[i]);
}

static float *zeros(size_t count)
{
    cogvideo_error err;
    float *values = cv_alloc(count, sizeof *values, &err);

    assert_non_null(values);
    return values;
}

static void size_of(const cv_tensor *tensor, int size[3])
{
    for (int axis = 0; axis < 3; axis++)
        size[axis] = (int)tensor->shape[2 + axis];
}

/* --- units ---------------------------------------------------------------------------------------------------- */

/* A unit, its gradients, and what passes through it. */
typedef struct unit {
    cv_store *stores[2]; /* weights; their gradients */
    cv_conv3d conv, conv_grad;
    cv_batch_norm norm, norm_grad;
    cv_arena arena;
    int B, in, out, size[3], places;
    size_t from, to;            /* numbers of a clip before and behind the convolution */
    float *middle, *y, *d, *dx; /* behind the convolution; behind ReLU; dL/d(middle); dL/dx */
    float mean[8], scale[8];
} unit;

static void bind(unit *u, cv_store *store, cv_conv3d *conv, cv_batch_norm *norm, const cv_window *window)
{
    cogvideo_error err;

    CHECK_OK(cv_conv3d_bind(conv, store, "conv3d", u->in, u->out, window, false, false, &err), err);
    CHECK_OK(cv_batch_norm_bind(norm, store, "bn", u->out, EPSILON, true, &err), err);
}

static void unit_open(unit *u, const fixture *f, const char *part, const cv_window *window)
{
    const cv_tensor *x = golden(f, part, "x"), *y = golden(f, part, "y");
    const char *path = check_temp_path("unit.safetensors");
    cv_store *file;
    const int *k = window->kernel;
    seeded_list list = { 0 };
    cogvideo_error err;

    *u = (unit){ .B = (int)x->shape[0], .in = (int)x->shape[1], .out = (int)y->shape[1] };
    size_of(x, u->size);
    u->from = x->count / x->shape[0];
    u->to = y->count / y->shape[0];
    u->places = (int)(u->to / y->shape[1]);
    seeded_add(&list, SEED, "conv3d.weight", 5, u->out, u->in, k[0], k[1], k[2]);
    seeded_add(&list, SEED, "bn.weight", 1, u->out);
    seeded_add(&list, SEED, "bn.bias", 1, u->out);
    seeded_add(&list, SEED, "bn.running_mean", 1, u->out);
    seeded_add(&list, SEED, "bn.running_var", 1, u->out);
    seeded_write(&list, path, CV_F32);
    seeded_list_free(&list);
    CHECK_OK(cv_store_open(&file, path, &err), err);
    for (int i = 0; i < 2; i++)
        CHECK_OK(cv_store_create_like(&u->stores[i], "memory", file, &err), err);
    for (size_t t = 0; t < cv_store_count(file); t++) {
        const cv_tensor *tensor = cv_store_at(file, t);

        memcpy(cv_tensor_values(cv_store_find(u->stores[0], tensor->name)), tensor->data,
               tensor->count * sizeof(float));
    }
    cv_store_close(&file);
    bind(u, u->stores[0], &u->conv, &u->norm, window);
    bind(u, u->stores[1], &u->conv_grad, &u->norm_grad, window);
    u->middle = zeros(y->count);
    u->y = zeros(y->count);
    u->d = zeros(y->count);
    u->dx = zeros(x->count);
    cv_conv3d_apply(&f->exec, &u->conv, NULL, NULL, u->size, false, &u->arena);
    cv_conv3d_backward(&f->exec, &u->conv, &u->conv_grad, NULL, NULL, NULL, u->size, &u->arena);
    CHECK_OK(cv_arena_create(&u->arena, u->arena.peak, &err), err);
}

static void unit_close(unit *u)
{
    cv_arena_free(&u->arena);
    cv_store_close(&u->stores[0]);
    cv_store_close(&u->stores[1]);
    cv_free(u->middle);
    cv_free(u->y);
    cv_free(u->d);
    cv_free(u->dx);
}

static void check_unit(const fixture *f, const char *part, int kt, int ky, int kx, int stride)
{
    cv_window window = { .kernel = { kt, ky, kx }, .stride = { stride, stride, stride }, .padding = CV_PAD_SAME };
    const float *x, *dy;
    unit u;

    unit_open(&u, f, part, &window);
    x = golden(f, part, "x")->data;
    dy = golden(f, part, "dy")->data;
    for (int b = 0; b < u.B; b++)
        cv_conv3d_apply(&f->exec, &u.conv, u.middle + (size_t)b * u.to, x + (size_t)b * u.from, u.size, false,
                        &u.arena);
    cv_batch_norm_train(&f->exec, &u.norm, u.y, u.middle, u.B, u.places, true, MOMENTUM, u.mean, u.scale);
    cv_batch_norm_backward(&f->exec, &u.norm, &u.norm_grad, u.d, dy, u.middle, u.y, u.B, u.places, true, u.mean,
                           u.scale);
    for (int b = 0; b < u.B; b++)
        cv_conv3d_backward(&f->exec, &u.conv, &u.conv_grad, u.dx + (size_t)b * u.from, u.d + (size_t)b * u.to,
                           x + (size_t)b * u.from, u.size, &u.arena);
    check_near(f, part, "y", u.y, 1e-4);
    check_near(f, part, "running_mean", u.norm.mean, 1e-5);
    check_near(f, part, "running_var", u.norm.variance, 1e-5);
    check_near(f, part, "d_gamma", u.norm_grad.weight, 1e-4);
    check_near(f, part, "d_beta", u.norm_grad.bias, 1e-4);
    check_near(f, part, "d_weight", u.conv_grad.weight, 1e-4);
    check_near(f, part, "dx", u.dx, 1e-4);
    unit_close(&u);
}

static void units_match(void **state)
{
    fixture *f = *state;

    if (!f->golden)
        skip();
    check_unit(f, "unit_a", 3, 3, 3, 2);
    check_unit(f, "unit_b", 5, 7, 7, 2);
    check_unit(f, "unit_c", 1, 1, 1, 1);
}

/* --- pools ---------------------------------------------------------------------------------------------------- */

static void check_pool(const fixture *f, const char *part, int kt, int kyx, int st, int syx)
{
    cv_window window = { .kernel = { kt, kyx, kyx }, .stride = { st, syx, syx }, .padding = CV_PAD_SAME };
    const cv_tensor *x = golden(f, part, "x"), *y = golden(f, part, "y");
    const int channels = (int)(x->shape[0] * x->shape[1]);
    float *out = zeros(y->count), *dx = zeros(x->count);
    int32_t *largest = (int32_t *)zeros(y->count);
    int in[3], places[3];

    size_of(x, in);
    size_of(y, places);
    cv_max_pool3d(&f->exec, &window, out, x->data, channels, in, true, largest);
    assert_memory_equal(out, y->data, y->count * sizeof *out);
    memset(out, 0, y->count * sizeof *out);
    cv_max_pool3d(&f->exec, &window, out, x->data, channels, in, true, NULL);
    assert_memory_equal(out, y->data, y->count * sizeof *out);
    cv_max_pool3d_backward(&f->exec, dx, golden(f, part, "dy")->data, largest, channels, in, places);
    check_near(f, part, "dx", dx, 1e-6);
    cv_free(out);
    cv_free(dx);
    cv_free(largest);
}

static void pools_match(void **state)
{
    fixture *f = *state;

    if (!f->golden)
        skip();
    check_pool(f, "pool_a", 3, 3, 2, 2);
    check_pool(f, "pool_b", 1, 3, 1, 2);
    check_pool(f, "pool_c", 2, 2, 2, 2);
    check_pool(f, "pool_d", 3, 3, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(units_match), cmocka_unit_test(pools_match) };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
