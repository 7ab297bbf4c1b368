/* CLIP's tokenizer on a small vocabulary and on ones made here: words of any length, texts of any kind, vocabularies
 * that lie. */
#include "support/check.h"

#include "base/file.h"
#include "base/gzip.h"
#include "base/rng.h"
#include "tokenizer/bpe.h"
#include "tokenizer/bpe_merge.h"

#define SMALL "text/bpe_small.txt.gz"
#define HEADER "#version: 0.2\n"

static cv_bpe *small; /* 708 tokens, then start and end */

static int open_small(void **state)
{
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_bpe_open(&small, check_data(SMALL), CV_BPE_OPENAI, &err), err);
    return 0;
}

static int close_small(void **state)
{
    (void)state;
    cv_bpe_close(&small);
    assert_null(small);
    return 0;
}

/* A random number below `limit`. */
static uint32_t draw(uint32_t *drawn, uint32_t limit)
{
    uint32_t out[4];

    cv_rng_block(out, 7, (const uint32_t[4]){ (*drawn)++ });
    return out[0] % limit;
}

static cv_bpe *open_text(const char *vocabulary, size_t size, cv_bpe_names names)
{
    const char *path = check_temp_path("merges.txt");
    cogvideo_error err;
    cv_bpe *bpe = NULL;

    check_write(path, vocabulary, size);
    CHECK_OK(cv_bpe_open(&bpe, path, names, &err), err);
    return bpe;
}

static void check_ids(const cv_bpe *bpe, const char *text, const int32_t *expected, size_t expected_count)
{
    cogvideo_error err;
    int32_t *ids;
    size_t count;

    CHECK_OK(cv_bpe_encode(bpe, text, strlen(text), &ids, &count, &err), err);
    assert_int_equal(count, expected_count);
    assert_memory_equal(ids, expected, count * sizeof *ids);
    cv_free(ids);
}

/* --- vocabularies --------------------------------------------------------------------------------------------- */

static void vocabularies_may_be_unpacked_and_have_other_line_ends(void **state)
{
    static const char text[] = "a photo of a large red star";
    cv_buffer file = { 0 }, plain = { 0 }, lines = { 0 };
    cogvideo_error err;
    int32_t *expected;
    size_t count;
    cv_bpe *bpe;

    (void)state;
    CHECK_OK(cv_bpe_encode(small, text, strlen(text), &expected, &count, &err), err);
    CHECK_OK(cv_file_read(&file, check_data(SMALL), 1 << 20, &err), err);
    CHECK_OK(cv_gzip_unpack(&plain, file.data, file.size, 1 << 20, SMALL, &err), err);
    for (size_t i = 0; i < plain.size; i++)
        CHECK_OK(plain.data[i] == '\n' ? cv_buffer_append(&lines, "\r\n", 2, &err)
                                       : cv_buffer_append(&lines, plain.data + i, 1, &err),
                 err);
    for (int i = 0; i < 3; i++) { /* as it is, with a last line feed, with other ones */
        if (i == 1)
            CHECK_OK(cv_buffer_append(&plain, "\n", 1, &err), err);
        bpe =
            i < 2 ? open_text(plain.data, plain.size, CV_BPE_OPENAI) : open_text(lines.data, lines.size, CV_BPE_OPENAI);
        assert_int_equal(cv_bpe_ids(bpe), 710);
        check_ids(bpe, text, expected, count);
        assert_string_not_equal(cv_bpe_sha256(bpe), cv_bpe_sha256(small));
        cv_bpe_close(&bpe);
    }
    cv_buffer_free(&file);
    cv_buffer_free(&plain);
    cv_buffer_free(&lines);
    cv_free(expected);
}

static void damaged_vocabularies_are_refused(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "", "first line has no \"#version\"" },
        { "a b\n", "first line has no \"#version\"" },
        { "<html>", "first line has no \"#version\"" },
        { HEADER, "has no merges" },
        { HEADER "\n", "line 2 is not two tokens" },
        { HEADER "a b\n\nc d\n", "line 3 is not two tokens" },
        { HEADER "ab\n", "line 2 is not two tokens" },
        { HEADER " b\n", "line 2 is not two tokens" },
        { HEADER "a \n", "line 2 is not two tokens" },
        { HEADER "a \r\n", "line 2 is not two tokens" },
        { HEADER "a b c\n", "line 2 has a character" },
        { HEADER "a  b\n", "line 2 has a character" },
        { HEADER "a \xc3\n", "line 2 has a character" },
        { HEADER "a \xe7\xba\xa2\n", "line 2 has a character" },
        { HEADER "a \xc2\xad\n", "line 2 has a character" }, /* U+00AD is written otherwise */
        { HEADER "a b\nc d\na b\n", "line 4 makes a token that was there already" },
        { HEADER "a b\nb c\nab c\na bc\n", "line 5 makes a token that was there already" },
        { HEADER "ab c\na b\n", "line 2 joins a token that no line before it makes" },
        { HEADER "a abc\n", "line 2 joins a token that no line before it makes" },
        { HEADER "a </w>\n", "line 2 joins a token that no line before it makes" },
        { HEADER "a</w> b\n", "line 2 joins a token to the end of a word" },
    };
    const char *path = check_temp_path("damaged.txt");
    cogvideo_error err;
    cv_bpe *bpe = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_write(path, cases[i].text, strlen(cases[i].text));
        CHECK_FAILS(cv_bpe_open(&bpe, path, CV_BPE_OPENAI, &err), COGVIDEO_ERROR_FORMAT, cases[i].words, err);
        assert_non_null(strstr(err.message, "damaged.txt"));
        assert_null(bpe);
    }
    CHECK_FAILS(cv_bpe_open(&bpe, check_temp_path("missing"), CV_BPE_OPENAI, &err), COGVIDEO_ERROR_IO, "missing", err);
}

/* --- words ---------------------------------------------------------------------------------------------------- */

/* What cv_bpe_merge_word does, as it is described: the earliest merge in all its places, again and again. */
static size_t merge_slowly(const cv_bpe_vocabulary *vocabulary, int32_t *ids, size_t count)
{
    for (;;) {
        int32_t best = INT32_MAX;
        size_t to = 0;

        for (size_t i = 0; i + 1 < count; i++) {
            int32_t made = cv_bpe_merge(vocabulary, ids[i], ids[i + 1]);

            best = made >= 0 && made < best ? made : best;
        }
        if (best == INT32_MAX)
            return count;
        for (size_t i = 0; i < count; to++) {
            bool here = i + 1 < count && cv_bpe_merge(vocabulary, ids[i], ids[i + 1]) == best;

            ids[to] = here ? best : ids[i];
            i += here ? 2 : 1;
        }
        count = to;
    }
}

/* Pairs that overlap, that make each other, and equal halves. */
static const char tangled[] = HEADER "a a\nb a\naa aa\na b\naa a</w>\nb b\nab ba\nbb aa\naaaa aaaa\n";

static void words_are_merged_as_by_hand(void **state)
{
    size_t size = strlen(tangled), count;
    cv_bpe_vocabulary vocabulary;
    cv_bpe_merger merger = { 0 };
    cogvideo_error err;
    uint32_t drawn = 0;

    (void)state;
    check_write(check_temp_path("tangled.txt"), tangled, size);
    CHECK_OK(cv_bpe_vocabulary_open(&vocabulary, check_temp_path("tangled.txt"), &err), err);
    assert_int_equal(vocabulary.count, CV_BPE_BASE + 9);
    for (int round = 0; round < 3000; round++) {
        int32_t ids[64], expected[64];
        char word[64];
        size_t length = 1 + draw(&drawn, 40), expected_count;

        for (size_t i = 0; i < length; i++) {
            word[i] = "aab"[draw(&drawn, 3)];
            expected[i] = vocabulary.letters[(unsigned char)word[i]] + (i + 1 == length ? 256 : 0);
        }
        expected_count = merge_slowly(&vocabulary, expected, length);
        CHECK_OK(cv_bpe_merge_word(&merger, &vocabulary, word, length, ids, &count, &err), err);
        assert_int_equal(count, expected_count);
        assert_memory_equal(ids, expected, count * sizeof *ids);
    }
    cv_bpe_merger_free(&merger);
    cv_bpe_vocabulary_close(&vocabulary);
}

static void check_huge(const cv_bpe *bpe, const char *part, bool is_word)
{
    size_t times = CV_BPE_TEXT_LIMIT / strlen(part), count, size;
    cv_buffer text = { 0 };
    cogvideo_error err;
    int32_t *ids;
    char *back;

    for (size_t i = 0; i < times; i++)
        CHECK_OK(cv_buffer_append(&text, part, strlen(part), &err), err);
    CHECK_OK(cv_bpe_encode(bpe, text.data, text.size, &ids, &count, &err), err);
    CHECK_OK(cv_bpe_decode(bpe, ids, count, &back, &size, &err), err);
    if (is_word) {
        assert_int_equal(size, text.size + 1);
        assert_memory_equal(back, text.data, text.size);
        assert_int_equal(back[text.size], ' ');
    }
    cv_free(ids);
    cv_free(back);
    cv_buffer_free(&text);
}

/* As long as a text may be, a single word or millions, within a second each. */
static void huge_texts_are_encoded(void **state)
{
    cv_bpe *bpe = open_text(tangled, strlen(tangled), CV_BPE_OPENAI);
    cogvideo_error err;
    int32_t *ids;
    size_t count;
    char *text;

    (void)state;
    check_huge(bpe, "a", true);
    check_huge(bpe, "ab", true);
    check_huge(small, "background", true);
    check_huge(small, "\xe7\xba\xa2", true);
    check_huge(small, "\xf0\x9f\x98\x80", true);
    check_huge(small, "!'s 1&#x;\n", false);
    check_huge(small, "\xff", false);
    check_huge(small, "&lt;\xce\xa3\xcc\x81", false);
    cv_bpe_close(&bpe);
    text = cv_alloc(CV_BPE_TEXT_LIMIT + 1, 1, &err);
    assert_non_null(text);
    CHECK_FAILS(cv_bpe_encode(small, text, CV_BPE_TEXT_LIMIT + 1, &ids, &count, &err), COGVIDEO_ERROR_ARGUMENT,
                "is longer than the 1048576", err);
    CHECK_OK(cv_bpe_encode(small, text, CV_BPE_TEXT_LIMIT, &ids, &count, &err), err); /* NUL characters are removed */
    assert_int_equal(count, 0);
    cv_free(ids);
    cv_free(text);
}

/* --- texts ---------------------------------------------------------------------------------------------------- */

/* The text of ids has these ids again. */
static void decoded_texts_have_the_same_ids(void **state)
{
    static const char *const parts[] = {
        "a",
        "red",
        "Star",
        "'s",
        "'LL",
        "'",
        " ",
        "\n",
        "1",
        "\xc2\xbd",
        "!",
        "<|",
        "|>",
        "</w>",
        "&amp;",
        "&",
        "lt;",
        "\xc3\xa9",
        "e\xcc\x81",
        "\xcc\x81",
        "\xcd\x85",
        "\xe7\xba\xa2",
        "\xf0\x9f\x98\x80",
        "\xff",
        "\xe2\x80\x9c",
        "\xce\xa3",
        "\xc4\xb0",
        "'\xc5\xbf",
        "<|\xc5\xbftartoftext|>",
        "\xef\xbc\xa1",
        "\xe1\x84\x80",
        "\xe1\x85\xa1",
    };
    cogvideo_error err;
    uint32_t drawn = 0;

    (void)state;
    for (int round = 0; round < 5000; round++) {
        cv_buffer text = { 0 };
        int32_t *ids;
        size_t count, size;
        char *back;

        CHECK_OK(cv_buffer_append(&text, "", 0, &err), err);
        for (size_t left = draw(&drawn, 12); left > 0; left--) {
            const char *part = parts[draw(&drawn, sizeof parts / sizeof *parts)];

            CHECK_OK(cv_buffer_append(&text, part, strlen(part), &err), err);
        }
        CHECK_OK(cv_bpe_encode(small, text.data, text.size, &ids, &count, &err), err);
        CHECK_OK(cv_bpe_decode(small, ids, count, &back, &size, &err), err);
        assert_int_equal(strlen(back), size);
        check_ids(small, back, ids, count);
        cv_free(ids);
        cv_free(back);
        cv_buffer_free(&text);
    }
}

static void names_of_start_and_end_are_tokens(void **state)
{
    static const char text[] = "<|STARTOFTEXT|> <|endoftext|> <start_of_text><END_of_text>";
    static const struct {
        cv_bpe_names names;
        size_t first; /* of the four that are tokens */
    } cases[] = { { CV_BPE_OPENAI, 0 }, { CV_BPE_OPEN_CLIP, 2 } };
    cogvideo_error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        cv_bpe *bpe = open_text(HEADER "a b\n", strlen(HEADER "a b\n"), cases[i].names);
        size_t count, size;
        int32_t *ids;
        char *back;

        CHECK_OK(cv_bpe_encode(bpe, text, strlen(text), &ids, &count, &err), err);
        assert_int_equal(cv_bpe_end(bpe), 514);
        if (cases[i].first == 0) {
            assert_int_equal(ids[0], cv_bpe_start(bpe));
            assert_int_equal(ids[1], cv_bpe_end(bpe));
        } else {
            assert_int_equal(ids[count - 2], cv_bpe_start(bpe));
            assert_int_equal(ids[count - 1], cv_bpe_end(bpe));
        }
        for (size_t k = 0; k < count; k++)
            assert_int_equal(ids[k] >= cv_bpe_start(bpe), cases[i].first == 0 ? k < 2 : k + 2 >= count);
        CHECK_OK(cv_bpe_decode(bpe, (int32_t[]){ 513, 514 }, 2, &back, &size, &err), err);
        assert_string_equal(back, i == 0 ? "<|startoftext|><|endoftext|>" : "<start_of_text><end_of_text>");
        cv_free(back);
        cv_free(ids);
        cv_bpe_close(&bpe);
    }
}

static void rows_end_in_zeros_or_are_cut(void **state)
{
    static const char text[] = "1 2 3 4 5 and the rest of a text that is long enough to be cut short by an error";
    int32_t row[8] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    cogvideo_error err;
    size_t count;

    (void)state;
    CHECK_OK(cv_bpe_row(small, "12", 2, false, row, 7, &count, &err), err);
    assert_int_equal(count, 4);
    assert_int_equal(row[0], 708);
    assert_int_equal(row[3], 709);
    for (int i = 4; i < 7; i++)
        assert_int_equal(row[i], 0);
    assert_int_equal(row[7], -1);
    CHECK_OK(cv_bpe_row(small, "12345", 5, false, row, 7, &count, &err), err);
    assert_int_equal(count, 7);
    CHECK_FAILS(cv_bpe_row(small, "123456", 6, false, row, 7, &count, &err), COGVIDEO_ERROR_ARGUMENT,
                "the text '123456' has 8 tokens with its start and end, and CLIP takes 7", err);
    CHECK_FAILS(cv_bpe_row(small, text, strlen(text), false, row, 7, NULL, &err), COGVIDEO_ERROR_ARGUMENT,
                "the text '1 2 3 4 5 and the rest of a text that is...' has", err);
    CHECK_OK(cv_bpe_row(small, text, strlen(text), true, row, 7, &count, &err), err);
    assert_int_equal(count, 7);
    assert_int_equal(row[6], 709);
    CHECK_OK(cv_bpe_row(small, text, strlen(text), true, row, 2, &count, &err), err);
    assert_int_equal(row[0], 708);
    assert_int_equal(row[1], 709);
}

static void foreign_ids_are_refused(void **state)
{
    static const int32_t foreign[] = { -1, 710, INT32_MIN, INT32_MAX };
    cogvideo_error err;
    size_t size;
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        CHECK_FAILS(cv_bpe_decode(small, (int32_t[]){ 0, foreign[i] }, 2, &text, &size, &err), COGVIDEO_ERROR_ARGUMENT,
                    "at position 1 is not one of the 710", err);
    CHECK_OK(cv_bpe_decode(small, NULL, 0, &text, &size, &err), err);
    assert_string_equal(text, "");
    cv_free(text);
    CHECK_OK(cv_bpe_decode(small, (int32_t[]){ 102, 256 }, 2, &text, &size, &err), err); /* half a character */
    assert_string_equal(text, "\xef\xbf\xbd! ");
    cv_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vocabularies_may_be_unpacked_and_have_other_line_ends),
        cmocka_unit_test(damaged_vocabularies_are_refused),
        cmocka_unit_test(words_are_merged_as_by_hand),
        cmocka_unit_test(huge_texts_are_encoded),
        cmocka_unit_test(decoded_texts_have_the_same_ids),
        cmocka_unit_test(names_of_start_and_end_are_tokens),
        cmocka_unit_test(rows_end_in_zeros_or_are_cut),
        cmocka_unit_test(foreign_ids_are_refused),
    };

    return cmocka_run_group_tests(tests, open_small, close_small);
}
