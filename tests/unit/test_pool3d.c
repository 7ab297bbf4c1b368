/* Windows over volumes, and pools against naive loops. */
#include "support/volumes.h"

#include "nn/pool3d.h"

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
    const int size[3] = { t, y, x };
    cv_places places = cv_window_places(&window, size);
    int volume = cv_volume_count(size), count = cv_volume_count(places.out);
    float *in = numbers("x", (size_t)(CHANNELS * volume)), *out = numbers("y", (size_t)(CHANNELS * count));
    float *again = numbers("z", (size_t)(CHANNELS * count)), *dx = room((size_t)(CHANNELS * volume), sizeof *dx);
    int32_t *largest = room((size_t)(CHANNELS * count), sizeof *largest);
    cv_exec exec = { .threads = 2 };

    for (int i = 0; i < CHANNELS * volume; i++)
        in[i] = roundf(4 * in[i]) - 1; /* with ties */
    for (int zeros = 0; zeros < 2; zeros++) {
        cv_max_pool3d(&exec, &window, out, in, CHANNELS, size, zeros, NULL);
        cv_max_pool3d(&exec, &window, again, in, CHANNELS, size, zeros, largest);
        assert_true(same(out, again, (size_t)(CHANNELS * count)));
        for (int i = 0; i < CHANNELS * count; i++) {
            seen_numbers s = { .x = in + i / count * volume };

            each_seen(&window, size, i % count, see, &s);
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
    cv_mean_pool3d(&exec, &window, out, in, CHANNELS, size);
    for (int i = 0; i < CHANNELS * count; i++) {
        seen_numbers s = { .x = in + i / count * volume };

        each_seen(&window, size, i % count, see, &s);
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
        cmocka_unit_test(pools_match),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
