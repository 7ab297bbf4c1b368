#include "tokenizer/html.h"

#include "tokenizer/html_names.h"
#include "tokenizer/unicode.h"

#include <string.h>

#define WHOLE_LIMIT 24 /* letters and digits of a reference that ftfy replaces */
#define PAST_UNICODE 0x110000u
#define SHARP_S 0xdfu

/* A reference at the start of a text. */
typedef struct reference {
    size_t length;     /* bytes that it takes; 0: there is none */
    uint32_t codes[2]; /* what it stands for */
    int count;         /* 0 .. 2 */
} reference;

uint32_t cv_windows_1252(uint32_t code)
{
    static const uint16_t codes[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178,
    };

    return code >= 0x80 && code < 0xa0 ? codes[code - 0x80] : code;
}

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Returns the value of a digit, or -1. */
static int digit_value(char c, bool hexadecimal)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (hexadecimal && c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return hexadecimal && c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* --- numbers -------------------------------------------------------------------------------------------------- */

/* Whether HTML has no character of this number, which then becomes nothing. */
static bool is_no_character(uint32_t code)
{
    return (code >= 0x1 && code <= 0x8) || code == 0xb || (code >= 0xe && code <= 0x1f) || code == 0x7f ||
           (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
}

/* Reads "&#233;", "&#xe9;", and either without its semicolon, from a text that begins with "&#". */
static reference read_number(const char *text, size_t size)
{
    bool hexadecimal = size > 2 && (text[2] == 'x' || text[2] == 'X');
    size_t start = hexadecimal ? 3 : 2, at = start;
    uint32_t code = 0;
    int digit;

    for (; at < size && (digit = digit_value(text[at], hexadecimal)) >= 0; at++)
        code = code >= PAST_UNICODE ? PAST_UNICODE : code * (hexadecimal ? 16 : 10) + (uint32_t)digit;
    if (at == start)
        return (reference){ 0 };
    at += at < size && text[at] == ';';
    if (code == 0 || code >= PAST_UNICODE || (code >= 0xd800 && code < 0xe000))
        return (reference){ at, { CV_UNICODE_BROKEN }, 1 };
    if (is_no_character(code))
        return (reference){ .length = at };
    return (reference){ at, { cv_windows_1252(code) }, 1 };
}

/* --- names ---------------------------------------------------------------------------------------------------- */

/* Finds the longest name at the start of a text that needs no semicolon, and its length; 0: there is none. */
static size_t find_old_name(cv_html_name *out, const char *text, size_t size)
{
    for (size_t length = size < CV_HTML_OLD_NAME_LIMIT ? size : CV_HTML_OLD_NAME_LIMIT; length > 1; length--)
        if (cv_html_name_find(out, text, length) && out->is_old)
            return length;
    return 0;
}

static reference of_name(const cv_html_name *name, size_t length)
{
    return (reference){ length, { name->codes[0], name->codes[1] }, name->count };
}

/* Returns how many letters and digits follow the ampersand of a text, up to `limit` and one more. */
static size_t name_length(const char *text, size_t size, size_t limit)
{
    size_t length = 0;

    while (1 + length < size && length <= limit && is_letter_or_digit(text[1 + length]))
        length++;
    return length;
}

static reference read_name(const char *text, size_t size)
{
    size_t length = name_length(text, size, CV_HTML_NAME_LIMIT);
    cv_html_name found;

    if (1 + length < size && text[1 + length] == ';' && cv_html_name_find(&found, text + 1, length))
        return of_name(&found, length + 2);
    length = find_old_name(&found, text + 1, length);
    return length ? of_name(&found, 1 + length) : (reference){ 0 };
}

static reference read_any(const char *text, size_t size)
{
    return size > 1 && text[1] == '#' ? read_number(text, size) : read_name(text, size);
}

/* --- ftfy's ---------------------------------------------------------------------------------------------------- */

/* Reads a name in capitals that HTML has only in small letters: its characters become capitals as well. */
static reference read_capitals(const char *text, size_t length)
{
    char small[WHOLE_LIMIT];
    cv_html_name found, other;
    reference out;

    for (size_t i = 0; i < length; i++) {
        if (text[1 + i] >= 'a' && text[1 + i] <= 'z')
            return (reference){ 0 };
        small[i] = text[1 + i] >= 'A' ? (char)(text[1 + i] - 'A' + 'a') : text[1 + i];
    }
    if (!cv_html_name_find(&found, small, length) || find_old_name(&other, text + 1, length))
        return (reference){ 0 };
    out = of_name(&found, length + 2);
    for (int i = 0; i < out.count; i++)
        out.codes[i] = cv_unicode_upper(out.codes[i]);
    return found.codes[0] == SHARP_S ? (reference){ out.length, { 'S', 'S' }, 2 } : out;
}

static reference read_whole(const char *text, size_t size)
{
    size_t hash = size > 1 && text[1] == '#', length = name_length(text + hash, size - hash, WHOLE_LIMIT);
    cv_html_name found;
    reference number;

    if (length == 0 || length > WHOLE_LIMIT || hash + 1 + length >= size || text[hash + 1 + length] != ';')
        return (reference){ 0 };
    if (hash) {
        number = read_number(text, size);
        return number.length == length + 3 && !(number.count == 1 && number.codes[0] == ';') ? number
                                                                                             : (reference){ 0 };
    }
    return cv_html_name_find(&found, text + 1, length) ? of_name(&found, length + 2) : read_capitals(text, length);
}

/* --- texts ---------------------------------------------------------------------------------------------------- */

static cogvideo_status replace(cv_buffer *out, const char *text, size_t size,
                               reference (*read)(const char *text, size_t size), cogvideo_error *err)
{
    const char *end = text + size;
    cogvideo_status status;

    for (;;) {
        const char *mark = memchr(text, '&', (size_t)(end - text));
        reference found;

        CV_TRY(cv_buffer_append(out, text, (size_t)((mark ? mark : end) - text), err));
        if (!mark)
            break;
        found = read(mark, (size_t)(end - mark));
        for (int i = 0; i < found.count; i++)
            CV_TRY(cv_unicode_append(out, found.codes[i], err));
        if (found.length == 0)
            CV_TRY(cv_buffer_append(out, mark, 1, err));
        text = mark + (found.length ? found.length : 1);
    }
done:
    return status;
}

cogvideo_status cv_html_unescape(cv_buffer *out, const char *text, size_t size, cogvideo_error *err)
{
    return replace(out, text, size, read_any, err);
}

cogvideo_status cv_html_unescape_whole(cv_buffer *out, const char *text, size_t size, cogvideo_error *err)
{
    return replace(out, text, size, read_whole, err);
}
