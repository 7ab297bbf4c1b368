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

static void linear_matches(void **state)
{
    enum { N = 11, K = 67, B = 5 };
    cv_kernels ref, best;
    float x[B * (K + 3) + 1], wide[N * K], out[2][B * (N + 2)];
    unsigned char weights[4 * N * K + 4];

    (void)state;
    cv_kernels_ref(&ref);
    cv_kernels_best(&best);
    fill(x, B * (K + 3) + 1, 1);
    fill(wide, N * K, 2);
    for (cv_dtype dtype = CV_F32; dtype <= CV_BF16; dtype++) {
        void *w = weights + cv_dtype_size(dtype); /* aligned to an element only */

        for (int k = 1; k <= K; k++)
            for (int n = 1; n <= N; n += k % 3 + 1)
                for (int b = 1; b <= B; b++) {
                    cv_from_f32(w, dtype, wide, (size_t)(n * k));
                    for (int i = 0; i < B * (N + 2); i++)
                        out[0][i] = out[1][i] = CANARY;
                    ref.linear[dtype](out[0], (size_t)n + 2, x + 1, (size_t)k + 3, w, n, k, b);
                    best.linear[dtype](out[1], (size_t)n + 2, x + 1, (size_t)k + 3, w, n, k, b);
                    for (int i = 0; i < B * (N + 2); i++)
                        CHECK_CLOSE(out[1][i], out[0][i], 1e-5);
                }
    }
}

/* A batch entry must get the very same bits alone and in any company. */
static void linear_ignores_the_batch(void **state)
{
    enum { N = 9, K = 77, B = 8 };
    cv_kernels kernels[2];
    float x[B * K], w[N * K], together[B * N], alone[N];

    (void)state;
    cv_kernels_ref(&kernels[0]);
    cv_kernels_best(&kernels[1]);
    fill(x, B * K, 1);
    fill(w, N * K, 2);
    for (int t = 0; t < 2; t++)
        for (int b = 1; b <= B; b++) {
            kernels[t].linear[CV_F32](together, N, x, K, w, N, K, b);
            for (int i = 0; i < b; i++) {
                kernels[t].linear[CV_F32](alone, N, x + i * K, K, w, N, K, 1);
                assert_memory_equal(alone, together + i * N, sizeof alone);
            }
        }
}

static void attention_kernels_match(void **state)
{
    enum { N = 13, D = 67 };
    cv_kernels ref, best;
    float q[D + 1], keys[N * D + 1], weights[N], a[D + 8], b[D + 8];

    (void)state;
    cv_kernels_ref(&ref);
    cv_kernels_best(&best);
    fill(q, D + 1, 1);
    fill(keys, N * D + 1, 2);
    fill(weights, N, 3);
    for (int d = 1; d <= D; d++)
        for (int n = 0; n <= N; n++) {
            for (int i = 0; i < D + 8; i++)
                a[i] = b[i] = CANARY;
            ref.scores(a, q + 1, keys + 1, n, d);
            best.scores(b, q + 1, keys + 1, n, d);
            for (int i = 0; i < D + 8; i++)
                CHECK_CLOSE(b[i], a[i], 1e-5);
            for (int i = 0; i < D + 8; i++)
                a[i] = b[i] = i < d ? 0.5f : CANARY;
            ref.mix(a, weights, keys + 1, n, d);
            best.mix(b, weights, keys + 1, n, d);
            for (int i = 0; i < D + 8; i++)
                CHECK_CLOSE(b[i], a[i], 1e-5);
        }
}

static void spread_matches(void **state)
{
    enum { N = 5, D = 67 };
    cv_kernels ref, best;
    float x[D + 1], weights[N], a[N * D + 9], b[N * D + 9];

    (void)state;
    cv_kernels_ref(&ref);
    cv_kernels_best(&best);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_matches),
        cmocka_unit_test(linear_ignores_the_batch),
        cmocka_unit_test(attention_kernels_match),
        cmocka_unit_test(spread_matches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
