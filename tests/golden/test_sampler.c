/* The sampler against the original's distributions: clusters kept, their probabilities, every code's probability,
 * and that codes are drawn in those proportions. */
#include "support/check.h"

#include "base/mem.h"
#include "base/rng.h"
#include "sample/sampler.h"

#define ROWS 3

typedef struct fixture {
    cv_store *golden;
    cv_clusters *clusters;
    int codes;
    double *probabilities;
    cv_arena arena;
} fixture;

/* The three steps of the pipeline, by the names that the golden file gives them. */
static const struct {
    const char *name;
    cogvideo_sampling sampling;
} steps[] = {
    { "cogview2", { .temperature = 1.0, .clusters = 16, .code_temperature = 0.89 } },
    { "cogvideo", { .temperature = 1.05, .clusters = 12, .code_temperature = 0.89 } },
    { "dsr", { .temperature = 1.0, .clusters = 6, .code_temperature = 0.6 } },
};
#define STEPS (sizeof steps / sizeof *steps)

static int set_up(void **state)
{
    static fixture f;
    cogvideo_error err;
    const cv_tensor *labels;

    CHECK_OK(cv_store_open(&f.golden, check_data("sampler/forced.safetensors"), &err), err);
    labels = check_tensor(f.golden, "cluster_labels");
    f.codes = (int)labels->count;
    CHECK_OK(cv_clusters_create(&f.clusters, labels->data, f.codes, &err), err);
    f.probabilities = cv_alloc((size_t)f.codes, sizeof(double), &err);
    CHECK_OK(cv_arena_create(&f.arena, cv_sampler_scratch(f.codes, f.clusters), &err), err);
    assert_non_null(f.probabilities);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    cv_store_close(&f->golden);
    cv_clusters_free(&f->clusters);
    cv_free(f->probabilities);
    cv_arena_free(&f->arena);
    return 0;
}

static const void *row(const fixture *f, const char *step, const char *what, int r)
{
    char name[64];
    const cv_tensor *tensor;

    snprintf(name, sizeof name, "%s.%s", step, what);
    tensor = check_tensor(f->golden, name);
    assert_int_equal(tensor->shape[0], ROWS);
    return (const char *)tensor->data + (size_t)r * tensor->shape[1] * cv_dtype_size(tensor->dtype);
}

static const float *logits_row(const fixture *f, int r)
{
    return check_f32(f->golden, "logits") + (size_t)r * (size_t)f->codes;
}

static void codes_have_the_original_probabilities(void **state)
{
    fixture *f = *state;

    for (size_t s = 0; s < STEPS; s++)
        for (int r = 0; r < ROWS; r++) {
            const float *expected = row(f, steps[s].name, "token_probs", r);
            double sum = 0;

            cv_sample_probabilities(f->probabilities, logits_row(f, r), f->codes, &steps[s].sampling, f->clusters,
                                    &f->arena);
            for (int code = 0; code < f->codes; code++) {
                CHECK_CLOSE(f->probabilities[code], expected[code], 1e-6);
                sum += f->probabilities[code];
            }
            CHECK_CLOSE(sum, 1, 1e-12);
        }
}

static void the_original_clusters_are_kept(void **state)
{
    fixture *f = *state;

    for (size_t s = 0; s < STEPS; s++)
        for (int r = 0; r < ROWS; r++) {
            const int32_t *kept = row(f, steps[s].name, "clusters", r);
            const float *expected = row(f, steps[s].name, "cluster_probs", r);
            int possible = 0, inside = 0;

            cv_sample_probabilities(f->probabilities, logits_row(f, r), f->codes, &steps[s].sampling, f->clusters,
                                    &f->arena);
            for (int code = 0; code < f->codes; code++)
                possible += f->probabilities[code] > 0;
            for (int k = 0; k < steps[s].sampling.clusters; k++) {
                int count;
                const int32_t *members = cv_clusters_members(f->clusters, kept[k], &count);
                double sum = 0;

                for (int i = 0; i < count; i++) {
                    sum += f->probabilities[members[i]];
                    inside += f->probabilities[members[i]] > 0;
                }
                CHECK_CLOSE(sum, expected[k], 1e-6);
            }
            assert_int_equal(inside, possible);
        }
}

/* Pearson's chi-squared over all codes that 20000 draws should give at least 8 times, the others together. Its mean is
 * the degrees of freedom and its deviation sqrt(2 of them): 5 deviations never happen by chance. */
static void codes_are_drawn_in_proportion(void **state)
{
    enum { DRAWS = 20000 };
    fixture *f = *state;
    cogvideo_error err;
    int *seen = cv_alloc((size_t)f->codes, sizeof *seen, &err);

    assert_non_null(seen);
    for (size_t s = 0; s < STEPS; s++) {
        double chi = 0, others = 0, other_seen = 0;
        int cells = 0;

        memset(seen, 0, (size_t)f->codes * sizeof *seen);
        cv_sample_probabilities(f->probabilities, logits_row(f, 0), f->codes, &steps[s].sampling, f->clusters,
                                &f->arena);
        for (uint32_t i = 0; i < DRAWS; i++) {
            uint32_t bits[4];

            cv_rng_block(bits, 7, (uint32_t[]){ i, (uint32_t)s, 0, 0 });
            seen[cv_sample(logits_row(f, 0), f->codes, &steps[s].sampling, f->clusters, cv_rng_unit(bits[0], bits[1]),
                           cv_rng_unit(bits[2], bits[3]), &f->arena)]++;
        }
        for (int code = 0; code < f->codes; code++) {
            double expected = f->probabilities[code] * DRAWS;

            if (expected == 0)
                assert_int_equal(seen[code], 0);
            if (expected >= 8) {
                chi += (seen[code] - expected) * (seen[code] - expected) / expected;
                cells++;
            } else {
                others += expected;
                other_seen += seen[code];
            }
        }
        if (others >= 8) {
            chi += (other_seen - others) * (other_seen - others) / others;
            cells++;
        }
        assert_true(cells > 10);
        assert_true(fabs(chi - (cells - 1)) < 5 * sqrt(2.0 * (cells - 1)));
    }
    cv_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_the_original_probabilities),
        cmocka_unit_test(the_original_clusters_are_kept),
        cmocka_unit_test(codes_are_drawn_in_proportion),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
