/* The Frechet distance by what is true of it without an original, and by Gaussians whose distance is known. */
#include "support/check.h"
#include "support/seeded.h"

#include "metric/frechet.h"

enum { MAX_ROWS = 300, MAX_WIDTH = 48 };

typedef struct features {
    float rows[MAX_ROWS * MAX_WIDTH];
    cv_feature_set set;
} features;

/* A number of a normal distribution. */
static double normal(int seed, const char *name, size_t i)
{
    double u = 0.5 + 0.5 * (double)seeded_unit(seed, name, 2 * i), v = (double)seeded_unit(seed, name, 2 * i + 1);

    return sqrt(-2 * log(u + 1e-9)) * cos(M_PI * v);
}

/* Independent normal numbers with deviation `scale` (1 + i % 3) and mean `shift` in column i. */
static void fill(features *f, int seed, int count, int width, double scale, double shift)
{
    f->set = (cv_feature_set){ .rows = f->rows, .count = count, .width = width };
    for (int i = 0; i < count * width; i++)
        f->rows[i] = (float)(shift + scale * (1 + i % width % 3) * normal(seed, "frechet", (size_t)i));
}

static cv_frechet distance(const features *a, const features *b, const cv_frechet_options *options)
{
    const cv_frechet_options plain = { 0 };
    cogvideo_error err;
    cv_frechet out;

    CHECK_OK(cv_frechet_distance(&a->set, &b->set, options ? options : &plain, &out, &err), err);
    return out;
}

static void a_set_is_no_distance_from_itself(void **state)
{
    static features a, b;

    (void)state;
    fill(&a, 1, 200, 20, 1, 3);
    CHECK_CLOSE(distance(&a, &a, NULL).distance, 0, 1e-11);
    /* So few rows that the products of rows are taken. */
    fill(&a, 2, 7, 40, 1, 3);
    CHECK_CLOSE(distance(&a, &a, NULL).distance, 0, 1e-11);
    /* Nothing but rows that are equal. */
    fill(&a, 3, 1, 12, 1, 0);
    for (int i = 1; i < 30; i++)
        memcpy(a.rows + i * 12, a.rows, 12 * sizeof *a.rows);
    a.set.count = 30;
    memcpy(&b, &a, sizeof a);
    b.set.rows = b.rows;
    b.set.count = 5;
    assert_true(distance(&a, &b, NULL).distance == 0);
    assert_true(distance(&b, &b, NULL).distance == 0);
}

static void it_is_symmetric(void **state)
{
    static const int counts[][2] = { { 200, 90 }, { 200, 10 }, { 10, 13 }, { 2, 2 } };
    static features a, b;

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        double forth, back;

        fill(&a, 1, counts[i][0], 20, 1, 3);
        fill(&b, 2, counts[i][1], 20, 2, 2);
        forth = distance(&a, &b, NULL).distance;
        back = distance(&b, &a, NULL).distance;
        assert_true(forth > 1);
        CHECK_CLOSE(forth, back, 1e-12 * forth);
    }
}

/* x becomes x rotated in the planes of all neighbouring columns. */
static void rotate(features *f)
{
    int width = f->set.width;

    for (int r = 0; r < f->set.count; r++)
        for (int i = 0; i + 1 < width; i++) {
            float *x = f->rows + r * width + i;
            double angle = 1 + i, c = cos(angle), s = sin(angle), x0 = (double)x[0], x1 = (double)x[1];

            x[0] = (float)(c * x0 - s * x1);
            x[1] = (float)(s * x0 + c * x1);
        }
}

static void a_common_rotation_changes_nothing(void **state)
{
    static features a, b;
    double before;

    (void)state;
    for (int few = 0; few < 2; few++) {
        fill(&a, 1, few ? 9 : 250, 24, 1, 3);
        fill(&b, 2, few ? 11 : 120, 24, 2, 2);
        before = distance(&a, &b, NULL).distance;
        rotate(&a);
        rotate(&b);
        CHECK_CLOSE(distance(&a, &b, NULL).distance, before, 1e-5 * before); /* rows are f32 */
    }
}

static void a_shift_is_its_own_length(void **state)
{
    static features a, b;
    double length = 0;

    (void)state;
    fill(&a, 1, 250, 24, 1, 3);
    memcpy(&b, &a, sizeof a);
    b.set.rows = b.rows;
    for (int i = 0; i < 24; i++) {
        length += 0.25 * i * 0.25 * i;
        for (int r = 0; r < 250; r++)
            b.rows[r * 24 + i] += 0.25f * (float)i;
    }
    CHECK_CLOSE(distance(&a, &b, NULL).distance, length, 1e-5 * length);
    a.set.count = b.set.count = 11;
    CHECK_CLOSE(distance(&a, &b, NULL).distance, length, 1e-5 * length);
}

/* Columns of zeros make the rows fewer than the features are wide, so that products of rows are taken. */
static void both_forms_are_equal(void **state)
{
    enum { WIDTH = 12, ROWS = 40 };
    static features a[2], b[2];

    (void)state;
    for (int biased = 0; biased < 2; biased++) {
        cv_frechet_options options = { .biased = biased, .draws = 9, .extrapolate = true, .seed = 5 };
        cv_frechet narrow, wide;

        fill(&a[0], 1, ROWS, WIDTH, 1, 3);
        fill(&b[0], 2, ROWS - 3, WIDTH, 2, 2);
        fill(&a[1], 1, ROWS, MAX_WIDTH, 0, 0);
        fill(&b[1], 1, ROWS - 3, MAX_WIDTH, 0, 0);
        for (int r = 0; r < ROWS; r++)
            for (int i = 0; i < WIDTH; i++) {
                a[1].rows[r * MAX_WIDTH + 4 * i] = a[0].rows[r * WIDTH + i];
                b[1].rows[r * MAX_WIDTH + 4 * i] = b[0].rows[r * WIDTH + i];
            }
        narrow = distance(&a[0], &b[0], &options);
        wide = distance(&a[1], &b[1], &options);
        CHECK_CLOSE(narrow.distance, wide.distance, 1e-11 * wide.distance);
        CHECK_CLOSE(narrow.low, wide.low, 1e-7 * wide.distance);
        CHECK_CLOSE(narrow.high, wide.high, 1e-7 * wide.distance);
        CHECK_CLOSE(narrow.extrapolated, wide.extrapolated, 1e-6 * wide.distance);
    }
}

/* F of n rows each is that of the Gaussians plus about c / n, and that of a draw, which repeats rows, once more: the
 * interval of the draws themselves lies above the truth, the basic one holds it, and the line meets it nearly. */
static void the_truth_is_in_the_interval(void **state)
{
    enum { RUNS = 24, WIDTH = 16, ROWS = 200 };
    static features a, b;
    int held = 0, above = 0;
    double truth = 0, extrapolated = 0;

    (void)state;
    for (int i = 0; i < WIDTH; i++)
        truth += 0.3 * 0.3 + 0.5 * 0.5 * (1 + i % 3) * (1 + i % 3); /* the means', the deviations' difference */
    for (int run = 0; run < RUNS; run++) {
        cv_frechet_options options = { .draws = 100, .extrapolate = true, .seed = (uint64_t)run };
        cv_frechet out;

        fill(&a, 10 + run, ROWS, WIDTH, 1, 0);
        fill(&b, 50 + run, ROWS, WIDTH, 1.5, 0.3);
        out = distance(&a, &b, &options);
        assert_true(out.low < out.high);
        held += out.low <= truth && truth <= out.high;
        above += 2 * out.distance - out.high > truth; /* the draws' own 2.5 % */
        extrapolated += out.extrapolated / RUNS;
    }
    assert_true(held >= RUNS - 2);
    assert_true(above >= RUNS - 2);
    CHECK_CLOSE(extrapolated, truth, 0.05 * truth);
}

typedef struct watch {
    int calls, stop;
    double last;
} watch;

static int look(void *user, double done)
{
    watch *w = user;

    assert_true(done > w->last && done <= 1);
    w->last = done;
    return ++w->calls == w->stop;
}

static void a_seed_gives_the_same_numbers_again(void **state)
{
    static features a, b;
    watch w = { 0 };
    cv_frechet_options options = { .draws = 20, .extrapolate = true, .seed = 7, .progress = look, .user = &w };
    cv_frechet first, again, other;

    (void)state;
    fill(&a, 1, 80, 10, 1, 0);
    fill(&b, 2, 60, 10, 1, 1);
    first = distance(&a, &b, &options);
    assert_int_equal(w.calls, 28);
    assert_true(w.last == 1);
    w = (watch){ 0 };
    again = distance(&a, &b, &options);
    assert_memory_equal(&first, &again, sizeof first);
    w = (watch){ 0 };
    options.seed = 8;
    other = distance(&a, &b, &options);
    assert_true(first.distance == other.distance && first.low != other.low && first.extrapolated != other.extrapolated);
}

/* Frames of a clip that are all alike say no more than one of them: groups of equal rows have the interval of the rows
 * alone, while equal rows that are drawn one by one have a narrower one. */
static void rows_of_a_group_are_drawn_together(void **state)
{
    static features alone[2], grouped[2];
    cv_frechet_options options = { .biased = true, .draws = 50, .extrapolate = true, .seed = 4 };
    cv_frechet expected, found, narrower;
    cogvideo_error err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        fill(&alone[i], 30 + i, 60, 5, 1, i);
        grouped[i].set = (cv_feature_set){ grouped[i].rows, 240, 5, 4 };
        for (int r = 0; r < 240; r++)
            memcpy(grouped[i].rows + r * 5, alone[i].rows + r / 4 * 5, 5 * sizeof(float));
    }
    expected = distance(&alone[0], &alone[1], &options);
    found = distance(&grouped[0], &grouped[1], &options);
    CHECK_CLOSE(found.distance, expected.distance, 1e-9);
    CHECK_CLOSE(found.low, expected.low, 1e-9);
    CHECK_CLOSE(found.high, expected.high, 1e-9);
    CHECK_CLOSE(found.extrapolated, expected.extrapolated, 1e-9);
    grouped[0].set.group = grouped[1].set.group = 0;
    narrower = distance(&grouped[0], &grouped[1], &options);
    assert_true(narrower.high - narrower.low < 0.75 * (found.high - found.low));
    grouped[0].set.group = 7;
    CHECK_FAILS(cv_frechet_distance(&grouped[0].set, &grouped[1].set, &options, &found, &err), COGVIDEO_ERROR_ARGUMENT,
                "240 samples, which are not groups of 7", err);
}

static void a_stop_is_heard(void **state)
{
    static features a;
    cogvideo_error err;
    cv_frechet out;

    (void)state;
    fill(&a, 1, 50, 10, 1, 0);
    for (int stop = 1; stop <= 13; stop += 4) {
        watch w = { .stop = stop };
        cv_frechet_options options = { .draws = 5, .extrapolate = true, .progress = look, .user = &w };

        CHECK_FAILS(cv_frechet_distance(&a.set, &a.set, &options, &out, &err), COGVIDEO_ERROR_CANCELLED, "stopped",
                    err);
        assert_int_equal(w.calls, stop);
    }
}

static void impossible_sets_are_refused(void **state)
{
    static features a, b;
    const cv_frechet_options plain = { 0 };
    cogvideo_error err;
    cv_frechet out;

    (void)state;
    fill(&a, 1, 30, 10, 1, 0);
    fill(&b, 1, 1, 10, 1, 0);
    CHECK_FAILS(cv_frechet_distance(&a.set, &b.set, &plain, &out, &err), COGVIDEO_ERROR_ARGUMENT,
                "the second set has 1 sample, but a Frechet distance needs at least 2", err);
    b.set.count = 0;
    CHECK_FAILS(cv_frechet_distance(&b.set, &a.set, &plain, &out, &err), COGVIDEO_ERROR_ARGUMENT,
                "the first set has 0 samples", err);
    fill(&b, 1, 30, 9, 1, 0);
    CHECK_FAILS(cv_frechet_distance(&a.set, &b.set, &plain, &out, &err), COGVIDEO_ERROR_ARGUMENT,
                "10 wide and those of the second 9", err);
    fill(&b, 1, 30, 10, 1, 0);
    b.rows[25 * 10 + 3] = NAN;
    CHECK_FAILS(cv_frechet_distance(&a.set, &b.set, &plain, &out, &err), COGVIDEO_ERROR_ARGUMENT,
                "sample 25 of the second set has a feature that is not finite", err);
    b.rows[25 * 10 + 3] = INFINITY;
    CHECK_FAILS(cv_frechet_distance(&b.set, &a.set, &plain, &out, &err), COGVIDEO_ERROR_ARGUMENT,
                "sample 25 of the first set", err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_no_distance_from_itself),
        cmocka_unit_test(it_is_symmetric),
        cmocka_unit_test(a_common_rotation_changes_nothing),
        cmocka_unit_test(a_shift_is_its_own_length),
        cmocka_unit_test(both_forms_are_equal),
        cmocka_unit_test(the_truth_is_in_the_interval),
        cmocka_unit_test(a_seed_gives_the_same_numbers_again),
        cmocka_unit_test(rows_of_a_group_are_drawn_together),
        cmocka_unit_test(a_stop_is_heard),
        cmocka_unit_test(impossible_sets_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
