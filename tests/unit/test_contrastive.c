/* InfoNCE and the loss of several heads: gradients as slopes, and values that are known. */
#include "support/gradient.h"

#include "nn/contrastive.h"
#include "nn/loss.h"

enum { ROWS = 6, WIDTH = 5, HEADS = 3, ALL = 9 };

typedef struct fixture {
    cv_arena arena;
    cv_exec exec;
    float image[ROWS * WIDTH], text[ROWS * WIDTH], logit_scale, logits[ROWS * ALL];
    cv_contrastive pairs;
} fixture;

static const int32_t groups[ROWS] = { 7, 2, 7, 7, 0, 2 };
static const int sizes[HEADS] = { 2, 4, 3 };
static const int32_t labels[ROWS * HEADS] = { 0, 3, 2, 1, 0, 0, 1, 2, 1, 0, 1, 1, 0, 0, 2, 1, 3, 0 };

static int set_up(void **state)
{
    static fixture f;
    cogvideo_error err;

    f = (fixture){ .exec.threads = 2, .logit_scale = 1.5f };
    gradient_fill(f.image, ROWS * WIDTH, 1, 2);
    gradient_fill(f.text, ROWS * WIDTH, 2, 1);
    gradient_fill(f.logits, ROWS * ALL, 3, 3);
    f.pairs = (cv_contrastive){ .image = f.image, .text = f.text, .rows = ROWS, .width = WIDTH };
    CHECK_OK(cv_arena_create(&f.arena, 1 << 16, &err), err);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    cv_arena_free(&((fixture *)*state)->arena);
    return 0;
}

static double contrast(void *user)
{
    fixture *f = user;

    f->pairs.logit_scale = f->logit_scale;
    return cv_contrastive_loss(&f->pairs, &(cv_contrastive_gradients){ 0 }, &f->arena);
}

static void contrastive_gradients_are_slopes(void **state)
{
    fixture *f = *state;
    float image[ROWS * WIDTH], text[ROWS * WIDTH], scale;

    for (int grouped = 0; grouped < 2; grouped++) {
        double loss;

        f->pairs.group = grouped ? groups : NULL;
        f->pairs.logit_scale = f->logit_scale;
        scale = 5; /* is added to */
        loss = cv_contrastive_loss(&f->pairs, &(cv_contrastive_gradients){ image, text, &scale }, &f->arena);
        assert_true(loss == contrast(f));
        scale -= 5;
        gradient_check(f->image, image, ROWS * WIDTH, contrast, f);
        gradient_check(f->text, text, ROWS * WIDTH, contrast, f);
        gradient_check(&f->logit_scale, &scale, 1, contrast, f);
    }
}

/* The same loss from its definition. */
static void contrastive_loss_is_its_definition(void **state)
{
    fixture *f = *state;
    double cosines[ROWS][ROWS], expected = 0;

    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++) {
            double dot = 0, a = 0, b = 0;

            for (int k = 0; k < WIDTH; k++) {
                double x = (double)f->image[i * WIDTH + k], y = (double)f->text[j * WIDTH + k];

                dot += x * y;
                a += x * x;
                b += y * y;
            }
            cosines[i][j] = exp(exp((double)f->logit_scale) * dot / sqrt(a * b));
        }
    for (int i = 0; i < ROWS; i++) {
        double row = 0, column = 0, alike = 0;

        for (int j = 0; j < ROWS; j++) {
            row += cosines[i][j];
            column += cosines[j][i];
            alike += groups[i] == groups[j];
        }
        for (int j = 0; j < ROWS; j++)
            if (groups[i] == groups[j])
                expected -= (log(cosines[i][j] / row) + log(cosines[j][i] / column)) / alike / ROWS / 2;
    }
    f->pairs.group = groups;
    CHECK_CLOSE(contrast(f), expected, 1e-12);
}

/* Where all vectors are one, every choice is as good: ln(rows), and nothing to gain. Rows of zeros do no harm. */
static void equal_vectors_teach_nothing(void **state)
{
    fixture *f = *state;
    float image[ROWS * WIDTH], text[ROWS * WIDTH];

    for (int zeros = 0; zeros < 2; zeros++) {
        for (int i = 0; i < ROWS * WIDTH; i++)
            f->image[i] = f->text[i] = zeros ? 0 : 3;
        CHECK_CLOSE(contrast(f), log(ROWS), 1e-12);
        cv_contrastive_loss(&f->pairs, &(cv_contrastive_gradients){ .image = image, .text = text }, &f->arena);
        for (int i = 0; i < ROWS * WIDTH; i++)
            assert_true(fabsf(image[i]) < 1e-7f && fabsf(text[i]) < 1e-7f);
    }
}

static void the_arena_is_measured(void **state)
{
    fixture *f = *state;
    cv_arena measure = { 0 };

    cv_contrastive_loss(&f->pairs, &(cv_contrastive_gradients){ 0 }, &measure);
    f->arena.peak = 0;
    contrast(f);
    assert_int_equal(f->arena.peak, measure.peak);
    assert_int_equal(f->arena.used, 0);
    measure = (cv_arena){ 0 };
    cv_cross_entropy_heads(&f->exec, f->logits, NULL, labels, sizes, HEADS, ROWS, &measure);
    assert_true(measure.peak > 0 && measure.used == 0);
}

static double heads_loss(void *user)
{
    fixture *f = user;
    float logits[ROWS * ALL];
    double losses[HEADS];

    memcpy(logits, f->logits, sizeof logits);
    cv_cross_entropy_heads(&f->exec, logits, losses, labels, sizes, HEADS, ROWS, &f->arena);
    return losses[0] + losses[1] + losses[2];
}

static void head_gradients_are_slopes(void **state)
{
    fixture *f = *state;
    float gradient[ROWS * ALL];
    double losses[HEADS];

    memcpy(gradient, f->logits, sizeof gradient);
    cv_cross_entropy_heads(&f->exec, gradient, losses, labels, sizes, HEADS, ROWS, &f->arena);
    gradient_check(f->logits, gradient, ROWS * ALL, heads_loss, f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(contrastive_gradients_are_slopes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(contrastive_loss_is_its_definition, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equal_vectors_teach_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_arena_is_measured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(head_gradients_are_slopes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
