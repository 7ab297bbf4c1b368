/* Cross-entropy and its gradient, and the gradient of a table of embeddings. */
#include "support/gradient.h"

#include "nn/embedding.h"
#include "nn/loss.h"

enum { V = 37, ROWS = 6 };

static const int32_t labels[ROWS] = { 3, -1, 0, 36, 3, 12 };
static const float scale[ROWS] = { 1, 1, 0.5f, 2, 0.25f, -1 };

typedef struct fixture {
    cv_exec exec;
    float logits[ROWS * V], work[ROWS * V];
    double losses[ROWS];
} fixture;

static double loss(void *user)
{
    fixture *f = user;
    double sum = 0;

    memcpy(f->work, f->logits, sizeof f->work);
    cv_cross_entropy(&f->exec, f->work, f->losses, labels, scale, ROWS, V);
    for (int r = 0; r < ROWS; r++)
        sum += f->losses[r] * (double)scale[r];
    return sum;
}

static void cross_entropy_is_exact(void **state)
{
    fixture f = { .exec.threads = 2 };

    (void)state;
    gradient_fill(f.logits, ROWS * V, 1, 20);
    loss(&f);
    for (int r = 0; r < ROWS; r++) {
        const float *row = f.logits + r * V;
        double sum = 0;

        for (int i = 0; i < V; i++)
            sum += exp((double)row[i]);
        CHECK_CLOSE(f.losses[r], labels[r] < 0 ? 0 : log(sum) - (double)row[labels[r]], 1e-6);
        for (int i = 0; i < V; i++)
            CHECK_CLOSE(f.work[r * V + i],
                        labels[r] < 0 ? 0 : (exp((double)row[i]) / sum - (i == labels[r])) * (double)scale[r], 1e-6);
    }
}

static void cross_entropy_gradients_are_slopes(void **state)
{
    fixture f = { .exec.threads = 2 };
    float gradient[ROWS * V];

    (void)state;
    gradient_fill(f.logits, ROWS * V, 2, 3);
    loss(&f);
    memcpy(gradient, f.work, sizeof gradient);
    gradient_check(f.logits, gradient, ROWS * V, loss, &f);
}

/* The logits of a model that went astray are still given a loss. */
static void cross_entropy_of_large_logits(void **state)
{
    cv_exec exec = { .threads = 1 };
    float logits[3] = { 1000, -1000, 0 }, one = 1;
    int32_t label = 1;
    double value;

    (void)state;
    cv_cross_entropy(&exec, logits, &value, &label, &one, 1, 3);
    CHECK_CLOSE(value, 2000, 1e-9);
    assert_true(logits[0] == 1 && logits[1] == -1 && logits[2] == 0);
}

static void embedding_rows_are_added(void **state)
{
    enum { TABLE = 5, C = 19, STRIDE = C + 3, N = 8 };
    static const int32_t ids[N] = { 4, 0, 4, -1, 2, 4, 0, -1 };
    float dx[N * STRIDE], table[2][TABLE * C];

    (void)state;
    gradient_fill(dx, N * STRIDE, 1, 1);
    for (int t = 0; t < 2; t++) {
        cv_exec exec = { .threads = t ? 3 : 1 };

        for (int i = 0; i < TABLE * C; i++)
            table[t][i] = 2;
        cv_embedding_backward(&exec, table[t], dx, STRIDE, ids, N, C);
    }
    assert_memory_equal(table[0], table[1], sizeof table[0]);
    for (int row = 0; row < TABLE; row++)
        for (int i = 0; i < C; i++) {
            double sum = 2;

            for (int r = 0; r < N; r++)
                sum += ids[r] == row ? (double)dx[r * STRIDE + i] : 0;
            CHECK_CLOSE(table[0][row * C + i], sum, 1e-6);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross_entropy_is_exact),
        cmocka_unit_test(cross_entropy_gradients_are_slopes),
        cmocka_unit_test(cross_entropy_of_large_logits),
        cmocka_unit_test(embedding_rows_are_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
