/* Sampling rules on small distributions worked out by hand, and on logits and labels that no model should give. */
#include "support/check.h"

#include "base/mem.h"
#include "sample/fields.h"
#include "sample/sampler.h"

#include <float.h>

#define CODES 6

static void probabilities(double *out, const float *logits, const cogvideo_sampling *sampling,
                          const cv_clusters *clusters)
{
    cv_arena arena = { 0 };

    assert_int_equal(cv_arena_create(&arena, cv_sampler_scratch(CODES, clusters), NULL), COGVIDEO_OK);
    cv_sample_probabilities(out, logits, CODES, sampling, clusters, &arena);
    cv_arena_free(&arena);
}

static int sample(const float *logits, const cogvideo_sampling *sampling, const cv_clusters *clusters, double u_cluster,
                  double u_code)
{
    cv_arena arena = { 0 };
    int code;

    assert_int_equal(cv_arena_create(&arena, cv_sampler_scratch(CODES, clusters), NULL), COGVIDEO_OK);
    code = cv_sample(logits, CODES, sampling, clusters, u_cluster, u_code, &arena);
    cv_arena_free(&arena);
    return code;
}

static void check_probabilities(const float *logits, const cogvideo_sampling *sampling, const cv_clusters *clusters,
                                const double *expected)
{
    double found[CODES];

    probabilities(found, logits, sampling, clusters);
    for (int i = 0; i < CODES; i++)
        CHECK_CLOSE(found[i], expected[i], 1e-6);
}

/* Logits whose softmax at temperature 1 is p. */
static void logits_of(float *out, const double *p)
{
    for (int i = 0; i < CODES; i++)
        out[i] = (float)log(p[i]) + 3.0f;
}

static const double shares[CODES] = { 0.05, 0.3, 0.1, 0.3, 0.05, 0.2 };

static void everything_is_kept_by_default(void **state)
{
    cogvideo_sampling sampling = { .temperature = 1, .top_p = 1 };
    float logits[CODES];

    (void)state;
    logits_of(logits, shares);
    check_probabilities(logits, &sampling, NULL, shares);
    assert_int_equal(sample(logits, &sampling, NULL, 0.9, 0.04), 0);
    assert_int_equal(sample(logits, &sampling, NULL, 0.9, 0.06), 1);
    assert_int_equal(sample(logits, &sampling, NULL, 0.9, 0.46), 3);
    sampling.top_k = CODES + 10;
    sampling.top_p = 1;
    check_probabilities(logits, &sampling, NULL, shares);
}

static void temperature_sharpens(void **state)
{
    cogvideo_sampling sampling = { .temperature = 0.5, .top_p = 1 };
    double expected[CODES], sum = 0;
    float logits[CODES];

    (void)state;
    logits_of(logits, shares);
    for (int i = 0; i < CODES; i++)
        sum += shares[i] * shares[i];
    for (int i = 0; i < CODES; i++)
        expected[i] = shares[i] * shares[i] / sum;
    check_probabilities(logits, &sampling, NULL, expected);
    sampling.temperature = 1e-320;
    check_probabilities(logits, &sampling, NULL, (double[]){ 0, 0.5, 0, 0.5, 0, 0 });
}

static void top_k_keeps_the_best(void **state)
{
    cogvideo_sampling sampling = { .temperature = 1, .top_k = 3, .top_p = 1 };
    float logits[CODES];

    (void)state;
    logits_of(logits, shares);
    check_probabilities(logits, &sampling, NULL, (double[]){ 0, 0.375, 0, 0.375, 0, 0.25 });
    assert_int_equal(sample(logits, &sampling, NULL, 0, 0.37), 1);
    assert_int_equal(sample(logits, &sampling, NULL, 0, 0.38), 3);
    assert_int_equal(sample(logits, &sampling, NULL, 0, 0.76), 5);
    sampling.top_k = 1; /* codes 1 and 3 tie */
    check_probabilities(logits, &sampling, NULL, (double[]){ 0, 1, 0, 0, 0, 0 });
    sampling.top_k = 5; /* codes 0 and 4 tie */
    check_probabilities(logits, &sampling, NULL,
                        (double[]){ 0.05 / 0.95, 0.3 / 0.95, 0.1 / 0.95, 0.3 / 0.95, 0, 0.2 / 0.95 });
}

static void top_p_keeps_the_fewest_that_reach_it(void **state)
{
    cogvideo_sampling sampling = { .temperature = 1, .top_p = 0.7 };
    float logits[CODES];

    (void)state;
    logits_of(logits, shares);
    check_probabilities(logits, &sampling, NULL, (double[]){ 0, 0.375, 0, 0.375, 0, 0.25 });
    sampling.top_p = 1e-9;
    check_probabilities(logits, &sampling, NULL, (double[]){ 0, 1, 0, 0, 0, 0 });
    /* of the three best, which are 0.375, 0.375, 0.25 among themselves */
    sampling.top_k = 3;
    sampling.top_p = 0.7;
    check_probabilities(logits, &sampling, NULL, (double[]){ 0, 0.5, 0, 0.5, 0, 0 });
    sampling.top_p = 0.76;
    check_probabilities(logits, &sampling, NULL, (double[]){ 0, 0.375, 0, 0.375, 0, 0.25 });
}

static void greedy_takes_the_lowest_of_the_best(void **state)
{
    cogvideo_sampling sampling = { .temperature = 1, .greedy = true, .top_p = 1 };
    float logits[CODES] = { 1, 5, 5, 2, 5, -INFINITY };

    (void)state;
    assert_int_equal(sample(logits, &sampling, NULL, 0.9, 0.9), 1);
    check_probabilities(logits, &sampling, NULL, (double[]){ 0, 1, 0, 0, 0, 0 });
    logits[4] = FLT_MAX;
    assert_int_equal(sample(logits, &sampling, NULL, 0.9, 0.9), 4);
}

/* Labels 3 0 0 3 1 1: cluster 2 is empty; shares of clusters: 0: 0.4, 1: 0.25, 3: 0.35. */
static cv_clusters *sample_clusters(void)
{
    static const int32_t labels[CODES] = { 3, 0, 0, 3, 1, 1 };
    cv_clusters *clusters = NULL;
    cogvideo_error err;

    CHECK_OK(cv_clusters_create(&clusters, labels, CODES, &err), err);
    return clusters;
}

static void clusters_group_codes(void **state)
{
    cv_clusters *clusters = sample_clusters();
    const int32_t *members;
    int count;

    (void)state;
    assert_int_equal(cv_clusters_codes(clusters), CODES);
    assert_int_equal(cv_clusters_count(clusters), 4);
    members = cv_clusters_members(clusters, 3, &count);
    assert_int_equal(count, 2);
    assert_int_equal(members[0], 0);
    assert_int_equal(members[1], 3);
    cv_clusters_members(clusters, 2, &count);
    assert_int_equal(count, 0);
    cv_clusters_free(&clusters);
    cv_clusters_free(&clusters);
}

static void clusters_are_drawn_then_codes(void **state)
{
    cv_clusters *clusters = sample_clusters();
    cogvideo_sampling sampling = { .temperature = 1, .clusters = 2, .code_temperature = 0.5 };
    double in0 = 0.3 * 0.3 + 0.1 * 0.1, in3 = 0.05 * 0.05 + 0.3 * 0.3;
    float logits[CODES];

    (void)state;
    logits_of(logits, shares);
    check_probabilities(logits, &sampling, clusters,
                        (double[]){ 0.35 / 0.75 * 0.05 * 0.05 / in3, 0.4 / 0.75 * 0.3 * 0.3 / in0,
                                    0.4 / 0.75 * 0.1 * 0.1 / in0, 0.35 / 0.75 * 0.3 * 0.3 / in3, 0, 0 });
    assert_int_equal(sample(logits, &sampling, clusters, 0.53, 0.89), 1);
    assert_int_equal(sample(logits, &sampling, clusters, 0.53, 0.91), 2);
    assert_int_equal(sample(logits, &sampling, clusters, 0.54, 0.02), 0);
    assert_int_equal(sample(logits, &sampling, clusters, 0.54, 0.04), 3);
    sampling.clusters = 100; /* more than there are, one of them empty */
    assert_int_equal(sample(logits, &sampling, clusters, 0.999999, 0.999999), 5);
    cv_clusters_free(&clusters);
}

static void equal_clusters_rank_by_label(void **state)
{
    cv_clusters *clusters = sample_clusters();
    cogvideo_sampling sampling = { .temperature = 1, .clusters = 1, .code_temperature = 1 };
    float logits[CODES] = { 0 };

    (void)state;
    check_probabilities(logits, &sampling, clusters, (double[]){ 0, 0.5, 0.5, 0, 0, 0 });
    sampling.clusters = 2;
    check_probabilities(logits, &sampling, clusters, (double[]){ 0, 0.25, 0.25, 0, 0.25, 0.25 });
    cv_clusters_free(&clusters);
}

static void impossible_codes_are_never_drawn(void **state)
{
    static const double edges[] = { 0, 0x1p-53, 0.5, 1 - 0x1p-53 };
    static const float bad[] = { -INFINITY, -FLT_MAX, -1000 };
    cv_clusters *clusters = sample_clusters();
    cogvideo_sampling ways[] = {
        { .temperature = 1, .top_p = 1 },
        { .temperature = 1, .top_k = 5, .top_p = 1 },
        { .temperature = 1, .top_p = 0.999999 },
        { .temperature = 1, .clusters = 4, .code_temperature = 0.5 },
        { .temperature = 1, .clusters = 1, .code_temperature = 0.5 },
    };

    (void)state;
    for (size_t b = 0; b < sizeof bad / sizeof *bad; b++)
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
            for (size_t i = 0; i < 4; i++)
                for (size_t j = 0; j < 4; j++) {
                    float logits[CODES] = { bad[b], 1, bad[b], 2, bad[b], bad[b] };
                    int code = sample(logits, &ways[w], clusters, edges[i], edges[j]);

                    assert_true(code == 1 || code == 3);
                }
    cv_clusters_free(&clusters);
}

/* Logits at the ends of their range give a code as long as they are numbers, or minus infinity beside a number; others
 * give none. */
static void degenerate_logits_give_a_code_or_none(void **state)
{
    static const float values[] = { NAN, -INFINITY, INFINITY, FLT_MAX, -FLT_MAX, 0 };
    enum { KINDS = 6 };
    cv_clusters *clusters = sample_clusters();
    cogvideo_sampling ways[] = {
        { .temperature = 1, .greedy = true, .top_p = 1 },
        { .temperature = 1e-300, .top_p = 1 },
        { .temperature = 1e300, .top_k = 2, .top_p = 1 },
        { .temperature = 1, .top_p = 0.5 },
        { .temperature = 1, .top_p = 0.5, .top_k = 3 },
        { .temperature = 1e-200, .clusters = 2, .code_temperature = 1e-200 },
        { .temperature = 1, .clusters = 3, .code_temperature = 0.5 },
    };

    (void)state;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
        for (int mix = 0; mix < KINDS * KINDS * KINDS; mix++) {
            float a = values[mix % KINDS], b = values[mix / KINDS % KINDS], c = values[mix / KINDS / KINDS];
            float logits[CODES] = { a, b, a, c, a, b };
            double p[CODES], sum = 0;
            int code = sample(logits, &ways[w], clusters, 0.7, 0.7);
            bool sound =
                a < INFINITY && b < INFINITY && c < INFINITY && (a > -INFINITY || b > -INFINITY || c > -INFINITY);

            assert_int_equal(cv_logits_sound(logits, CODES), sound);
            if (!sound) {
                assert_int_equal(code, -1);
                continue;
            }
            assert_in_range(code, 0, CODES - 1);
            probabilities(p, logits, &ways[w], clusters);
            for (int i = 0; i < CODES; i++)
                sum += p[i];
            CHECK_CLOSE(sum, 1, 1e-9);
            assert_true(p[code] > 0);
        }
    cv_clusters_free(&clusters);
}

static void one_unsound_logit_is_found_anywhere(void **state)
{
    enum { N = 29 }; /* whole lanes and a rest */
    float logits[N];

    (void)state;
    for (int i = 0; i < N; i++)
        logits[i] = (float)-i;
    for (int i = 0; i < N; i++) {
        float kept = logits[i];

        assert_true(cv_logits_sound(logits, N));
        logits[i] = NAN;
        assert_false(cv_logits_sound(logits, N));
        assert_true(isnan(cv_log_probability(logits, N, 0)) && isnan(cv_entropy(logits, N)));
        logits[i] = INFINITY;
        assert_false(cv_logits_sound(logits, N));
        logits[i] = -INFINITY;
        assert_true(cv_logits_sound(logits, N));
        logits[i] = kept;
    }
}

static void labels_out_of_range_are_refused(void **state)
{
    static const int32_t bad[] = { -1, 4, INT32_MAX, INT32_MIN };
    int32_t labels[4] = { 0, 1, 2, 3 };
    cv_clusters *clusters = NULL;
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        labels[2] = bad[i];
        CHECK_FAILS(cv_clusters_create(&clusters, labels, 4, &err), COGVIDEO_ERROR_MODEL, "label of code 2", err);
    }
    CHECK_FAILS(cv_clusters_create(&clusters, labels, 0, &err), COGVIDEO_ERROR_MODEL, "at least one", err);
    assert_null(clusters);
}

static void guidance_moves_away_from_the_guide(void **state)
{
    float logits[3] = { 1, 2, -1 }, guide[3] = { 0, 2, 1 };

    (void)state;
    cv_logits_guide(logits, guide, 3, 3);
    CHECK_CLOSE(logits[0], 3, 0);
    CHECK_CLOSE(logits[1], 2, 0);
    CHECK_CLOSE(logits[2], -5, 0);
}

static void log_probability_is_log_softmax(void **state)
{
    float logits[CODES];

    (void)state;
    logits_of(logits, shares);
    for (int i = 0; i < CODES; i++)
        CHECK_CLOSE(cv_log_probability(logits, CODES, i), log(shares[i]), 1e-6);
    logits[0] = 1e30f; /* no overflow */
    CHECK_CLOSE(cv_log_probability(logits, CODES, 0), 0, 0);
    assert_true(cv_log_probability(logits, CODES, 1) < -1e29);
    logits[0] = NAN;
    assert_true(isnan(cv_log_probability(logits, CODES, 1)));
}

static void entropy_is_the_mean_surprise(void **state)
{
    float logits[CODES];
    double expected = 0;

    (void)state;
    logits_of(logits, shares);
    for (int i = 0; i < CODES; i++)
        expected -= shares[i] > 0 ? shares[i] * log(shares[i]) : 0;
    CHECK_CLOSE(cv_entropy(logits, CODES), expected, 1e-6);
    for (int i = 0; i < CODES; i++)
        logits[i] = 7;
    CHECK_CLOSE(cv_entropy(logits, CODES), log(CODES), 1e-12);
    logits[0] = 1e30f; /* certain, and no overflow */
    CHECK_CLOSE(cv_entropy(logits, CODES), 0, 0);
    logits[1] = -INFINITY;
    CHECK_CLOSE(cv_entropy(logits, CODES), 0, 0);
}

/* --- the table of fields -------------------------------------------------------------------------------------- */

static void read_sampling(const char *text, cogvideo_sampling *out, const char *fails)
{
    cv_json *json = NULL;
    cogvideo_error err;

    CHECK_OK(cv_json_parse(&json, text, strlen(text), "here", &err), err);
    if (fails)
        CHECK_FAILS(cv_sampling_read(out, json, 7, "here", &err), COGVIDEO_ERROR_FORMAT, fails, err);
    else
        CHECK_OK(cv_sampling_read(out, json, 7, "here", &err), err);
    cv_json_free(&json);
}

static void check_record(const cogvideo_sampling *sampling, const char *expected)
{
    cv_json *json = cv_json_new_object();
    char *text;

    cv_sampling_record(json, sampling);
    text = cv_json_print(json, false, NULL);
    assert_string_equal(text, expected);
    cv_free(text);
    cv_json_free(&json);
}

static void fields_are_read_checked_and_recorded(void **state)
{
    cogvideo_sampling sampling;
    const cogvideo_field *field;
    cogvideo_error err;

    (void)state;
    read_sampling("{\"temperature\":0.9}", &sampling, NULL);
    check_record(&sampling, "{\"temperature\":0.9,\"top_k\":0,\"top_p\":1}");
    read_sampling("{\"temperature\":0.9,\"clusters\":16,\"code_temperature\":0.5,\"top_k\":3}", &sampling, NULL);
    check_record(&sampling, "{\"temperature\":0.9,\"clusters\":16,\"code_temperature\":0.5}");
    sampling.greedy = 1;
    check_record(&sampling, "{\"greedy\":true}");
    read_sampling("{}", &sampling, "'temperature'");
    read_sampling("{\"temperature\":0}", &sampling, "'temperature'");
    read_sampling("{\"temperature\":0.9,\"top_p\":0}", &sampling, NULL); /* as version 0.1 wrote it */
    assert_true(sampling.top_p == 1);
    read_sampling("{\"temperature\":0.9,\"top_p\":1.5}", &sampling, "'top_p'");
    read_sampling("{\"temperature\":0.9,\"top_k\":0.5}", &sampling, "'top_k'");
    for (int i = 0; (field = cogvideo_sampling_field(i)); i++) {
        const cogvideo_sampling before = sampling;

        CHECK_OK(cogvideo_sampling_check(&sampling, &err), err);
        cogvideo_sampling_set(&sampling, field, field->max);
        assert_true(cogvideo_sampling_get(&sampling, field) == field->max);
        CHECK_OK(cogvideo_sampling_check(&sampling, &err), err);
        cogvideo_sampling_set(&sampling, field, field->max + 1);
        CHECK_FAILS(cogvideo_sampling_check(&sampling, &err), COGVIDEO_ERROR_ARGUMENT, field->name, err);
        sampling = before;
    }
    assert_null(cogvideo_sampling_field(-1));
    assert_null(cogvideo_sampling_field(1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_kept_by_default),
        cmocka_unit_test(temperature_sharpens),
        cmocka_unit_test(top_k_keeps_the_best),
        cmocka_unit_test(top_p_keeps_the_fewest_that_reach_it),
        cmocka_unit_test(greedy_takes_the_lowest_of_the_best),
        cmocka_unit_test(clusters_group_codes),
        cmocka_unit_test(clusters_are_drawn_then_codes),
        cmocka_unit_test(equal_clusters_rank_by_label),
        cmocka_unit_test(impossible_codes_are_never_drawn),
        cmocka_unit_test(degenerate_logits_give_a_code_or_none),
        cmocka_unit_test(one_unsound_logit_is_found_anywhere),
        cmocka_unit_test(labels_out_of_range_are_refused),
        cmocka_unit_test(fields_are_read_checked_and_recorded),
        cmocka_unit_test(guidance_moves_away_from_the_guide),
        cmocka_unit_test(log_probability_is_log_softmax),
        cmocka_unit_test(entropy_is_the_mean_surprise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
