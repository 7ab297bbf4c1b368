/* Texts as OpenAI's byte-pair tokenizer of CLIP had them: clean text, ids, decoded text, by a small vocabulary and,
 * where the large goldens are, by CLIP's own. */
#include "support/check.h"

#include "base/json.h"
#include "tokenizer/bpe.h"
#include "tokenizer/clean.h"

#define ORIGIN "bpe.json"

static cv_json *golden;

static int open_golden(void **state)
{
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_json_read(&golden, check_data("text/bpe.json"), 1 << 20, &err), err);
    return 0;
}

static int close_golden(void **state)
{
    (void)state;
    cv_json_free(&golden);
    return 0;
}

/* Only the guesses of mojibake are left out. */
static bool needs_guesses(const cv_json *item)
{
    cogvideo_error err;
    cv_json *needs;

    CHECK_OK(cv_json_array(item, "needs", &needs, ORIGIN, &err), err);
    for (cv_json *need = cv_json_first(needs); need; need = cv_json_next(need))
        if (strcmp(cv_json_text(need), "mojibake") == 0)
            return true;
    return false;
}

/* Reads the text of a case, in which U+0001 stands for the NUL character of one: a string of JSON holds none here. */
static size_t text_of(char out[512], const cv_json *item)
{
    cogvideo_error err;
    const char *text;
    size_t size;

    CHECK_OK(cv_json_string(item, "text", &text, ORIGIN, &err), err);
    size = strlen(text);
    assert_true(size < 512);
    for (size_t i = 0; i <= size; i++)
        out[i] = text[i] == '\1' ? '\0' : text[i];
    return size;
}

static void check_case(const cv_bpe *bpe, const cv_json *item)
{
    const char *cleaned, *decoded;
    int32_t *ids, *expected;
    size_t count, expected_count, size, back_size;
    cv_buffer clean = { 0 };
    cogvideo_error err;
    cv_json *array;
    char text[512], *back;

    size = text_of(text, item);
    CHECK_OK(cv_json_string(item, "cleaned", &cleaned, ORIGIN, &err), err);
    CHECK_OK(cv_json_string(item, "decoded", &decoded, ORIGIN, &err), err);
    CHECK_OK(cv_json_array(item, "ids", &array, ORIGIN, &err), err);
    CHECK_OK(cv_json_int_array(array, 0, INT32_MAX, &expected, &expected_count, ORIGIN, &err), err);
    CHECK_OK(cv_clean(&clean, text, size, &err), err);
    assert_string_equal(clean.data ? clean.data : "", cleaned);
    CHECK_OK(cv_bpe_encode(bpe, text, size, &ids, &count, &err), err);
    if (count != expected_count || memcmp(ids, expected, count * sizeof *ids) != 0)
        fail_msg("'%s' has other ids", text);
    CHECK_OK(cv_bpe_decode(bpe, ids, count, &back, &back_size, &err), err);
    assert_string_equal(back, decoded);
    assert_int_equal(back_size, strlen(decoded));
    cv_buffer_free(&clean);
    cv_free(back);
    cv_free(ids);
    cv_free(expected);
}

static void check_cases(const cv_bpe *bpe, const char *key)
{
    cogvideo_error err;
    cv_json *cases;
    int count = 0;

    CHECK_OK(cv_json_array(golden, key, &cases, ORIGIN, &err), err);
    for (cv_json *item = cv_json_first(cases); item; item = cv_json_next(item))
        if (!needs_guesses(item)) {
            check_case(bpe, item);
            count++;
        }
    assert_int_equal(count, 73);
}

/* The numbers of ids, and the SHA-256 of a file. */
static void check_vocabulary(const cv_bpe *bpe, int start, const char *sha256)
{
    assert_int_equal(cv_bpe_start(bpe), start);
    assert_int_equal(cv_bpe_end(bpe), start + 1);
    assert_int_equal(cv_bpe_ids(bpe), start + 2);
    assert_string_equal(cv_bpe_sha256(bpe), sha256);
}

static void texts_have_the_original_ids_of_a_small_vocabulary(void **state)
{
    cogvideo_error err;
    cv_bpe *bpe = NULL;

    (void)state;
    CHECK_OK(cv_bpe_open(&bpe, check_data("text/bpe_small.txt.gz"), CV_BPE_OPENAI, &err), err);
    check_vocabulary(bpe, 708, "86dc05c51b51cde674f8f441240d8480ee78276fa0de19297afa2e2e00bdb87c");
    check_cases(bpe, "smallids");
    cv_bpe_close(&bpe);
    assert_null(bpe);
}

static void check_rows(const cv_bpe *bpe)
{
    cogvideo_error err;
    cv_json *rows;
    int count = 0;

    CHECK_OK(cv_json_array(golden, "padded", &rows, ORIGIN, &err), err);
    for (cv_json *item = cv_json_first(rows); item; item = cv_json_next(item), count++) {
        int32_t row[16], *expected;
        size_t expected_count;
        const char *text;
        int64_t context;
        cv_json *array;

        CHECK_OK(cv_json_string(item, "text", &text, ORIGIN, &err), err);
        CHECK_OK(cv_json_int(item, "context", 2, 16, &context, ORIGIN, &err), err);
        CHECK_OK(cv_json_array(item, "ids", &array, ORIGIN, &err), err);
        CHECK_OK(cv_json_int_array(array, 0, INT32_MAX, &expected, &expected_count, ORIGIN, &err), err);
        assert_int_equal(expected_count, context);
        CHECK_OK(cv_bpe_row(bpe, text, strlen(text), true, row, (size_t)context, NULL, &err), err);
        assert_memory_equal(row, expected, (size_t)context * sizeof *row);
        cv_free(expected);
    }
    assert_int_equal(count, 3);
}

static void texts_have_the_original_ids_of_clip(void **state)
{
    const char *path = check_golden("metrics/text/bpe_simple_vocab_16e6.txt.gz");
    cogvideo_error err;
    cv_bpe *bpe = NULL;

    (void)state;
    if (!path)
        skip();
    CHECK_OK(cv_bpe_open(&bpe, path, CV_BPE_OPENAI, &err), err);
    check_vocabulary(bpe, 49406, "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a");
    check_cases(bpe, "real");
    check_rows(bpe);
    cv_bpe_close(&bpe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_have_the_original_ids_of_a_small_vocabulary),
        cmocka_unit_test(texts_have_the_original_ids_of_clip),
    };

    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
