/* The depthwise convolution over time and place: the formula in both orders of memory and both paddings of time, its
 * gradients, and items that know nothing of each other. */
#include "support/gradient.h"

#include "nn/depthwise3d.h"

/* More channels than are in work at once, and more places. */
enum { ITEMS = 2, T = 3, H = 6, W = 4, C = 261, PLACES = T * H * W, NUMBERS = ITEMS * PLACES * C };

typedef struct fixture {
    cv_exec exec;
    cv_depthwise3d conv;
    cv_box box;
    float weight[27 * C], bias[C], x[NUMBERS], residual[NUMBERS], out[NUMBERS], dout[NUMBERS];
} fixture;

static void setup(fixture *f, int variant, int threads)
{
    f->exec = (cv_exec){ .threads = threads };
    f->conv = (cv_depthwise3d){ f->weight, f->bias, C, (variant & 1) != 0 };
    f->box = (cv_box){ T, H, W, (variant & 2) != 0 };
    check_kernels(&f->exec.kernels);
    gradient_fill(f->weight, 27 * C, 1, 1);
    gradient_fill(f->bias, C, 2, 1);
    gradient_fill(f->x, NUMBERS, 3, 1);
    gradient_fill(f->residual, NUMBERS, 4, 1);
    gradient_fill(f->dout, NUMBERS, 5, 1);
}

static void run(fixture *f)
{
    memcpy(f->out, f->residual, sizeof f->out);
    cv_depthwise3d_add(&f->exec, &f->conv, &f->box, ITEMS, f->out, f->x);
}

static double loss(void *user)
{
    fixture *f = user;

    run(f);
    return gradient_loss(f->out, f->dout, NUMBERS);
}

static int number_of(const fixture *f, int item, int t, int y, int x, int c)
{
    return (item * PLACES + (f->box.time_last ? (y * W + x) * T + t : (t * H + y) * W + x)) * C + c;
}

static double value_of(const fixture *f, int item, int t, int y, int x, int c)
{
    double sum = (double)f->residual[number_of(f, item, t, y, x, c)] + (double)f->bias[c];

    for (int tap = 0; tap < 27; tap++) {
        const int from_t = t + tap / 9 - (f->conv.causal ? 2 : 1), from_y = y + tap / 3 % 3 - 1,
                  from_x = x + tap % 3 - 1;

        if (from_t >= 0 && from_t < T && from_y >= 0 && from_y < H && from_x >= 0 && from_x < W)
            sum += (double)f->weight[27 * c + tap] * (double)f->x[number_of(f, item, from_t, from_y, from_x, c)];
    }
    return sum;
}

static void it_is_the_formula(void **state)
{
    static fixture f;

    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        setup(&f, variant, 2);
        run(&f);
        for (int i = 0; i < NUMBERS; i++) {
            const int c = i % C, x = i / C % W, y = i / C / W % H, t = i / C / W / H % T, item = i / C / PLACES;

            CHECK_CLOSE(f.out[number_of(&f, item, t, y, x, c)], value_of(&f, item, t, y, x, c), 1e-5);
        }
    }
}

static void items_and_threads_change_no_bit(void **state)
{
    static fixture f, other;

    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        setup(&f, variant, 2);
        run(&f);
        setup(&other, variant, 1);
        memcpy(other.out, other.residual, sizeof other.out);
        for (int item = 0; item < ITEMS; item++)
            cv_depthwise3d_add(&other.exec, &other.conv, &other.box, 1, other.out + item * PLACES * C,
                               other.x + item * PLACES * C);
        assert_memory_equal(f.out, other.out, sizeof f.out);
    }
}

typedef struct gradients {
    float weight[27 * C], bias[C], dx[NUMBERS];
} gradients;

static void run_backward(fixture *f, gradients *g, bool frozen)
{
    const cv_depthwise3d grad = { g->weight, g->bias, C, f->conv.causal };

    memset(g, 0, sizeof *g);
    memcpy(g->dx, f->residual, sizeof g->dx);
    cv_depthwise3d_backward(&f->exec, &f->conv, frozen ? NULL : &grad, &f->box, ITEMS, g->dx, f->dout, f->x);
}

static void gradients_are_slopes(void **state)
{
    static fixture f;
    static gradients g, other;

    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        setup(&f, variant, 1);
        run_backward(&f, &other, false);
        setup(&f, variant, 2);
        run_backward(&f, &g, false);
        assert_memory_equal(&g, &other, sizeof g);
        run_backward(&f, &other, true);
        assert_memory_equal(g.dx, other.dx, sizeof g.dx);
        for (int c = 0; c < C; c += C - 1)
            gradient_check(f.weight + 27 * c, g.weight + 27 * c, 27, loss, &f);
        gradient_check(f.bias, g.bias, C, loss, &f);
        for (int i = 0; i < NUMBERS; i++) /* dx is added to the residual's own */
            g.dx[i] -= f.residual[i];
        for (int i = 0; i < NUMBERS - 8; i += 5 * C - 3)
            gradient_check(f.x + i, g.dx + i, 8, loss, &f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_formula),
        cmocka_unit_test(items_and_threads_change_no_bit),
        cmocka_unit_test(gradients_are_slopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
