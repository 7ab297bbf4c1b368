/* The golden texts: ids, pieces and decoded text as the original tokenizer gave them. */
#include "support/check.h"

#include "base/json.h"
#include "tokenizer/text.h"

#define IMAGE_CODES 20000

typedef struct fixture {
    cv_text *text;
    cv_json *forced;
} fixture;

static int open_golden(void **state)
{
    static fixture opened;
    cogvideo_error err;

    CHECK_OK(cv_text_open(&opened.text, check_data("text/ice_text.model"), IMAGE_CODES, cv_icetk_appended, &err), err);
    CHECK_OK(cv_json_read(&opened.forced, check_data("text/forced.json"), 1 << 20, &err), err);
    *state = &opened;
    return 0;
}

static int close_golden(void **state)
{
    fixture *opened = *state;

    cv_text_close(&opened->text);
    assert_null(opened->text);
    cv_json_free(&opened->forced);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_ids_are_the_original_ones),
        cmocka_unit_test(texts_have_the_original_ids),
    };

    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
