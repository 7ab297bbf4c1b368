/* The masked transformer and its critics against the original's activations, logits and scores. */
#include "support/masked.h"
#include "support/phenaki_golden.h"

#include "nn/blas.h"

enum { HEIGHT = 4, WIDTH = 3, T = 3, V = 256, ROWS = T * HEIGHT * WIDTH };

typedef struct fixture {
    cv_store *golden, *weights, *critic_weights, *self_weights;
    cv_masked *network, *critic;
    cv_self_critic self;
    cv_exec exec;
    const float *text;
    const uint8_t *text_mask;
    uint8_t no_text[2 * 64];
    float *out;
    const char *prefix; /* of what an observer is shown in the golden; NULL = not looked at */
    int shown;
} fixture;

static void check_numbers(const char *name, const float *values, const cv_tensor *expected, size_t numbers)
{
    assert_int_equal(numbers, expected->count);
    phenaki_check(name, expected, values);
}

static void check_named(const fixture *f, const char *name, const float *values, size_t numbers)
{
    check_numbers(name, values, check_tensor(f->golden, name), numbers);
}

/* Compares what is shown with what the golden has of it. */
static void look(void *user, const char *name, const float *x, size_t numbers)
{
    fixture *f = user;
    const cv_tensor *tensor;
    char full[120];

    snprintf(full, sizeof full, "%s%s", f->prefix, name);
    tensor = cv_store_find(f->golden, strcmp(name, "bias") == 0 ? name : full);
    if (!tensor)
        return;
    check_numbers(full, x, tensor, numbers);
    f->shown++;
}

static int set_up(void **state)
{
    const char *path = check_golden("phenaki/masked/logits.safetensors");
    const cv_masked_config config = masked_golden_config(false), critic = masked_golden_config(true);
    cogvideo_error err;
    fixture *f;

    cv_blas_init();
    if (!path)
        return 0;
    f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->exec.threads = 2;
    check_kernels(&f->exec.kernels);
    CHECK_OK(cv_store_open(&f->golden, path, &err), err);
    f->network = masked_seeded(&config, MASKED_SEED, &f->weights);
    f->critic = masked_seeded(&critic, TOKEN_CRITIC_SEED, &f->critic_weights);
    f->self = masked_self_critic(config.width, SELF_CRITIC_SEED, &f->self_weights);
    f->text = check_f32(f->golden, "text.embeds");
    f->text_mask = check_tensor(f->golden, "text.mask")->data;
    f->out = calloc(2 * 4 * HEIGHT * WIDTH, V * sizeof *f->out);
    assert_non_null(f->out);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    if (!f)
        return 0;
    cv_masked_close(&f->network);
    cv_masked_close(&f->critic);
    cv_store_close(&f->weights);
    cv_store_close(&f->critic_weights);
    cv_store_close(&f->self_weights);
    cv_store_close(&f->golden);
    free(f->out);
    free(f);
    return 0;
}

static fixture *fixture_of(void **state)
{
    fixture *f = *state;

    if (!f)
        skip();
    f->prefix = NULL;
    f->shown = 0;
    return f;
}

static cv_masked_input input_of(const fixture *f, const char *ids)
{
    return (cv_masked_input){ .batch = 2,
                              .T = T,
                              .h = HEIGHT,
                              .w = WIDTH,
                              .ids = ids ? check_i32(f->golden, ids) : NULL,
                              .text = f->text,
                              .text_mask = f->text_mask,
                              .text_rows = (int)check_tensor(f->golden, "text.mask")->shape[1] };
}

static void run(fixture *f, const cv_masked *network, const cv_self_critic *self, const cv_masked_input *input)
{
    const size_t bytes = cv_masked_scratch(&f->exec, network, input);
    cogvideo_error err;
    cv_arena arena;

    CHECK_OK(cv_arena_create(&arena, bytes, &err), err);
    cv_masked_run(&f->exec, network, self, input, f->out, f->prefix ? look : NULL, f, &arena);
    assert_true(arena.peak <= bytes);
    cv_arena_free(&arena);
}

static void half_of_it_masked(void **state)
{
    fixture *f = fixture_of(state);
    cv_masked_input input = input_of(f, "half.input");

    f->prefix = "half.";
    run(f, f->network, NULL, &input);
    assert_int_equal(f->shown, 1 + 2 + 2 * 4 + 1);
    f->prefix = "half.null.";
    f->shown = 0;
    input.text_mask = f->no_text;
    run(f, f->network, NULL, &input);
    assert_int_equal(f->shown, 2);
    check_named(f, "half.null", f->out, 2 * ROWS * V);
}

/* Both passes as one batch, as the samplers make them. */
static void guided(void **state)
{
    fixture *f = fixture_of(state);
    cv_masked_input input = input_of(f, NULL);
    const float *golden = check_f32(f->golden, "half.guided5");
    const size_t numbers = (size_t)input.text_rows * 24;
    int32_t ids[2 * ROWS];
    float *text = calloc(2 * numbers, sizeof *text), guided[ROWS * V];
    uint8_t mask[128] = { 0 };

    assert_non_null(text);
    for (int i = 0; i < 2; i++) {
        cv_tensor expected = *check_tensor(f->golden, "half.guided5");

        for (int pass = 0; pass < 2; pass++) {
            memcpy(ids + pass * ROWS, check_i32(f->golden, "half.input") + i * ROWS, ROWS * sizeof *ids);
            memcpy(text + (size_t)pass * numbers, f->text + (size_t)i * numbers, numbers * sizeof *text);
        }
        memcpy(mask, f->text_mask + i * input.text_rows, (size_t)input.text_rows);
        input.ids = ids;
        input.text = text;
        input.text_mask = mask;
        run(f, f->network, NULL, &input);
        for (int k = 0; k < ROWS * V; k++)
            guided[k] = f->out[ROWS * V + k] + 5 * (f->out[k] - f->out[ROWS * V + k]);
        expected.data = golden + i * ROWS * V;
        expected.count = ROWS * V;
        check_numbers("half.guided5", guided, &expected, ROWS * V);
        input.guidance = 5; /* by the network itself */
        run(f, f->network, NULL, &input);
        check_numbers("half.guided5", f->out, &expected, ROWS * V);
        input.guidance = 0;
    }
    free(text);
}

static void all_masked_and_none_masked(void **state)
{
    fixture *f = fixture_of(state);
    cv_masked_input input = input_of(f, "none.input");
    int32_t masks[ROWS];

    input.batch = 1;
    run(f, f->network, NULL, &input);
    check_named(f, "none.logits", f->out, ROWS * V);
    for (int i = 0; i < ROWS; i++)
        masks[i] = V;
    input.ids = masks;
    run(f, f->network, NULL, &input);
    check_named(f, "all.logits", f->out, ROWS * V);
}

static void of_other_lengths(void **state)
{
    fixture *f = fixture_of(state);
    cv_masked_input image = input_of(f, "image.input"), padded = input_of(f, "half.input"),
                    longer = input_of(f, "longer.input");

    image.T = 1;
    run(f, f->network, NULL, &image);
    check_named(f, "image.logits", f->out, 2 * HEIGHT * WIDTH * V);
    padded.seen = check_tensor(f->golden, "padded.video_mask")->data;
    run(f, f->network, NULL, &padded);
    check_named(f, "padded.logits", f->out, 2 * ROWS * V);
    longer.batch = 1;
    longer.T = 4;
    run(f, f->network, NULL, &longer);
    check_named(f, "longer.logits", f->out, 4 * HEIGHT * WIDTH * V);
}

static void critics(void **state)
{
    fixture *f = fixture_of(state);
    cv_masked_input input = input_of(f, "critic.input");

    run(f, f->network, &f->self, &input);
    check_named(f, "selfcritic.scores", f->out, 2 * ROWS);
    f->prefix = "critic.";
    run(f, f->critic, NULL, &input);
    assert_int_equal(f->shown, 1);
    f->prefix = NULL;
    input.text_mask = f->no_text;
    run(f, f->critic, NULL, &input);
    check_named(f, "critic.null", f->out, 2 * ROWS);
}

static void without_texts(void **state)
{
    fixture *f = fixture_of(state);
    cv_masked_config config = masked_golden_config(false);
    cv_masked_input input = input_of(f, "half.input");
    cv_masked *network;
    cv_store *store;

    config.text_width = 0;
    network = masked_seeded(&config, UNCONDITIONAL_SEED, &store);
    input.text = NULL;
    input.text_mask = NULL;
    input.text_rows = 0;
    run(f, network, NULL, &input);
    check_named(f, "unconditional.logits", f->out, 2 * ROWS * V);
    cv_masked_close(&network);
    cv_store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_of_it_masked), cmocka_unit_test(guided),  cmocka_unit_test(all_masked_and_none_masked),
        cmocka_unit_test(of_other_lengths),  cmocka_unit_test(critics), cmocka_unit_test(without_texts),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
