/* The masked transformer and a T5 that learns with it, against the original's loss and gradients: they come to the text
 * encoder through the keys and values of the text. */
#include "support/check.h"
#include "support/phenaki_seeded.h"

#include "base/json.h"
#include "family/phenaki/network/masked.h"
#include "model/t5/t5.h"
#include "nn/blas.h"

enum { MASK = 256, TEXT_WIDTH = 24, TEXT_SEED = 121, MASKED_SEED = 111 };

static const cv_t5_config text_config = {
    .layers = 2, .heads = 4, .head_width = 8, .inner = 40, .width = TEXT_WIDTH, .vocabulary = 384, .gated = true
};
static const cv_masked_config masked_config = { .layers = 2,
                                                .width = 32,
                                                .heads = 4,
                                                .head_width = 12,
                                                .inner = 85,
                                                .text_width = TEXT_WIDTH,
                                                .codes = MASK,
                                                .places = 60,
                                                .cosine = true };

typedef struct fixture {
    cv_exec exec;
    cv_store *golden;
    cv_store *text, *text_gradients, *masked, *masked_gradients;
    cv_t5 *t5, *t5_grad;
    cv_masked_learner *learner;
    cv_t5_tape *tape;
    cv_arena arena;
} fixture;

static void create(cv_store **weights, cv_store **gradients, cv_store **plan, int seed)
{
    cogvideo_error err;

    CHECK_OK(cv_store_create_like(weights, "weights", *plan, &err), err);
    CHECK_OK(cv_store_create_like(gradients, "gradients", *plan, &err), err);
    cv_store_close(plan);
    phenaki_seeded_fill(*weights, "", seed);
}

static void open_text_encoder(fixture *f, int texts, int longest)
{
    cv_arena measure = { 0 };
    cogvideo_error err;
    cv_store *plan;

    CHECK_OK(cv_store_plan(&plan, "T5", &err), err);
    CHECK_OK(cv_t5_open(&f->t5, &text_config, plan, &err), err);
    cv_t5_close(&f->t5);
    create(&f->text, &f->text_gradients, &plan, TEXT_SEED);
    CHECK_OK(cv_t5_open(&f->t5, &text_config, f->text, &err), err);
    CHECK_OK(cv_t5_open(&f->t5_grad, &text_config, f->text_gradients, &err), err);
    cv_t5_tape_take(&f->exec, f->t5, texts, longest, &measure);
    CHECK_OK(cv_arena_create(&f->arena, measure.peak, &err), err);
    f->tape = cv_t5_tape_take(&f->exec, f->t5, texts, longest, &f->arena);
}

static void open_masked(fixture *f, int batch, int longest)
{
    const cv_masked_learning options = { .batch = batch,
                                         .T = 3,
                                         .h = 4,
                                         .w = 3,
                                         .text_rows = longest,
                                         .embedding_gradient = 0.1 };
    cogvideo_error err;
    cv_masked *network;
    cv_store *plan;

    CHECK_OK(cv_store_plan(&plan, "masked", &err), err);
    CHECK_OK(cv_masked_open(&network, &masked_config, plan, &err), err);
    cv_masked_close(&network);
    create(&f->masked, &f->masked_gradients, &plan, MASKED_SEED);
    CHECK_OK(cv_masked_learner_open(&f->learner, &f->exec, f->masked, f->masked_gradients, &masked_config, &options,
                                    &err),
             err);
}

static void close_fixture(fixture *f)
{
    cv_masked_learner_close(&f->learner);
    cv_t5_close(&f->t5);
    cv_t5_close(&f->t5_grad);
    cv_store_close(&f->text);
    cv_store_close(&f->text_gradients);
    cv_store_close(&f->masked);
    cv_store_close(&f->masked_gradients);
    cv_store_close(&f->golden);
    cv_arena_free(&f->arena);
}

/* The loss; gradients are in the stores. */
static double run(fixture *f)
{
    const cv_tensor *text_ids = check_tensor(f->golden, "text.ids"), *codes = check_tensor(f->golden, "codes");
    const uint8_t *mask = check_tensor(f->golden, "text.mask")->data, *hidden = check_tensor(f->golden, "masked")->data;
    const int texts = (int)text_ids->shape[0], longest = (int)text_ids->shape[1];
    cogvideo_error err;
    const size_t numbers = text_ids->count * TEXT_WIDTH;
    float *vectors = cv_alloc(numbers, sizeof(float), &err), *dvectors = cv_alloc(numbers, sizeof(float), &err);
    int32_t *ids = cv_alloc(codes->count, sizeof *ids, &err), *labels = cv_alloc(codes->count, sizeof *labels, &err);
    int counts[4] = { 0 };
    const cv_t5_batch batch = { .texts = texts, .longest = longest, .ids = text_ids->data, .counts = counts };
    const cv_masked_input input = { .batch = texts,
                                    .T = 3,
                                    .h = 4,
                                    .w = 3,
                                    .ids = ids,
                                    .text = vectors,
                                    .text_mask = mask,
                                    .text_rows = longest };
    double loss;

    assert_true(vectors && dvectors && ids && labels && texts <= 4);
    for (size_t i = 0; i < text_ids->count; i++)
        counts[i / (size_t)longest] += mask[i];
    for (size_t i = 0; i < codes->count; i++) {
        const int32_t code = ((const int32_t *)codes->data)[i];

        ids[i] = hidden[i] ? MASK : code;
        labels[i] = hidden[i] ? code : -1;
    }
    open_text_encoder(f, texts, longest);
    open_masked(f, texts, longest);
    cv_t5_forward(&f->exec, f->t5, &batch, vectors, f->tape, &f->arena);
    loss = cv_masked_learner_run(f->learner, &input, labels, dvectors);
    cv_t5_backward(&f->exec, f->t5, f->t5_grad, &batch, dvectors, f->tape, &f->arena);
    cv_free(vectors);
    cv_free(dvectors);
    cv_free(ids);
    cv_free(labels);
    return loss;
}

static const cv_tensor *gradient_of(const fixture *f, const char *name)
{
    static const char text[] = "text_encoder.", masked[] = "masked.";

    if (strncmp(name, text, sizeof text - 1) == 0)
        return check_tensor(f->text_gradients, name + sizeof text - 1);
    assert_true(strncmp(name, masked, sizeof masked - 1) == 0);
    return check_tensor(f->masked_gradients, name + sizeof masked - 1);
}

/* A norm within 1e-3; the softmax does not see the bias net's last bias, whose gradient is 0 but for rounding. */
static void check_norm(const char *name, const cv_tensor *gradient, double expected)
{
    double sum = 0;

    for (size_t i = 0; i < gradient->count; i++)
        sum += pow((double)cv_tensor_values(gradient)[i], 2);
    if (!(fabs(sqrt(sum) - expected) <= (strstr(name, "net.2.bias") ? 1e-5 : 1e-3 * expected)))
        fail_msg("the gradient of %s has norm %.9g, %.9g was expected", name, sqrt(sum), expected);
}

static void check_whole(const char *name, const cv_tensor *gradient, const cv_tensor *expected)
{
    const float *numbers = expected->data, *values = cv_tensor_values(gradient);
    double most = 0;

    assert_int_equal(gradient->count, expected->count);
    for (size_t i = 0; i < expected->count; i++)
        most = fmax(most, fabs((double)numbers[i]));
    for (size_t i = 0; i < expected->count; i++)
        if (!(fabs((double)values[i] - (double)numbers[i]) <= 1e-3 * most))
            fail_msg("%s: number %zu is %.9g, %.9g was expected", name, i, (double)values[i], (double)numbers[i]);
}

static void both_learn_as_the_original(void **state)
{
    const char *path = check_golden("phenaki/train/joint.safetensors"), *list;
    fixture f = { .exec = { .threads = 2 } };
    const cv_tensor *norms;
    cogvideo_error err;
    size_t checked = 0, whole = 0;
    double loss;
    cv_json *names;

    (void)state;
    if (!path)
        skip();
    check_kernels(&f.exec.kernels);
    cv_blas_init();
    CHECK_OK(cv_store_open(&f.golden, path, &err), err);
    loss = run(&f);
    CHECK_CLOSE(loss, check_f32(f.golden, "loss")[0], 1e-5 * loss);
    norms = check_tensor(f.golden, "grad_norms");
    list = cv_store_metadata(f.golden, "grad_names");
    assert_non_null(list);
    CHECK_OK(cv_json_parse(&names, list, strlen(list), "metadata", &err), err);
    for (const cv_json *name = cv_json_first(names); name; name = cv_json_next(name), checked++) {
        const float norm = ((const float *)norms->data)[checked];
        const cv_tensor *gradient, *expected;
        char full[200];

        if (strstr(cv_json_text(name), ".1.context_norm.gamma")) {
            assert_true(norm == 0); /* which self attention has and does not use */
            continue;
        }
        gradient = gradient_of(&f, cv_json_text(name));
        check_norm(cv_json_text(name), gradient, (double)norm);
        snprintf(full, sizeof full, "grad.%s", cv_json_text(name));
        if ((expected = cv_store_find(f.golden, full)) != NULL) {
            check_whole(full, gradient, expected);
            whole++;
        }
    }
    assert_int_equal(checked, norms->count);
    assert_int_equal(whole, 4);
    cv_json_free(&names);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_learn_as_the_original),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
