/* How weights move: AdamW and Muon against plain references, and who moves what. */
#include "support/check.h"
#include "support/seeded.h"

#include "nn/blas.h"
#include "train/muon.h"
#include "train/optimizer.h"

#define MOST (24 * 24)

static int start(void **state)
{
    (void)state;
    cv_blas_init();
    return 0;
}

/* out [m, n] = a [m, k] b [k, n] */
static void product(double *out, const double *a, const double *b, int m, int n, int k)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            out[i * n + j] = 0;
            for (int l = 0; l < k; l++)
                out[i * n + j] += a[i * k + l] * b[l * n + j];
        }
}

/* As the paper's listing has it: X = aX + (bA + cA^2) X with A = X X^T, five times, from X over its norm. */
static void reference_orthogonal(double *x, int rows, int columns)
{
    static const double a = 3.4445, b = -4.7750, c = 2.0315;
    double transposed[MOST], gram[MOST], square[MOST], next[MOST], norm = 0;

    for (int i = 0; i < rows * columns; i++)
        norm += x[i] * x[i];
    for (int i = 0; i < rows * columns; i++)
        x[i] /= sqrt(norm);
    for (int step = 0; step < 5; step++) {
        for (int i = 0; i < rows * columns; i++)
            transposed[i % columns * rows + i / columns] = x[i];
        product(gram, x, transposed, rows, rows, columns);
        product(square, gram, gram, rows, rows, rows);
        for (int i = 0; i < rows * rows; i++)
            gram[i] = b * gram[i] + c * square[i];
        product(next, gram, x, rows, columns, rows);
        for (int i = 0; i < rows * columns; i++)
            x[i] = a * x[i] + next[i];
    }
}

static void reference_muon(double *w, double *m, const float *g, int rows, int columns, double rate, double decay,
                           double scale)
{
    double update[MOST];

    for (int i = 0; i < rows * columns; i++) {
        m[i] = 0.95 * m[i] + 0.05 * (double)g[i] * scale;
        update[i] = 0.95 * m[i] + 0.05 * (double)g[i] * scale;
    }
    reference_orthogonal(update, rows, columns);
    for (int i = 0; i < rows * columns; i++)
        w[i] = (1 - rate * decay) * w[i] - rate * sqrt(rows > columns ? (double)rows / columns : 1) * update[i];
}

static void muon_follows_the_paper(void **state)
{
    static const int shapes[][2] = { { 6, 6 }, { 3, 11 }, { 11, 3 }, { 24, 8 }, { 1, 5 }, { 5, 1 } };
    const cv_muon options = { .rate = 0.02, .momentum = 0.95, .weight_decay = 0.1 };

    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int rows = shapes[s][0], columns = shapes[s][1], count = rows * columns;
        float w[MOST], m[MOST] = { 0 }, g[MOST], scratch[4 * MOST];
        double expected[MOST], average[MOST] = { 0 };

        assert_true(cv_muon_scratch(rows, columns) + (size_t)count <= sizeof scratch / sizeof *scratch);
        for (int i = 0; i < count; i++)
            expected[i] = (double)(w[i] = seeded_unit(1, "w", (uint64_t)i));
        for (int step = 0; step < 4; step++) {
            for (int i = 0; i < count; i++)
                g[i] = seeded_unit(2 + step, "g", (uint64_t)i);
            cv_muon_update(&options, 0.5, w, g, m, rows, columns, scratch);
            reference_muon(expected, average, g, rows, columns, 0.02, 0.1, 0.5);
        }
        for (int i = 0; i < count; i++) {
            CHECK_CLOSE(w[i], expected[i], 2e-5);
            CHECK_CLOSE(m[i], average[i], 1e-6);
        }
    }
}

/* All directions get about the same, the weak ones too; nothing comes of nothing. */
static void directions_become_alike(void **state)
{
    enum { ROWS = 4, COLUMNS = 6 };
    static const float sizes[ROWS] = { 1, 0.3f, 0.05f, 0.01f };
    float x[ROWS * COLUMNS] = { 0 }, scratch[4 * MOST];

    (void)state;
    for (int i = 0; i < ROWS; i++)
        x[i * COLUMNS + (i + 2)] = sizes[i];
    cv_muon_orthogonalise(x, ROWS, COLUMNS, scratch);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        if (i % COLUMNS == i / COLUMNS + 2)
            assert_true(x[i] > 0.65f && x[i] < 1.25f);
        else
            assert_true(x[i] == 0);
    }
    memset(x, 0, sizeof x);
    cv_muon_orthogonalise(x, ROWS, COLUMNS, scratch);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        assert_true(x[i] == 0);
}

/* --- over stores ---------------------------------------------------------------------------------------------- */

enum { EMBEDDINGS, QKV, MLP, NORM, PLUS, TENSORS };
static const cv_tensor shapes[TENSORS] = {
    { .name = "transformer.word_embeddings.weight", .rank = 2, .shape = { 9, 4 }, .count = 36 },
    { .name = "transformer.layers.0.attention.query_key_value.weight", .rank = 2, .shape = { 12, 4 }, .count = 48 },
    { .name = "transformer.layers.11.mlp.dense_h_to_4h.weight", .rank = 2, .shape = { 8, 4 }, .count = 32 },
    { .name = "transformer.layers.0.input_layernorm.weight", .rank = 1, .shape = { 4 }, .count = 4 },
    { .name = "mixins.attention_plus.query_key_value.3.weight", .rank = 2, .shape = { 12, 4 }, .count = 48 },
};

typedef struct bench {
    cv_exec exec;
    cv_recipe recipe;
    cv_store *weights, *gradients;
    cv_optimizer *optimizer;
} bench;

static void bench_open(bench *b, int threads, double muon_rate)
{
    cogvideo_error err;

    *b = (bench){ .exec = { .threads = threads },
                  .recipe = { .part = &cv_family_find("cogvideo")->parts[1],
                              .steps = 10,
                              .learning_rate = 0.01,
                              .final_learning_rate = 0.01,
                              .beta1 = 0.9,
                              .beta2 = 0.95,
                              .epsilon = 1e-8,
                              .weight_decay = 0.1,
                              .muon_rate = muon_rate,
                              .muon_momentum = 0.95 } };
    CHECK_OK(cv_store_create(&b->weights, "weights", shapes, TENSORS, &err), err);
    CHECK_OK(cv_store_create(&b->gradients, "gradients", shapes, TENSORS, &err), err);
    for (size_t t = 0; t < TENSORS; t++)
        for (size_t i = 0; i < cv_store_at(b->weights, t)->count; i++)
            cv_tensor_values(cv_store_at(b->weights, t))[i] = seeded_unit(1, cv_store_at(b->weights, t)->name, i);
    CHECK_OK(cv_optimizer_open(&b->optimizer, &b->exec, &b->recipe, &b->weights, &b->gradients, 1, &err), err);
    assert_true(cv_optimizer_bytes(b->optimizer) >= 2 * 168 * sizeof(float));
}

static void bench_steps(bench *b)
{
    for (int step = 0; step < 3; step++) {
        for (size_t t = 0; t < TENSORS; t++)
            for (size_t i = 0; i < cv_store_at(b->weights, t)->count; i++)
                cv_tensor_values(cv_store_at(b->gradients, t))[i] =
                    seeded_unit(5 + step, cv_store_at(b->weights, t)->name, i);
        cv_optimizer_step(b->optimizer, step, 0.5);
    }
}

static void bench_close(bench *b)
{
    cv_optimizer_close(&b->optimizer);
    cv_store_close(&b->weights);
    cv_store_close(&b->gradients);
}

static void check_adamw(const cv_tensor *tensor)
{
    for (size_t i = 0; i < tensor->count; i++) {
        double w = (double)seeded_unit(1, tensor->name, i), m = 0, v = 0;

        for (int step = 0; step < 3; step++) {
            double g = 0.5 * (double)seeded_unit(5 + step, tensor->name, i);

            m = 0.9 * m + 0.1 * g;
            v = 0.95 * v + 0.05 * g * g;
            w = (tensor->rank > 1 ? 1 - 0.01 * 0.1 : 1) * w -
                0.01 * m / (1 - pow(0.9, step + 1)) / (sqrt(v / (1 - pow(0.95, step + 1))) + 1e-8);
        }
        CHECK_CLOSE(cv_tensor_values(tensor)[i], w, 1e-5);
    }
}

static void check_muon(const bench *b, const cv_tensor *tensor, int parts)
{
    int rows = (int)tensor->shape[0] / parts, columns = (int)tensor->shape[1], size = rows * columns;

    for (int part = 0; part < parts; part++) {
        double w[MOST], m[MOST] = { 0 };
        float g[MOST];

        for (int i = 0; i < size; i++)
            w[i] = (double)seeded_unit(1, tensor->name, (uint64_t)(part * size + i));
        for (int step = 0; step < 3; step++) {
            for (int i = 0; i < size; i++)
                g[i] = seeded_unit(5 + step, tensor->name, (uint64_t)(part * size + i));
            reference_muon(w, m, g, rows, columns, b->recipe.muon_rate, 0.1, 0.5);
        }
        for (int i = 0; i < size; i++)
            CHECK_CLOSE(cv_tensor_values(tensor)[part * size + i], w[i], 2e-5);
    }
}

static void tensors_have_their_optimizer(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 2, 0.02);
    bench_steps(&b);
    for (size_t t = 0; t < TENSORS; t++) {
        const cv_tensor *tensor = cv_store_at(b.weights, t);

        if (strstr(tensor->name, "query_key_value"))
            check_muon(&b, tensor, 3);
        else if (strstr(tensor->name, "mlp"))
            check_muon(&b, tensor, 1);
        else
            check_adamw(tensor);
    }
    bench_close(&b);
    bench_open(&b, 2, 0);
    bench_steps(&b);
    for (size_t t = 0; t < TENSORS; t++)
        check_adamw(cv_store_at(b.weights, t));
    bench_close(&b);
}

static void threads_change_nothing(void **state)
{
    bench one, three;

    (void)state;
    bench_open(&one, 1, 0.02);
    bench_open(&three, 3, 0.02);
    bench_steps(&one);
    bench_steps(&three);
    for (size_t t = 0; t < TENSORS; t++) {
        size_t size = cv_store_at(one.weights, t)->count * sizeof(float);

        assert_memory_equal(cv_store_at(one.weights, t)->data, cv_store_at(three.weights, t)->data, size);
        assert_memory_equal(cv_store_at(cv_optimizer_first(one.optimizer, 0), t)->data,
                            cv_store_at(cv_optimizer_first(three.optimizer, 0), t)->data, size);
    }
    bench_close(&one);
    bench_close(&three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(muon_follows_the_paper),
        cmocka_unit_test(directions_become_alike),
        cmocka_unit_test(tensors_have_their_optimizer),
        cmocka_unit_test(threads_change_nothing),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
