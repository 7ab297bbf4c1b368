/* Self-attention of short sequences: its gradients, what a causal row sees, items that know nothing of each other; and
 * products of many rows. */
#include "support/gradient.h"

#include "base/mem.h"
#include "nn/blas.h"
#include "nn/linear.h"
#include "nn/self_attention.h"

enum { ITEMS = 3, ROWS = 7, HEADS = 2, D = 5, WIDTH = HEADS * D, NUMBERS = ITEMS * ROWS * WIDTH };

typedef struct fixture {
    cv_exec exec;
    cv_self_attention sizes;
    float qkv[3 * NUMBERS], out[NUMBERS], dout[NUMBERS];
    cv_arena arena;
} fixture;

static void setup(fixture *f, bool causal, int threads)
{
    cogvideo_error err;

    *f = (fixture){ .exec = { .threads = threads }, .sizes = { ITEMS, ROWS, HEADS, D, causal } };
    check_kernels(&f->exec.kernels);
    CHECK_OK(cv_arena_create(&f->arena, cv_self_attention_backward_scratch(&f->exec, &f->sizes), &err), err);
    gradient_fill(f->qkv, 3 * NUMBERS, 1, 1);
    gradient_fill(f->dout, NUMBERS, 2, 1);
}

static double loss(void *user)
{
    fixture *f = user;

    cv_self_attention_apply(&f->exec, &f->sizes, f->out, f->qkv, &f->arena);
    return gradient_loss(f->out, f->dout, NUMBERS);
}

static void gradients_are_slopes(void **state)
{
    float dqkv[3 * NUMBERS], other[3 * NUMBERS];

    (void)state;
    for (int causal = 0; causal < 2; causal++) {
        fixture f, one;

        setup(&f, causal != 0, 2);
        cv_self_attention_backward(&f.exec, &f.sizes, dqkv, f.dout, f.qkv, &f.arena);
        gradient_check(f.qkv, dqkv, 3 * NUMBERS, loss, &f);
        setup(&one, causal != 0, 1);
        cv_self_attention_backward(&one.exec, &one.sizes, other, one.dout, one.qkv, &one.arena);
        assert_memory_equal(dqkv, other, sizeof dqkv);
        cv_arena_free(&f.arena);
        cv_arena_free(&one.arena);
    }
}

static void attention_is_the_formula(void **state)
{
    (void)state;
    for (int causal = 0; causal < 2; causal++) {
        fixture f;

        setup(&f, causal != 0, 2);
        loss(&f);
        for (int item = 0; item < ITEMS; item++)
            for (int row = 0; row < ROWS; row++)
                for (int i = 0; i < WIDTH; i++) {
                    const float *first = f.qkv + item * ROWS * 3 * WIDTH, *q = first + row * 3 * WIDTH + i / D * D;
                    double sum = 0, mixed = 0;

                    for (int key = 0; key <= (causal ? row : ROWS - 1); key++) {
                        const float *k = first + key * 3 * WIDTH + WIDTH + i / D * D;
                        double score = 0;

                        for (int d = 0; d < D; d++)
                            score += (double)q[d] * (double)k[d];
                        score = exp(score / sqrt(D));
                        sum += score;
                        mixed += score * (double)first[key * 3 * WIDTH + 2 * WIDTH + i];
                    }
                    CHECK_CLOSE(f.out[(item * ROWS + row) * WIDTH + i], mixed / sum, 1e-5);
                }
        cv_arena_free(&f.arena);
    }
}

static void items_know_nothing_of_each_other(void **state)
{
    float alone[ROWS * WIDTH];
    fixture f;

    (void)state;
    setup(&f, false, 2);
    loss(&f);
    f.sizes.items = 1;
    for (int item = 0; item < ITEMS; item++) {
        cv_self_attention_apply(&f.exec, &f.sizes, alone, f.qkv + item * ROWS * 3 * WIDTH, &f.arena);
        assert_memory_equal(alone, f.out + item * ROWS * WIDTH, sizeof alone);
    }
    cv_arena_free(&f.arena);
}

/* --- products of many rows ------------------------------------------------------------------------------------ */

/* More than what is multiplied at once, and not a whole number of it. */
enum { N = 397, K = 320, MANY = 261 };

static void narrow(cv_weight *out, cv_weight_type type, const float *values, char *data, char *scales)
{
    *out = (cv_weight){ .data = data, .type = type, .N = N, .K = K };
    if (type >= CV_WEIGHT_Q8)
        out->scales = scales;
    for (int n = 0; n < N; n++)
        cv_weight_narrow(data + (size_t)n * cv_weight_row_bytes(type, K),
                         scales + (size_t)n * cv_weight_scale_bytes(type, K), type, values + n * K, K);
}

static void rows_are_multiplied_alone(void **state)
{
    static float values[N * K], x[MANY * K], bias[N], out[MANY * N], again[MANY * N], wide[K];
    static char data[4 * N * K], scales[4 * N * K];
    cv_exec exec = { .threads = 2 };
    cogvideo_error err;
    cv_arena arena;
    float *panels;

    (void)state;
    check_kernels(&exec.kernels);
    gradient_fill(values, N * K, 3, 1);
    gradient_fill(x, MANY * K, 4, 1);
    gradient_fill(bias, N, 5, 1);
    CHECK_OK(cv_arena_create(&arena, cv_linear_many_scratch(&exec, K), &err), err);
    panels = cv_alloc(cv_linear_panel_floats(&exec, N, K), sizeof *panels, &err);
    assert_non_null(panels);
    for (cv_weight_type type = CV_WEIGHT_F32; type < CV_WEIGHT_TYPES; type++) {
        cv_linear linear = { .bias = bias };

        narrow(&linear.weight, type, values, data, scales);
        cv_linear_many(&exec, &linear, out, N, false, x, K, MANY, &arena);
        for (int n = 0; n < N; n++) {
            cv_weight_widen(wide, &linear.weight, n);
            for (int r = n % 10; r < MANY; r += 10) {
                double sum = bias[n];

                for (int k = 0; k < K; k++)
                    sum += (double)x[r * K + k] * (double)wide[k];
                CHECK_CLOSE(out[r * N + n], sum, 1e-4);
            }
        }
        /* One by one, by one thread, with weights that were laid out before. */
        exec.threads = 1;
        cv_linear_pack(&exec, &linear, panels, &arena);
        linear.panels = panels;
        for (int r = 0; r < MANY; r++)
            cv_linear_many(&exec, &linear, again + r * N, N, false, x + r * K, K, 1, &arena);
        assert_memory_equal(again, out, sizeof out);
        exec.threads = 2;
        cv_linear_many(&exec, &linear, again, N, true, x, K, MANY, &arena);
        for (int i = 0; i < MANY * N; i++)
            CHECK_CLOSE(again[i], 2 * out[i], 1e-4);
    }
    cv_free(panels);
    cv_arena_free(&arena);
}

static int set_up(void **state)
{
    (void)state;
    cv_blas_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(attention_is_the_formula),
        cmocka_unit_test(items_know_nothing_of_each_other),
        cmocka_unit_test(rows_are_multiplied_alone),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
