/* Attention by the cosine: the formula with every switch, its gradients, items that know nothing of each other, and the
 * slopes of ALiBi. */
#include "support/gradient.h"

#include "base/mem.h"
#include "nn/blas.h"
#include "nn/cosine_attention.h"

#include <string.h>

enum { ITEMS = 3, ROWS = 6, KEYS = 5, HEADS = 2, D = 4, WIDTH = HEADS * D, NULLS = 2 };
enum { MOST_KEYS = ROWS > KEYS ? ROWS : KEYS, MOST_D = 64 };

/* What a case switches on. */
typedef struct variant {
    bool nulls, scales, bias, mask, causal, slopes;
} variant;

static const variant variants[] = {
    { false, true, true, false, false, false }, /* over space */
    { false, true, false, false, true, true },  /* over time */
    { true, true, false, true, false, false },  /* to a text */
    { false, false, false, false, false, false }, { true, true, true, true, false, false },
    { true, true, true, true, true, true },
};

typedef struct fixture {
    cv_exec exec;
    cv_cosine_attention sizes;
    float q[ITEMS * ROWS * WIDTH], kv[2 * ITEMS * MOST_KEYS * WIDTH], out[ITEMS * ROWS * WIDTH],
        dout[ITEMS * ROWS * WIDTH], q_scale[D], k_scale[D], null_kv[HEADS * 2 * NULLS * D],
        bias[HEADS * ROWS * MOST_KEYS], slopes[HEADS];
    uint8_t mask[ITEMS * MOST_KEYS];
    cv_arena arena;
} fixture;

static int out_numbers(const fixture *f)
{
    return f->sizes.items * f->sizes.rows * WIDTH;
}

static void setup(fixture *f, const variant *v, int threads)
{
    const int keys = v->causal ? ROWS : KEYS;
    cogvideo_error err;
    size_t bytes;

    *f = (fixture){ .exec = { .threads = threads } };
    f->sizes = (cv_cosine_attention){ .items = ITEMS,
                                      .rows = ROWS,
                                      .keys = keys,
                                      .heads = HEADS,
                                      .D = D,
                                      .nulls = v->nulls ? NULLS : 0,
                                      .scale = 3.0f };
    check_kernels(&f->exec.kernels);
    gradient_fill(f->q, ITEMS * ROWS * WIDTH, 1, 1);
    gradient_fill(f->kv, 2 * ITEMS * MOST_KEYS * WIDTH, 2, 1);
    gradient_fill(f->dout, ITEMS * ROWS * WIDTH, 3, 1);
    gradient_fill(f->q_scale, D, 4, 1);
    gradient_fill(f->k_scale, D, 5, 1);
    gradient_fill(f->null_kv, HEADS * 2 * NULLS * D, 6, 1);
    gradient_fill(f->bias, HEADS * ROWS * MOST_KEYS, 7, 1);
    for (int i = 0; i < ITEMS * MOST_KEYS; i++)
        f->mask[i] = i >= keys && i % 3 != 1; /* of item 0 nothing is seen */
    cv_alibi_slopes(f->slopes, HEADS);
    f->sizes.q_scale = v->scales ? f->q_scale : NULL;
    f->sizes.k_scale = v->scales ? f->k_scale : NULL;
    f->sizes.null_kv = v->nulls ? f->null_kv : NULL;
    f->sizes.bias = v->bias ? f->bias : NULL;
    f->sizes.mask = v->mask ? f->mask : NULL;
    f->sizes.causal = v->causal;
    f->sizes.slopes = v->slopes ? f->slopes : NULL;
    bytes = cv_cosine_attention_backward_scratch(&f->exec, &f->sizes);
    if (bytes < cv_cosine_attention_scratch(&f->exec, &f->sizes))
        bytes = cv_cosine_attention_scratch(&f->exec, &f->sizes);
    CHECK_OK(cv_arena_create(&f->arena, bytes + 4096, &err), err);
}

static double loss(void *user)
{
    fixture *f = user;

    cv_cosine_attention_apply(&f->exec, &f->sizes, f->out, f->q, f->kv, &f->arena);
    return gradient_loss(f->out, f->dout, (size_t)out_numbers(f));
}

/* --- the formula -------------------------------------------------------------------------------------------------- */

static void unit(double *out, const float *x, const float *scale, int width)
{
    double length = 0;

    for (int d = 0; d < width; d++)
        length += (double)x[d] * (double)x[d];
    for (int d = 0; d < width; d++)
        out[d] = scale ? (double)x[d] / sqrt(length) * (double)scale[d] : (double)x[d];
}

/* out [D] of a row of a head, as the formula has it. */
static void attend(const cv_cosine_attention *s, const float *all_q, const float *kv, int item, int head, int row,
                   double *out)
{
    const int width = s->heads * s->D;
    double q[MOST_D], k[MOST_D], sum = 0;

    memset(out, 0, (size_t)s->D * sizeof *out);
    unit(q, all_q + (item * s->rows + row) * width + head * s->D, s->q_scale, s->D);
    for (int key = -s->nulls; key < s->keys; key++) {
        const float *of = key < 0 ? s->null_kv + (head * 2 * s->nulls + 2 * (key + s->nulls)) * s->D
                                  : kv + 2 * (item * s->keys + key) * width + head * s->D,
                    *value = of + (key < 0 ? s->D : width);
        double score = 0;

        if (key >= 0 && ((s->mask && !s->mask[item * s->keys + key]) || (s->causal && key > row)))
            continue;
        unit(k, of, s->k_scale, s->D);
        for (int d = 0; d < s->D; d++)
            score += q[d] * k[d];
        score *= (double)s->scale;
        if (key >= 0 && s->bias)
            score += (double)s->bias[(head * s->rows + row) * s->keys + key];
        if (key >= 0 && s->slopes)
            score -= (double)s->slopes[head] * abs(row - key);
        score = exp(score);
        sum += score;
        for (int d = 0; d < s->D; d++)
            out[d] += score * (double)value[d];
    }
    for (int d = 0; d < s->D; d++)
        out[d] /= sum;
}

static void check_formula(const cv_cosine_attention *s, const float *out, const float *q, const float *kv)
{
    for (int item = 0; item < s->items; item++)
        for (int head = 0; head < s->heads; head++)
            for (int row = 0; row < s->rows; row++) {
                const float *at = out + ((item * s->rows + row) * s->heads + head) * s->D;
                double expected[MOST_D];

                attend(s, q, kv, item, head, row, expected);
                for (int d = 0; d < s->D; d++)
                    CHECK_CLOSE(at[d], expected[d], 1e-5);
            }
}

static void attention_is_the_formula(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        fixture f;

        setup(&f, &variants[v], 2);
        loss(&f);
        check_formula(&f.sizes, f.out, f.q, f.kv);
        cv_arena_free(&f.arena);
    }
}

/* Sizes at which rows, keys and their width fill tiles, panels and what a thread takes at once, or just do not. */
static void long_rows_are_the_formula(void **state)
{
    static const struct {
        int items, rows, keys, heads, D;
    } sizes[] = { { 2, 300, 67, 1, 17 }, { 1, 49, 130, 2, 64 }, { 1, 256, 16, 2, 33 }, { 3, 48, 300, 1, 48 } };
    enum { MOST_Q = 16896, MOST_KEYS_LONG = 300, MOST_BIAS = 20100 };
    static float q[MOST_Q], out[MOST_Q], again[MOST_Q], kv[2 * 3 * MOST_KEYS_LONG * 2 * MOST_D], scales[2 * MOST_D],
        null_kv[2 * 4 * MOST_D], bias[MOST_BIAS];
    static uint8_t mask[3 * MOST_KEYS_LONG];

    (void)state;
    gradient_fill(q, MOST_Q, 1, 1);
    gradient_fill(kv, sizeof kv / sizeof *kv, 2, 1);
    gradient_fill(scales, sizeof scales / sizeof *scales, 3, 1);
    gradient_fill(null_kv, sizeof null_kv / sizeof *null_kv, 4, 1);
    gradient_fill(bias, MOST_BIAS, 5, 1);
    for (int i = 0; i < 3 * MOST_KEYS_LONG; i++)
        mask[i] = i % 7 != 3;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int masked = 0; masked < 2; masked++) {
            cv_cosine_attention s = { .items = sizes[i].items,
                                      .rows = sizes[i].rows,
                                      .keys = sizes[i].keys,
                                      .heads = sizes[i].heads,
                                      .D = sizes[i].D,
                                      .nulls = masked ? 2 : 0,
                                      .scale = 2,
                                      .q_scale = scales,
                                      .k_scale = scales + MOST_D,
                                      .null_kv = null_kv,
                                      .bias = bias,
                                      .mask = masked ? mask : NULL };
            const size_t numbers = (size_t)(s.items * s.rows * s.heads * s.D);
            cv_exec exec = { .threads = 2 };
            cogvideo_error err;
            cv_arena arena;

            assert_true(numbers <= MOST_Q && s.heads * s.rows * s.keys <= MOST_BIAS);
            check_kernels(&exec.kernels);
            CHECK_OK(cv_arena_create(&arena, cv_cosine_attention_scratch(&exec, &s), &err), err);
            cv_cosine_attention_apply(&exec, &s, out, q, kv, &arena);
            check_formula(&s, out, q, kv);
            exec.threads = 1;
            memcpy(again, q, numbers * sizeof *q);
            cv_cosine_attention_apply(&exec, &s, again, again, kv, &arena);
            assert_memory_equal(again, out, numbers * sizeof *out);
            cv_arena_free(&arena);
        }
}

/* --- gradients ---------------------------------------------------------------------------------------------------- */

typedef struct gradients {
    float dq[ITEMS * ROWS * WIDTH], dkv[2 * ITEMS * MOST_KEYS * WIDTH], q_scale[D], k_scale[D],
        null_kv[HEADS * 2 * NULLS * D], bias[HEADS * ROWS * MOST_KEYS];
} gradients;

static void run_backward(fixture *f, gradients *g)
{
    const cv_cosine_attention *s = &f->sizes;
    const cv_cosine_attention_grad grad = { s->q_scale ? g->q_scale : NULL, s->k_scale ? g->k_scale : NULL,
                                            s->null_kv ? g->null_kv : NULL, s->bias ? g->bias : NULL };

    memset(g, 0, sizeof *g);
    cv_cosine_attention_backward(&f->exec, s, &grad, g->dq, g->dkv, f->dout, f->q, f->kv, &f->arena);
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        fixture f, one;
        gradients g, other;

        setup(&f, &variants[v], 2);
        run_backward(&f, &g);
        gradient_check(f.q, g.dq, ITEMS * ROWS * WIDTH, loss, &f);
        gradient_check(f.kv, g.dkv, 2 * (size_t)(ITEMS * f.sizes.keys * WIDTH), loss, &f);
        if (f.sizes.q_scale) {
            gradient_check(f.q_scale, g.q_scale, D, loss, &f);
            gradient_check(f.k_scale, g.k_scale, D, loss, &f);
        }
        if (f.sizes.null_kv)
            gradient_check(f.null_kv, g.null_kv, HEADS * 2 * NULLS * D, loss, &f);
        if (f.sizes.bias)
            gradient_check(f.bias, g.bias, (size_t)(HEADS * ROWS * f.sizes.keys), loss, &f);
        setup(&one, &variants[v], 1);
        run_backward(&one, &other);
        assert_memory_equal(&g, &other, sizeof g);
        cv_arena_free(&f.arena);
        cv_arena_free(&one.arena);
    }
}

/* --- properties --------------------------------------------------------------------------------------------------- */

static void items_know_nothing_of_each_other(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        float alone[ROWS * WIDTH];
        fixture f;

        setup(&f, &variants[v], 2);
        loss(&f);
        f.sizes.items = 1;
        for (int item = 0; item < ITEMS; item++) {
            cv_cosine_attention_apply(&f.exec, &f.sizes, alone, f.q + item * ROWS * WIDTH,
                                      f.kv + 2 * item * f.sizes.keys * WIDTH, &f.arena);
            assert_memory_equal(alone, f.out + item * ROWS * WIDTH, sizeof alone);
            if (f.sizes.mask)
                f.sizes.mask += f.sizes.keys;
        }
        cv_arena_free(&f.arena);
    }
}

static void slopes_are_those_of_alibi(void **state)
{
    /* by phenaki-pytorch: a power of two, and what lies between two of them */
    static const float eight[] = { 0x1p-1f, 0x1p-2f, 0x1p-3f, 0x1p-4f, 0x1p-5f, 0x1p-6f, 0x1p-7f, 0x1p-8f },
                       three[] = { 0x1p-4f, 0x1p-8f, 0x1p-2f },
                       twelve[] = { 0.7071067690849304f, 0.3535533845424652f, 0.1767766922712326f,
                                    0.0883883461356163f };
    float slopes[12];

    (void)state;
    cv_alibi_slopes(slopes, 8);
    assert_memory_equal(slopes, eight, sizeof eight);
    cv_alibi_slopes(slopes, 3);
    assert_memory_equal(slopes, three, sizeof three);
    cv_alibi_slopes(slopes, 12);
    assert_memory_equal(slopes, eight, sizeof eight);
    assert_memory_equal(slopes + 8, twelve, sizeof twelve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_is_the_formula),  cmocka_unit_test(long_rows_are_the_formula),
        cmocka_unit_test(gradients_are_slopes),      cmocka_unit_test(items_know_nothing_of_each_other),
        cmocka_unit_test(slopes_are_those_of_alibi),
    };

    cv_blas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
