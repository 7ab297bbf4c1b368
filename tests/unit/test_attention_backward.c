/* The gradients of gathered attention: two sources, several runs, a bias, two sequences; of heads that are computed
 * query by query, and of those whose tiles go through products. */
#include "support/gradient.h"

#include "nn/attention.h"

enum { H = 2, MOST_D = 16, MOST_C = H * MOST_D, PLACES = 9, TEXT = 4, SEQUENCES = 2, QUERIES = 20 };
enum { MAX_KEYS = TEXT + PLACES };

static const int widths[] = { 5, MOST_D }; /* of a head */

/* Those of the first sequence are a whole tile and a part of one. */
static const int groups[SEQUENCES + 1] = { 0, CV_ATTENTION_TILE + 2, QUERIES };

typedef struct fixture {
    cv_exec exec;
    int D, C;
    float q[QUERIES * MOST_C], out[QUERIES * MOST_C], dout[QUERIES * MOST_C];
    float keys[SEQUENCES][PLACES * MOST_C], values[SEQUENCES][PLACES * MOST_C];
    float text_keys[SEQUENCES][TEXT * MOST_C], text_values[SEQUENCES][TEXT * MOST_C];
    cv_key_run text_run, runs[QUERIES][3];
    cv_attention_query queries[QUERIES];
    cv_arena arena;
    _Alignas(64) char memory[1 << 16];
} fixture;

typedef struct gradients {
    float dq[QUERIES * MOST_C], dkeys[SEQUENCES][PLACES * MOST_C], dvalues[SEQUENCES][PLACES * MOST_C];
    float dtext_keys[SEQUENCES][TEXT * MOST_C], dtext_values[SEQUENCES][TEXT * MOST_C];
    cv_attention_query_grad queries[QUERIES];
} gradients;

static int sequence_of(int query)
{
    return query >= groups[1];
}

static cv_weight matrix(const float *numbers, int places, int D)
{
    return (cv_weight){ numbers, NULL, CV_WEIGHT_F32, H * places, D };
}

static void setup(fixture *f, int D, int threads)
{
    const int C = H * D;

    f->D = D;
    f->C = C;
    f->exec.threads = threads;
    check_kernels(&f->exec.kernels);
    f->arena = cv_arena_over(f->memory, sizeof f->memory);
    assert_true(cv_attention_backward_scratch(&f->exec, MAX_KEYS, D) <= sizeof f->memory);
    gradient_fill(f->q, QUERIES * MOST_C, 1, 2);
    gradient_fill(f->dout, QUERIES * MOST_C, 2, 1);
    gradient_fill(f->keys[0], SEQUENCES * PLACES * MOST_C, 3, 2);
    gradient_fill(f->values[0], SEQUENCES * PLACES * MOST_C, 4, 1);
    gradient_fill(f->text_keys[0], SEQUENCES * TEXT * MOST_C, 5, 2);
    gradient_fill(f->text_values[0], SEQUENCES * TEXT * MOST_C, 6, 1);
    f->text_run = (cv_key_run){ 1, TEXT - 1 };
    for (int i = 0; i < QUERIES; i++) {
        int s = sequence_of(i);

        f->runs[i][0] = (cv_key_run){ 0, 2 };
        f->runs[i][1] = (cv_key_run){ 2, 1 + i % 4 };
        f->runs[i][2] = (cv_key_run){ 6, 3 };
        f->queries[i] = (cv_attention_query){ .q = f->q + i * C, .out = f->out + i * C, .source_count = 2 };
        f->queries[i].sources[0] = (cv_attention_source){
            matrix(f->text_keys[s], TEXT, D), matrix(f->text_values[s], TEXT, D), TEXT, &f->text_run, 1, 0.5f
        };
        f->queries[i].sources[1] = (cv_attention_source){
            matrix(f->keys[s], PLACES, D), matrix(f->values[s], PLACES, D), PLACES, f->runs[i], 3, 0
        };
    }
}

static void backward(fixture *f, gradients *g)
{
    memset(g, 0, sizeof *g);
    for (int i = 0; i < QUERIES; i++) {
        int s = sequence_of(i);

        g->queries[i] =
            (cv_attention_query_grad){ f->dout + i * f->C,
                                       g->dq + i * f->C,
                                       { { g->dtext_keys[s], g->dtext_values[s] }, { g->dkeys[s], g->dvalues[s] } } };
    }
    cv_attention_backward(&f->exec, f->queries, g->queries, groups, SEQUENCES, H, f->D, MAX_KEYS, &f->arena);
}

static double loss(void *user)
{
    fixture *f = user;

    cv_attention(&f->exec, f->queries, QUERIES, H, f->D, MAX_KEYS, &f->arena);
    return gradient_loss(f->out, f->dout, QUERIES * f->C);
}

static void gradients_are_slopes(void **state)
{
    fixture f;
    gradients g;

    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        setup(&f, widths[i], 2);
        backward(&f, &g);
        gradient_check(f.q, g.dq, QUERIES * f.C, loss, &f);
        gradient_check(f.keys[0], g.dkeys[0], SEQUENCES * PLACES * MOST_C, loss, &f);
        gradient_check(f.values[0], g.dvalues[0], SEQUENCES * PLACES * MOST_C, loss, &f);
        gradient_check(f.text_keys[0], g.dtext_keys[0], SEQUENCES * TEXT * MOST_C, loss, &f);
        gradient_check(f.text_values[0], g.dtext_values[0], SEQUENCES * TEXT * MOST_C, loss, &f);
    }
}

static void threads_do_not_matter(void **state)
{
    fixture f;
    gradients g[2];

    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        setup(&f, widths[i], 1);
        backward(&f, &g[0]);
        setup(&f, widths[i], 3);
        backward(&f, &g[1]);
        assert_memory_equal(&g[0], &g[1], offsetof(gradients, queries));
    }
}

/* dq in place of dout, and a source whose gradients nobody wants. */
static void in_place_and_frozen(void **state)
{
    fixture f;
    gradients g;
    float dq[QUERIES * MOST_C], dkeys[SEQUENCES * PLACES * MOST_C];

    (void)state;
    for (size_t width = 0; width < sizeof widths / sizeof *widths; width++) {
        setup(&f, widths[width], 2);
        backward(&f, &g);
        memcpy(dq, g.dq, sizeof dq);
        memcpy(dkeys, g.dkeys, sizeof dkeys);
        memset(g.dkeys, 0, sizeof g.dkeys);
        memset(g.dtext_keys, 0, sizeof g.dtext_keys);
        for (int i = 0; i < QUERIES; i++) {
            g.queries[i].dq = f.dout + i * f.C;
            g.queries[i].sources[0] = (cv_attention_grad){ NULL, NULL };
        }
        cv_attention_backward(&f.exec, f.queries, g.queries, groups, SEQUENCES, H, f.D, MAX_KEYS, &f.arena);
        assert_memory_equal(f.dout, dq, (size_t)(QUERIES * f.C) * sizeof *dq);
        assert_memory_equal(g.dkeys, dkeys, sizeof dkeys);
        for (int s = 0; s < SEQUENCES; s++)
            for (int i = 0; i < TEXT * MOST_C; i++)
                assert_true(g.dtext_keys[s][i] == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(in_place_and_frozen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
