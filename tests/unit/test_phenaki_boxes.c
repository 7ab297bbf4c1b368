/* Batches of boxes that the masked transformer learns from: their masks, texts and kinds, the file they come from, and
 * the draws that a critic judges. */
#include "support/check.h"

#include "family/phenaki/train/boxes.h"
#include "family/phenaki/train/predict.h"

#include <math.h>

enum { ROWS = 6, TEXT = 4, T = 3, SIDE = 4, PLACES = T * SIDE * SIDE, CODES = 8, BATCH = 4, MANY = 500 };

static const cv_cvivit_config tokenizer_config = {
    .width = 8,
    .heads = 1,
    .head_width = 8,
    .spatial_layers = 1,
    .temporal_layers = 1,
    .patch_height = 4,
    .patch_width = 4,
    .patch_frames = 2,
    .quantizer = CV_QUANTIZER_COSINE,
    .codes = CODES,
    .code_width = 4,
    .projected = true,
    .causal = true,
    .cosine = true,
    .std = { 1, 1, 1 },
};
static const cv_masked_config config = { .layers = 1,
                                         .width = 8,
                                         .heads = 1,
                                         .head_width = 8,
                                         .inner = 8,
                                         .text_width = 8,
                                         .codes = CODES,
                                         .places = PLACES,
                                         .cosine = true };

/* Rows of codes that follow from their place; the text of row r has r % 3 + 1 ids. */
static void write_rows(const char *name, const char *about, int32_t bad, int at)
{
    int32_t values[ROWS][TEXT + PLACES];
    char path[60];

    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < TEXT; i++)
            values[r][i] = i <= r % 3 ? r + 1 : -1;
        for (int i = 0; i < PLACES; i++)
            values[r][TEXT + i] = (r + 3 * i) % CODES;
    }
    if (at >= 0)
        values[0][at] = bad;
    check_write(check_temp_path(name), values, sizeof values);
    snprintf(path, sizeof path, "%s.json", name);
    check_write(check_temp_path(path), about, strlen(about));
}

/* `...`: the number of codes, and what else is to be said. */
#define ABOUT(...)                                                                                                  \
    "{\"format\":\"cogvideo-rows\",\"version\":1,\"kind\":\"masked\",\"rows\":6,\"text_places\":4,\"box\":[3,4,4]," \
    "\"codes\":" #__VA_ARGS__ "}"

typedef struct fixture {
    cv_store *store;
    cv_phenaki model;
    cv_masked_recipe recipe;
    cv_boxes boxes;
    cv_train_texts texts;
} fixture;

static cogvideo_status open_boxes(fixture *f, const char *name, cogvideo_error *err)
{
    char path[1100];
    const char *data[1] = { path };
    cogvideo_train_options options = { .data = data, .data_count = 1, .held_out = path, .recipe = "recipe" };

    snprintf(path, sizeof path, "%s", check_temp_path(name));
    return cv_boxes_open(&f->boxes, &options, &f->model, &config, &f->recipe, 100, err);
}

static int set_up(void **state)
{
    static fixture f;
    cogvideo_error err;

    f = (fixture){ .model = { .context = 3 }, .recipe = { .head = { .batch = BATCH, .accumulate = 1, .seed = 7 } } };
    CHECK_OK(cv_store_plan(&f.store, "tokenizer", &err), err);
    CHECK_OK(cv_cvivit_open(&f.model.tokenizer, &tokenizer_config, f.store, &err), err);
    write_rows("a.rows", ABOUT(8), 0, -1);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    cv_boxes_close(&f->boxes);
    cv_cvivit_close(&f->model.tokenizer);
    cv_store_close(&f->store);
    return 0;
}

/* Texts as far as a batch fills them, without an encoder. */
static void begin_texts(fixture *f, int32_t *ids, int *counts)
{
    f->texts = (cv_train_texts){ .most = BATCH * T, .longest = TEXT, .ids = ids, .counts = counts };
}

static void masks_hide_what_is_to_be_told(void **state)
{
    fixture *f = *state;
    cogvideo_error err;
    double share = 0, least = 1;

    CHECK_OK(open_boxes(f, "a.rows", &err), err);
    for (uint64_t index = 0; index < MANY; index++) {
        cv_boxes_draw(&f->boxes, index, NULL);
        assert_int_equal(f->boxes.count, BATCH);
        assert_int_equal(f->boxes.latent, T);
        for (int b = 0; b < BATCH; b++) {
            int masks = 0;

            for (int i = b * PLACES; i < (b + 1) * PLACES; i++) {
                const bool masked = f->boxes.ids[i] == CODES;

                assert_int_equal(f->boxes.labels[i], masked ? f->boxes.truth[i] : -1);
                assert_true(masked || f->boxes.ids[i] == f->boxes.truth[i]);
                masks += masked;
            }
            assert_int_equal(masks, f->boxes.masks[b]);
            assert_true(masks >= 1);
            share += (double)masks / PLACES / (MANY * BATCH);
            least = fmin(least, (double)masks / PLACES);
        }
    }
    assert_true(fabs(share - 2 / 3.14159265) < 0.02); /* the mean of the cosine */
    assert_true(least < 0.05);
}

/* Every place is as often masked as any other. */
static void masks_fall_everywhere(void **state)
{
    fixture *f = *state;
    int often[PLACES] = { 0 };
    cogvideo_error err;

    CHECK_OK(open_boxes(f, "a.rows", &err), err);
    for (uint64_t index = 0; index < MANY; index++) {
        cv_boxes_draw(&f->boxes, index, NULL);
        for (int i = 0; i < BATCH * PLACES; i++)
            often[i % PLACES] += f->boxes.labels[i] >= 0;
    }
    for (int i = 0; i < PLACES; i++)
        assert_true(fabs((double)often[i] / (MANY * BATCH) - 2 / 3.14159265) < 0.06);
}

static void a_batch_follows_from_its_index(void **state)
{
    fixture *f = *state;
    int32_t first[BATCH * PLACES];
    cogvideo_error err;

    CHECK_OK(open_boxes(f, "a.rows", &err), err);
    cv_boxes_draw(&f->boxes, 3, NULL);
    memcpy(first, f->boxes.ids, sizeof first);
    cv_boxes_draw(&f->boxes, 4, NULL);
    assert_true(memcmp(first, f->boxes.ids, sizeof first) != 0);
    cv_boxes_draw(&f->boxes, 3, NULL);
    assert_memory_equal(first, f->boxes.ids, sizeof first);
}

/* Context 3 of 2 frames each are 2 latent frames. */
static void what_a_scene_is_given_is_never_masked(void **state)
{
    fixture *f = *state;
    const int given = 2 * SIDE * SIDE;
    cogvideo_error err;

    f->recipe.given = 1;
    CHECK_OK(open_boxes(f, "a.rows", &err), err);
    for (uint64_t index = 0; index < 50; index++) {
        cv_boxes_draw(&f->boxes, index, NULL);
        for (int i = 0; i < BATCH * PLACES; i++)
            assert_true(i % PLACES >= given || f->boxes.labels[i] < 0);
    }
    f->model.context = 1 + 2 * T; /* nothing would be left */
    cv_boxes_close(&f->boxes);
    CHECK_FAILS(open_boxes(f, "a.rows", &err), COGVIDEO_ERROR_ARGUMENT, "'context'", err);
    f->model.context = 3;
    f->recipe.given = 0;
}

/* Rows may say themselves how much of them is of what came before, whatever the recipe says. */
static void what_rows_are_given_is_never_masked(void **state)
{
    fixture *f = *state;
    const int given = SIDE * SIDE;
    int second = 0;
    cogvideo_error err;

    f->recipe.given = 1; /* of which there would be two latent frames */
    write_rows("second.rows", ABOUT(8, "context" : 1), 0, -1);
    CHECK_OK(open_boxes(f, "second.rows", &err), err);
    for (uint64_t index = 0; index < 50; index++) {
        cv_boxes_draw(&f->boxes, index, NULL);
        for (int i = 0; i < BATCH * PLACES; i++) {
            assert_true(i % PLACES >= given || f->boxes.labels[i] < 0);
            second += i % PLACES / given == 1 && f->boxes.labels[i] >= 0;
        }
        cv_boxes_draw_held_out(&f->boxes, index, false, false, NULL);
        for (int i = 0; i < BATCH * PLACES; i++)
            assert_true(i % PLACES >= given || f->boxes.labels[i] < 0);
    }
    assert_true(second > 0);
    cv_boxes_close(&f->boxes);
    write_rows("third.rows", ABOUT(8, "context" : 3), 0, -1); /* nothing would be left */
    f->recipe.given = 0;
    CHECK_FAILS(open_boxes(f, "third.rows", &err), COGVIDEO_ERROR_FORMAT, "'context' is 3, it must be from 0 to 2",
                err);
}

/* As many pictures as a batch of clips has latent frames, and what they show is a clip's first one. */
static void pictures_are_first_latent_frames(void **state)
{
    fixture *f = *state;
    int pictures = 0;
    cogvideo_error err;

    f->recipe.picture_steps = 10;
    f->recipe.pictures = 0.25;
    CHECK_OK(open_boxes(f, "a.rows", &err), err);
    for (uint64_t index = 0; index < MANY; index++) {
        cv_boxes_draw(&f->boxes, index, NULL);
        assert_true(f->boxes.pictures || index >= 10);
        pictures += f->boxes.pictures;
        assert_int_equal(f->boxes.count, f->boxes.pictures ? BATCH * T : BATCH);
        for (int b = 0; b < f->boxes.count && f->boxes.pictures; b++)
            for (int i = 1; i < SIDE * SIDE; i++)
                assert_int_equal(f->boxes.truth[b * SIDE * SIDE + i],
                                 (f->boxes.truth[b * SIDE * SIDE] + 3 * i) % CODES);
    }
    assert_true(pictures > MANY / 5 && pictures < MANY * 2 / 5);
    f->recipe.picture_steps = 0;
    f->recipe.pictures = 0;
}

static void texts_are_dropped_or_wrong(void **state)
{
    fixture *f = *state;
    int32_t ids[BATCH * T * TEXT], right[BATCH];
    int counts[BATCH * T], dropped = 0;
    cogvideo_error err;

    f->recipe.text_dropout = 0.5;
    begin_texts(f, ids, counts);
    CHECK_OK(open_boxes(f, "a.rows", &err), err);
    for (uint64_t index = 0; index < MANY; index++) {
        cv_boxes_draw(&f->boxes, index, &f->texts);
        for (int b = 0; b < BATCH; b++) {
            dropped += counts[b] == 0;
            /* the id tells the row, and so do its codes */
            assert_true(counts[b] == 0 || (ids[b * TEXT] - 1) % CODES == f->boxes.truth[b * PLACES]);
        }
    }
    assert_true(abs(dropped - MANY * BATCH / 2) < MANY * BATCH / 10);
    cv_boxes_draw_held_out(&f->boxes, 1, false, false, &f->texts);
    for (int b = 0; b < BATCH; b++) {
        assert_true(counts[b] > 0 && ids[b * TEXT] - 1 == f->boxes.truth[b * PLACES]);
        right[b] = ids[b * TEXT];
    }
    cv_boxes_draw_held_out(&f->boxes, 1, false, true, &f->texts);
    for (int b = 0; b < BATCH; b++)
        assert_true(ids[b * TEXT] != right[b] && right[b] - 1 == f->boxes.truth[b * PLACES]);
    f->recipe.text_dropout = 0;
}

static void damaged_rows_are_refused(void **state)
{
    fixture *f = *state;
    cogvideo_error err;

    write_rows("code.rows", ABOUT(8), CODES, TEXT + 5);
    CHECK_FAILS(open_boxes(f, "code.rows", &err), COGVIDEO_ERROR_FORMAT, "row 0 holds 8 at place 9", err);
    cv_boxes_close(&f->boxes);
    write_rows("text.rows", ABOUT(8), 100, 0);
    CHECK_FAILS(open_boxes(f, "text.rows", &err), COGVIDEO_ERROR_FORMAT, "row 0 holds 100 at place 0", err);
    cv_boxes_close(&f->boxes);
    write_rows("empty.rows", ABOUT(8), -1, 0);
    CHECK_FAILS(open_boxes(f, "empty.rows", &err), COGVIDEO_ERROR_FORMAT, "row 0 holds -1 at place 0", err);
    cv_boxes_close(&f->boxes);
    write_rows("behind.rows", ABOUT(8), 5, 2); /* row 0 has one id, then -1 */
    CHECK_FAILS(open_boxes(f, "behind.rows", &err), COGVIDEO_ERROR_FORMAT, "row 0 holds 5 at place 2", err);
    cv_boxes_close(&f->boxes);
    write_rows("other.rows", ABOUT(16), 0, -1);
    CHECK_FAILS(open_boxes(f, "other.rows", &err), COGVIDEO_ERROR_MODEL, "16 codes, the network has 8", err);
    cv_boxes_close(&f->boxes);
    write_rows("family.rows", "{\"format\":\"cogvideo-rows\",\"version\":1,\"kind\":\"stage1\",\"rows\":6}", 0, -1);
    CHECK_FAILS(open_boxes(f, "family.rows", &err), COGVIDEO_ERROR_MODEL, "another family", err);
    cv_boxes_close(&f->boxes);
    check_write(check_temp_path("a.rows"), "1234", 4);
    CHECK_FAILS(open_boxes(f, "a.rows", &err), COGVIDEO_ERROR_FORMAT, "has 4 bytes", err);
    write_rows("a.rows", ABOUT(8), 0, -1);
}

/* Masks become codes by their probabilities; what is no mask stays. */
static void predictions_follow_the_logits(void **state)
{
    fixture *f = *state;
    float logits[BATCH * PLACES * CODES];
    double often[CODES] = { 0 }, sum = 0, all = 0;
    int32_t out[BATCH * PLACES];
    cogvideo_error err;

    CHECK_OK(open_boxes(f, "a.rows", &err), err);
    for (int i = 0; i < BATCH * PLACES; i++)
        for (int k = 0; k < CODES; k++)
            logits[i * CODES + k] = 0.4f * (float)k;
    for (int k = 0; k < CODES; k++)
        sum += exp(0.4 * k);
    for (uint64_t index = 0; index < MANY; index++) {
        cv_boxes_draw(&f->boxes, index, NULL);
        cv_predict(&f->boxes, logits, 5, index, out);
        for (int i = 0; i < BATCH * PLACES; i++) {
            assert_true(f->boxes.labels[i] >= 0 || out[i] == f->boxes.truth[i]);
            if (f->boxes.labels[i] >= 0) {
                often[out[i]]++;
                all++;
            }
        }
    }
    for (int k = 0; k < CODES; k++)
        assert_true(fabs(often[k] / all - exp(0.4 * k) / sum) < 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(masks_hide_what_is_to_be_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(masks_fall_everywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_batch_follows_from_its_index, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_scene_is_given_is_never_masked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_rows_are_given_is_never_masked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pictures_are_first_latent_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_are_dropped_or_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_rows_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(predictions_follow_the_logits, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
