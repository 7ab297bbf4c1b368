/* The Inception Score by what is true of it without an original, and numpy's orders. */
#include "support/check.h"
#include "support/seeded.h"
#include "support/softmax.h"

#include "metric/inception_score.h"
#include "metric/shuffle.h"

enum { CLASSES = 12, ROWS = 60 };

static cv_inception_score score(const double *p, int count, const int32_t *order, int splits)
{
    cogvideo_error err;
    cv_inception_score out;

    CHECK_OK(cv_inception_score_of(p, count, CLASSES, order, splits, &out, &err), err);
    return out;
}

static void equal_rows_score_1(void **state)
{
    double p[ROWS * CLASSES];

    (void)state;
    for (int i = 0; i < ROWS * CLASSES; i++)
        p[i] = (1 + i % CLASSES) / (CLASSES * (CLASSES + 1) / 2.0);
    for (int splits = 1; splits <= 7; splits++) {
        CHECK_CLOSE(score(p, ROWS, NULL, splits).mean, 1, 1e-14);
        CHECK_CLOSE(score(p, ROWS, NULL, splits).deviation, 0, 1e-14);
    }
}

/* Zeros and all: a probability of 0 adds nothing. */
static void balanced_certain_rows_score_the_classes(void **state)
{
    double p[ROWS * CLASSES] = { 0 };

    (void)state;
    for (int r = 0; r < ROWS; r++)
        p[r * CLASSES + r % CLASSES] = 1;
    CHECK_CLOSE(score(p, ROWS, NULL, 1).mean, CLASSES, 1e-12);
    CHECK_CLOSE(score(p, ROWS, NULL, 5).mean, CLASSES, 1e-12);
    /* A split cannot exceed its rows. */
    CHECK_CLOSE(score(p, ROWS, NULL, 10).mean, 6, 1e-12);
    CHECK_CLOSE(score(p, ROWS, NULL, ROWS).mean, 1, 1e-12);
}

static void orders_only_move_rows_between_splits(void **state)
{
    double p[ROWS * CLASSES], moved[ROWS * CLASSES];
    float logits[ROWS * CLASSES];
    int32_t order[ROWS];

    (void)state;
    for (int i = 0; i < ROWS * CLASSES; i++)
        logits[i] = 4 * seeded_unit(1, "logits", (size_t)i);
    softmax_f64(p, logits, ROWS, CLASSES);
    cv_numpy_permutation(order, ROWS, 42);
    for (int r = 0; r < ROWS; r++)
        memcpy(moved + r * CLASSES, p + order[r] * CLASSES, CLASSES * sizeof *p);
    CHECK_CLOSE(score(p, ROWS, order, 1).mean, score(p, ROWS, NULL, 1).mean, 1e-13);
    assert_true(score(p, ROWS, order, 10).mean == score(moved, ROWS, NULL, 10).mean);
    assert_true(score(p, ROWS, order, 10).deviation == score(moved, ROWS, NULL, 10).deviation);
    assert_true(score(p, ROWS, order, 10).mean != score(p, ROWS, NULL, 10).mean);
}

static void softmax_of_large_logits(void **state)
{
    const float logits[6] = { 1000, 1000, -1000, -3e38f, 0, 3e38f };
    double p[6];

    (void)state;
    softmax_f64(p, logits, 2, 3);
    assert_true(p[0] == 0.5 && p[1] == 0.5 && p[2] == 0 && p[3] == 0 && p[4] == 0 && p[5] == 1);
}

static void impossible_scores_are_refused(void **state)
{
    double p[2 * CLASSES] = { 0 };
    cogvideo_error err;
    cv_inception_score out;

    (void)state;
    CHECK_FAILS(cv_inception_score_of(p, 2, CLASSES, NULL, 3, &out, &err), COGVIDEO_ERROR_ARGUMENT,
                "2 samples cannot be divided into 3 splits", err);
    CHECK_FAILS(cv_inception_score_of(p, 0, CLASSES, NULL, 1, &out, &err), COGVIDEO_ERROR_ARGUMENT, "0 samples", err);
    p[CLASSES + 3] = NAN;
    CHECK_FAILS(cv_inception_score_of(p, 2, CLASSES, NULL, 1, &out, &err), COGVIDEO_ERROR_ARGUMENT,
                "class 3 of sample 1", err);
    p[CLASSES + 3] = -0.5;
    CHECK_FAILS(cv_inception_score_of(p, 2, CLASSES, NULL, 1, &out, &err), COGVIDEO_ERROR_ARGUMENT, "is -0.5", err);
    p[CLASSES + 3] = 1.5;
    CHECK_FAILS(cv_inception_score_of(p, 2, CLASSES, NULL, 1, &out, &err), COGVIDEO_ERROR_ARGUMENT, "is 1.5", err);
}

/* As numpy gives it: RandomState(0).permutation(10), and more rows than one block of random numbers is long. */
static void orders_are_permutations(void **state)
{
    static const int32_t ten[10] = { 2, 8, 4, 9, 1, 6, 7, 3, 0, 5 };
    static int32_t order[2000];
    bool seen[2000] = { false };

    (void)state;
    cv_numpy_permutation(order, 10, 0);
    assert_memory_equal(order, ten, sizeof ten);
    cv_numpy_permutation(order, 2000, 1);
    for (int i = 0; i < 2000; i++) {
        assert_true(order[i] >= 0 && order[i] < 2000 && !seen[order[i]]);
        seen[order[i]] = true;
    }
    assert_true(order[0] == 674 && order[1999] == 1061);
    cv_numpy_permutation(order, 1, 1);
    assert_int_equal(order[0], 0);
    cv_numpy_permutation(order, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_rows_score_1),
        cmocka_unit_test(balanced_certain_rows_score_the_classes),
        cmocka_unit_test(orders_only_move_rows_between_splits),
        cmocka_unit_test(softmax_of_large_logits),
        cmocka_unit_test(impossible_scores_are_refused),
        cmocka_unit_test(orders_are_permutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
