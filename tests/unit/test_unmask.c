/* The samplers of Phenaki: how many places each step masks, against the originals' numbers, and what must hold of any
 * logits. */
#include "support/check.h"
#include "support/seeded.h"

#include "base/json.h"
#include "family/phenaki/steps/unmask.h"

enum { MOST_PLACES = 40, CODES = 600 };

/* --- counts --------------------------------------------------------------------------------------------------- */

static int next_count(const cv_json **at)
{
    const int count = (int)cv_json_number(*at);

    *at = cv_json_next(*at);
    return count;
}

/* Calls `check` with each entry of a list of the table: places, steps, counts. */
static void each_entry(const char *name, void (*check)(int places, int steps, const cv_json *counts))
{
    cv_json *tables, *list, *counts;
    cogvideo_error err;
    int64_t places, steps;

    CHECK_OK(cv_json_read(&tables, check_data("phenaki/tables.json"), 1 << 20, &err), err);
    CHECK_OK(cv_json_array(tables, name, &list, "tables.json", &err), err);
    assert_true(cv_json_count(list) > 0);
    for (const cv_json *entry = cv_json_first(list); entry; entry = cv_json_next(entry)) {
        CHECK_OK(cv_json_int(entry, "tokens", 1, 1 << 20, &places, "tables.json", &err), err);
        CHECK_OK(cv_json_int(entry, "steps", 1, 1000, &steps, "tables.json", &err), err);
        CHECK_OK(cv_json_array(entry, "counts", &counts, "tables.json", &err), err);
        check((int)places, (int)steps, cv_json_first(counts));
    }
    cv_json_free(&tables);
}

static void check_cosine(int places, int steps, const cv_json *counts)
{
    const cogvideo_sampler samplers[] = { COGVIDEO_SAMPLER_CONFIDENCE, COGVIDEO_SAMPLER_CRITIC };

    for (int i = 0; i < 2; i++) {
        const cv_unmask how = { .sampler = samplers[i], .steps = steps, .places = places + 7, .given = 7 };
        const cv_json *at = counts;

        assert_int_equal(cv_unmask_count(&how, 0), places);
        for (int step = 1; step < steps; step++)
            assert_int_equal(cv_unmask_count(&how, step), next_count(&at));
        assert_null(at);
    }
}

/* The table has the counts before they are kept between 1 and one less than there were. */
static void check_maskgit(int places, int steps, const cv_json *counts)
{
    const cv_unmask how = { .sampler = COGVIDEO_SAMPLER_MASKGIT, .steps = steps, .places = places };
    int now = places;

    assert_int_equal(cv_unmask_count(&how, 0), places);
    for (int step = 1; step < steps; step++) {
        const int wanted = next_count(&counts);

        now = wanted < now - 1 ? wanted : now - 1;
        now = now > 1 ? now : 1;
        assert_int_equal(cv_unmask_count(&how, step), now);
    }
}

static void as_many_are_masked_as_the_originals_mask(void **state)
{
    (void)state;
    each_entry("sampler_masked", check_cosine);
    each_entry("maskgit_masked", check_maskgit);
}

/* --- whole runs ----------------------------------------------------------------------------------------------- */

static void uniform(void *user, cv_unmask_noise what, int step, int place, int first, float *u, int count)
{
    char name[60];

    assert_int_equal(first % 4, 0);
    snprintf(name, sizeof name, "%d %d %d", (int)what, step, place);
    for (int i = 0; i < count; i++)
        u[i] = (1 + seeded_unit(*(int *)user, name, (uint64_t)(first + i))) / 2;
}

typedef struct run {
    cv_unmask how;
    int32_t ids[MOST_PLACES], drawn[MOST_PLACES], settled[MOST_PLACES];
    float confidence[MOST_PLACES], margins[MOST_PLACES];
    cv_unmask_box box;
    cv_exec exec;
    int seed;
    float *logits;
} run;

static void begin(run *r, const cv_unmask *how, int threads)
{
    cogvideo_error err;

    *r = (run){ .how = *how, .exec.threads = threads, .seed = 3 };
    r->box = (cv_unmask_box){ r->ids, r->drawn, r->settled, r->confidence };
    check_kernels(&r->exec.kernels);
    r->logits = cv_alloc((size_t)MOST_PLACES * CODES, sizeof *r->logits, &err);
    assert_non_null(r->logits);
    for (int i = 0; i < how->given; i++)
        r->ids[i] = i * 7 % CODES;
    cv_unmask_begin(how, &r->box);
}

static void take_step(run *r, int step)
{
    const int n = r->how.places - r->how.given;
    char name[20];

    snprintf(name, sizeof name, "logits %d", step);
    for (int i = 0; i < n * CODES; i++)
        r->logits[i] = 5 * seeded_unit(1, name, (uint64_t)i);
    cv_unmask_step(&r->exec, &r->how, step, &r->box, r->logits, uniform, &r->seed, r->margins);
    if (r->how.sampler != COGVIDEO_SAMPLER_CRITIC)
        return;
    for (int i = 0; i < n; i++)
        r->logits[i] = seeded_unit(2, name, (uint64_t)i);
    cv_unmask_judge(&r->how, step, &r->box, r->logits, uniform, &r->seed);
}

static const cv_unmask samplers[] = {
    { COGVIDEO_SAMPLER_CONFIDENCE, 8, 0.9, 0, 0, COGVIDEO_ANNEAL_DECAY, CODES, 40, 12 },
    { COGVIDEO_SAMPLER_MASKGIT, 8, 0, 4, 0, COGVIDEO_ANNEAL_DECAY, CODES, 40, 12 },
    { COGVIDEO_SAMPLER_CRITIC, 8, 0.9, 0, 1, COGVIDEO_ANNEAL_DECAY, CODES, 40, 12 },
    { COGVIDEO_SAMPLER_CONFIDENCE, 40, 1, 0, 0, COGVIDEO_ANNEAL_DECAY, CODES, 5, 0 },
    { COGVIDEO_SAMPLER_MASKGIT, 40, 0, 4, 0, COGVIDEO_ANNEAL_DECAY, CODES, 5, 1 },
    { COGVIDEO_SAMPLER_MASKGIT, 3, 0, 4, 0, COGVIDEO_ANNEAL_DECAY, CODES, 1, 0 },
    { COGVIDEO_SAMPLER_CRITIC, 1, 0.9, 0, 1, COGVIDEO_ANNEAL_FIXED, CODES, 9, 2 },
};
enum { SAMPLERS = sizeof samplers / sizeof *samplers };

static int count_masks(const run *r)
{
    int masks = 0;

    for (int i = 0; i < r->how.places; i++)
        masks += r->ids[i] == r->how.codes;
    return masks;
}

/* What a step did to each place, given its input. */
static void check_places(const run *r, int step, const int32_t *before)
{
    const bool last = step + 1 == r->how.steps;

    for (int i = 0; i < r->how.places; i++) {
        const bool masked = before[i] == CODES;

        if (i < r->how.given) {
            assert_int_equal(r->ids[i], i * 7 % CODES);
            assert_int_equal(r->drawn[i], r->ids[i]);
            assert_int_equal(r->settled[i], -1);
            continue;
        }
        assert_in_range(r->drawn[i], 0, CODES - 1);
        assert_true(r->ids[i] == r->drawn[i] || (!last && r->ids[i] == CODES));
        assert_true(masked ? r->settled[i] == step : r->settled[i] < step && r->drawn[i] == before[i]);
        assert_true(masked == (r->margins[i - r->how.given] < 1e9f));
        assert_true(r->confidence[i] > 0 && r->confidence[i] <= 1);
        if (r->how.sampler != COGVIDEO_SAMPLER_CRITIC && r->ids[i] == CODES)
            assert_true(masked);
    }
}

static void each_step_masks_less_and_the_last_one_nothing(void **state)
{
    (void)state;
    for (int s = 0; s < SAMPLERS; s++) {
        run r;

        begin(&r, &samplers[s], 1);
        for (int step = 0; step < r.how.steps; step++) {
            int32_t before[MOST_PLACES];

            assert_int_equal(count_masks(&r), cv_unmask_count(&r.how, step));
            memcpy(before, r.ids, sizeof before);
            take_step(&r, step);
            check_places(&r, step, before);
        }
        assert_int_equal(count_masks(&r), 0);
        cv_free(r.logits);
    }
}

static void a_critic_masks_settled_places_again(void **state)
{
    bool again = false;
    run r;

    (void)state;
    begin(&r, &samplers[2], 1);
    for (int step = 0; step < r.how.steps; step++) {
        int32_t before[MOST_PLACES];

        memcpy(before, r.ids, sizeof before);
        take_step(&r, step);
        for (int i = 0; i < r.how.places; i++)
            again |= r.ids[i] == CODES && before[i] != CODES;
    }
    assert_true(again);
    cv_free(r.logits);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    for (int s = 0; s < SAMPLERS; s++) {
        run one, two;

        begin(&one, &samplers[s], 1);
        begin(&two, &samplers[s], 2);
        for (int step = 0; step < one.how.steps; step++) {
            take_step(&one, step);
            take_step(&two, step);
            assert_memory_equal(one.ids, two.ids, sizeof one.ids);
            assert_memory_equal(one.confidence, two.confidence, sizeof one.confidence);
        }
        cv_free(one.logits);
        cv_free(two.logits);
    }
}

/* With equal scores, the first places are masked again; and the last step takes the best code whatever the noise. */
static void ties_go_to_the_first_place_and_the_end_is_greedy(void **state)
{
    const cv_unmask how = { COGVIDEO_SAMPLER_CONFIDENCE, 3, 0.9, 0, 0, COGVIDEO_ANNEAL_DECAY, CODES, 10, 4 };
    run r;

    (void)state;
    begin(&r, &how, 1);
    memset(r.logits, 0, sizeof *r.logits * 6 * CODES);
    cv_unmask_step(&r.exec, &r.how, 0, &r.box, r.logits, uniform, &r.seed, NULL);
    for (int i = 0; i < 6; i++) {
        CHECK_CLOSE(r.confidence[4 + i], 1.0 / CODES, 1e-6);
        assert_true((r.ids[4 + i] == CODES) == (i < cv_unmask_count(&how, 1)));
    }
    take_step(&r, 1);
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < CODES; k++)
            r.logits[i * CODES + k] = k == 100 * i + 7 ? 0.001f : 0;
    for (int i = 4; i < 10; i++)
        r.ids[i] = CODES;
    cv_unmask_step(&r.exec, &r.how, 2, &r.box, r.logits, uniform, &r.seed, NULL);
    for (int i = 0; i < 6; i++)
        assert_int_equal(r.ids[4 + i], 100 * i + 7);
    cv_free(r.logits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_are_masked_as_the_originals_mask),
        cmocka_unit_test(each_step_masks_less_and_the_last_one_nothing),
        cmocka_unit_test(a_critic_masks_settled_places_again),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(ties_go_to_the_first_place_and_the_end_is_greedy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
