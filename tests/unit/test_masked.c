/* The masked transformer of Phenaki without goldens: sizes as text and off a file, what a pass may and may not depend
 * on, and gradients of both losses against slopes. */
#include "support/gradient.h"
#include "support/masked.h"

#include "nn/blas.h"

enum { T = 2, HEIGHT = 2, WIDTH = 3, ROWS = T * HEIGHT * WIDTH, CODES = 11, TEXT = 5, TEXT_WIDTH = 6, B = 2 };

static cv_masked_config small(bool critic)
{
    return (cv_masked_config){ .layers = 2,
                               .width = 8,
                               .heads = 3,
                               .head_width = 4,
                               .inner = cv_blocks_inner(8),
                               .text_width = TEXT_WIDTH,
                               .codes = CODES,
                               .places = 20,
                               .cosine = true,
                               .critic = critic };
}

/* Struct against struct, by their text: there is room between the fields. */
static void check_same(const cv_masked_config *found, const cv_masked_config *expected)
{
    const cv_masked_config *both[] = { found, expected };
    cogvideo_error err;
    char *text[2];

    assert_int_equal(found->critic, expected->critic);
    for (int i = 0; i < 2; i++) {
        cv_json *section = cv_json_new_object();

        cv_masked_config_put(section, both[i]);
        text[i] = cv_json_print(section, false, &err);
        assert_non_null(text[i]);
        cv_json_free(&section);
    }
    assert_string_equal(text[0], text[1]);
    cv_free(text[0]);
    cv_free(text[1]);
}

/* --- sizes ---------------------------------------------------------------------------------------------------- */

static void sizes_are_read_off_a_file(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        cv_masked_config config = small(kind % 2), found = { .critic = kind % 2 };
        cogvideo_error err;
        cv_store *store;

        config.cosine = kind / 2 != 1;
        config.text_width = kind / 2 == 2 ? 0 : TEXT_WIDTH;
        store = masked_store(&config, false, 1);
        CHECK_OK(cv_masked_measure(&found, store, &err), err);
        check_same(&found, &config);
        cv_store_close(&store);
    }
}

static void a_file_that_is_none_is_refused(void **state)
{
    const cv_tensor tensors[] = { { .name = "token_emb.weight", .rank = 2, .shape = { 12, 8 } },
                                  { .name = "pos_emb.weight", .rank = 2, .shape = { 20, 8 } },
                                  { .name = "transformer.layers.0.1.to_q.weight", .rank = 2, .shape = { 13, 8 } },
                                  { .name = "transformer.layers.0.1.q_scale", .rank = 1, .shape = { 4 } } };
    static const char *const words[] = { "'token_emb.weight' is missing", "'pos_emb.weight' is missing", "has 0 blocks",
                                         "'continuous_pos_bias.net.2.weight' is missing", "not shared by" };
    cv_masked_config config = { 0 };
    cogvideo_error err;

    (void)state;
    for (size_t count = 0; count <= 4; count++) {
        cv_store *store;

        CHECK_OK(cv_store_create(&store, "the file", tensors, count, &err), err);
        CHECK_FAILS(cv_masked_measure(&config, store, &err), COGVIDEO_ERROR_MODEL, words[count], err);
        cv_store_close(&store);
    }
}

static cogvideo_status read(cv_masked_config *out, const char *text, cogvideo_error *err)
{
    cogvideo_error parse;
    cv_json *section;
    cogvideo_status status;

    CHECK_OK(cv_json_parse(&section, text, strlen(text), "text", &parse), parse);
    status = cv_masked_config_read(out, section, "model.json: 'masked'", err);
    cv_json_free(&section);
    return status;
}

#define SIZES                                                                                                         \
    "\"layers\": 2, \"width\": 8, \"heads\": 3, \"head_width\": 4, \"inner\": 21, \"text_width\": 6, \"codes\": 11, " \
    "\"places\": 20"

static void sizes_as_text(void **state)
{
    const cv_masked_config masked = small(false), critic = small(true);
    cv_json *section = cv_json_new_object();
    cv_masked_config found = { 0 };
    cogvideo_error err;

    (void)state;
    cv_masked_config_put(section, &masked);
    CHECK_OK(cv_masked_config_read(&found, section, "the section", &err), err);
    check_same(&found, &masked);
    cv_json_free(&section);
    found = (cv_masked_config){ .critic = true };
    CHECK_OK(read(&found, "{\"kind\": \"token\", " SIZES "}", &err), err);
    check_same(&found, &critic);
    found.critic = false;
    CHECK_FAILS(read(&found, "{\"kind\": \"token\", " SIZES "}", &err), COGVIDEO_ERROR_FORMAT, "'kind'", err);
    CHECK_FAILS(read(&found, "[]", &err), COGVIDEO_ERROR_FORMAT, "must be an object", err);
    CHECK_FAILS(read(&found, "{\"layers\": 0}", &err), COGVIDEO_ERROR_FORMAT, "'layers'", err);
    CHECK_FAILS(read(&found, "{\"layers\": 2}", &err), COGVIDEO_ERROR_FORMAT, "'width'", err);
    CHECK_FAILS(read(&found, "{" SIZES ", \"cosine\": 1}", &err), COGVIDEO_ERROR_FORMAT, "'cosine'", err);
}

/* --- what a pass depends on ----------------------------------------------------------------------------------- */

/* A network and boxes for it. */
typedef struct fixture {
    cv_exec exec;
    cv_store *store;
    cv_masked *network;
    int32_t ids[B * ROWS];
    float text[B * (TEXT + 2) * TEXT_WIDTH];
    uint8_t mask[B * (TEXT + 2)], seen[B * ROWS];
    cv_masked_input input;
} fixture;

static void open_fixture(fixture *f, bool critic)
{
    const cv_masked_config config = small(critic);

    *f = (fixture){ .exec.threads = 2 };
    check_kernels(&f->exec.kernels);
    f->network = masked_seeded(&config, 5, &f->store);
    for (int i = 0; i < B * ROWS; i++)
        f->ids[i] = (i * 7 + i / 3) % (CODES + 1);
    gradient_fill(f->text, B * TEXT * TEXT_WIDTH, 6, 1);
    memset(f->mask, 1, sizeof f->mask);
    f->mask[TEXT - 1] = 0;
    f->input = (cv_masked_input){ B, T, HEIGHT, WIDTH, f->ids, NULL, f->text, f->mask, TEXT, 0 };
}

static void close_fixture(fixture *f)
{
    cv_masked_close(&f->network);
    cv_store_close(&f->store);
}

static void run(const fixture *f, const cv_masked_input *input, float *out)
{
    cogvideo_error err;
    cv_arena arena;

    CHECK_OK(cv_arena_create(&arena, cv_masked_scratch(&f->exec, f->network, input), &err), err);
    cv_masked_run(&f->exec, f->network, NULL, input, out, NULL, NULL, &arena);
    cv_arena_free(&arena);
}

static void the_null_pass_does_not_read_the_text(void **state)
{
    float one[B * ROWS * CODES], two[B * ROWS * CODES];
    fixture f;

    (void)state;
    open_fixture(&f, false);
    run(&f, &f.input, one);
    memset(f.mask, 0, sizeof f.mask);
    run(&f, &f.input, two);
    assert_memory_not_equal(one, two, sizeof one);
    gradient_fill(f.text, B * TEXT * TEXT_WIDTH, 7, 3);
    run(&f, &f.input, one);
    assert_memory_equal(one, two, sizeof one);
    close_fixture(&f);
}

static void padding_behind_a_text_changes_nothing(void **state)
{
    float one[B * ROWS * CODES], two[B * ROWS * CODES], text[B * (TEXT + 2) * TEXT_WIDTH] = { 0 };
    uint8_t mask[B * (TEXT + 2)] = { 0 };
    fixture f;

    (void)state;
    open_fixture(&f, false);
    run(&f, &f.input, one);
    for (int b = 0; b < B; b++) {
        memcpy(text + b * (TEXT + 2) * TEXT_WIDTH, f.text + b * TEXT * TEXT_WIDTH, TEXT * TEXT_WIDTH * sizeof *text);
        memcpy(mask + b * (TEXT + 2), f.mask + b * TEXT, TEXT);
    }
    f.input.text = text;
    f.input.text_mask = mask;
    f.input.text_rows = TEXT + 2;
    run(&f, &f.input, two);
    for (int i = 0; i < B * ROWS * CODES; i++)
        CHECK_CLOSE(one[i], two[i], 1e-5);
    close_fixture(&f);
}

/* One pass of both, mixed before the last layer, is both passes mixed behind it. */
static void guidance_mixes_both_passes(void **state)
{
    float apart[B * ROWS * CODES], mixed[B / 2 * ROWS * CODES];
    fixture f;

    (void)state;
    for (int critic = 0; critic < 2; critic++) {
        const int numbers = B / 2 * ROWS * (critic ? 1 : CODES);

        open_fixture(&f, critic);
        memcpy(f.ids + B / 2 * ROWS, f.ids, B / 2 * ROWS * sizeof *f.ids);
        memset(f.mask + B / 2 * TEXT, 0, B / 2 * TEXT);
        run(&f, &f.input, apart);
        f.input.guidance = 2.5f;
        run(&f, &f.input, mixed);
        for (int i = 0; i < numbers; i++)
            CHECK_CLOSE(mixed[i], apart[numbers + i] + 2.5f * (apart[i] - apart[numbers + i]), 1e-5);
        close_fixture(&f);
    }
}

/* To the last bit, so that no batch changes a clip. */
static void a_box_does_not_depend_on_the_others(void **state)
{
    float both[B * ROWS * CODES], alone[ROWS * CODES];
    fixture f;

    (void)state;
    for (int critic = 0; critic < 2; critic++) {
        const int numbers = critic ? ROWS : ROWS * CODES;

        open_fixture(&f, critic);
        run(&f, &f.input, both);
        f.exec.threads = 1;
        f.input.batch = 1;
        for (int b = 0; b < B; b++) {
            f.input.ids = f.ids + b * ROWS;
            f.input.text = f.text + b * TEXT * TEXT_WIDTH;
            f.input.text_mask = f.mask + b * TEXT;
            run(&f, &f.input, alone);
            assert_memory_equal(alone, both + b * numbers, (size_t)numbers * sizeof *alone);
        }
        close_fixture(&f);
    }
}

/* --- gradients ------------------------------------------------------------------------------------------------ */

typedef struct learning {
    fixture f;
    cv_store *weights, *gradients;
    cv_masked_learner *learner;
    int32_t labels[B * ROWS];
    uint8_t wrong[B * ROWS];
    bool judges; /* the loss is the critic's */
} learning;

static double loss_of(learning *l)
{
    if (!l->judges)
        return cv_masked_learner_measure(l->learner, &l->f.input, l->labels, NULL);
    return cv_masked_learner_measure_critic(l->learner, &l->f.input, l->wrong);
}

static void begin_learning(learning *l, bool critic, bool self)
{
    const cv_masked_config config = small(critic);
    const cv_masked_learning options = { .batch = B,
                                         .T = T,
                                         .h = HEIGHT,
                                         .w = WIDTH,
                                         .text_rows = TEXT,
                                         .embedding_gradient = critic ? 0.3 : 1,
                                         .self = self };
    cogvideo_error err;

    *l = (learning){ .judges = critic || self };
    open_fixture(&l->f, critic);
    l->f.exec.threads = 1; /* thousands of passes of a few rows */
    l->weights = masked_store(&config, self, 5);
    CHECK_OK(cv_store_create_like(&l->gradients, "gradients", l->weights, &err), err);
    CHECK_OK(cv_masked_learner_open(&l->learner, &l->f.exec, l->weights, l->gradients, &config, &options, &err), err);
    memset(l->f.seen, 1, sizeof l->f.seen);
    memset(l->f.seen + ROWS + HEIGHT * WIDTH, 0, HEIGHT * WIDTH);
    l->f.input.seen = l->f.seen;
    for (int i = 0; i < B * ROWS; i++) {
        l->labels[i] = i % 3 == 0 && l->f.seen[i] ? i % CODES : -1;
        l->wrong[i] = i % 4 == 0;
    }
}

static void end_learning(learning *l)
{
    cv_masked_learner_close(&l->learner);
    cv_store_close(&l->weights);
    cv_store_close(&l->gradients);
    close_fixture(&l->f);
}

/* The loss's slope as one number moves by `step`. */
static double slope_of(learning *l, float *x, float step)
{
    const float saved = *x, up = saved + step, down = saved - step;
    double high, low;

    *x = up;
    high = loss_of(l);
    *x = down;
    low = loss_of(l);
    *x = saved;
    return (high - low) / ((double)up - (double)down);
}

/* Eight of the gradients, spread over all, against slopes, to 1% of at least their mean size and what rounding does to
 * a slope. Two steps together leave out what the third derivative
 * does, which is large where cosines are multiplied by 8. */
static void check_slopes(learning *l, const char *name, float *x, const float *gradient, size_t count)
{
    double mean = 0;

    for (size_t i = 0; i < count; i++)
        mean += fabs((double)gradient[i]) / (double)count;
    assert_true(mean > 0);
    for (size_t i = 0; i < count; i += (count + 7) / 8) {
        const double slope = (4 * slope_of(l, &x[i], 0x1p-9f) - slope_of(l, &x[i], 0x1p-8f)) / 3,
                     size = fmax(mean, fabs((double)gradient[i]));

        if (!(fabs(slope - (double)gradient[i]) <= 1e-2 * size + 2e-4))
            fail_msg("%s: element %zu has gradient %.6g, the slope is %.6g", name, i, (double)gradient[i], slope);
    }
}

/* Whether a gradient is told from rounding: the last bias of the net of distances is not seen by a softmax. */
static bool is_sound(const char *name)
{
    return strcmp(name, "continuous_pos_bias.net.2.bias") != 0;
}

static void check_learning(bool critic, bool self)
{
    float dtext[B * TEXT * TEXT_WIDTH] = { 0 };
    learning l;
    double loss;

    begin_learning(&l, critic, self);
    loss = l.judges ? cv_masked_learner_run_critic(l.learner, &l.f.input, l.wrong, dtext)
                    : cv_masked_learner_run(l.learner, &l.f.input, l.labels, dtext);
    assert_true(loss > 0.1);
    CHECK_CLOSE(loss_of(&l), loss, 0);
    for (int i = 0; i < TEXT_WIDTH; i++) /* a text's last vector is not seen */
        assert_true(dtext[(TEXT - 1) * TEXT_WIDTH + i] == 0);
    for (size_t t = 0; t < cv_store_count(l.weights); t++) {
        const cv_tensor *weight = cv_store_at(l.weights, t), *gradient = check_tensor(l.gradients, weight->name);

        if (!is_sound(weight->name) || strncmp(weight->name, self ? "to_logits" : "to_pred", 7) == 0)
            continue;
        check_slopes(&l, weight->name, cv_tensor_values(weight), gradient->data, weight->count);
    }
    check_slopes(&l, "the text", l.f.text, dtext, B * TEXT * TEXT_WIDTH);
    end_learning(&l);
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    check_learning(false, false);
}

static void gradients_of_critics_are_slopes(void **state)
{
    (void)state;
    check_learning(true, false);
    check_learning(false, true);
}

static int set_up(void **state)
{
    (void)state;
    cv_blas_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_off_a_file),
        cmocka_unit_test(a_file_that_is_none_is_refused),
        cmocka_unit_test(sizes_as_text),
        cmocka_unit_test(the_null_pass_does_not_read_the_text),
        cmocka_unit_test(padding_behind_a_text_changes_nothing),
        cmocka_unit_test(guidance_mixes_both_passes),
        cmocka_unit_test(a_box_does_not_depend_on_the_others),
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(gradients_of_critics_are_slopes),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
