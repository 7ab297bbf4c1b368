/* Embeddings of image codes that are sums of those of their patterns and colours. */
#include "support/check.h"
#include "support/seeded.h"

#include "family/cogvideo/train/shared_embeddings.h"

#define COLOURS 4
#define PAIRS 3
#define PATTERNS 5
#define CODES (COLOURS + PAIRS * PATTERNS + 2) /* two are left over */
#define WIDTH 6

static cv_shared_embeddings shared_in(cv_store **store)
{
    const cv_colour_pairs codes = { CODES, COLOURS, PAIRS };
    const cv_tensor tensors[] = {
        { .name = "patterns", .rank = 2, .shape = { PATTERNS + 1, WIDTH }, .count = (PATTERNS + 1) * WIDTH },
        { .name = "pairs", .rank = 2, .shape = { PAIRS + COLOURS + 1, WIDTH }, .count = (PAIRS + COLOURS + 1) * WIDTH },
    };
    cv_shared_embeddings shared;
    cogvideo_error err;

    CHECK_OK(cv_store_create(store, "memory", tensors, 2, &err), err);
    CHECK_OK(cv_shared_embeddings_bind(&shared, *store, &codes, WIDTH, &err), err);
    return shared;
}

static void random_numbers(float *x, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        x[i] = seeded_unit(4, name, (uint64_t)i);
}

static void random_parts(const cv_shared_embeddings *shared)
{
    random_numbers(shared->patterns, PATTERNS * WIDTH, "patterns");
    memset(shared->patterns + PATTERNS * WIDTH, 0, WIDTH * sizeof(float));
    random_numbers(shared->pairs, (PAIRS + COLOURS + 1) * WIDTH, "pairs");
}

static void a_pattern_is_the_same_in_all_pairs(void **state)
{
    float table[CODES * WIDTH], again[CODES * WIDTH];
    cv_store *store;
    const cv_shared_embeddings shared = shared_in(&store);

    (void)state;
    random_parts(&shared);
    cv_shared_embeddings_join(&shared, table);
    for (int i = 0; i < PATTERNS * WIDTH; i++) /* two pairs differ by what their patterns do not tell */
        CHECK_CLOSE(table[COLOURS * WIDTH + i] - table[(COLOURS + PATTERNS) * WIDTH + i],
                    shared.pairs[i % WIDTH] - shared.pairs[WIDTH + i % WIDTH], 1e-6);
    for (int i = 0; i < COLOURS * WIDTH; i++)
        assert_true(table[i] == shared.pairs[PAIRS * WIDTH + i]);
    cv_shared_embeddings_split(&shared, table); /* what is a sum comes back */
    cv_shared_embeddings_join(&shared, again);
    for (int i = 0; i < CODES * WIDTH; i++)
        CHECK_CLOSE(again[i], table[i], 1e-6);
    cv_store_close(&store);
}

/* The table is linear in its parts, so <join(v), g> = <v, gather(g)>. */
static void gradients_are_the_transpose(void **state)
{
    float table[CODES * WIDTH], dy[CODES * WIDTH];
    cv_store *store, *gradients;
    const cv_shared_embeddings shared = shared_in(&store), grads = shared_in(&gradients);
    double left = 0, right = 0;

    (void)state;
    random_parts(&shared);
    random_numbers(dy, CODES * WIDTH, "dy");
    cv_shared_embeddings_join(&shared, table);
    for (int i = 0; i < CODES * WIDTH; i++)
        left += (double)table[i] * (double)dy[i];
    memset(grads.patterns, 0, (PATTERNS + 1) * WIDTH * sizeof(float));
    memset(grads.pairs, 0, (PAIRS + COLOURS + 1) * WIDTH * sizeof(float));
    cv_shared_embeddings_gather(&grads, dy);
    for (int i = 0; i < (PATTERNS + 1) * WIDTH; i++)
        right += (double)shared.patterns[i] * (double)grads.patterns[i];
    for (int i = 0; i < (PAIRS + COLOURS + 1) * WIDTH; i++)
        right += (double)shared.pairs[i] * (double)grads.pairs[i];
    CHECK_CLOSE(left, right, 1e-4);
    for (int i = 0; i < CODES * WIDTH; i++)
        assert_true(dy[i] == 0);
    cv_store_close(&store);
    cv_store_close(&gradients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_is_the_same_in_all_pairs),
        cmocka_unit_test(gradients_are_the_transpose),
    };

    return cmocka_run_group_tests_name("shared_embeddings", tests, NULL, NULL);
}
