/* What CogLM's training draws: rows in which nothing that is predicted is seen, within the shares of the recipe, and
 * the same again for the same seed. */
#include "support/check.h"

#include "family/cogvideo/train/coglm_draws.h"
#include "tokenizer/text.h"

enum { BATCH = 4, GRID = 6, L = GRID * GRID, CODES = 40, TEXT = 9, ROWS = 7, BATCHES = 60 };

/* A picture's rows: a text of 1 to TEXT ids, pads, codes. */
typedef struct fixture {
    cv_cogvideo model;
    cv_coglm_recipe recipe;
    int32_t values[ROWS][TEXT + L];
    cv_frame_rows rows;
    cv_coglm_draws draws;
} fixture;

static void open_fixture(fixture *f, cv_coglm_recipe recipe)
{
    cogvideo_error err;
    char path[1024];
    const char *weights = getenv("COGVIDEO_WEIGHTS");
    int32_t pad, chinese = -1, english = -1;

    *f = (fixture){ .recipe = recipe };
    snprintf(path, sizeof path, "%s/shapes/text.model", weights ? weights : "weights");
    CHECK_OK(cv_text_open(&f->model.head.text, path, CODES, cv_icetk_appended, &err), err);
    f->model.description.network =
        (cv_cogvideo_config){ .vocabulary = CODES + cv_text_pieces(f->model.head.text),
                              .image_codes = CODES,
                              .start_of_image = cv_text_id(f->model.head.text, "<start_of_image>"),
                              .grid = GRID,
                              .text_places = TEXT,
                              .frame_position = TEXT + 1,
                              .positions = TEXT + 2 + L };
    pad = cv_text_id(f->model.head.text, "<pad>");
    for (int32_t id = CODES; id < CODES + cv_text_pieces(f->model.head.text); id++) {
        const char *piece = cv_text_piece(f->model.head.text, id);

        if (strstr(piece, "red"))
            english = id;
        if (strstr(piece, "红"))
            chinese = id;
    }
    assert_true(pad >= 0 && english >= 0 && chinese >= 0);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < TEXT + L; i++)
            f->values[r][i] = i >= TEXT ? (i * 7 + r) % CODES : i > r % TEXT ? pad : r % 2 ? chinese : english;
    f->rows = (cv_frame_rows){ .file = { .values = f->values[0], .count = ROWS },
                               .text_places = TEXT,
                               .frames = 1,
                               .places = L,
                               .pad = pad };
    CHECK_OK(cv_coglm_draws_open(&f->draws, &f->model, &f->recipe, BATCH, &err), err);
}

static void close_fixture(fixture *f)
{
    cv_coglm_draws_close(&f->draws);
    cv_text_close(&f->model.head.text);
}

static cv_train_sequence draw(const fixture *f, uint64_t seed, int batch, int s)
{
    return cv_coglm_draw(&f->draws, s, (cv_draw_key){ seed, (uint32_t)batch, 1 }, &f->rows, (size_t)(batch % ROWS), 0);
}

static bool sees(const cv_element *element, int other)
{
    for (int r = 0; r < element->runs; r++)
        if (other >= element->sees[r].first && other < element->sees[r].first + element->sees[r].count)
            return true;
    return false;
}

/* What an element predicts stands one position behind it, and no element of that position is seen. */
static int check_sequence(const fixture *f, const cv_train_sequence *sequence)
{
    int with_loss = 0;

    assert_in_range(sequence->count, 1, f->draws.places);
    for (int i = 0; i < sequence->count; i++) {
        const cv_element *element = &sequence->elements[i];

        assert_in_range(element->id, 0, f->model.description.network.vocabulary - 1);
        assert_in_range(element->position, 0, f->model.description.network.positions - 1);
        assert_in_range(element->runs, 1, CV_ELEMENT_RUNS);
        for (int r = 0; r < element->runs; r++) {
            assert_in_range(element->sees[r].first, 0, sequence->count - 1);
            assert_in_range(element->sees[r].count, 1, sequence->count - element->sees[r].first);
        }
        assert_true(sees(element, i));
        with_loss += sequence->loss[i];
        for (int k = 0; k < sequence->count && sequence->loss[i]; k++)
            assert_false(sees(element, k) && sequence->elements[k].position == element->position + 1);
    }
    assert_true(with_loss > 0);
    return with_loss;
}

static void pictures_are_learned_whole(void **state)
{
    fixture f;

    (void)state;
    open_fixture(&f, (cv_coglm_recipe){ 0, 0, 0, 0.8, 4, 4, 0.15, 3, 0 });
    for (int b = 0; b < BATCHES; b++) {
        const cv_train_sequence sequence = draw(&f, 1, b, b % BATCH);

        assert_int_equal(check_sequence(&f, &sequence), L);
        assert_int_equal(sequence.count, b % ROWS + 1 + L);
        for (int i = 0; i < L; i++)
            assert_int_equal(sequence.labels[b % ROWS + 1 + i], f.values[b % ROWS][TEXT + i]);
    }
    close_fixture(&f);
}

/* Codes in holes, which alone see less than all codes and more than those in none. */
static int codes_in_holes(const cv_train_sequence *sequence)
{
    return L - sequence->elements[0].sees[0].count;
}

static void texts_and_holes_are_learned(void **state)
{
    fixture f;
    cv_train_sequence crowded;
    int most = 0, least = L;

    (void)state;
    open_fixture(&f, (cv_coglm_recipe){ 1, 0, 0, 0.7, 2, 3, 0.15, 3, 0 });
    for (int b = 0; b < BATCHES; b++) {
        const cv_train_sequence sequence = draw(&f, 1, b, b % BATCH);
        const int text = b % ROWS + 1;
        const int32_t start = cv_text_id(f.model.head.text, b % ROWS % 2 ? "<start_of_chinese>" : "<start_of_english>");
        int words = 0;

        assert_int_equal(sequence.count, L + 1 + text);
        check_sequence(&f, &sequence);
        for (int i = 0; i < sequence.count; i++)
            words += sequence.loss[i] && sequence.labels[i] >= CODES;
        assert_int_equal(words, text);
        assert_int_equal(sequence.elements[L].id, start);
        assert_in_range(codes_in_holes(&sequence), 4, (int)(0.7 * L));
        most = codes_in_holes(&sequence) > most ? codes_in_holes(&sequence) : most;
        least = codes_in_holes(&sequence) < least ? codes_in_holes(&sequence) : least;
    }
    assert_true(most > least);
    close_fixture(&f);
    open_fixture(&f, (cv_coglm_recipe){ 1, 0, 0, 0, 1, 1, 0.15, 3, CODES }); /* no holes; all texts Chinese */
    for (int b = 0; b < ROWS; b++) {
        const cv_train_sequence sequence = draw(&f, 1, b, 0);

        assert_int_equal(check_sequence(&f, &sequence), b + 1);
        assert_int_equal(codes_in_holes(&sequence), 0);
        assert_int_equal(sequence.elements[L].id, cv_text_id(f.model.head.text, "<start_of_chinese>"));
    }
    close_fixture(&f);
    open_fixture(&f, (cv_coglm_recipe){ 1, 0, 0, 1, 1, 1, 0.15, 3, 0 }); /* more holes than there are corners */
    crowded = draw(&f, 1, 1, 0);
    check_sequence(&f, &crowded);
    assert_int_equal(codes_in_holes(&crowded), (GRID - 1) * (GRID - 1));
    close_fixture(&f);
}

/* The code of a hole follows the element that predicts it, which does not see it. */
static void holes_are_learned_under_texts(void **state)
{
    fixture f;

    (void)state;
    open_fixture(&f, (cv_coglm_recipe){ 0, 0, 1, 0, 2, 3, 0.15, 3, 0 });
    for (int b = 0; b < BATCHES; b++) {
        const cv_train_sequence sequence = draw(&f, 1, b, b % BATCH);
        const int text = b % ROWS + 1;
        int holes = 0;

        assert_in_range(sequence.count, text + 2, text + 1 + L);
        assert_int_equal(sequence.elements[text].id, f.model.description.network.start_of_image);
        assert_int_equal(sequence.elements[text].sees[0].count, text + 1);
        for (int i = 0; i < sequence.count; i++) {
            const cv_element *element = &sequence.elements[i], *next = element + 1; /* room is for the whole row */

            assert_true(sees(element, i) && sees(element, 0));
            if (!sequence.loss[i])
                continue;
            holes++;
            assert_false(sees(element, i + 1));
            assert_int_equal(sequence.labels[i], next->id);
            assert_int_equal(next->id, f.values[b % ROWS][TEXT + next->position - TEXT - 2]);
        }
        assert_in_range(holes, 4, 3 * 9);
    }
    close_fixture(&f);
}

static void spans_are_learned(void **state)
{
    fixture f;

    (void)state;
    open_fixture(&f, (cv_coglm_recipe){ 0, 1, 0, 0.8, 4, 4, 0.3, 2, 0 });
    for (int b = 0; b < BATCHES; b++) {
        const cv_train_sequence sequence = draw(&f, 1, b, b % BATCH);

        assert_in_range(check_sequence(&f, &sequence), 1, (int)(0.3 * (TEXT + 1)));
    }
    close_fixture(&f);
}

static void draws_are_a_function_of_their_key(void **state)
{
    fixture f;
    int others = 0;

    (void)state;
    open_fixture(&f, (cv_coglm_recipe){ 0.5, 0.2, 0, 0.7, 2, 3, 0.3, 2, 0 });
    for (int b = 0; b < BATCHES; b++) {
        const cv_train_sequence a = draw(&f, 1, b, 0), same = draw(&f, 1, b, 0);
        cv_element first[TEXT + 1 + L];

        assert_int_equal(a.count, same.count);
        memcpy(first, a.elements, (size_t)a.count * sizeof *first);
        assert_memory_equal(first, draw(&f, 1, b, 0).elements, (size_t)a.count * sizeof *first);
        others += memcmp(first, draw(&f, 2, b, 0).elements, (size_t)a.count * sizeof *first) != 0;
        others += memcmp(first, draw(&f, 1, b, 1).elements, (size_t)a.count * sizeof *first) != 0;
    }
    assert_true(others > BATCHES);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_learned_whole),        cmocka_unit_test(texts_and_holes_are_learned),
        cmocka_unit_test(holes_are_learned_under_texts),     cmocka_unit_test(spans_are_learned),
        cmocka_unit_test(draws_are_a_function_of_their_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
