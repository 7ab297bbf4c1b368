/* The T5 encoder by itself: its gradients, texts that know nothing of each other or of pads, weights of any type, sizes
 * from files; and the ids of texts. */
#include "support/gradient.h"
#include "support/narrowed.h"
#include "support/phenaki_seeded.h"
#include "support/spm.h"

#include "model/t5/t5_bias.h"
#include "model/t5/t5_network.h"
#include "nn/blas.h"

enum { TEXTS = 3, LONGEST = 5, WIDTH = 6, NUMBERS = TEXTS * LONGEST * WIDTH };

/* One id twice, and one that is no text's. */
static const int32_t ids[TEXTS * LONGEST] = { 3, 1, 4, 1, 5, 2, 6, -1, -1, -1, 5, 3, 7, -1, -1 };
static const int counts[TEXTS] = { 5, 2, 3 };

typedef struct fixture {
    cv_exec exec;
    cv_store *weights, *gradients;
    cv_t5 *t5, *grad;
    cv_t5_batch batch;
    cv_t5_tape *tape;
    cv_arena arena;
    float out[NUMBERS], dout[NUMBERS];
} fixture;

static cv_t5_config config_of(int layers, bool gated)
{
    return (cv_t5_config){ .layers = layers,
                           .heads = 2,
                           .head_width = 4,
                           .inner = 9,
                           .width = WIDTH,
                           .vocabulary = 9,
                           .gated = gated };
}

static void open_network(cv_store **store, cv_t5 **t5, const cv_t5_config *config)
{
    cogvideo_error err;
    cv_store *plan;

    CHECK_OK(cv_store_plan(&plan, "T5", &err), err);
    CHECK_OK(cv_t5_open(t5, config, plan, &err), err);
    cv_t5_close(t5);
    CHECK_OK(cv_store_create_like(store, "T5", plan, &err), err);
    cv_store_close(&plan);
    CHECK_OK(cv_t5_open(t5, config, *store, &err), err);
}

static void setup(fixture *f, int layers, bool gated, int threads)
{
    const cv_t5_config config = config_of(layers, gated);
    cv_arena measure = { 0 };
    cogvideo_error err;

    *f = (fixture){ .exec = { .threads = threads }, .batch = { TEXTS, LONGEST, ids, counts } };
    check_kernels(&f->exec.kernels);
    cv_blas_init();
    open_network(&f->weights, &f->t5, &config);
    open_network(&f->gradients, &f->grad, &config);
    phenaki_seeded_fill(f->weights, "", 7);
    cv_t5_tape_take(&f->exec, f->t5, TEXTS, LONGEST, &measure);
    CHECK_OK(cv_arena_create(&f->arena, measure.peak, &err), err);
    f->tape = cv_t5_tape_take(&f->exec, f->t5, TEXTS, LONGEST, &f->arena);
    assert_non_null(f->tape);
    gradient_fill(f->dout, NUMBERS, 2, 1);
}

static void teardown(fixture *f)
{
    cv_t5_close(&f->t5);
    cv_t5_close(&f->grad);
    cv_store_close(&f->weights);
    cv_store_close(&f->gradients);
    cv_arena_free(&f->arena);
}

static double loss(void *user)
{
    fixture *f = user;

    cv_t5_forward(&f->exec, f->t5, &f->batch, f->out, f->tape, &f->arena);
    return gradient_loss(f->out, f->dout, NUMBERS);
}

static void backward(fixture *f)
{
    float dout[NUMBERS];

    memcpy(dout, f->dout, sizeof dout);
    loss(f);
    cv_t5_backward(&f->exec, f->t5, f->grad, &f->batch, dout, f->tape, &f->arena);
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    for (int layers = 0; layers <= 2; layers++)
        for (int gated = 0; gated < 2; gated++) {
            fixture f;

            setup(&f, layers, gated != 0, 2);
            backward(&f);
            for (size_t t = 0; t < cv_store_count(f.weights); t++) {
                const cv_tensor *weight = cv_store_at(f.weights, t), *gradient = cv_store_at(f.gradients, t);

                gradient_check(cv_tensor_values(weight), cv_tensor_values(gradient), weight->count, loss, &f);
            }
            teardown(&f);
        }
}

/* The second time adds to the first; and a smaller batch fits the same tape. */
static void gradients_are_added(void **state)
{
    fixture f;
    float *once;

    (void)state;
    setup(&f, 2, true, 2);
    backward(&f);
    for (size_t t = 0; t < cv_store_count(f.gradients); t++) {
        const cv_tensor *tensor = cv_store_at(f.gradients, t);

        once = cv_tensor_values(tensor);
        for (size_t i = 0; i < tensor->count; i++)
            once[i] *= -1;
    }
    backward(&f);
    for (size_t t = 0; t < cv_store_count(f.gradients); t++)
        for (size_t i = 0; i < cv_store_at(f.gradients, t)->count; i++)
            CHECK_CLOSE(cv_tensor_values(cv_store_at(f.gradients, t))[i], 0, 1e-5);
    f.batch = (cv_t5_batch){ .texts = 1, .longest = 2, .ids = ids, .counts = (const int[]){ 2 } };
    backward(&f);
    teardown(&f);
}

static void threads_do_not_matter(void **state)
{
    fixture a, b;

    (void)state;
    setup(&a, 2, true, 1);
    setup(&b, 2, true, 3);
    backward(&a);
    backward(&b);
    assert_memory_equal(a.out, b.out, sizeof a.out);
    for (size_t t = 0; t < cv_store_count(a.gradients); t++)
        assert_memory_equal(cv_store_at(a.gradients, t)->data, cv_store_at(b.gradients, t)->data,
                            cv_store_at(a.gradients, t)->count * sizeof(float));
    teardown(&a);
    teardown(&b);
}

static void run(const cv_exec *exec, const cv_t5 *t5, const cv_t5_batch *batch, float *out)
{
    cogvideo_error err;
    cv_arena arena;

    CHECK_OK(cv_arena_create(&arena, cv_t5_scratch(exec, t5, batch), &err), err);
    cv_t5_run(exec, t5, batch, out, NULL, NULL, &arena);
    assert_true(arena.peak <= arena.capacity);
    cv_arena_free(&arena);
}

/* To the last bit: alone, in a batch, or with pads behind it; and pads are 0. */
static void texts_know_nothing_of_each_other(void **state)
{
    fixture f;
    float out[NUMBERS], alone[LONGEST * WIDTH], wide[9 * WIDTH], zero[9 * WIDTH] = { 0 };

    (void)state;
    setup(&f, 2, true, 2);
    run(&f.exec, f.t5, &f.batch, out);
    loss(&f); /* training computes the same */
    assert_memory_equal(out, f.out, sizeof out);
    for (int t = 0; t < TEXTS; t++) {
        const size_t numbers = (size_t)counts[t] * WIDTH;
        cv_t5_batch one = { .texts = 1, .longest = counts[t], .ids = ids + t * LONGEST, .counts = counts + t };
        int32_t padded[9] = { 0 };

        run(&f.exec, f.t5, &one, alone);
        assert_memory_equal(alone, out + t * LONGEST * WIDTH, numbers * sizeof *alone);
        assert_memory_equal(out + t * LONGEST * WIDTH + numbers, zero, (LONGEST * WIDTH - numbers) * sizeof *out);
        memcpy(padded, one.ids, (size_t)counts[t] * sizeof *padded);
        one.ids = padded;
        one.longest = 9;
        run(&f.exec, f.t5, &one, wide);
        assert_memory_equal(wide, alone, numbers * sizeof *alone);
        assert_memory_equal(wide + numbers, zero, sizeof wide - numbers * sizeof *wide);
    }
    teardown(&f);
}

/* A text without ids has zeros and no part in any gradient. */
static void a_batch_may_be_empty(void **state)
{
    const int none[TEXTS] = { 0 };
    fixture f;

    (void)state;
    setup(&f, 1, true, 2);
    f.batch.counts = none;
    backward(&f);
    for (int i = 0; i < NUMBERS; i++)
        assert_true(f.out[i] == 0);
    for (size_t t = 0; t < cv_store_count(f.gradients); t++)
        for (size_t i = 0; i < cv_store_at(f.gradients, t)->count; i++)
            assert_true(cv_tensor_values(cv_store_at(f.gradients, t))[i] == 0);
    teardown(&f);
}

/* --- weights of other types ----------------------------------------------------------------------------------- */

static void weights_may_have_any_type(void **state)
{
    (void)state;
    for (cv_weight_type type = CV_WEIGHT_F32; type <= CV_WEIGHT_Q8; type++) {
        const char *path = check_temp_path("t5.safetensors");
        float out[NUMBERS], wide[NUMBERS];
        cogvideo_error err;
        cv_store *narrow;
        cv_t5 *t5;
        fixture f;

        setup(&f, 2, true, 2);
        narrowed_write(f.weights, type, path);
        CHECK_OK(cv_store_open(&narrow, path, &err), err);
        CHECK_OK(cv_t5_open(&t5, &f.t5->config, narrow, &err), err);
        CHECK_OK(cv_store_check_claimed(narrow, &err), err);
        assert_int_equal(t5->shared.type, type);
        assert_int_equal(t5->blocks[1].wo.weight.type, type);
        run(&f.exec, t5, &f.batch, out);
        cv_t5_close(&t5);
        cv_store_close(&narrow);

        CHECK_OK(cv_store_open(&narrow, path, &err), err);
        narrowed_widen(f.weights, narrow);
        run(&f.exec, f.t5, &f.batch, wide);
        assert_memory_equal(out, wide, sizeof out);
        cv_store_close(&narrow);
        teardown(&f);
    }
}

/* --- sizes ---------------------------------------------------------------------------------------------------- */

static void sizes_are_read_off_files_and_configs(void **state)
{
    (void)state;
    for (int layers = 0; layers <= 2; layers += 2)
        for (int gated = 0; gated < 2; gated++) {
            cv_t5_config found, read;
            cv_json *section = cv_json_new_object();
            cogvideo_error err;
            fixture f;

            setup(&f, layers, gated != 0, 1);
            CHECK_OK(cv_t5_measure(&found, f.weights, &err), err);
            cv_t5_config_put(section, &found);
            CHECK_OK(cv_t5_config_read(&read, section, "model.json", &err), err);
            assert_int_equal(read.layers, layers);
            assert_int_equal(read.width, WIDTH);
            assert_int_equal(read.vocabulary, 9);
            if (layers > 0) {
                assert_int_equal(read.heads, 2);
                assert_int_equal(read.head_width, 4);
                assert_int_equal(read.inner, 9);
                assert_int_equal(read.gated, gated);
            }
            cv_json_free(&section);
            teardown(&f);
        }
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "{\"layers\":65,\"width\":6,\"vocabulary\":9}", "layers" },
        { "{\"layers\":0,\"width\":0,\"vocabulary\":9}", "width" },
        { "{\"layers\":1,\"width\":6,\"vocabulary\":9,\"heads\":2,\"head_width\":4}", "inner" },
        { "{\"layers\":0,\"width\":6,\"vocabulary\":9,\"head_size\":4}", "head_size" },
    };
    cv_t5_config config = config_of(1, true);
    const cv_tensor *bias;
    cogvideo_error err;
    cv_json *section;
    fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_OK(cv_json_parse(&section, cases[i].text, strlen(cases[i].text), "model.json", &err), err);
        CHECK_FAILS(cv_t5_config_read(&config, section, "model.json", &err), COGVIDEO_ERROR_FORMAT, cases[i].words,
                    err);
        cv_json_free(&section);
    }
    /* Three heads cannot share eight rows. */
    setup(&f, 1, true, 1);
    bias = cv_store_find(f.weights, "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
    ((cv_tensor *)bias)->shape[1] = 3;
    CHECK_FAILS(cv_t5_measure(&config, f.weights, &err), COGVIDEO_ERROR_MODEL, "3 heads", err);
    teardown(&f);
}

/* --- ids ------------------------------------------------------------------------------------------------------ */

#define SPACE "\xe2\x96\x81"

static cv_text *open_text(bool with_end)
{
    cv_buffer model = { 0 }, trainer = { 0 };
    cogvideo_error err;
    cv_text *text;

    spm_piece(&model, "<pad>", 5, 0, 3);
    if (with_end)
        spm_piece(&model, "</s>", 4, 0, 3);
    spm_piece(&model, "<unk>", 5, 0, 2);
    spm_piece(&model, SPACE, 3, -2, 1);
    spm_piece(&model, "a", 1, -3, 1);
    spm_piece(&model, "s", 1, -3, 1);
    spm_varint(&trainer, 3, 1);
    spm_bytes(&model, 2, trainer.data, trainer.size);
    spm_bytes(&model, 3, "", 0);
    check_write(check_temp_path("spiece.model"), model.data, model.size);
    CHECK_OK(cv_text_open(&text, check_temp_path("spiece.model"), 0, NULL, &err), err);
    cv_buffer_free(&model);
    cv_buffer_free(&trainer);
    return text;
}

static void check_ids(const cv_text *text, const char *prompt, int expected_count, const int32_t *expected)
{
    int32_t found[CV_T5_LONGEST];
    cogvideo_error err;
    size_t whole;
    int count;

    CHECK_OK(cv_t5_ids(text, prompt, found, &count, &whole, &err), err);
    if (count != expected_count || memcmp(found, expected, (size_t)count * sizeof *found) != 0)
        fail_msg("'%s' has %d ids, the first %d", prompt, count, (int)found[0]);
    assert_int_equal(whole, count);
}

static void texts_end_with_the_end(void **state)
{
    cv_text *text = open_text(true);

    (void)state;
    check_ids(text, "", 1, (const int32_t[]){ 1 });
    check_ids(text, "a", 3, (const int32_t[]){ 3, 4, 1 });
    check_ids(text, "a xyz a", 7, (const int32_t[]){ 3, 4, 3, 2, 3, 4, 1 });
    /* No words of a prompt are more than text. */
    check_ids(text, "</s>", 5, (const int32_t[]){ 3, 2, 5, 2, 1 });
    check_ids(text, "<extra_id_3>", 5, (const int32_t[]){ 3, 2, 4, 2, 1 });
    cv_text_close(&text);
}

static void long_texts_are_cut_before_the_end(void **state)
{
    cv_text *text = open_text(true);
    int32_t found[CV_T5_LONGEST];
    char prompt[400];
    cogvideo_error err;
    size_t whole;
    int count;

    (void)state;
    memset(prompt, 'a', sizeof prompt);
    prompt[254] = '\0'; /* with the space before it just short enough */
    CHECK_OK(cv_t5_ids(text, prompt, found, &count, &whole, &err), err);
    assert_int_equal(count, CV_T5_LONGEST);
    assert_int_equal(whole, CV_T5_LONGEST);
    prompt[254] = 'a';
    prompt[300] = '\0';
    CHECK_OK(cv_t5_ids(text, prompt, found, &count, &whole, &err), err);
    assert_int_equal(count, CV_T5_LONGEST);
    assert_int_equal(whole, 302);
    assert_int_equal(found[CV_T5_LONGEST - 2], 4);
    assert_int_equal(found[CV_T5_LONGEST - 1], 1);
    cv_text_close(&text);
}

static void text_models_that_do_not_fit_are_refused(void **state)
{
    cv_text *text = open_text(true);
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_t5_check_text(text, 6, &err), err);
    CHECK_FAILS(cv_t5_check_text(text, 5, &err), COGVIDEO_ERROR_MODEL, "6 pieces", err);
    cv_text_close(&text);
    text = open_text(false);
    CHECK_FAILS(cv_t5_check_text(text, 9, &err), COGVIDEO_ERROR_MODEL, "</s>", err);
    cv_text_close(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(gradients_are_added),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(texts_know_nothing_of_each_other),
        cmocka_unit_test(a_batch_may_be_empty),
        cmocka_unit_test(weights_may_have_any_type),
        cmocka_unit_test(sizes_are_read_off_files_and_configs),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused),
        cmocka_unit_test(texts_end_with_the_end),
        cmocka_unit_test(long_texts_are_cut_before_the_end),
        cmocka_unit_test(text_models_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
