/* What training starts from and what it keeps beside the gradients: first weights, k-means, the codebook's averages. */
#include "support/check.h"
#include "support/seeded.h"

#include "nn/blas.h"
#include "train/codebook.h"
#include "train/init.h"
#include "train/kmeans.h"

static cv_exec exec = { .threads = 2 };

static int start(void **state)
{
    (void)state;
    cv_blas_init();
    cv_kernels_plain(&exec.kernels);
    return 0;
}

/* A store in memory of these tensors. */
static cv_store *memory(const cv_tensor *tensors, size_t count)
{
    cogvideo_error err;
    cv_store *store;

    CHECK_OK(cv_store_create(&store, "memory", tensors, count, &err), err);
    return store;
}

/* --- first weights -------------------------------------------------------------------------------------------- */

static void deviation(const cv_store *store, const char *name, double *mean, double *size)
{
    const cv_tensor *tensor = check_tensor(store, name);

    *mean = *size = 0;
    for (size_t i = 0; i < tensor->count; i++)
        *mean += (double)cv_tensor_values(tensor)[i] / (double)tensor->count;
    for (size_t i = 0; i < tensor->count; i++)
        *size += pow((double)cv_tensor_values(tensor)[i] - *mean, 2) / (double)tensor->count;
    *size = sqrt(*size);
}

static void first_weights_follow_their_names(void **state)
{
    const cv_tensor tensors[] = {
        { .name = "enc.norm_out.weight", .rank = 1, .shape = { 7 }, .count = 7 },
        { .name = "enc.conv.weight", .rank = 4, .shape = { 50, 10, 3, 3 }, .count = 4500 },
        { .name = "enc.conv.bias", .rank = 1, .shape = { 50 }, .count = 50 },
        { .name = "position_embeddings.weight", .rank = 2, .shape = { 100, 50 }, .count = 5000 },
        { .name = "layers.3.fourth_layernorm.weight", .rank = 1, .shape = { 8 }, .count = 8 },
        { .name = "dense.weight", .rank = 2, .shape = { 64, 100 }, .count = 6400 },
    };
    const cv_init_rule rules[] = { { "*fourth_layernorm.weight", CV_INIT_CONSTANT, 0.15f },
                                   { "dense*", CV_INIT_FAN_IN, 2 } };
    cv_store *a = memory(tensors, 6), *b = memory(tensors + 1, 1);
    double mean, size;

    (void)state;
    cv_init_store(a, 5, rules, 2);
    for (int i = 0; i < 7; i++) {
        assert_true(check_f32(a, "enc.norm_out.weight")[i] == 1);
        assert_true(check_f32(a, "enc.conv.bias")[i] == 0);
        assert_true(check_f32(a, "layers.3.fourth_layernorm.weight")[i] == 0.15f);
    }
    deviation(a, "enc.conv.weight", &mean, &size);
    CHECK_CLOSE(mean, 0, 0.01);
    CHECK_CLOSE(size, 1 / sqrt(90), 0.005);
    deviation(a, "position_embeddings.weight", &mean, &size);
    CHECK_CLOSE(size, 0.02, 0.001);
    deviation(a, "dense.weight", &mean, &size);
    CHECK_CLOSE(size, 0.2, 0.01);
    /* Neither the neighbours nor the order matter, the seed and the name do. */
    cv_init_store(b, 5, NULL, 0);
    assert_memory_equal(check_f32(a, "enc.conv.weight"), check_f32(b, "enc.conv.weight"), 4500 * sizeof(float));
    cv_init_store(b, 6, NULL, 0);
    assert_true(memcmp(check_f32(a, "enc.conv.weight"), check_f32(b, "enc.conv.weight"), 4500 * sizeof(float)) != 0);
    cv_store_close(&a);
    cv_store_close(&b);
}

/* --- k-means -------------------------------------------------------------------------------------------------- */

static void run_kmeans(float *centres, int32_t *labels, const float *x, int count, int dimensions, int k, uint64_t seed)
{
    cv_arena arena = { 0 };

    cv_kmeans(&exec, centres, labels, x, count, dimensions, k, 10, seed, &arena);
    assert_int_equal(arena.used, 0);
    arena = cv_arena_over(aligned_alloc(64, arena.peak), arena.peak);
    cv_kmeans(&exec, centres, labels, x, count, dimensions, k, 10, seed, &arena);
    free(arena.base);
}

static void kmeans_finds_the_heaps(void **state)
{
    enum { HEAPS = 7, EACH = 11, K = 3, ROWS = HEAPS * EACH };
    float x[ROWS * K], centres[HEAPS * K], again[HEAPS * K];
    int32_t labels[ROWS], others[ROWS];

    (void)state;
    for (int i = 0; i < ROWS * K; i++)
        x[i] = 20 * seeded_unit(1, "heap", (uint64_t)(i / K % HEAPS * K + i % K)) +
               0.1f * seeded_unit(2, "x", (uint64_t)i);
    for (uint64_t seed = 0; seed < 5; seed++) {
        run_kmeans(centres, labels, x, ROWS, K, HEAPS, seed);
        for (int i = 0; i < ROWS; i++) {
            assert_int_equal(labels[i], labels[i % HEAPS]);
            assert_in_range(labels[i], 0, HEAPS - 1);
            for (int j = 0; j < i % HEAPS; j++)
                assert_int_not_equal(labels[i], labels[j]);
        }
        for (int k = 0; k < K; k++) { /* a centre is its heap's mean */
            double mean = 0;

            for (int i = 0; i < ROWS; i += HEAPS)
                mean += (double)x[i * K + k] / EACH;
            CHECK_CLOSE(centres[labels[0] * K + k], mean, 1e-4);
        }
        exec.threads = 3;
        run_kmeans(again, others, x, ROWS, K, HEAPS, seed);
        exec.threads = 2;
        assert_memory_equal(centres, again, sizeof centres);
        assert_memory_equal(labels, others, sizeof labels);
    }
}

static void kmeans_bears_few_rows(void **state)
{
    float x[3 * 2] = { 1, 2, 1, 2, 5, 6 }, centres[5 * 2];
    int32_t labels[3];

    (void)state;
    run_kmeans(centres, labels, x, 3, 2, 5, 9);
    for (int i = 0; i < 3; i++) {
        assert_in_range(labels[i], 0, 4);
        assert_true(centres[labels[i] * 2] == x[i * 2] && centres[labels[i] * 2 + 1] == x[i * 2 + 1]);
    }
    assert_int_equal(labels[0], labels[1]);
    run_kmeans(centres, labels, x, 1, 2, 1, 9);
    assert_int_equal(labels[0], 0);
}

/* --- the codebook --------------------------------------------------------------------------------------------- */

enum { CODES = 3, LATENT = 2 };

typedef cogvideo_status codebook_bind(cv_codebook *out, cv_store *network, cv_store *averages, int codes, int latent,
                                      cogvideo_error *err);

static cv_codebook open_codebook_as(codebook_bind *bind, cv_store *stores[2])
{
    cv_codebook codebook;
    cogvideo_error err;

    for (int pass = 0; pass < 2; pass++) {
        cv_store *plans[2];

        for (int i = 0; pass == 0 && i < 2; i++)
            CHECK_OK(cv_store_plan(&plans[i], "plan", &err), err);
        CHECK_OK(bind(&codebook, pass ? stores[0] : plans[0], pass ? stores[1] : plans[1], CODES, LATENT, &err), err);
        for (int i = 0; pass == 0 && i < 2; i++) {
            CHECK_OK(cv_store_create_like(&stores[i], "memory", plans[i], &err), err);
            cv_store_close(&plans[i]);
        }
    }
    return codebook;
}

static cv_codebook open_codebook(cv_store *stores[2])
{
    return open_codebook_as(cv_codebook_bind, stores);
}

static void start_codebook(const cv_codebook *codebook, const float *z, int rows)
{
    cv_arena arena = { 0 };

    cv_codebook_start(&exec, codebook, z, rows, 1, 5, 1, &arena);
    arena = cv_arena_over(aligned_alloc(64, arena.peak), arena.peak);
    cv_codebook_start(&exec, codebook, z, rows, 1, 5, 1, &arena);
    free(arena.base);
}

static void codes_follow_their_vectors(void **state)
{
    const float first[6] = { 0, 0, 10, 0, 0, 10 }, z[8] = { 1, 0, 1, 2, 11, 0, 11, 0 };
    const cv_codebook_options options = { .decay = 0.5, .dead = 0.3 };
    cv_store *stores[2];
    cv_codebook codebook = open_codebook(stores);
    double away[4];
    int32_t ids[4];
    int zero = 0, ten = 0, other = 0;

    (void)state;
    start_codebook(&codebook, first, 3);
    for (int i = 0; i < CODES; i++) {
        zero = codebook.vectors[i * 2] == 0 && codebook.vectors[i * 2 + 1] == 0 ? i : zero;
        ten = codebook.vectors[i * 2] == 10 ? i : ten;
    }
    other = 3 - zero - ten;
    assert_true(zero != ten && codebook.vectors[other * 2 + 1] == 10);
    assert_true(codebook.sizes[0] == 1 && codebook.sums[other * 2 + 1] == 10);
    ids[0] = ids[1] = zero;
    ids[2] = ids[3] = ten;
    /* (0.5 * 1 row of 0 + 0.5 * 2 rows of (1, 0) and (1, 2)) / 1.5 rows; the unused code keeps half a row. */
    assert_int_equal(cv_codebook_update(&codebook, &options, 0, z, ids, 4, away), 0);
    CHECK_CLOSE(codebook.sizes[zero], 1.5, 1e-6);
    CHECK_CLOSE(codebook.vectors[zero * 2], 1 / 1.5, 1e-4);
    CHECK_CLOSE(codebook.vectors[zero * 2 + 1], 1 / 1.5, 1e-4);
    CHECK_CLOSE(codebook.vectors[ten * 2], (5 + 11) / 1.5, 1e-3);
    CHECK_CLOSE(codebook.vectors[other * 2 + 1], 10, 1e-3);
    assert_int_equal(cv_codebook_used(&codebook, 0.1), 3);
    assert_int_equal(cv_codebook_used(&codebook, 0.5), 2);
    cv_store_close(&stores[0]);
    cv_store_close(&stores[1]);
}

/* Codes (0, 0), (3, 4) and (9, 0), the middle one used most: at a distance of 5.1 it takes the first one in, at 5
 * nothing. */
static void codes_that_are_close_become_one(void **state)
{
    const float first[6] = { 0, 0, 3, 4, 9, 0 };
    const int32_t ids[6] = { 0, 1, 1, 2, 1, 0 };
    bool done[CODES];
    cv_store *stores[2];
    cv_codebook codebook = open_codebook(stores);

    (void)state;
    memcpy(codebook.vectors, first, sizeof first);
    cv_codebook_count(&codebook, ids, 6, 2);
    assert_true(codebook.sizes[0] == 1 && codebook.sizes[1] == 1.5f && codebook.sizes[2] == 0.5f);
    assert_int_equal(cv_codebook_merge(&codebook, 5, done), 3);
    assert_memory_equal(codebook.vectors, first, sizeof first);
    assert_int_equal(cv_codebook_merge(&codebook, 5.1, done), 2);
    assert_true(codebook.vectors[0] == 16 * 9 && codebook.vectors[1] == 16 * 9 && codebook.sizes[0] == 0);
    assert_memory_equal(codebook.vectors + 2, first + 2, 4 * sizeof *first);
    assert_int_equal(cv_codebook_merge(&codebook, 5.1, done), 2);
    assert_true(codebook.vectors[0] == 16 * 9);
    cv_store_close(&stores[0]);
    cv_store_close(&stores[1]);
}

static void check_length(const cv_codebook *codebook, int code)
{
    CHECK_CLOSE(hypot((double)codebook->vectors[code * 2], (double)codebook->vectors[code * 2 + 1]), 1, 1e-6);
}

/* Directions of 0, 37, 53 and 90 degrees. The centre of the second and third, shorter than 1, is a code of its own. */
static void codes_by_angle_keep_their_length(void **state)
{
    const float first[8] = { 1, 0, 0.8f, 0.6f, 0.6f, 0.8f, 0, 1 }, z[4] = { 0.6f, 0.8f, 0.6f, 0.8f };
    const cv_codebook_options options = { .decay = 0.5 };
    const int32_t ids[2] = { 1, 1 };
    float before[CODES * LATENT];
    cv_store *stores[2];
    cv_codebook codebook = open_codebook_as(cv_codebook_bind_unit, stores);
    double away[2];
    bool done[CODES];
    int near = 0;

    (void)state;
    start_codebook(&codebook, first, 4);
    for (int code = 0; code < CODES; code++) {
        check_length(&codebook, code);
        near += fabsf(codebook.vectors[code * 2] - codebook.vectors[code * 2 + 1]) < 1e-6f;
    }
    assert_int_equal(near, 1);
    memcpy(before, codebook.vectors, sizeof before);
    for (uint64_t step = 0; step < 20; step++) {
        assert_int_equal(cv_codebook_update(&codebook, &options, step, z, ids, 2, away), 0);
        for (int code = 0; code < CODES; code++)
            check_length(&codebook, code);
    }
    CHECK_CLOSE(codebook.vectors[2], 0.6, 1e-3);
    assert_true(fabsf(codebook.vectors[0] - before[0]) < 1e-4f); /* no rows: it stays where it is */

    memcpy(codebook.vectors, first, sizeof before);
    cv_codebook_count(&codebook, ids, 2, 1);
    assert_int_equal(cv_codebook_merge(&codebook, 0.5, done), 1);
    assert_true(codebook.vectors[4] == 0 && codebook.vectors[5] == 0 && codebook.vectors[0] == 1);
    cv_store_close(&stores[0]);
    cv_store_close(&stores[1]);
}

static void dead_codes_start_again(void **state)
{
    enum { ROWS = 60, FEW = 20 };
    const float first[6] = { 0, 0, 10, 0, 0, 10 };
    cv_codebook_options options = { .decay = 0.25, .dead = 0.3 };
    float seen[4][CODES * LATENT], z[ROWS * LATENT] = { 0 };
    double away[ROWS];
    int32_t ids[ROWS];

    (void)state;
    for (int i = 0; i < ROWS; i++) { /* most are near 100, and there their code moves; a few are near 20 */
        z[i * LATENT] = i < FEW ? 10 + (float)i : 100 + 0.01f * (float)i;
        ids[i] = 1;
    }
    for (int run = 0; run < 4; run++) { /* the same; the same; another step; another seed */
        cv_store *stores[2];
        cv_codebook codebook = open_codebook(stores);

        options.seed = run == 3 ? 5 : 11;
        start_codebook(&codebook, first, 3);
        assert_int_equal(cv_codebook_update(&codebook, &options, run == 2 ? 7 : 1, z, ids, ROWS, away), 2);
        for (int code = 0; code < CODES; code += 2) {
            float x = codebook.vectors[code * LATENT];

            assert_true(x == floorf(x) && x >= 10 && x < 10 + FEW && codebook.vectors[code * LATENT + 1] == 0);
            CHECK_CLOSE(codebook.sizes[code], ROWS / 3.0, 1e-4);
            CHECK_CLOSE(codebook.sums[code * LATENT], x * ROWS / 3.0, 1e-3);
        }
        assert_true(codebook.vectors[0] != codebook.vectors[2 * LATENT]);
        memcpy(seen[run], codebook.vectors, sizeof seen[run]);
        cv_store_close(&stores[0]);
        cv_store_close(&stores[1]);
    }
    assert_memory_equal(seen[0], seen[1], sizeof seen[0]);
    assert_true(memcmp(seen[0], seen[2], sizeof seen[0]) != 0);
    assert_true(memcmp(seen[0], seen[3], sizeof seen[0]) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_weights_follow_their_names),
        cmocka_unit_test(kmeans_finds_the_heaps),
        cmocka_unit_test(kmeans_bears_few_rows),
        cmocka_unit_test(codes_follow_their_vectors),
        cmocka_unit_test(codes_that_are_close_become_one),
        cmocka_unit_test(codes_by_angle_keep_their_length),
        cmocka_unit_test(dead_codes_start_again),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
