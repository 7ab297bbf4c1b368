/* The golden texts: ids, pieces and decoded text as the original tokenizer gave them; and, where COGVIDEO_GOLDEN is
 * set, everything else that ICETK answers with the same model: look-ups, styles, discouraged pieces. */
#include "support/check.h"

#include "base/json.h"
#include "tokenizer/token_names.h"

#define IMAGE_CODES 20000

typedef struct fixture {
    cv_text *text;
    cv_json *forced;
    cv_json *icetk; /* NULL where the goldens are not there */
} fixture;

static int open_golden(void **state)
{
    static fixture opened;
    cogvideo_error err;

    CHECK_OK(cv_text_open(&opened.text, check_data("text/ice_text.model"), IMAGE_CODES, cv_icetk_appended, &err), err);
    CHECK_OK(cv_json_read(&opened.forced, check_data("text/forced.json"), 1 << 20, &err), err);
    if (check_golden("cogview2/icetk/text.json"))
        CHECK_OK(cv_json_read(&opened.icetk, check_golden("cogview2/icetk/text.json"), 1 << 20, &err), err);
    *state = &opened;
    return 0;
}

static int close_golden(void **state)
{
    fixture *opened = *state;

    cv_text_close(&opened->text);
    assert_null(opened->text);
    cv_json_free(&opened->forced);
    cv_json_free(&opened->icetk);
    return 0;
}

static void special_ids_are_the_original_ones(void **state)
{
    const fixture *golden = *state;
    const char *origin = "forced.json";
    cogvideo_error err;
    cv_json *special;
    int64_t vocab;
    int count = 0;

    CHECK_OK(cv_json_int(golden->forced, "vocab", 0, INT32_MAX, &vocab, origin, &err), err);
    assert_int_equal(cv_text_pieces(golden->text), vocab - IMAGE_CODES + 3);
    CHECK_OK(cv_json_object(golden->forced, "special", &special, origin, &err), err);
    for (cv_json *item = cv_json_first(special); item; item = cv_json_next(item), count++) {
        assert_int_equal(cv_text_id(golden->text, cv_json_key(item)), (int)cv_json_number(item));
        assert_string_equal(cv_text_piece(golden->text, (int32_t)cv_json_number(item)), cv_json_key(item));
    }
    assert_int_equal(count, 6);
    assert_int_equal(cv_text_id(golden->text, "no such piece"), -1);
    assert_null(cv_text_piece(golden->text, IMAGE_CODES - 1));
    assert_null(cv_text_piece(golden->text, IMAGE_CODES + cv_text_pieces(golden->text)));
    assert_null(cv_text_piece(golden->text, INT32_MIN));
    assert_null(cv_text_piece(golden->text, INT32_MAX));
}

/* A piece in a golden list is what stood in the text: the characters themselves where they are unknown. */
static void check_pieces(const fixture *golden, const cv_json *item, const int32_t *ids, size_t count)
{
    cogvideo_error err;
    cv_json *pieces;
    size_t i = 0;

    CHECK_OK(cv_json_array(item, "pieces", &pieces, "forced.json", &err), err);
    assert_int_equal(cv_json_count(pieces), count);
    for (cv_json *piece = cv_json_first(pieces); piece; piece = cv_json_next(piece), i++)
        if (ids[i] != cv_text_id(golden->text, "<unk>"))
            assert_string_equal(cv_text_piece(golden->text, ids[i]), cv_json_text(piece));
}

static bool is_true(const cv_json *item, const char *key)
{
    cogvideo_error err;
    char *printed = cv_json_print(cv_json_get(item, key), false, &err);
    bool yes = strcmp(printed, "true") == 0;

    cv_free(printed);
    return yes;
}

static void check_case(const fixture *golden, const cv_json *item)
{
    const char *bytes, *decoded, *origin = "forced.json";
    int32_t *ids, *expected;
    size_t count, expected_count;
    cogvideo_error err;
    cv_json *array;
    char *back;

    CHECK_OK(cv_json_string(item, "text", &bytes, origin, &err), err);
    CHECK_OK(cv_json_string(item, "decoded", &decoded, origin, &err), err);
    CHECK_OK(cv_json_array(item, "ids", &array, origin, &err), err);
    CHECK_OK(cv_json_int_array(array, 0, INT32_MAX, &expected, &expected_count, origin, &err), err);
    CHECK_OK(cv_text_encode(golden->text, bytes, strlen(bytes), !is_true(item, "ignore_linebreak"), &ids, &count, &err),
             err);
    if (count != expected_count || memcmp(ids, expected, count * sizeof *ids) != 0)
        fail_msg("'%s' has other ids", bytes);
    check_pieces(golden, item, ids, count);
    CHECK_OK(cv_text_decode(golden->text, ids, count, &back, &err), err);
    assert_string_equal(back, decoded);
    cv_free(back);
    cv_free(ids);
    cv_free(expected);
}

static void texts_have_the_original_ids(void **state)
{
    const fixture *golden = *state;
    cogvideo_error err;
    cv_json *cases;
    int count = 0;

    CHECK_OK(cv_json_array(golden->forced, "cases", &cases, "forced.json", &err), err);
    for (cv_json *item = cv_json_first(cases); item; item = cv_json_next(item), count++)
        check_case(golden, item);
    assert_int_equal(count, 26);
}

/* --- what ICETK answers ---------------------------------------------------------------------------------------- */

/* A member of ICETK's answers; skips the test where there are none. */
static const cv_json *answers(const fixture *golden, const char *key)
{
    const cv_json *found;

    if (!golden->icetk)
        skip();
    found = cv_json_get(golden->icetk, key);
    assert_non_null(found);
    return found;
}

static const char *text_of(const cv_json *item, const char *key)
{
    cogvideo_error err;
    const char *text;

    CHECK_OK(cv_json_string(item, key, &text, "icetk/text.json", &err), err);
    return text;
}

static void check_same(const char *what, const cv_json *expected, const int32_t *ids, size_t count)
{
    int32_t *wanted;
    size_t wanted_count;
    cogvideo_error err;

    CHECK_OK(cv_json_int_array(expected, 0, INT32_MAX, &wanted, &wanted_count, "icetk/text.json", &err), err);
    if (count != wanted_count || memcmp(ids, wanted, count * sizeof *ids) != 0)
        fail_msg("'%s' has other ids", what);
    cv_free(wanted);
}

static void check_encoded(const cv_text *text, const char *bytes, bool breaks, const cv_json *expected)
{
    int32_t *ids;
    size_t count;
    cogvideo_error err;

    CHECK_OK(cv_text_encode(text, bytes, strlen(bytes), breaks, &ids, &count, &err), err);
    check_same(bytes, expected, ids, count);
    cv_free(ids);
}

static void check_decoded(const cv_text *text, const cv_json *list, const char *expected)
{
    int32_t *ids;
    size_t count;
    cogvideo_error err;
    char *decoded;

    CHECK_OK(cv_json_int_array(list, 0, INT32_MAX, &ids, &count, "icetk/text.json", &err), err);
    CHECK_OK(cv_text_decode(text, ids, count, &decoded, &err), err);
    assert_string_equal(decoded, expected);
    cv_free(decoded);
    cv_free(ids);
}

/* The styles of CogView2, each with what stands behind a prompt. */
static void styled_prompts_have_the_original_ids(void **state)
{
    static const char *const styles[][2] = {
        { "none", "" },
        { "mainbody", " 高清摄影 隔绝" },
        { "photo", " 高清摄影" },
        { "flat", " 平面风格" },
        { "comics", " 漫画 隔绝" },
        { "oil", " 油画风格" },
        { "sketch", " 素描风格" },
        { "isometric", " 等距矢量图" },
        { "chinese", " 水墨国画" },
        { "watercolor", " 水彩画风格" },
    };
    const fixture *golden = *state;
    const cv_json *given = answers(golden, "styles"), *captions = answers(golden, "caption");
    const size_t count = sizeof styles / sizeof *styles;

    assert_int_equal(cv_json_count(given), count);
    for (size_t i = 0; i < count; i++)
        for (cv_json *item = cv_json_first(cv_json_get(given, styles[i][0])); item; item = cv_json_next(item)) {
            char text[500];

            snprintf(text, sizeof text, "%s%s<start_of_image>", cv_json_key(item), styles[i][1]);
            check_encoded(golden->text, text, false, item);
        }
    for (cv_json *item = cv_json_first(captions); item; item = cv_json_next(item)) {
        int32_t caption[64] = { cv_text_id(golden->text, "<start_of_chinese>") }, *ids;
        size_t found;
        cogvideo_error err;

        CHECK_OK(cv_text_encode(golden->text, cv_json_key(item), strlen(cv_json_key(item)), false, &ids, &found, &err),
                 err);
        assert_true(found < 64);
        memcpy(caption + 1, ids, found * sizeof *ids);
        check_same(cv_json_key(item), item, caption, found + 1);
        cv_free(ids);
    }
}

static void names_have_the_original_ids_and_back(void **state)
{
    const fixture *golden = *state;
    const cv_json *ids = answers(golden, "piece_to_id"), *names = answers(golden, "id_to_piece");
    char room[CV_TOKEN_NAME];

    for (cv_json *item = cv_json_first(ids); item; item = cv_json_next(item))
        assert_int_equal(cv_token_find(golden->text, cv_json_key(item)), (int)cv_json_number(item));
    assert_int_equal(cv_json_count(ids), 17);
    for (cv_json *item = cv_json_first(names); item; item = cv_json_next(item))
        assert_string_equal(cv_token_name(golden->text, (int32_t)atoi(cv_json_key(item)), room), cv_json_text(item));
    assert_int_equal(cv_json_count(names), 12);
    assert_int_equal((int)cv_json_number(answers(golden, "num_text_tokens")), cv_text_pieces(golden->text));
    assert_int_equal((int)cv_json_number(answers(golden, "num_image_tokens")), cv_text_first_id(golden->text));
}

static void ids_and_line_breaks_become_the_original_texts(void **state)
{
    const fixture *golden = *state;
    const cv_json *decoded = answers(golden, "decode"), *breaks = answers(golden, "line_breaks");
    const int32_t code = IMAGE_CODES - 1;
    cogvideo_error err;
    char *text;

    for (cv_json *item = cv_json_first(decoded); item; item = cv_json_next(item))
        check_decoded(golden->text, cv_json_get(item, "ids"), text_of(item, "text"));
    assert_int_equal(cv_json_count(decoded), 5);
    for (cv_json *item = cv_json_first(breaks); item; item = cv_json_next(item)) {
        check_encoded(golden->text, text_of(item, "text"), false, cv_json_get(item, "ignore"));
        check_encoded(golden->text, text_of(item, "text"), true, cv_json_get(item, "keep"));
        check_decoded(golden->text, cv_json_get(item, "keep"), text_of(item, "kept_decoded"));
    }
    assert_int_equal(cv_json_count(breaks), 3);
    CHECK_FAILS(cv_text_decode(golden->text, &code, 1, &text, &err), COGVIDEO_ERROR_ARGUMENT, "is not a piece", err);
}

/* The texts of `given` under a tokenizer have the ids of `ids`. */
static void check_texts(const cv_text *text, const cv_json *given, const cv_json *ids)
{
    const cv_json *expected = cv_json_first(ids);

    assert_int_equal(cv_json_count(given), 3);
    for (cv_json *item = cv_json_first(given); item; item = cv_json_next(item), expected = cv_json_next(expected))
        check_encoded(text, cv_json_text(item), false, expected);
    assert_null(expected);
}

/* Discourages what a step of the goldens names on top of `from`. */
static cv_text *discourage(const cv_text *from, const cv_json *step)
{
    const cv_json *tokens = cv_json_get(step, "tokens"), *numbers = cv_json_get(step, "piece_ids");
    const char *names[8];
    int32_t *pieces = NULL;
    size_t name_count = 0, piece_count = 0;
    cogvideo_error err;
    cv_text *changed;

    for (cv_json *item = tokens ? cv_json_first(tokens) : NULL; item; item = cv_json_next(item))
        names[name_count++] = cv_json_text(item);
    if (numbers)
        CHECK_OK(cv_json_int_array(numbers, 0, INT32_MAX, &pieces, &piece_count, "icetk/text.json", &err), err);
    assert_true(name_count + piece_count > 0);
    CHECK_OK(cv_text_discourage(&changed, from, names, name_count, pieces, piece_count, &err), err);
    cv_free(pieces);
    return changed;
}

/* Step by step, each on top of those before. */
static void discouraged_pieces_change_texts_as_in_the_original(void **state)
{
    const fixture *golden = *state;
    const cv_json *given = answers(golden, "discourage"), *texts = cv_json_get(given, "texts");
    cv_text *changed[3];
    size_t count = 0;

    check_texts(golden->text, texts, cv_json_get(given, "before"));
    for (cv_json *step = cv_json_first(cv_json_get(given, "steps")); step; step = cv_json_next(step), count++) {
        changed[count] = discourage(count ? changed[count - 1] : golden->text, step);
        check_texts(changed[count], texts, cv_json_get(step, "ids"));
    }
    assert_int_equal(count, 3);
    check_encoded(changed[2], "a\nb", true, cv_json_get(given, "line_break_still"));
    check_texts(golden->text, texts, cv_json_get(given, "before"));
    while (count > 0)
        cv_text_close(&changed[--count]);
}

static void no_piece_can_be_appended_twice(void **state)
{
    static const char *const twice[] = { "<start_of_image>", "<start_of_image>", NULL };
    cogvideo_error err;
    cv_text *text;

    assert_non_null(answers(*state, "add_twice"));
    CHECK_FAILS(cv_text_open(&text, check_data("text/ice_text.model"), IMAGE_CODES, twice, &err), COGVIDEO_ERROR_FORMAT,
                "'<start_of_image>' twice", err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_ids_are_the_original_ones),
        cmocka_unit_test(texts_have_the_original_ids),
        cmocka_unit_test(styled_prompts_have_the_original_ids),
        cmocka_unit_test(names_have_the_original_ids_and_back),
        cmocka_unit_test(ids_and_line_breaks_become_the_original_texts),
        cmocka_unit_test(discouraged_pieces_change_texts_as_in_the_original),
        cmocka_unit_test(no_piece_can_be_appended_twice),
    };

    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
