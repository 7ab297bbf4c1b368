#include "tokenizer/unicode.h"

#include "base/utf8.h"

#include <string.h>
#include <utf8proc.h>

#define LONGEST_COMPATIBLE 18 /* characters that U+FDFA decomposes to */
#define LONGEST_CANONICAL 4
#define CAPITAL_SIGMA 0x3a3u
#define SMALL_SIGMA 0x3c3u
#define FINAL_SIGMA 0x3c2u
#define CAPITAL_I_WITH_DOT 0x130u
#define DOT_ABOVE 0x307u

/* --- characters ----------------------------------------------------------------------------------------------- */

/* Returns how many bytes at the start of a text, none of which is a whole character, could have begun one: at
 * least 1. */
static size_t broken_length(const unsigned char *bytes, size_t size)
{
    unsigned char lead = bytes[0], low = 0x80, high = 0xbf;
    size_t length = 1, whole = lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : low;   /* else overlong */
    high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : high; /* else surrogates, or past U+10FFFF */
    for (; length < whole && length < size && bytes[length] >= low && bytes[length] <= high; length++) {
        low = 0x80;
        high = 0xbf;
    }
    return length;
}

cogvideo_status cv_unicode_repair(cv_buffer *out, const char *text, size_t size, cogvideo_error *err)
{
    cogvideo_status status;
    size_t at = 0;

    do {
        size_t good = cv_utf8_prefix(text + at, size - at);

        CV_TRY(cv_buffer_append(out, text + at, good, err));
        at += good;
        if (at < size) {
            CV_TRY(cv_unicode_append(out, CV_UNICODE_BROKEN, err));
            at += broken_length((const unsigned char *)text + at, size - at);
        }
    } while (at < size);
done:
    return status;
}

uint32_t cv_unicode_first(const char *text, size_t *length)
{
    const unsigned char *bytes = (const unsigned char *)text;

    if (bytes[0] < 0x80) {
        *length = 1;
        return bytes[0];
    }
    if (bytes[0] < 0xe0) {
        *length = 2;
        return (bytes[0] & 0x1fu) << 6 | (bytes[1] & 0x3fu);
    }
    if (bytes[0] < 0xf0) {
        *length = 3;
        return (bytes[0] & 0x0fu) << 12 | (bytes[1] & 0x3fu) << 6 | (bytes[2] & 0x3fu);
    }
    *length = 4;
    return (bytes[0] & 0x07u) << 18 | (bytes[1] & 0x3fu) << 12 | (bytes[2] & 0x3fu) << 6 | (bytes[3] & 0x3fu);
}

cogvideo_status cv_unicode_append(cv_buffer *out, uint32_t code, cogvideo_error *err)
{
    utf8proc_uint8_t bytes[CV_UNICODE_BYTES];
    utf8proc_ssize_t length = utf8proc_encode_char((utf8proc_int32_t)code, bytes);

    return cv_buffer_append(out, bytes, (size_t)length, err);
}

static utf8proc_category_t category(uint32_t code)
{
    return utf8proc_category((utf8proc_int32_t)code);
}

bool cv_unicode_is_letter(uint32_t code)
{
    utf8proc_category_t kind = category(code);

    return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool cv_unicode_is_number(uint32_t code)
{
    utf8proc_category_t kind = category(code);

    return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool cv_unicode_is_digit(uint32_t code)
{
    return category(code) == UTF8PROC_CATEGORY_ND;
}

bool cv_unicode_is_space(uint32_t code)
{
    utf8proc_category_t kind;

    if (code < 0x80)
        return code == ' ' || (code >= '\t' && code <= '\r');
    kind = category(code);
    return code == 0x85 || (kind >= UTF8PROC_CATEGORY_ZS && kind <= UTF8PROC_CATEGORY_ZP);
}

/* --- case ----------------------------------------------------------------------------------------------------- */

typedef struct range {
    uint32_t first, last;
} range;

static bool is_in(const range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

/* The property Case_Ignorable: characters within a word that have no case, accents and apostrophes among them. */
static bool is_case_ignorable(uint32_t code)
{
    /* What the segmentation of words (UAX #29) calls MidLetter, MidNumLet and Single_Quote. */
    static const range within_words[] = {
        { 0x27, 0x27 },     { 0x2e, 0x2e },     { 0x3a, 0x3a },     { 0xb7, 0xb7 },
        { 0x387, 0x387 },   { 0x55f, 0x55f },   { 0x5f4, 0x5f4 },   { 0x2018, 0x2019 },
        { 0x2024, 0x2024 }, { 0x2027, 0x2027 }, { 0xfe13, 0xfe13 }, { 0xfe52, 0xfe52 },
        { 0xfe55, 0xfe55 }, { 0xff07, 0xff07 }, { 0xff0e, 0xff0e }, { 0xff1a, 0xff1a },
    };

    switch (category(code)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
        return true;
    default:
        return is_in(within_words, sizeof within_words / sizeof *within_words, code);
    }
}

/* The property Cased, of characters that are not Case_Ignorable. */
static bool is_cased(uint32_t code)
{
    /* Ordinals, Roman numerals, and letters in circles and squares: Other_Lowercase and Other_Uppercase. */
    static const range others[] = {
        { 0xaa, 0xaa },       { 0xba, 0xba },       { 0x2160, 0x217f },   { 0x24b6, 0x24e9 },
        { 0x1f130, 0x1f149 }, { 0x1f150, 0x1f169 }, { 0x1f170, 0x1f189 },
    };
    utf8proc_category_t kind = category(code);

    return (kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LT) ||
           is_in(others, sizeof others / sizeof *others, code);
}

/* Whether the first character of a text that counts for case has one. */
static bool begins_cased(const char *text, size_t size)
{
    size_t length;

    for (size_t at = 0; at < size; at += length) {
        uint32_t code = cv_unicode_first(text + at, &length);

        if (!is_case_ignorable(code))
            return is_cased(code);
    }
    return false;
}

cogvideo_status cv_unicode_lower(cv_buffer *out, const char *text, size_t size, cogvideo_error *err)
{
    bool after_cased = false; /* the last character that counts for case has one */
    cogvideo_status status = COGVIDEO_OK;
    size_t length;

    for (size_t at = 0; at < size; at += length) {
        uint32_t code = cv_unicode_first(text + at, &length), lower;

        if (code == CAPITAL_SIGMA)
            lower = after_cased && !begins_cased(text + at + 2, size - at - 2) ? FINAL_SIGMA : SMALL_SIGMA;
        else
            lower = (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
        CV_TRY(cv_unicode_append(out, lower, err));
        if (code == CAPITAL_I_WITH_DOT)
            CV_TRY(cv_unicode_append(out, DOT_ABOVE, err));
        if (!is_case_ignorable(code))
            after_cased = is_cased(code);
    }
done:
    return status;
}

uint32_t cv_unicode_upper(uint32_t code)
{
    return (uint32_t)utf8proc_toupper((utf8proc_int32_t)code);
}

/* --- normalization -------------------------------------------------------------------------------------------- */

static int class_of(utf8proc_int32_t code)
{
    return utf8proc_get_property(code)->combining_class;
}

/* Sorts marks by their combining class and keeps the order of equal ones: a counting sort, because a text may consist
 * of marks alone. */
static cogvideo_status sort_marks(utf8proc_int32_t *marks, size_t count, cogvideo_error *err)
{
    size_t starts[257] = { 0 };
    utf8proc_int32_t *sorted = cv_alloc(count, sizeof *sorted, err);

    if (!sorted)
        return COGVIDEO_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        starts[class_of(marks[i]) + 1]++;
    for (size_t i = 1; i < 257; i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < count; i++)
        sorted[starts[class_of(marks[i])]++] = marks[i];
    memcpy(marks, sorted, count * sizeof *marks);
    cv_free(sorted);
    return COGVIDEO_OK;
}

/* The canonical order: each run of marks by its classes. */
static cogvideo_status order_marks(utf8proc_int32_t *codes, size_t count, cogvideo_error *err)
{
    for (size_t i = 0, end; i < count; i = end + 1) {
        bool in_order = true;
        int class;

        for (end = i; end < count && (class = class_of(codes[end])) != 0; end++)
            in_order = in_order && (end == i || class >= class_of(codes[end - 1]));
        if (!in_order && sort_marks(codes + i, end - i, err) != COGVIDEO_OK)
            return COGVIDEO_ERROR_MEMORY;
    }
    return COGVIDEO_OK;
}

static cogvideo_status append_composed(cv_buffer *out, const char *text, size_t size, bool compatible,
                                       cogvideo_error *err)
{
    utf8proc_option_t how = UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    size_t characters = 0, count = 0, longest = compatible ? LONGEST_COMPATIBLE : LONGEST_CANONICAL, length;
    utf8proc_int32_t *codes = NULL;
    utf8proc_ssize_t composed;
    cogvideo_status status;

    for (size_t i = 0; i < size; i++)
        characters += ((unsigned char)text[i] & 0xc0) != 0x80;
    CV_NEW(codes, characters * longest, err);
    for (size_t at = 0; at < size; at += length) {
        utf8proc_int32_t code = (utf8proc_int32_t)cv_unicode_first(text + at, &length);
        int unused = 0;
        utf8proc_ssize_t made = utf8proc_decompose_char(code, codes + count, (utf8proc_ssize_t)longest, how, &unused);

        count += made > 0 && (size_t)made <= longest ? (size_t)made : 0;
    }
    CV_TRY(order_marks(codes, count, err));
    composed = utf8proc_normalize_utf32(codes, (utf8proc_ssize_t)count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    for (utf8proc_ssize_t i = 0; i < composed; i++)
        CV_TRY(cv_unicode_append(out, (uint32_t)codes[i], err));
done:
    cv_free(codes);
    return status;
}

static cogvideo_status normalize(cv_buffer *out, const char *text, size_t size, bool compatible, cogvideo_error *err)
{
    size_t ascii = 0;

    while (ascii < size && (unsigned char)text[ascii] < 0x80)
        ascii++;
    return ascii == size ? cv_buffer_append(out, text, size, err) : append_composed(out, text, size, compatible, err);
}

cogvideo_status cv_unicode_nfc(cv_buffer *out, const char *text, size_t size, cogvideo_error *err)
{
    return normalize(out, text, size, false, err);
}

cogvideo_status cv_unicode_nfkc(cv_buffer *out, const char *text, size_t size, cogvideo_error *err)
{
    return normalize(out, text, size, true, err);
}
