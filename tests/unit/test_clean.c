/* Unicode text, references of HTML, gzip files, and the cleaning of texts for byte pairs. What is expected is what
 * Python's str.lower, unicodedata, html.unescape and ftfy make of it. */
#include "support/check.h"

#include "base/file.h"
#include "base/gzip.h"
#include "tokenizer/clean.h"
#include "tokenizer/html.h"
#include "tokenizer/unicode.h"

typedef cogvideo_status (*change)(cv_buffer *out, const char *text, size_t size, cogvideo_error *err);

static void check_bytes(change how, const char *text, size_t size, const char *expected, size_t expected_size)
{
    cv_buffer out = { 0 };
    cogvideo_error err;

    CHECK_OK(how(&out, text, size, &err), err);
    if (out.size != expected_size || (out.size && memcmp(out.data, expected, out.size) != 0))
        fail_msg("'%s' becomes '%s' instead of '%s'", text, out.data ? out.data : "", expected);
    cv_buffer_free(&out);
}

static void check_text(change how, const char *text, const char *expected)
{
    check_bytes(how, text, strlen(text), expected, strlen(expected));
}

/* --- Unicode -------------------------------------------------------------------------------------------------- */

#define BAD "\xef\xbf\xbd"

static void starts_of_characters_become_one_replacement_each(void **state)
{
    (void)state;
    check_bytes(cv_unicode_repair, "", 0, "", 0);
    check_bytes(cv_unicode_repair, "a\0b", 3, "a\0b", 3);
    check_text(cv_unicode_repair, "\xc3\xa9\xf0\x9f\x98\x80", "\xc3\xa9\xf0\x9f\x98\x80");
    check_text(cv_unicode_repair, "a\x80z\xc3", "a" BAD "z" BAD);
    check_text(cv_unicode_repair, "\xe2\x82z\xf0\x9f\x98z", BAD "z" BAD "z");
    check_text(cv_unicode_repair, "\xc0\xaf", BAD BAD);                         /* overlong */
    check_text(cv_unicode_repair, "\xe0\x9f\x80", BAD BAD BAD);                 /* overlong */
    check_text(cv_unicode_repair, "\xed\xa0\x80", BAD BAD BAD);                 /* a surrogate */
    check_text(cv_unicode_repair, "\xf4\x90\x80\x80\xff", BAD BAD BAD BAD BAD); /* past the last character */
}

static void lower_case_knows_the_end_of_a_word(void **state)
{
    (void)state;
    check_text(cv_unicode_lower, "ABC \xc3\x84\xc3\x9f 12", "abc \xc3\xa4\xc3\x9f 12");
    check_text(cv_unicode_lower, "\xc4\xb0", "i\xcc\x87");
    check_text(cv_unicode_lower, "\xe1\xba\x9e", "\xc3\x9f");
    check_text(cv_unicode_lower, "\xce\xa3", "\xcf\x83");   /* alone */
    check_text(cv_unicode_lower, "A\xce\xa3", "a\xcf\x82"); /* at the end */
    check_text(cv_unicode_lower,
               "A\xce\xa3"
               "B",
               "a\xcf\x83"
               "b");                                              /* within */
    check_text(cv_unicode_lower, "A'\xce\xa3.'", "a'\xcf\x82.'"); /* these do not count */
    check_text(cv_unicode_lower,
               "A\xcc\x81\xce\xa3\xcc\x81"
               "b",
               "a\xcc\x81\xcf\x83\xcc\x81"
               "b");
    check_text(cv_unicode_lower, "1\xce\xa3 A\xce\xa3 \xce\xa3", "1\xcf\x83 a\xcf\x82 \xcf\x83");
    check_text(cv_unicode_lower, "\xe2\x85\xa0\xce\xa3", "\xe2\x85\xb0\xcf\x82"); /* a Roman numeral has case */
}

static void texts_are_composed(void **state)
{
    (void)state;
    check_text(cv_unicode_nfc, "plain", "plain");
    check_text(cv_unicode_nfc, "e\xcc\x81", "\xc3\xa9");
    check_text(cv_unicode_nfc, "q\xcc\x81\xcc\xa3", "q\xcc\xa3\xcc\x81"); /* the lower mark goes first */
    check_text(cv_unicode_nfc, "\xe1\xba\x9b\xcc\xa3", "\xe1\xba\x9b\xcc\xa3");
    check_text(cv_unicode_nfc, "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81"); /* Hangul */
    check_text(cv_unicode_nfc, "\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc");             /* never composed */
    check_text(cv_unicode_nfc, "\xef\xac\x81", "\xef\xac\x81");
    check_text(cv_unicode_nfkc, "\xef\xac\x81 \xef\xbc\xa1", "fi A");
    check_bytes(cv_unicode_nfc, "\0e\xcc\x81", 4, "\0\xc3\xa9", 3);
}

/* Marks are sorted in time that does not grow with the square of their number. */
static void a_million_marks_are_sorted(void **state)
{
    const size_t pairs = 250000;
    cv_buffer text = { 0 }, out = { 0 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_buffer_append(&text, "q", 1, &err), err);
    for (size_t i = 0; i < pairs; i++)
        CHECK_OK(cv_buffer_append(&text, "\xcc\x81\xcc\xa3", 4, &err), err);
    CHECK_OK(cv_unicode_nfc(&out, text.data, text.size, &err), err);
    assert_int_equal(out.size, text.size);
    for (size_t i = 0; i < 2 * pairs; i++)
        assert_memory_equal(out.data + 1 + 2 * i, i < pairs ? "\xcc\xa3" : "\xcc\x81", 2);
    cv_buffer_free(&text);
    cv_buffer_free(&out);
}

/* --- HTML ----------------------------------------------------------------------------------------------------- */

static void references_are_replaced_as_html_says(void **state)
{
    static const char *const cases[][2] = {
        { "&amp;&lt;&gt;&quot;&apos;", "&<>\"'" },
        { "&copy 2020 &COPY; &copyx;", "\xc2\xa9 2020 \xc2\xa9 \xc2\xa9x;" },
        { "&notit; &notin; &not", "\xc2\xacit; \xe2\x88\x89 \xc2\xac" },
        { "&CounterClockwiseContourIntegral; &acE;", "\xe2\x88\xb3 \xe2\x88\xbe\xcc\xb3" },
        { "&AElig;&zwnj;", "\xc3\x86\xe2\x80\x8c" }, /* first and last of the table */
        { "&#65;&#x42;&#X43&#68", "ABCD" },
        { "&#128;&#x81;&#13;", "\xe2\x82\xac\xc2\x81\r" },
        { "&#0;&#xd800;&#x110000;&#99999999999999999999;", BAD BAD BAD BAD },
        { "<&#1;&#127;&#xfffe;&#x1ffff;&#xfdd0;>", "<>" },
        { "& &; &# &#; &#x; &#xg; &hello; &l", "& &; &# &#; &#x; &#xg; &hello; &l" },
        { "&amp;amp;", "&amp;" },
        { "&ampersand", "&ersand" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_text(cv_html_unescape, cases[i][0], cases[i][1]);
    check_bytes(cv_html_unescape, "\0&lt;", 5, "\0<", 2);
}

static void whole_references_are_replaced_as_ftfy_does(void **state)
{
    static const char *const cases[][2] = {
        { "&amp;&eacute;&#65;&#x42;", "&\xc3\xa9"
                                      "AB" },
        { "&copy 2020 &copyx; &#65", "&copy 2020 &copyx; &#65" },
        { "&EACUTE; &SZLIG; &eAcute;", "\xc3\x89 SS &eAcute;" },
        { "&LTCC;", "&LTCC;" }, /* begins with an old name */
        { "&#59;", "&#59;" },
        { "&#12ab; &#x; &#xyz;", "&#12ab; &#x; &#xyz;" },
        { "&#1;", "" },
        { "&CounterClockwiseContourIntegral;", "&CounterClockwiseContourIntegral;" },
        { "&#000000000000000000000065;&#0000000000000000000000065;", "A&#0000000000000000000000065;" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_text(cv_html_unescape_whole, cases[i][0], cases[i][1]);
}

/* --- cleaning ------------------------------------------------------------------------------------------------- */

static void texts_are_cleaned(void **state)
{
    static const char *const cases[][2] = {
        { "", "" },
        { " \t\r\n\xc2\xa0\xe3\x80\x80", "" },
        { "  A \n\n B ", "a b" },
        { "x\xc2\x80y\xc2\x81", "x\xe2\x82\xacy\xc2\x81" },
        { "\xc5\x89 \xc7\x85 \xef\xac\x85", "'n d\xc5\xbe \xc5\xbft" },
        { "\xef\xbd\xb6\xef\xbe\x9e", "\xe3\x82\xac" }, /* one of half width and its mark */
        { "\x1b[1;31mred\x1b[0m \x1b[31", "red [31" },
        { "\x1b[\xd9\xa3m!", "!" },     /* an Arabic digit */
        { "\x1b[\xef\xbc\x91m!", "!" }, /* one of full width, which is an ASCII digit by then */
        { "a\xef\xbb\xbf"
          "b\x7f"
          "c\xe2\x81\xaa",
          "abc" },
        { "&amp;lt;b&amp;gt;", "<b>" },
        { "&amp;amp;amp;amp;amp;eacute;", "\xc3\xa9" },
        { "<b> &amp;amp;amp;amp; &EACUTE;", "<b> &amp;amp; &eacute;" }, /* a tag: twice, not to the end */
        { "&EACUTE;\n<b> &EACUTE;\n&EACUTE;", "\xc3\xa9 <b> &eacute; &eacute;" },
        { "\xff\xfe!", BAD BAD "!" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_text(cv_clean, cases[i][0], cases[i][1]);
    check_bytes(cv_clean, "a\0b\0", 4, "ab", 2);
}

static void clean_texts_stay(void **state)
{
    cv_buffer once = { 0 };
    cogvideo_error err;

    (void)state;
    for (uint32_t code = 1; code < 0x30000; code++)
        if (code < 0xd800 || code > 0xdfff) {
            CHECK_OK(cv_unicode_append(&once, code, &err), err);
            if (once.size > 8) { /* some at a time */
                cv_buffer clean = { 0 };

                CHECK_OK(cv_clean(&clean, once.data, once.size, &err), err);
                check_bytes(cv_clean, clean.data ? clean.data : "", clean.size, clean.data, clean.size);
                cv_buffer_free(&clean);
                once.size = 0;
            }
        }
    cv_buffer_free(&once);
}

/* Each level of references takes a round of its own. */
static void endless_chains_are_refused(void **state)
{
    cv_buffer text = { 0 }, out = { 0 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_buffer_append(&text, "&", 1, &err), err);
    for (int i = 0; i < 1000; i++)
        CHECK_OK(cv_buffer_append(&text, "amp;", 4, &err), err);
    check_bytes(cv_clean, text.data, text.size, "&", 1);
    for (int i = 0; i < 100000; i++)
        CHECK_OK(cv_buffer_append(&text, "amp;", 4, &err), err);
    CHECK_FAILS(cv_clean(&out, text.data, text.size, &err), COGVIDEO_ERROR_ARGUMENT, "still changes after", err);
    cv_buffer_free(&text);
    cv_buffer_free(&out);
}

/* --- gzip ----------------------------------------------------------------------------------------------------- */

static void gzip_files_may_have_members_and_padding(void **state)
{
    cv_buffer file = { 0 }, second = { 0 }, once = { 0 }, twice = { 0 };
    cogvideo_error err;
    size_t size;

    (void)state;
    CHECK_OK(cv_file_read(&file, check_data("text/bpe_small.txt.gz"), 1 << 20, &err), err);
    size = file.size;
    assert_true(cv_gzip_is(file.data, size));
    assert_false(cv_gzip_is(file.data, 1));
    CHECK_OK(cv_gzip_unpack(&once, file.data, size, 2117, "a", &err), err);
    assert_int_equal(once.size, 2117);
    CHECK_FAILS(cv_gzip_unpack(&twice, file.data, size, 2116, "a.gz", &err), COGVIDEO_ERROR_FORMAT,
                "a.gz: unpacks to more than the 2116 bytes", err);
    CHECK_OK(cv_buffer_append(&second, file.data, size, &err), err);
    CHECK_OK(cv_buffer_append(&file, second.data, size, &err), err);
    CHECK_OK(cv_buffer_append(&file, "\0\0\0", 3, &err), err);
    twice.size = 0;
    CHECK_OK(cv_gzip_unpack(&twice, file.data, file.size, 4234, "a", &err), err);
    assert_int_equal(twice.size, 2 * once.size);
    assert_memory_equal(twice.data, once.data, once.size);
    assert_memory_equal(twice.data + once.size, once.data, once.size);
    CHECK_OK(cv_buffer_append(&file, "x", 1, &err), err);
    CHECK_FAILS(cv_gzip_unpack(&twice, file.data, file.size, 1 << 20, "a", &err), COGVIDEO_ERROR_FORMAT, "damaged",
                err);
    cv_buffer_free(&file);
    cv_buffer_free(&second);
    cv_buffer_free(&once);
    cv_buffer_free(&twice);
}

/* A byte that was changed is noticed, unless it is one of the header that says nothing about the contents. */
static void damaged_gzip_files_are_refused(void **state)
{
    cv_buffer file = { 0 }, whole = { 0 };
    cogvideo_error err;

    (void)state;
    CHECK_OK(cv_file_read(&file, check_data("text/bpe_small.txt.gz"), 1 << 20, &err), err);
    CHECK_OK(cv_gzip_unpack(&whole, file.data, file.size, 1 << 20, "a", &err), err);
    for (size_t at = 0; at < file.size; at++) {
        cv_buffer out = { 0 };
        char byte = file.data[at];

        file.data[at] = (char)(byte ^ 0x41);
        if (cv_gzip_unpack(&out, file.data, file.size, 1 << 20, "a", &err) == COGVIDEO_OK) {
            assert_true(at < 32);
            assert_int_equal(out.size, whole.size);
            assert_memory_equal(out.data, whole.data, whole.size);
        }
        file.data[at] = byte;
        cv_buffer_free(&out);
    }
    cv_buffer_free(&file);
    cv_buffer_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_of_characters_become_one_replacement_each),
        cmocka_unit_test(lower_case_knows_the_end_of_a_word),
        cmocka_unit_test(texts_are_composed),
        cmocka_unit_test(a_million_marks_are_sorted),
        cmocka_unit_test(references_are_replaced_as_html_says),
        cmocka_unit_test(whole_references_are_replaced_as_ftfy_does),
        cmocka_unit_test(texts_are_cleaned),
        cmocka_unit_test(clean_texts_stay),
        cmocka_unit_test(endless_chains_are_refused),
        cmocka_unit_test(gzip_files_may_have_members_and_padding),
        cmocka_unit_test(damaged_gzip_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
