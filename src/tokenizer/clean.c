#include "tokenizer/clean.h"

#include "tokenizer/html.h"
#include "tokenizer/unicode.h"

#include <string.h>

/* Bytes that rounds of fixing one text may go through. Two or three rounds are usual; each level of "&amp;amp;" takes
 * another. */
#define FIX_LIMIT ((size_t)64 << 20)

#define ESCAPE 0x1b

/* --- one round of ftfy's fixes -------------------------------------------------------------------------------- */

/* Returns the letters that a Latin ligature joins, or NULL. */
static const char *ligature(uint32_t code)
{
    static const struct {
        uint32_t code;
        const char *letters;
    } ligatures[] = {
        { 0x132, "IJ" },         { 0x133, "ij" },  { 0x149, "'n" },  { 0x1c4, "D\xc5\xbd" }, { 0x1c5, "D\xc5\xbe" },
        { 0x1c6, "d\xc5\xbe" },  { 0x1c7, "LJ" },  { 0x1c8, "Lj" },  { 0x1c9, "lj" },        { 0x1ca, "NJ" },
        { 0x1cb, "Nj" },         { 0x1cc, "nj" },  { 0x1f1, "DZ" },  { 0x1f2, "Dz" },        { 0x1f3, "dz" },
        { 0xfb00, "ff" },        { 0xfb01, "fi" }, { 0xfb02, "fl" }, { 0xfb03, "ffi" },      { 0xfb04, "ffl" },
        { 0xfb05, "\xc5\xbft" }, { 0xfb06, "st" },
    };

    for (size_t i = 0; i < sizeof ligatures / sizeof *ligatures; i++)
        if (ligatures[i].code == code)
            return ligatures[i].letters;
    return NULL;
}

/* Straightens quotes, and makes the line breaks of Unicode line feeds. */
static uint32_t plain_sign(uint32_t code)
{
    if (code >= 0x201c && code <= 0x201f)
        return '"';
    if (code == 0x2bc || (code >= 0x2018 && code <= 0x201b))
        return '\'';
    return code == 0x2028 || code == 0x2029 ? '\n' : code;
}

/* Replaces single characters: U+0080 .. U+009F by those of Windows-1252, Latin ligatures by letters, characters of
 * another width by the usual ones, quotes by straight ones, line breaks by line feeds. */
static cogvideo_status replace_characters(cv_buffer *out, const cv_buffer *text, cogvideo_error *err)
{
    cogvideo_status status;
    size_t length;

    CV_TRY(cv_buffer_append(out, "", 0, err));
    for (size_t at = 0; at < text->size; at += length) {
        uint32_t code = cv_windows_1252(cv_unicode_first(text->data + at, &length));
        const char *letters = code < 0x80 ? NULL : ligature(code);

        if (code == '\r' && at + 1 < text->size && text->data[at + 1] == '\n')
            continue;
        if (letters)
            CV_TRY(cv_buffer_append(out, letters, strlen(letters), err));
        else if (code > 0xff00 && code < 0xfff0)
            CV_TRY(cv_unicode_nfkc(out, text->data + at, length, err));
        else
            CV_TRY(cv_unicode_append(out, code == 0x3000 ? ' ' : code == '\r' ? '\n' : plain_sign(code), err));
    }
done:
    return status;
}

/* Returns the length of the terminal escape at the start of a text: ESC [, digits and semicolons, a letter. 0: none. */
static size_t escape_length(const char *text, size_t size)
{
    size_t at = 2, length;

    if (size < 3 || text[0] != ESCAPE || text[1] != '[')
        return 0;
    for (; at < size; at += length) {
        uint32_t code = cv_unicode_first(text + at, &length);

        if ((code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z'))
            return at + 1;
        if (code != ';' && !cv_unicode_is_digit(code))
            return 0;
    }
    return 0;
}

/* Whether a control character is removed: tabs, line feeds, form feeds and carriage returns are not. */
static bool is_unwanted(uint32_t code)
{
    return code <= 0x8 || code == 0xb || (code >= 0xe && code <= 0x1f) || code == 0x7f ||
           (code >= 0x206a && code <= 0x206f) || code == 0xfeff || (code >= 0xfff9 && code <= 0xfffc);
}

static cogvideo_status remove_controls(cv_buffer *out, const cv_buffer *text, cogvideo_error *err)
{
    cogvideo_status status;
    size_t length;

    CV_TRY(cv_buffer_append(out, "", 0, err));
    for (size_t at = 0; at < text->size; at += length) {
        size_t escape = escape_length(text->data + at, text->size - at);
        uint32_t code = cv_unicode_first(text->data + at, &length);

        if (escape)
            length = escape;
        else if (!is_unwanted(code))
            CV_TRY(cv_buffer_append(out, text->data + at, length, err));
    }
done:
    return status;
}

/* Sets `out` to a text after one round. */
static cogvideo_status fix_once(cv_buffer *out, const cv_buffer *text, bool unescape, cogvideo_error *err)
{
    cv_buffer first = { 0 }, second = { 0 };
    cogvideo_status status;

    out->size = 0;
    CV_TRY(unescape ? cv_html_unescape_whole(&first, text->data, text->size, err)
                    : cv_buffer_append(&first, text->data, text->size, err));
    CV_TRY(replace_characters(&second, &first, err));
    first.size = 0;
    CV_TRY(remove_controls(&first, &second, err));
    CV_TRY(cv_unicode_nfc(out, first.data, first.size, err));
done:
    cv_buffer_free(&first);
    cv_buffer_free(&second);
    return status;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

static void swap(cv_buffer *a, cv_buffer *b)
{
    cv_buffer old = *a;

    *a = *b;
    *b = old;
}

/* Appends a text after as many rounds as change it. */
static cogvideo_status fix(cv_buffer *out, const char *text, size_t size, bool unescape, cogvideo_error *err)
{
    cv_buffer now = { 0 }, before = { 0 };
    cogvideo_status status;
    size_t work = 0;

    CV_TRY(cv_buffer_append(&now, text, size, err));
    do {
        work += now.size;
        if (work > FIX_LIMIT) {
            status =
                cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                        "a text of %zu bytes still changes after %zu rounds of cleaning; remove its chains of HTML "
                        "references, such as \"&amp;amp;\"",
                        size, work / (now.size ? now.size : 1));
            goto done;
        }
        swap(&now, &before);
        CV_TRY(fix_once(&now, &before, unescape, err));
    } while (now.size != before.size || memcmp(now.data, before.data, now.size) != 0);
    CV_TRY(cv_buffer_append(out, now.data, now.size, err));
done:
    cv_buffer_free(&now);
    cv_buffer_free(&before);
    return status;
}

/* Appends a text as ftfy.fix_text does: line by line, and from the first line on that has a '<', references of HTML
 * stay. Its lines do not influence each other, so those before are fixed together, and so are the others. */
static cogvideo_status fix_lines(cv_buffer *out, const char *text, size_t size, cogvideo_error *err)
{
    const char *tag = memchr(text, '<', size);
    const char *line_feed = tag ? memrchr(text, '\n', (size_t)(tag - text)) : NULL;
    size_t before = !tag ? size : line_feed ? (size_t)(line_feed + 1 - text) : 0;
    cogvideo_status status = fix(out, text, before, true, err);

    return status == COGVIDEO_OK ? fix(out, text + before, size - before, false, err) : status;
}

/* Appends a text with one space for each run of white space, and none at its ends. */
static cogvideo_status fold_spaces(cv_buffer *out, const cv_buffer *text, cogvideo_error *err)
{
    bool space = false, started = false;
    cogvideo_status status;
    size_t length;

    CV_TRY(cv_buffer_append(out, "", 0, err));
    for (size_t at = 0; at < text->size; at += length) {
        if (cv_unicode_is_space(cv_unicode_first(text->data + at, &length))) {
            space = started;
            continue;
        }
        if (space)
            CV_TRY(cv_buffer_append(out, " ", 1, err));
        CV_TRY(cv_buffer_append(out, text->data + at, length, err));
        space = false;
        started = true;
    }
done:
    return status;
}

cogvideo_status cv_clean(cv_buffer *out, const char *text, size_t size, cogvideo_error *err)
{
    cv_buffer now = { 0 }, before = { 0 };
    cogvideo_status status;

    CV_TRY(cv_unicode_repair(&before, text, size, err));
    CV_TRY(fix_lines(&now, before.data, before.size, err));
    for (int i = 0; i < 2; i++) {
        swap(&now, &before);
        now.size = 0;
        CV_TRY(cv_html_unescape(&now, before.data, before.size, err));
    }
    before.size = 0;
    CV_TRY(fold_spaces(&before, &now, err));
    CV_TRY(cv_unicode_lower(out, before.data, before.size, err));
done:
    cv_buffer_free(&now);
    cv_buffer_free(&before);
    return status;
}
