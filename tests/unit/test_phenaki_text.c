/* A prompt of Phenaki on its way to vectors: what is seen of them, and what is refused. */
#include "support/check.h"
#include "support/phenaki_seeded.h"
#include "support/spm.h"

#include "family/phenaki/model/model.h"

#define SPACE "\xe2\x96\x81"

typedef struct fixture {
    cv_store *weights;
    cv_phenaki model;
    char warning[300];
} fixture;

static void log_line(void *user, cogvideo_log_level level, const char *text)
{
    fixture *f = user;

    assert_int_equal(level, COGVIDEO_LOG_WARNING);
    snprintf(f->warning, sizeof f->warning, "%s", text);
}

static void open_text(cv_text **text)
{
    cv_buffer model = { 0 }, trainer = { 0 };
    cogvideo_error err;

    spm_piece(&model, "<pad>", 5, 0, 3);
    spm_piece(&model, "</s>", 4, 0, 3);
    spm_piece(&model, "<unk>", 5, 0, 2);
    spm_piece(&model, SPACE, 3, -2, 1);
    spm_piece(&model, "a", 1, -3, 1);
    spm_varint(&trainer, 3, 1);
    spm_bytes(&model, 2, trainer.data, trainer.size);
    spm_bytes(&model, 3, "", 0);
    check_write(check_temp_path("spiece.model"), model.data, model.size);
    CHECK_OK(cv_text_open(text, check_temp_path("spiece.model"), 0, NULL, &err), err);
    cv_buffer_free(&model);
    cv_buffer_free(&trainer);
}

static void setup(fixture *f)
{
    const cv_t5_config config = { .layers = 1, .heads = 2, .head_width = 3, .inner = 5, .width = 4, .vocabulary = 5 };
    cogvideo_error err;
    cv_store *plan;
    cv_t5 *t5;

    *f = (fixture){ .model.head = { .exec = { .threads = 2 }, .log = { log_line, f }, .name = "a model" } };
    check_kernels(&f->model.head.exec.kernels);
    open_text(&f->model.head.text);
    CHECK_OK(cv_store_plan(&plan, "T5", &err), err);
    CHECK_OK(cv_t5_open(&t5, &config, plan, &err), err);
    cv_t5_close(&t5);
    CHECK_OK(cv_store_create_like(&f->weights, "T5", plan, &err), err);
    cv_store_close(&plan);
    phenaki_seeded_fill(f->weights, "", 3);
    CHECK_OK(cv_t5_open(&f->model.text_encoder, &config, f->weights, &err), err);
}

static void teardown(fixture *f)
{
    cv_t5_close(&f->model.text_encoder);
    cv_text_close(&f->model.head.text);
    cv_store_close(&f->weights);
}

static void a_prompt_has_a_vector_for_each_token(void **state)
{
    static const struct {
        const char *prompt;
        int rows;
    } cases[] = { { "a", 3 }, { "a bcd a", 7 } };
    cogvideo_error err;
    fixture f;

    (void)state;
    setup(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cv_phenaki_text text;

        CHECK_OK(cv_phenaki_read_text(&f.model, cases[i].prompt, false, &text, &err), err);
        assert_int_equal(text.rows, cases[i].rows);
        for (int r = 0; r < text.rows; r++) {
            assert_int_equal(text.mask[r], 1);
            assert_true(text.vectors[4 * r] != 0);
        }
        cv_phenaki_text_free(&text);
        assert_null(text.vectors);
    }
    CHECK_FAILS(cv_phenaki_read_text(&f.model, "", false, &(cv_phenaki_text){ 0 }, &err), COGVIDEO_ERROR_ARGUMENT,
                "the prompt is empty", err);
    assert_string_equal(f.warning, "");
    teardown(&f);
}

/* As in training, where padding is known by its zeros. */
static void rows_of_zeros_are_not_seen(void **state)
{
    cogvideo_error err;
    cv_phenaki_text text;
    fixture f;

    (void)state;
    setup(&f);
    memset(cv_tensor_values(cv_store_find(f.weights, "encoder.final_layer_norm.weight")), 0, 4 * sizeof(float));
    CHECK_OK(cv_phenaki_read_text(&f.model, "a", false, &text, &err), err);
    for (int r = 0; r < text.rows; r++)
        assert_int_equal(text.mask[r], 0);
    cv_phenaki_text_free(&text);
    teardown(&f);
}

static void long_prompts_are_cut_on_demand(void **state)
{
    char prompt[300];
    cogvideo_error err;
    cv_phenaki_text text;
    fixture f;

    (void)state;
    setup(&f);
    memset(prompt, 'a', sizeof prompt);
    prompt[sizeof prompt - 1] = '\0';
    CHECK_FAILS(cv_phenaki_read_text(&f.model, prompt, false, &text, &err), COGVIDEO_ERROR_ARGUMENT, "301 tokens", err);
    CHECK_OK(cv_phenaki_read_text(&f.model, prompt, true, &text, &err), err);
    assert_int_equal(text.rows, CV_T5_LONGEST);
    assert_non_null(strstr(f.warning, "cut to the model's 256"));
    cv_phenaki_text_free(&text);
    teardown(&f);
}

static void missing_parts_are_named(void **state)
{
    cogvideo_error err;
    cv_phenaki_text text;
    cv_phenaki without;
    fixture f;

    (void)state;
    setup(&f);
    without = f.model;
    without.text_encoder = NULL;
    CHECK_FAILS(cv_phenaki_read_text(&without, "a", false, &text, &err), COGVIDEO_ERROR_MODEL, "text encoder", err);
    without = f.model;
    without.head.text = NULL;
    CHECK_FAILS(cv_phenaki_read_text(&without, "a", false, &text, &err), COGVIDEO_ERROR_MODEL, "text tokenizer", err);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_has_a_vector_for_each_token),
        cmocka_unit_test(rows_of_zeros_are_not_seen),
        cmocka_unit_test(long_prompts_are_cut_on_demand),
        cmocka_unit_test(missing_parts_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
