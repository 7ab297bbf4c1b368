/* Every kernel of every instruction set that runs here, against plain C: odd sizes, unaligned, with canaries. */
#include "support/check.h"
#include "support/seeded.h"

#include "kernels/kernels.h"

#define CANARY 12345.0f

static void fill(float *x, int count, int seed)
{
    for (int i = 0; i < count; i++)
        x[i] = seeded_unit(seed, "x", (uint64_t)i);
}

/* A matrix of a type, its rows aligned to an element only. */
typedef struct matrix {
    unsigned char *data, *scales;
    cv_weight view;
} matrix;

static matrix make_matrix(cv_weight_type type, const float *values, int N, int K)
{
    size_t row = cv_weight_row_bytes(type, (size_t)K), scales = cv_weight_scale_bytes(type, (size_t)K), odd = 4;
    matrix m = { malloc(odd + (size_t)N * row), malloc(odd + (size_t)N * scales), { .type = type, .N = N, .K = K } };

    assert_true(m.data && m.scales);
    odd = type < CV_WEIGHT_Q8 ? cv_dtype_size((cv_dtype)type) : 1;
    m.view.data = m.data + odd;
    m.view.scales = type >= CV_WEIGHT_Q8 ? m.scales + (type == CV_WEIGHT_Q8 ? 4 : 2) : NULL;
    for (int n = 0; n < N; n++)
        cv_weight_narrow(m.data + odd + (size_t)n * row,
                         m.view.scales ? (unsigned char *)m.view.scales + (size_t)n * scales : NULL, type,
                         values + (size_t)n * (size_t)K, (size_t)K);
    return m;
}

static void free_matrix(matrix *m)
{
    free(m->data);
    free(m->scales);
}

/* K from 1 on, or whole groups where the type wants them. */
static int next_K(cv_weight_type type, int K)
{
    return type == CV_WEIGHT_Q4 ? K + CV_Q4_GROUP : K + 1 + K / 40;
}

enum { MOST_N = 11, MOST_K = 200, MOST_B = 9 };

static void linear_matches(void **state)
{
    const cv_kernels *table = *state;
    static float x[MOST_B * (MOST_K + 3) + 1], wide[MOST_N * MOST_K], out[2][MOST_B * (MOST_N + 2)];
    cv_kernels ref, best;

    cv_kernels_ref(&ref);
    best = *table;
    fill(x, MOST_B * (MOST_K + 3) + 1, 1);
    fill(wide, MOST_N * MOST_K, 2);
    for (cv_weight_type type = CV_WEIGHT_F32; type < CV_WEIGHT_TYPES; type++)
        for (int k = next_K(type, 0); k <= MOST_K; k = next_K(type, k))
            for (int n = 1; n <= MOST_N; n += k % 3 + 1) {
                matrix m = make_matrix(type, wide, n, k);

                for (int b = 1; b <= MOST_B; b++) {
                    for (int i = 0; i < MOST_B * (MOST_N + 2); i++)
                        out[0][i] = out[1][i] = CANARY;
                    ref.linear[type](out[0], (size_t)n + 2, x + 1, (size_t)k + 3, &m.view, b);
                    best.linear[type](out[1], (size_t)n + 2, x + 1, (size_t)k + 3, &m.view, b);
                    for (int i = 0; i < MOST_B * (MOST_N + 2); i++)
                        CHECK_CLOSE(out[1][i], out[0][i], 3e-5);
                }
                free_matrix(&m);
            }
}

/* Inputs in 8 bits, as the kernels of both tables make them: the very same. */
typedef struct q8_input {
    int8_t values[MOST_B * (MOST_K + 5) + 1];
    float scales[MOST_B];
    int32_t sums[MOST_B * 5];
    cv_q8_rows view;
} q8_input;

static void make_input(q8_input *in, const cv_kernels *kernels, const float *x, int K, int B)
{
    memset(in, 77, sizeof *in);
    in->view = (cv_q8_rows){ in->values + 1, in->scales, in->sums, (size_t)K + 5, 5 };
    for (int b = 0; b < B; b++)
        kernels->quantise(in->values + 1 + b * (K + 5), &in->scales[b], in->sums + 5 * b, x + b * K, K);
}

static void quantising_matches(void **state)
{
    const cv_kernels *table = *state;
    static float x[MOST_B * MOST_K];
    static q8_input a, b;
    cv_kernels ref, best;

    cv_kernels_ref(&ref);
    best = *table;
    fill(x, MOST_B * MOST_K, 1);
    for (int k = 1; k <= MOST_K; k++) {
        for (int i = 0; i < k; i++)
            x[3 * k + i] = 0; /* a row of nothing */
        make_input(&a, &ref, x, k, MOST_B);
        make_input(&b, &best, x, k, MOST_B);
        assert_memory_equal(a.values, b.values, sizeof a.values);
        assert_memory_equal(a.scales, b.scales, sizeof a.scales);
        assert_memory_equal(a.sums, b.sums, sizeof a.sums);
        for (int i = 0; i < k; i++)
            CHECK_CLOSE(a.scales[0] * (float)a.values[1 + i], x[i], (double)a.scales[0] * 0.51);
        fill(x + 3 * k, k, 5);
    }
}

static void linear_q8_matches(void **state)
{
    const cv_kernels *table = *state;
    static float x[MOST_B * MOST_K], wide[MOST_N * MOST_K], out[2][MOST_B * (MOST_N + 2)];
    static q8_input in;
    cv_kernels ref, best;

    cv_kernels_ref(&ref);
    best = *table;
    fill(x, MOST_B * MOST_K, 1);
    fill(wide, MOST_N * MOST_K, 2);
    for (cv_weight_type type = CV_WEIGHT_Q8; type < CV_WEIGHT_TYPES; type++)
        for (int k = next_K(type, 0); k <= MOST_K; k = next_K(type, k))
            for (int n = 1; n <= MOST_N; n += k % 3 + 1) {
                matrix m = make_matrix(type, wide, n, k);

                make_input(&in, &ref, x, k, MOST_B);
                for (int b = 1; b <= MOST_B; b++) {
                    for (int i = 0; i < MOST_B * (MOST_N + 2); i++)
                        out[0][i] = out[1][i] = CANARY;
                    ref.linear_q8[type](out[0], (size_t)n + 2, &in.view, &m.view, b);
                    best.linear_q8[type](out[1], (size_t)n + 2, &in.view, &m.view, b);
                    for (int i = 0; i < MOST_B * (MOST_N + 2); i++)
                        if (type == CV_WEIGHT_Q8) /* whole numbers: to the bit */
                            assert_true(out[1][i] == out[0][i]);
                        else
                            CHECK_CLOSE(out[1][i], out[0][i], 3e-5);
                }
                free_matrix(&m);
            }
}

/* The extremes of 8 bits: no sum on the way leaves its type. */
static void extremes_do_not_overflow(void **state)
{
    const cv_kernels *table = *state;
    enum { K = 192 };
    float x[K], w[K], out;
    int8_t values[K];
    float scale;
    int32_t sums[K / CV_Q4_GROUP];
    cv_kernels tables[2];

    cv_kernels_ref(&tables[0]);
    tables[1] = *table;
    for (int sign = -1; sign <= 1; sign += 2)
        for (cv_weight_type type = CV_WEIGHT_Q8; type < CV_WEIGHT_TYPES; type++)
            for (int t = 0; t < 2; t++) {
                cv_q8_rows in = { values, &scale, sums, K, K / CV_Q4_GROUP };
                matrix m;

                for (int k = 0; k < K; k++) {
                    x[k] = 1;
                    w[k] = (float)sign;
                }
                m = make_matrix(type, w, 1, K);
                tables[t].quantise(values, &scale, sums, x, K);
                tables[t].linear_q8[type](&out, 1, &in, &m.view, 1);
                CHECK_CLOSE(out, (float)(sign * K), 1e-3);
                free_matrix(&m);
            }
}

static void widening_matches(void **state)
{
    const cv_kernels *table = *state;
    static float wide[MOST_N * MOST_K], out[2][MOST_N * MOST_K + 1];
    cv_kernels ref, best;

    cv_kernels_ref(&ref);
    best = *table;
    fill(wide, MOST_N * MOST_K, 2);
    for (cv_weight_type type = CV_WEIGHT_F32; type < CV_WEIGHT_TYPES; type++)
        for (int k = next_K(type, 0); k <= MOST_K; k = next_K(type, k)) {
            matrix m = make_matrix(type, wide, 3, k);

            for (int i = 0; i <= MOST_N * MOST_K; i++)
                out[0][i] = out[1][i] = CANARY;
            ref.widen[type](out[0], &m.view);
            best.widen[type](out[1], &m.view);
            assert_memory_equal(out[0], out[1], sizeof out[0]);
            for (int i = 0; i < 3 * k; i++)
                CHECK_CLOSE(out[0][i], wide[i], type == CV_WEIGHT_Q4 ? 0.13 : type == CV_WEIGHT_F32 ? 0 : 0.005);
            free_matrix(&m);
        }
}

/* A batch entry must get the very same bits alone and in any company, in every type. */
static void linear_ignores_the_batch(void **state)
{
    const cv_kernels *table = *state;
    static float x[MOST_B * MOST_K], wide[MOST_N * MOST_K], together[MOST_B * MOST_N], alone[MOST_N];
    static q8_input in;
    cv_kernels kernels[2];

    cv_kernels_ref(&kernels[0]);
    kernels[1] = *table;
    fill(x, MOST_B * MOST_K, 1);
    fill(wide, MOST_N * MOST_K, 2);
    for (int t = 0; t < 2; t++)
        for (cv_weight_type type = CV_WEIGHT_F32; type < CV_WEIGHT_TYPES; type++) {
            int K = type == CV_WEIGHT_Q4 ? 192 : 179;
            matrix m = make_matrix(type, wide, MOST_N, K);

            make_input(&in, &kernels[t], x, K, MOST_B);
            for (int b = 1; b <= MOST_B; b++)
                for (int q8 = 0; q8 <= (kernels[t].linear_q8[type] != NULL); q8++) {
                    if (q8)
                        kernels[t].linear_q8[type](together, MOST_N, &in.view, &m.view, b);
                    else
                        kernels[t].linear[type](together, MOST_N, x, (size_t)K, &m.view, b);
                    for (int i = 0; i < b; i++) {
                        cv_q8_rows one = { in.view.values + (size_t)i * in.view.stride, in.scales + i, in.sums + 5 * i,
                                           in.view.stride, 5 };

                        if (q8)
                            kernels[t].linear_q8[type](alone, MOST_N, &one, &m.view, 1);
                        else
                            kernels[t].linear[type](alone, MOST_N, x + i * K, (size_t)K, &m.view, 1);
                        assert_memory_equal(alone, together + i * MOST_N, sizeof alone);
                    }
                }
            free_matrix(&m);
        }
}

static void mix_matches(void **state)
{
    const cv_kernels *table = *state;
    static float values[MOST_N * MOST_K], weights[MOST_N], out[2][MOST_K + 8];
    cv_kernels ref;

    cv_kernels_ref(&ref);
    fill(values, MOST_N * MOST_K, 2);
    fill(weights, MOST_N, 3);
    for (cv_weight_type type = CV_WEIGHT_F32; type < CV_WEIGHT_TYPES; type++)
        for (int k = next_K(type, 0); k <= MOST_K; k = next_K(type, k))
            for (int n = 0; n <= MOST_N; n++) {
                matrix m = make_matrix(type, values, n, k);

                for (int i = 0; i < MOST_K + 8; i++)
                    out[0][i] = out[1][i] = i < k ? 0.5f : CANARY;
                ref.mix[type](out[0], weights, &m.view);
                table->mix[type](out[1], weights, &m.view);
                for (int i = 0; i < MOST_K + 8; i++)
                    CHECK_CLOSE(out[1][i], out[0][i], 1e-5);
                free_matrix(&m);
            }
}

static void spread_matches(void **state)
{
    const cv_kernels *table = *state;
    enum { N = 5, D = 67 };
    cv_kernels ref, best;
    float x[D + 1], weights[N], a[N * D + 9], b[N * D + 9];

    cv_kernels_ref(&ref);
    best = *table;
    fill(x, D + 1, 1);
    fill(weights, N, 2);
    for (int d = 1; d <= D; d++)
        for (int n = 0; n <= N; n++) {
            for (int i = 0; i < N * D + 9; i++)
                a[i] = b[i] = CANARY + (float)i;
            fill(a + 1, n * d, 3);
            fill(b + 1, n * d, 3);
            ref.spread(a + 1, weights, x + 1, n, d);
            best.spread(b + 1, weights, x + 1, n, d);
            for (int i = 0; i < N * D + 9; i++)
                CHECK_CLOSE(b[i], a[i], 1e-5);
            for (int i = 0; i < n * d; i++)
                CHECK_CLOSE(a[i + 1], seeded_unit(3, "x", (uint64_t)i) + weights[i / d] * x[1 + i % d], 1e-5);
        }
}

/* What compilers vectorise by themselves gives the same bits with every instruction set. */
static void loops_give_the_same_bits(void **state)
{
    const cv_kernels *tables[2] = { *state, NULL };
    static float x[MOST_K], dy[MOST_K], weight[MOST_K], bias[MOST_K], out[2][6][MOST_K];
    cv_kernels ref;

    cv_kernels_ref(&ref);
    tables[1] = &ref;
    fill(x, MOST_K, 1);
    fill(dy, MOST_K, 2);
    fill(weight, MOST_K, 3);
    fill(bias, MOST_K, 4);
    for (int n = 1; n <= MOST_K; n++) {
        for (int t = 0; t < 2; t++) {
            const cv_kernels *k = tables[t];
            cv_norm_row norm = { weight, bias, 0, 0, n };

            for (int i = 0; i < 6; i++)
                memcpy(out[t][i], x, sizeof x);
            k->gelu(out[t][0], (size_t)n);
            k->gelu_backward(out[t][1], dy, x, (size_t)n);
            k->softmax(out[t][2], n);
            k->softmax_backward(out[t][3], dy, n);
            k->norm_stats(x, n, 1e-5f, &norm.mean, &norm.scale);
            k->norm_row(out[t][4], n % 2 == 0, x, &norm);
            k->norm_row_backward(out[t][5], n % 2 == 0, dy, x, &norm);
            k->norm_row_gradients(out[t][4], out[t][5], dy, x, &norm);
        }
        assert_memory_equal(out[0], out[1], sizeof out[0]);
    }
}

/* Every table that runs here. */
int main(void)
{
    int failed = 0;
    cv_kernels table;

    for (int number = 0; cv_kernels_choose(number, &table); number++) {
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(linear_matches, &table),
            cmocka_unit_test_prestate(quantising_matches, &table),
            cmocka_unit_test_prestate(linear_q8_matches, &table),
            cmocka_unit_test_prestate(extremes_do_not_overflow, &table),
            cmocka_unit_test_prestate(widening_matches, &table),
            cmocka_unit_test_prestate(linear_ignores_the_batch, &table),
            cmocka_unit_test_prestate(mix_matches, &table),
            cmocka_unit_test_prestate(spread_matches, &table),
            cmocka_unit_test_prestate(loops_give_the_same_bits, &table),
        };

        printf("%s:\n", table.name);
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
