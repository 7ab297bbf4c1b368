/* Gated linear units: value times GELU of the gate, both halves of one row or apart, and their gradients. */
#include "support/gradient.h"

#include "nn/gated.h"

/* Wider than what is in work at once. */
enum { WIDTH = 261, ROWS = 3, NUMBERS = ROWS * WIDTH };

typedef struct fixture {
    cv_exec exec;
    cv_gelu_form form;
    float both[2 * NUMBERS], out[NUMBERS], dout[NUMBERS];
} fixture;

static void setup(fixture *f, cv_gelu_form form)
{
    *f = (fixture){ .exec = { .threads = 2 }, .form = form };
    check_kernels(&f->exec.kernels);
    gradient_fill(f->both, 2 * NUMBERS, 1, 3);
    gradient_fill(f->dout, NUMBERS, 2, 1);
}

static double loss(void *user)
{
    fixture *f = user;

    cv_gated_gelu(&f->exec, f->form, f->out, f->both, f->both + WIDTH, 2 * WIDTH, WIDTH, ROWS);
    return gradient_loss(f->out, f->dout, NUMBERS);
}

static void the_gate_is_the_second(void **state)
{
    float value[NUMBERS], gate[NUMBERS];
    fixture f;

    (void)state;
    setup(&f, CV_GELU_ERF);
    loss(&f);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < WIDTH; i++) {
            double v = (double)f.both[2 * r * WIDTH + i], g = (double)f.both[(2 * r + 1) * WIDTH + i];

            CHECK_CLOSE(f.out[r * WIDTH + i], v * 0.5 * g * erfc(-g / sqrt(2)), 2e-6);
            value[r * WIDTH + i] = (float)v;
            gate[r * WIDTH + i] = (float)g;
        }
    /* Apart, in place of either. */
    cv_gated_gelu(&f.exec, f.form, gate, value, gate, WIDTH, WIDTH, ROWS);
    assert_memory_equal(gate, f.out, sizeof gate);
    for (int i = 0; i < NUMBERS; i++)
        gate[i] = f.both[(2 * (i / WIDTH) + 1) * WIDTH + i % WIDTH];
    cv_gated_gelu(&f.exec, f.form, value, value, gate, WIDTH, WIDTH, ROWS);
    assert_memory_equal(value, f.out, sizeof value);
}

static void gradients_are_slopes(void **state)
{
    float dboth[2 * NUMBERS];
    fixture f;

    (void)state;
    for (cv_gelu_form form = 0; form < CV_GELU_FORMS; form++) {
        setup(&f, form);
        cv_gated_gelu_backward(&f.exec, form, dboth, dboth + WIDTH, f.dout, f.both, f.both + WIDTH, 2 * WIDTH, WIDTH,
                               ROWS);
        gradient_check(f.both, dboth, 2 * NUMBERS, loss, &f);
        /* In place, on another number of threads. */
        f.exec.threads = 1;
        cv_gated_gelu_backward(&f.exec, form, f.both, f.both + WIDTH, f.dout, f.both, f.both + WIDTH, 2 * WIDTH, WIDTH,
                               ROWS);
        assert_memory_equal(f.both, dboth, sizeof dboth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gate_is_the_second),
        cmocka_unit_test(gradients_are_slopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
