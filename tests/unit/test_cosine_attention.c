/* Attention by the cosine: the formula with every switch, its gradients, items that know nothing of each other, and the
 * slopes of ALiBi. */
#include "support/gradient.h"

#include "base/mem.h"
#include "nn/blas.h"
#include "nn/cosine_attention.h"

#include <string.h>

enum { ITEMS = 3, ROWS = 6, KEYS = 5, HEADS = 2, D = 4, WIDTH = HEADS * D, NULLS = 2 };
enum { MOST_KEYS = ROWS > KEYS ? ROWS : KEYS };

/* What a case switches on. */
typedef struct variant {
    bool nulls, scales, bias, mask, causal, slopes;
} variant;

static const variant variants[] = {
    { false, true, true, false, false, false }, /* over space */
    { false, true, false, false, true, true },  /* over time */
    { true, true, false, true, false, false },  /* to a text */
    { false, false, false, false, false, false }, { true, true, true, true, false, false },
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

static void unit(double *out, const float *x, const float *scale)
{
    double length = 0;

    for (int d = 0; d < D; d++)
        length += (double)x[d] * (double)x[d];
    for (int d = 0; d < D; d++)
        out[d] = scale ? (double)x[d] / sqrt(length) * (double)scale[d] : (double)x[d];
}

static void attend(const fixture *f, int item, int head, int row, double out[D])
{
    const cv_cosine_attention *s = &f->sizes;
    double q[D], k[D], sum = 0;

    memset(out, 0, D * sizeof *out);
    unit(q, f->q + (item * ROWS + row) * WIDTH + head * D, s->q_scale);
    for (int key = -s->nulls; key < s->keys; key++) {
        const float *of = key < 0 ? f->null_kv + (head * 2 * NULLS + 2 * (key + s->nulls)) * D
                                  : f->kv + 2 * (item * s->keys + key) * WIDTH + head * D,
                    *value = of + (key < 0 ? D : WIDTH);
        double score = 0;

        if (key >= 0 && ((s->mask && !s->mask[item * s->keys + key]) || (s->causal && key > row)))
            continue;
        unit(k, of, s->k_scale);
        for (int d = 0; d < D; d++)
            score += q[d] * k[d];
        score *= (double)s->scale;
        if (key >= 0 && s->bias)
            score += (double)s->bias[(head * ROWS + row) * s->keys + key];
        if (key >= 0 && s->slopes)
            score -= (double)s->slopes[head] * abs(row - key);
        score = exp(score);
        sum += score;
        for (int d = 0; d < D; d++)
            out[d] += score * (double)value[d];
    }
    for (int d = 0; d < D; d++)
        out[d] /= sum;
}

static void attention_is_the_formula(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        fixture f;

        setup(&f, &variants[v], 2);
        loss(&f);
        for (int item = 0; item < ITEMS; item++)
            for (int head = 0; head < HEADS; head++)
                for (int row = 0; row < ROWS; row++) {
                    double expected[D];

                    attend(&f, item, head, row, expected);
                    for (int d = 0; d < D; d++)
                        CHECK_CLOSE(f.out[(item * ROWS + row) * WIDTH + head * D + d], expected[d], 1e-5);
                }
        cv_arena_free(&f.arena);
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
    /* of 8 heads; of 3, whose third is the first of 4 heads */
    static const float eight[] = { 0x1p-1f, 0x1p-2f, 0x1p-3f, 0x1p-4f, 0x1p-5f, 0x1p-6f, 0x1p-7f, 0x1p-8f },
                       three[] = { 0x1p-4f, 0x1p-8f, 0x1p-2f };
    float slopes[8];

    (void)state;
    cv_alibi_slopes(slopes, 8);
    assert_memory_equal(slopes, eight, sizeof eight);
    cv_alibi_slopes(slopes, 3);
    assert_memory_equal(slopes, three, sizeof three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_is_the_formula),
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(items_know_nothing_of_each_other),
        cmocka_unit_test(slopes_are_those_of_alibi),
    };

    cv_blas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
