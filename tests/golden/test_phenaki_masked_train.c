/* The masked transformer and its critics in training against the original's losses and gradients. */
#include "support/masked.h"
#include "support/phenaki_golden.h"

#include "nn/blas.h"

enum { B = 2, T = 3, HEIGHT = 4, WIDTH = 3, ROWS = T * HEIGHT * WIDTH, V = 256, PATCH_FRAMES = 2 };

/* A network that learns. */
typedef struct learner {
    cv_store *weights, *gradients;
    cv_masked_learner *learner;
    cv_exec exec;
} learner;

/* A case of the golden. */
typedef struct fixture {
    cv_store *golden;
    const char *name; /* "plain" */
    learner masked;
    int rows; /* of a box */
    uint8_t text_mask[B * 64], seen[B * ROWS];
    int32_t labels[B * ROWS]; /* -1 where there is no mask */
    cv_masked_input input;
} fixture;

static const char *named(const fixture *f, const char *rest)
{
    static char text[3][240];
    static int at;

    at = (at + 1) % 3;
    snprintf(text[at], sizeof text[at], "%s.%s", f->name, rest);
    return text[at];
}

static void open_learner(learner *l, bool critic, bool self, int text_rows)
{
    const cv_masked_config config = masked_golden_config(critic);
    const cv_masked_learning options = { .batch = B,
                                         .T = T,
                                         .h = HEIGHT,
                                         .w = WIDTH,
                                         .text_rows = text_rows,
                                         .embedding_gradient = 0.1,
                                         .self = self };
    cogvideo_error err;

    l->exec = (cv_exec){ .threads = 2 };
    check_kernels(&l->exec.kernels);
    l->weights = masked_store(&config, self, critic ? TOKEN_CRITIC_SEED : MASKED_SEED);
    CHECK_OK(cv_store_create_like(&l->gradients, "gradients", l->weights, &err), err);
    if (self) {
        cv_store *seeded;
        const cv_self_critic from = masked_self_critic(config.width, SELF_CRITIC_SEED, &seeded);

        memcpy(cv_tensor_values(check_tensor(l->weights, "to_pred.0.weight")), from.to_pred.weight.data,
               (size_t)config.width * sizeof(float));
        cv_tensor_values(check_tensor(l->weights, "to_pred.0.bias"))[0] = from.to_pred.bias[0];
        cv_store_close(&seeded);
    }
    CHECK_OK(cv_masked_learner_open(&l->learner, &l->exec, l->weights, l->gradients, &config, &options, &err), err);
    assert_true(cv_masked_learner_bytes(l->learner) > 0);
}

static void close_learner(learner *l)
{
    cv_masked_learner_close(&l->learner);
    cv_store_close(&l->weights);
    cv_store_close(&l->gradients);
}

/* Sets what the network reads and what it is asked. */
static void set_input(fixture *f)
{
    const cv_tensor *ids = check_tensor(f->golden, named(f, "input")), *text = check_tensor(f->golden, "text.embeds"),
                    *frames = cv_store_find(f->golden, named(f, "frame_mask"));
    const int text_rows = (int)text->shape[1], plane = HEIGHT * WIDTH;

    f->rows = (int)ids->shape[1];
    for (int r = 0; r < B * text_rows; r++) {
        const float *vector = (const float *)text->data + r * 24;

        for (int i = 0; i < 24; i++)
            f->text_mask[r] |= vector[i] != 0;
    }
    if (strcmp(f->name, "drop") == 0)
        memset(f->text_mask + text_rows, 0, (size_t)text_rows);
    for (int r = 0; r < B * f->rows; r++) {
        const int item = r / f->rows, place = r % f->rows, frame = place / plane * PATCH_FRAMES;
        const bool masked = ((const int32_t *)ids->data)[r] == V;

        f->labels[r] = masked ? check_i32(f->golden, "codes")[item * ROWS + place] : -1;
        f->seen[r] = !frames || ((const uint8_t *)frames->data)[item * (1 + (T - 1) * PATCH_FRAMES) + frame];
    }
    f->input = (cv_masked_input){ .batch = B,
                                  .T = f->rows / plane,
                                  .h = HEIGHT,
                                  .w = WIDTH,
                                  .ids = ids->data,
                                  .seen = frames ? f->seen : NULL,
                                  .text = text->data,
                                  .text_mask = f->text_mask,
                                  .text_rows = text_rows };
}

/* False: the golden is not here. */
static bool open_case(fixture *f, const char *name, bool self)
{
    const char *path = check_golden("phenaki/train/masked.safetensors");
    cogvideo_error err;

    *f = (fixture){ .name = name };
    if (!path)
        return false;
    CHECK_OK(cv_store_open(&f->golden, path, &err), err);
    set_input(f);
    open_learner(&f->masked, false, self, f->input.text_rows);
    return true;
}

static void close_case(fixture *f)
{
    close_learner(&f->masked);
    cv_store_close(&f->golden);
}

/* --- what is compared ----------------------------------------------------------------------------------------- */

static void check_loss(const fixture *f, const char *name, double loss)
{
    CHECK_CLOSE(loss, check_f32(f->golden, named(f, name))[0], 1e-5 * loss);
}

static double norm_of(const cv_tensor *tensor)
{
    double sum = 0;

    for (size_t i = 0; i < tensor->count; i++)
        sum += pow((double)cv_tensor_values(tensor)[i], 2);
    return sqrt(sum);
}

static void check_whole(const char *name, const cv_tensor *gradient, const cv_tensor *expected)
{
    const float *values = gradient->data, *golden = expected->data;
    double most = 0;

    assert_int_equal(gradient->count, expected->count);
    for (size_t i = 0; i < expected->count; i++)
        most = fmax(most, fabs((double)golden[i]));
    for (size_t i = 0; i < expected->count; i++)
        if (!(fabs((double)values[i] - (double)golden[i]) <= 1e-3 * most))
            fail_msg("%s: number %zu is %.9g, %.9g was expected", name, i, (double)values[i], (double)golden[i]);
}

/* The norm of a gradient, and all of it where the golden has it whole. A softmax does not see the bias of all its
 * scores, so the gradient of that one is nothing but rounding. */
static void check_gradient(const fixture *f, const char *name, const cv_tensor *gradient, double expected)
{
    const double norm = norm_of(gradient);
    const cv_tensor *whole;
    char full[200];

    if (!(fabs(norm - expected) <= 1e-3 * expected) && strcmp(name, "continuous_pos_bias.net.2.bias") != 0)
        fail_msg("%s: the gradient of %s has norm %.9g, %.9g was expected", f->name, name, norm, expected);
    snprintf(full, sizeof full, "grad.%s", name);
    whole = cv_store_find(f->golden, named(f, full));
    if (whole)
        check_whole(name, gradient, whole);
}

/* All gradients. Names with "critic." are those of `critic`, of which a self critic is a part of the network itself. */
static void check_gradients(const fixture *f, const learner *critic)
{
    cv_json *names = phenaki_metadata(f->golden, named(f, "grad_names"));
    const cv_tensor *norms = check_tensor(f->golden, named(f, "grad_norms"));
    size_t at = 0;

    for (const cv_json *item = cv_json_first(names); item; item = cv_json_next(item), at++) {
        const char *name = cv_json_text(item);
        const bool of_critic = strncmp(name, "critic.", 7) == 0;
        const double expected = (double)((const float *)norms->data)[at];

        if (strstr(name, ".1.context_norm."))
            assert_true(expected == 0); /* the original has it and does not use it */
        else
            check_gradient(f, name,
                           of_critic ? check_tensor(critic->gradients, name + 7)
                                     : check_tensor(f->masked.gradients, name),
                           expected);
    }
    assert_int_equal(at, norms->count);
    cv_json_free(&names);
}

/* The log-probability of the true code at every place, masked or not. */
static void check_logprob(fixture *f)
{
    const float *golden = check_f32(f->golden, named(f, "logprob"));
    int32_t codes[B * ROWS];
    float logprob[B * ROWS];

    for (int r = 0; r < B * f->rows; r++)
        codes[r] = check_i32(f->golden, "codes")[r / f->rows * ROWS + r % f->rows];
    cv_masked_learner_measure(f->masked.learner, &f->input, codes, logprob);
    for (int r = 0; r < B * f->rows; r++)
        CHECK_CLOSE(logprob[r], golden[r], 1e-4);
}

/* --- cases ---------------------------------------------------------------------------------------------------- */

static void masks(void **state)
{
    static const char *const names[] = { "plain", "drop", "padded", "image" };

    (void)state;
    for (int i = 0; i < 4; i++) {
        fixture f;

        if (!open_case(&f, names[i], false))
            skip();
        check_logprob(&f);
        check_loss(&f, "loss", cv_masked_learner_run(f.masked.learner, &f.input, f.labels, NULL));
        check_gradients(&f, NULL);
        check_loss(&f, "loss", cv_masked_learner_measure(f.masked.learner, &f.input, f.labels, NULL));
        close_case(&f);
    }
}

/* The code with the greatest noisy logit at each place, of which those at masks become the critic's input; its labels
 * are where it is not the truth, as the original has it. */
static void check_predicted(const fixture *f)
{
    const float *logits = cv_masked_learner_logits(f->masked.learner), *u = check_f32(f->golden, named(f, "u"));
    const uint8_t *labels = check_tensor(f->golden, named(f, "critic_labels"))->data;

    for (int r = 0; r < B * f->rows; r++) {
        const int32_t truth = check_i32(f->golden, "codes")[r];
        float best = -INFINITY;
        int predicted = 0;

        for (int v = 0; v < V; v++) {
            const float noisy = logits[r * V + v] - logf(-logf(u[r * V + v] + 1e-10f) + 1e-10f);

            predicted = noisy > best ? v : predicted;
            best = fmaxf(noisy, best);
        }
        assert_int_equal(check_i32(f->golden, named(f, "critic_input"))[r], f->labels[r] >= 0 ? predicted : truth);
        assert_int_equal(labels[r], predicted != truth);
    }
}

static void critics(void **state)
{
    (void)state;
    for (int self = 0; self < 2; self++) {
        learner critic = { 0 };
        fixture f;
        double masked, judged;

        if (!open_case(&f, self ? "self" : "critic", self))
            skip();
        check_logprob(&f);
        masked = cv_masked_learner_run(f.masked.learner, &f.input, f.labels, NULL);
        check_loss(&f, "loss.generator", masked);
        check_predicted(&f);
        if (!self)
            open_learner(&critic, true, false, f.input.text_rows);
        f.input.ids = check_i32(f.golden, named(&f, "critic_input"));
        judged = cv_masked_learner_run_critic(self ? f.masked.learner : critic.learner, &f.input,
                                              check_tensor(f.golden, named(&f, "critic_labels"))->data, NULL);
        check_loss(&f, "loss.critic", judged);
        check_loss(&f, "loss", masked + judged);
        check_gradients(&f, self ? &f.masked : &critic);
        close_learner(&critic);
        close_case(&f);
    }
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
        cmocka_unit_test(masks),
        cmocka_unit_test(critics),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
