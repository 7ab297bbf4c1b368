/* The bias of Phenaki's self attention by distance: the formula for each pair of places, and its gradients. */
#include "support/gradient.h"
#include "support/phenaki_seeded.h"

#include "family/phenaki/network/blocks.h"
#include "nn/blas.h"

enum { T = 3, H = 2, W = 4, K = 10, HEADS = 3, MOST_ROWS = T * H * W };

typedef struct fixture {
    int axes, T, rows;
    cv_exec exec;
    cv_store *weights, *gradients;
    cv_position_bias net, grad;
    cv_arena arena;
    float bias[HEADS * MOST_ROWS * MOST_ROWS], dbias[HEADS * MOST_ROWS * MOST_ROWS];
} fixture;

static void setup(fixture *f, int axes, int threads)
{
    cogvideo_error err;
    cv_store *plan;

    *f = (fixture){ .axes = axes, .T = axes == 3 ? T : 1, .exec = { .threads = threads } };
    f->rows = f->T * H * W;
    check_kernels(&f->exec.kernels);
    CHECK_OK(cv_store_plan(&plan, "a bias", &err), err);
    CHECK_OK(cv_position_bias_bind(&f->net, plan, "a.", axes, K, HEADS, &err), err);
    CHECK_OK(cv_store_create_like(&f->weights, "weights", plan, &err), err);
    CHECK_OK(cv_store_create_like(&f->gradients, "gradients", plan, &err), err);
    cv_store_close(&plan);
    phenaki_seeded_fill(f->weights, "a.", 7);
    CHECK_OK(cv_position_bias_bind(&f->net, f->weights, "a.", axes, K, HEADS, &err), err);
    CHECK_OK(cv_position_bias_bind(&f->grad, f->gradients, "a.", axes, K, HEADS, &err), err);
    gradient_fill(f->dbias, HEADS * MOST_ROWS * MOST_ROWS, 2, 1);
    CHECK_OK(cv_arena_create(&f->arena, cv_position_bias_scratch(&f->exec, &f->net, f->T, H, W), &err), err);
}

static void teardown(fixture *f)
{
    cv_store_close(&f->weights);
    cv_store_close(&f->gradients);
    cv_arena_free(&f->arena);
}

static double loss(void *user)
{
    fixture *f = user;

    cv_position_bias_apply(&f->exec, &f->net, f->bias, f->T, H, W, &f->arena);
    assert_true(f->arena.peak <= f->arena.capacity);
    return gradient_loss(f->bias, f->dbias, (size_t)(HEADS * f->rows * f->rows));
}

static void layer(const fixture *f, const char *name, double *out, const double *x, int N, int width, bool active)
{
    char full[40];
    const float *weight, *bias;

    snprintf(full, sizeof full, "a.%s.weight", name);
    weight = check_f32(f->weights, full);
    snprintf(full, sizeof full, "a.%s.bias", name);
    bias = check_f32(f->weights, full);
    for (int n = 0; n < N; n++) {
        out[n] = (double)bias[n];
        for (int k = 0; k < width; k++)
            out[n] += (double)weight[n * width + k] * x[k];
        if (active && out[n] < 0)
            out[n] *= 0.1;
    }
}

static double far(int distance)
{
    return distance < 0 ? -log(1.0 - distance) : log(1.0 + distance);
}

static void bias_is_the_formula(void **state)
{
    (void)state;
    for (int axes = 2; axes <= 3; axes++) {
        static fixture f;

        setup(&f, axes, 2);
        loss(&f);
        for (int query = 0; query < f.rows; query++)
            for (int key = 0; key < f.rows; key++) {
                const double at[] = { far(query / (H * W) - key / (H * W)), far(query / W % H - key / W % H),
                                      far(query % W - key % W) };
                double first[K], second[K], expected[HEADS];

                layer(&f, "net.0.0", first, at + 3 - axes, K, axes, true);
                layer(&f, "net.1.0", second, first, K, K, true);
                layer(&f, "net.2", expected, second, HEADS, K, false);
                for (int head = 0; head < HEADS; head++)
                    CHECK_CLOSE(f.bias[(head * f.rows + query) * f.rows + key], expected[head], 1e-5);
            }
        teardown(&f);
    }
}

/* Moves units off the bend of their ReLU, every other one below it, so that slopes are those of straight lines. */
static void straighten(fixture *f)
{
    float *biases[] = { cv_tensor_values(check_tensor(f->weights, "a.net.0.0.bias")),
                        cv_tensor_values(check_tensor(f->weights, "a.net.1.0.bias")) };

    for (int i = 0; i < 2; i++)
        for (int k = 0; k < K; k++)
            biases[i][k] += k % 2 ? 20 : -20;
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    for (int axes = 2; axes <= 3; axes++) {
        static fixture f, one;

        setup(&f, axes, 2);
        setup(&one, axes, 1);
        straighten(&f);
        straighten(&one);
        cv_position_bias_backward(&f.exec, &f.net, &f.grad, f.dbias, f.T, H, W, &f.arena);
        cv_position_bias_backward(&one.exec, &one.net, &one.grad, one.dbias, one.T, H, W, &one.arena);
        assert_true(f.arena.peak <= f.arena.capacity);
        f.exec.threads = 1;
        for (size_t t = 0; t < cv_store_count(f.weights); t++) {
            const cv_tensor *weights = cv_store_at(f.weights, t), *gradient = cv_store_at(f.gradients, t);

            print_message("%s\n", weights->name);
            gradient_check(cv_tensor_values(weights), gradient->data, weights->count, loss, &f);
            assert_memory_equal(gradient->data, cv_store_at(one.gradients, t)->data, gradient->count * sizeof(float));
        }
        teardown(&f);
        teardown(&one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bias_is_the_formula),
        cmocka_unit_test(gradients_are_slopes),
    };

    cv_blas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
