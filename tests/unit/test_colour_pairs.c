/* A codebook in which colour and pattern are apart. */
#include "support/check.h"

#include "nn/blas.h"
#include "nn/nearest.h"
#include "train/colour_pairs.h"

#define PIXELS 4
#define LATENT (3 * PIXELS)
#define COLOURS 4
#define PAIRS 3
#define PATTERNS 5
#define LEFT_OVER 2
#define CODES (COLOURS + PAIRS * PATTERNS + LEFT_OVER)

static const cv_colour_pairs layout = { CODES, COLOURS, PAIRS };
static cv_exec exec = { .threads = 2 };

/* Two grounds, which are frequent, and two colours of objects; one of these is never on the second ground. */
static const float colours[COLOURS][3] = { { -1, -1, -1 }, { 1, 1, 0.8f }, { 0.9f, -0.8f, -0.7f }, { -0.6f, 0.2f, 1 } };
static const int pairs[PAIRS][2] = { { 0, 2 }, { 0, 3 }, { 1, 2 } };
static const float shares[PATTERNS][PIXELS] = {
    { 1, 0, 0, 0 }, { 1, 1, 0, 0 }, { 0, 1, 0, 1 }, { 0.25f, 0.5f, 0.75f, 1 }, { 0, 0, 0, 0.5f },
};

static int start(void **state)
{
    (void)state;
    cv_blas_init();
    cv_kernels_plain(&exec.kernels);
    return 0;
}

static void draw(float *patch, int first, int second, const float *share)
{
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < PIXELS; i++)
            patch[c * PIXELS + i] =
                colours[first][c] + (share ? share[i] : 0) * (colours[second][c] - colours[first][c]);
}

/* Plain patches, more of the grounds, and every pattern of every pair, in an order of no meaning. */
static int fill(float *z)
{
    int rows = 0;

    for (int i = 0; i < 40; i++, rows++)
        draw(z + (size_t)rows * LATENT, (int[]){ 0, 1, 0, 2, 1, 3, 0, 1 }[i % 8], 0, NULL);
    for (int i = 0; i < 6 * PAIRS * PATTERNS; i++, rows++) {
        const int *pair = pairs[i * 7 % PAIRS];

        draw(z + (size_t)rows * LATENT, pair[0], pair[1], shares[i * 4 % PATTERNS]);
    }
    for (int i = 0; i < 40; i++, rows++)
        draw(z + (size_t)rows * LATENT, (int[]){ 0, 1, 0, 2, 1, 3, 0, 1 }[i % 8], 0, NULL);
    return rows;
}

static int make(float *vectors, const float *z, int rows)
{
    const cv_codebook codebook = { .vectors = vectors, .codes = layout.codes, .latent = LATENT };
    cv_arena arena = { 0 };
    int different;

    cv_colour_pairs_start(&exec, &codebook, &layout, z, rows, 3, &arena);
    assert_int_equal(arena.used, 0);
    arena = cv_arena_over(aligned_alloc(64, arena.peak), arena.peak);
    different = cv_colour_pairs_start(&exec, &codebook, &layout, z, rows, 3, &arena);
    assert_int_equal(arena.used, 0);
    free(arena.base);
    return different;
}

/* The code that is nearest to a patch, which must be the patch. */
static int code_of(float *vectors, const float *patch)
{
    const cv_weight book = { .data = vectors, .type = CV_WEIGHT_F32, .N = CODES, .K = LATENT };
    cv_arena arena = { 0 };
    int32_t code;

    cv_nearest(&exec, &code, patch, 1, &book, &arena);
    arena = cv_arena_over(aligned_alloc(64, arena.peak), arena.peak);
    cv_nearest(&exec, &code, patch, 1, &book, &arena);
    free(arena.base);
    CHECK_CLOSE(cv_squared_distance(vectors + (size_t)code * LATENT, patch, LATENT), 0, 1e-8);
    return code;
}

static void all_pairs_have_the_same_patterns(void **state)
{
    static float z[200 * LATENT], vectors[CODES * LATENT], again[CODES * LATENT], patch[LATENT];
    const int rows = fill(z);
    int seen[CODES] = { 0 };

    (void)state;
    assert_int_equal(make(vectors, z, rows), COLOURS);
    for (int colour = 0; colour < COLOURS; colour++) {
        draw(patch, colour, 0, NULL);
        assert_in_range(code_of(vectors, patch), 0, COLOURS - 1);
        seen[code_of(vectors, patch)]++;
    }
    for (int pair = 0; pair < PAIRS; pair++) {
        int first = -1;

        for (int pattern = 0; pattern < PATTERNS; pattern++) {
            int place, other;

            draw(patch, pairs[pair][0], pairs[pair][1], shares[pattern]);
            place = code_of(vectors, patch) - COLOURS;
            assert_in_range(place, 0, PAIRS * PATTERNS - 1);
            seen[COLOURS + place]++;
            first = pattern == 0 ? place / PATTERNS : first;
            assert_int_equal(place / PATTERNS, first);
            draw(patch, pairs[0][0], pairs[0][1], shares[pattern]);
            other = code_of(vectors, patch) - COLOURS;
            assert_int_equal(place % PATTERNS, other % PATTERNS);
        }
    }
    for (int code = 0; code < CODES; code++) /* each has a meaning of its own, but for those left over */
        assert_int_equal(seen[code], code < CODES - LEFT_OVER);
    exec.threads = 1;
    make(again, z, rows);
    exec.threads = 2;
    assert_memory_equal(vectors, again, sizeof vectors);
}

/* One colour, or fewer patches than colours: codes that mean little, but numbers. */
static void poor_patches_are_borne(void **state)
{
    static float z[8 * LATENT], vectors[CODES * LATENT];

    (void)state;
    for (int rows = 1; rows < 8; rows += 2) {
        for (int row = 0; row < rows; row++)
            draw(z + row * LATENT, 0, 2, row == 6 ? shares[1] : NULL);
        assert_in_range(make(vectors, z, rows), 1, 2);
        for (int i = 0; i < CODES * LATENT; i++)
            assert_true(isfinite(vectors[i]));
        code_of(vectors, z);
    }
}

/* All plain patches are of one ground: the other colours are found in the mixtures. */
static void colours_may_be_mixtures(void **state)
{
    static float z[200 * LATENT], vectors[CODES * LATENT];
    int rows = fill(z);

    (void)state;
    for (int row = 0; row < rows; row++)
        if (row < 40 || row >= rows - 40)
            draw(z + (size_t)row * LATENT, 0, 0, NULL);
    assert_int_equal(make(vectors, z, rows), COLOURS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_have_the_same_patterns),
        cmocka_unit_test(poor_patches_are_borne),
        cmocka_unit_test(colours_may_be_mixtures),
    };

    return cmocka_run_group_tests_name("colour_pairs", tests, start, NULL);
}
