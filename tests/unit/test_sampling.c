/* Sampling rules on small distributions worked out by hand, and on logits and labels that no model should give. */
#include "support/check.h"

#include "base/mem.h"
#include "base/rng.h"
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

    cv_sampling_put_drawn(json, sampling, ~0U);
    text = cv_json_print(json, false, NULL);
    assert_string_equal(text, expected);
    cv_free(text);
    cv_json_free(&json);
}

/* --- many codes ----------------------------------------------------------------------------------------------- */

#define MANY 1000

/* Two numbers from 0 to 1 of a place. */
static void units(double out[2], uint64_t seed, uint32_t at)
{
    const uint32_t counter[4] = { at / 500, at / 20 % 25, at % 20, 1 }; /* sample, frame, place, step */
    uint32_t bits[4];

    cv_rng_block(bits, seed, counter);
    out[0] = cv_rng_unit(bits[0], bits[1]);
    out[1] = cv_rng_unit(bits[2], bits[3]);
}

/* Logits of about normal distribution, of which every third is rounded so that many are equal, and some impossible. */
static void spread(float *logits, int n, double width, uint64_t seed)
{
    for (int i = 0; i < n; i++) {
        double u[2];

        units(u, seed, (uint32_t)i);
        logits[i] = (float)(width * sqrt(-2 * log(u[0] + 1e-12)) * cos(6.283185307 * u[1]));
        if (i % 3 == 0)
            logits[i] = roundf(logits[i]);
        if (i % 97 == 5)
            logits[i] = -INFINITY;
    }
}

static const float *sorted_weights;

static int by_weight(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    if (sorted_weights[x] != sorted_weights[y])
        return sorted_weights[x] > sorted_weights[y] ? -1 : 1;
    return x < y ? -1 : 1;
}

/* Which codes are kept of many, by sorting them all. */
static void the_few_best_are_those_of_a_full_sort(void **state)
{
    static const double temperatures[] = { 1, 0.4, 1e-3, 1e-30, 50 }, widths[] = { 2, 60, 1e-3 };
    static const int kept[] = { 1, 2, 16, 32, 200 };
    float logits[MANY], weights[MANY];
    double found[MANY];
    int32_t order[MANY];
    cv_arena arena = { 0 };

    (void)state;
    assert_int_equal(cv_arena_create(&arena, cv_sampler_scratch(MANY, NULL), NULL), COGVIDEO_OK);
    for (int w = 0; w < 3; w++)
        for (int t = 0; t < 5; t++)
            for (int k = 0; k < 5; k++) {
                const cogvideo_sampling sampling = { .temperature = temperatures[t], .top_k = kept[k], .top_p = 1 };
                const float scale = (float)(1 / temperatures[t]);
                float best = -INFINITY;
                double total = 0;

                spread(logits, MANY, widths[w], (uint64_t)(t + 5 * k));
                for (int i = 0; i < MANY; i++)
                    best = fmaxf(best, logits[i]);
                for (int i = 0; i < MANY; i++) {
                    weights[i] = expf((logits[i] - best) * scale);
                    order[i] = i;
                }
                sorted_weights = weights;
                qsort(order, MANY, sizeof *order, by_weight);
                for (int i = 0; i < kept[k]; i++)
                    total += (double)weights[order[i]];
                cv_sample_probabilities(found, logits, MANY, &sampling, NULL, &arena);
                for (int i = 0; i < MANY; i++) {
                    const double expected = i < kept[k] ? (double)weights[order[i]] / total : 0;

                    if (fabs(found[order[i]] - expected) > 1e-12)
                        fail_msg("width %g, temperature %g, top_k %d: code %d has %g, expected %g", widths[w],
                                 temperatures[t], kept[k], order[i], found[order[i]], expected);
                }
            }
    cv_arena_free(&arena);
}

/* Pearson's sum of `count` classes as a normal variable, by Wilson and Hilferty. */
static double normal_of(double sum, int count)
{
    const double freedom = count - 1, spare = 2 / (9 * freedom);

    return (cbrt(sum / freedom) - (1 - spare)) / sqrt(spare);
}

/* The same sum over a table of `rows` and `columns` that are not to depend on each other. */
static double dependence(const double *table, int n)
{
    double sum = 0, all = 0, *rows = calloc((size_t)n, sizeof *rows), *columns = calloc((size_t)n, sizeof *columns);

    for (int i = 0; i < n * n; i++) {
        rows[i / n] += table[i];
        columns[i % n] += table[i];
        all += table[i];
    }
    for (int i = 0; i < n * n; i++) {
        const double expected = rows[i / n] * columns[i % n] / all;

        sum += (table[i] - expected) * (table[i] - expected) / expected;
    }
    free(rows);
    free(columns);
    return normal_of(sum, (n - 1) * (n - 1) + 1);
}

/* A million counters draw each code as often as its probability says, and neighbouring places do not know of each
 * other: what lookahead, batches and resuming rest on. */
static void counters_draw_what_probabilities_say(void **state)
{
    enum { DRAWS = 1000000, LABELS = 20, CLASSES = 8 };
    static const cogvideo_sampling rules[] = {
        { .temperature = 0.9, .top_k = 32, .top_p = 0.95 },
        { .temperature = 1, .top_p = 1 },
        { .temperature = 1.05, .clusters = 6, .code_temperature = 0.9 },
    };
    float logits[300];
    enum { N = sizeof logits / sizeof *logits };
    double expected[N];
    int32_t labels[N];
    cv_clusters *clusters = NULL;
    cv_arena arena = { 0 };
    cogvideo_error err;

    (void)state;
    spread(logits, N, 1.5, 77);
    for (int i = 0; i < N; i++)
        labels[i] = i * 7 % LABELS;
    CHECK_OK(cv_clusters_create(&clusters, labels, N, &err), err);
    CHECK_OK(cv_arena_create(&arena, cv_sampler_scratch(N, clusters), &err), err);
    for (size_t rule = 0; rule < sizeof rules / sizeof *rules; rule++) {
        double counts[N] = { 0 }, pairs[CLASSES * CLASSES] = { 0 }, sum = 0, rest = 0, rest_counts = 0, fair, apart;
        int classes = 0, before = 0;

        cv_sample_probabilities(expected, logits, N, &rules[rule], clusters, &arena);
        for (int at = 0; at < DRAWS; at++) {
            double u[2];
            int code;

            units(u, 5, (uint32_t)at);
            code = cv_sample(logits, N, &rules[rule], clusters, u[0], u[1], &arena);
            assert_in_range(code, 0, N - 1);
            counts[code]++;
            if (at % 20 > 0) /* of one frame */
                pairs[before % CLASSES * CLASSES + code % CLASSES]++;
            before = code;
        }
        for (int i = 0; i < N; i++) {
            const double often = expected[i] * DRAWS;

            if (expected[i] == 0)
                assert_true(counts[i] == 0);
            if (often > 20) {
                sum += (counts[i] - often) * (counts[i] - often) / often;
                classes++;
            } else {
                rest += often;
                rest_counts += counts[i];
            }
        }
        if (rest > 20) {
            sum += (rest_counts - rest) * (rest_counts - rest) / rest;
            classes++;
        }
        fair = normal_of(sum, classes);
        apart = dependence(pairs, CLASSES);
        print_message("    rule %zu: %d classes, %.2f standard deviations; neighbours %.2f\n", rule, classes, fair,
                      apart);
        assert_true(fabs(fair) < 3.9 && fabs(apart) < 3.9);
    }
    cv_arena_free(&arena);
    cv_clusters_free(&clusters);
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
        cmocka_unit_test(the_few_best_are_those_of_a_full_sort),
        cmocka_unit_test(counters_draw_what_probabilities_say),
        cmocka_unit_test(fields_are_read_checked_and_recorded),
        cmocka_unit_test(guidance_moves_away_from_the_guide),
        cmocka_unit_test(log_probability_is_log_softmax),
        cmocka_unit_test(entropy_is_the_mean_surprise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
