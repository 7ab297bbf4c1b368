/* Dropout: how much it drops, that a mask depends on its place and time alone, and that 0 does nothing. */
#include "support/check.h"

#include "nn/dropout.h"

enum { ROWS = 211, C = 67 };

static void ones(float *x)
{
    for (int i = 0; i < ROWS * C; i++)
        x[i] = 1;
}

static void drops_its_part(void **state)
{
    static const float parts[] = { 0.1f, 0.5f, 0.9f };
    cv_exec exec = { .threads = 2 };
    static float x[ROWS * C];

    (void)state;
    for (int k = 0; k < 3; k++) {
        cv_dropout dropout = { .p = parts[k], .seed = 7, .step = 3, .tag = 1 };
        double dropped = 0, sum = 0, p = (double)parts[k];

        ones(x);
        cv_dropout_apply(&exec, &dropout, x, 0, ROWS, C);
        for (int i = 0; i < ROWS * C; i++) {
            assert_true(x[i] == 0 || x[i] == (float)(1 / (1 - p)));
            dropped += x[i] == 0;
            sum += (double)x[i];
        }
        /* Five standard deviations. */
        CHECK_CLOSE(dropped / (ROWS * C), p, 5 * sqrt(p * (1 - p) / (ROWS * C)));
        CHECK_CLOSE(sum / (ROWS * C), 1, 5 * sqrt(p / (1 - p) / (ROWS * C)));
    }
}

static void is_a_function_of_place_and_time(void **state)
{
    cv_exec one = { .threads = 1 }, three = { .threads = 3 };
    cv_dropout dropout = { .p = 0.3f, .seed = 7, .step = 3, .tag = 1 }, others[3] = { dropout, dropout, dropout };
    static float a[ROWS * C], b[ROWS * C];

    (void)state;
    ones(a);
    ones(b);
    cv_dropout_apply(&one, &dropout, a, 10, ROWS, C);
    cv_dropout_apply(&three, &dropout, b, 10, 100, C);
    cv_dropout_apply(&three, &dropout, b + 100 * C, 110, ROWS - 100, C);
    assert_memory_equal(a, b, sizeof a);
    assert_true(memcmp(a, a + C, C * sizeof *a) != 0);
    others[0].seed = 8;
    others[1].step = 4;
    others[2].tag = 2;
    for (int k = 0; k < 3; k++) {
        ones(b);
        cv_dropout_apply(&one, &others[k], b, 10, ROWS, C);
        assert_true(memcmp(a, b, sizeof a) != 0);
    }
}

static void zero_does_nothing(void **state)
{
    cv_exec exec = { .threads = 2 };
    cv_dropout dropout = { .seed = 7 };
    static float x[ROWS * C], y[ROWS * C];

    (void)state;
    ones(x);
    ones(y);
    cv_dropout_apply(&exec, &dropout, x, 0, ROWS, C);
    assert_memory_equal(x, y, sizeof x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_its_part),
        cmocka_unit_test(is_a_function_of_place_and_time),
        cmocka_unit_test(zero_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
