#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

size_t cv_utf8_step(const char *text, size_t size)
{
    unsigned char lead = (unsigned char)text[0];
    size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    return length < size ? length : size;
}

size_t cv_utf8_length(const char *text, size_t size)
{
    static const uint32_t smallest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xc0 ? 0 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    uint32_t code;

    if (length <= 1)
        return length;
    if (bytes[0] > 0xf7 || length > size)
        return 0;
    code = bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (bytes[i] & 0x3f);
    }
    if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    return length;
}

bool cv_utf8_is_control(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;

    return bytes[0] < 0x20 || bytes[0] == 0x7f || (bytes[0] == 0xc2 && bytes[1] <= 0x9f);
}

size_t cv_utf8_prefix(const char *text, size_t size)
{
    size_t at = 0, length;

    while (at < size && (length = cv_utf8_length(text + at, size - at)) > 0)
        at += length;
    return at;
}

size_t cv_utf8_excerpt(const char *text, size_t limit)
{
    size_t length = strlen(text);

    if (length > limit)
        for (length = limit; length > limit - 4 && (text[length] & 0xc0) == 0x80;)
            length--;
    return length;
}

size_t cv_utf8_mark(const char *text, size_t size)
{
    return size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

const char *cv_utf8_other(const char *text, size_t size)
{
    static const struct {
        const char *start; /* '?' stands for any byte but zero */
        size_t size;
        const char *name;
    } starts[] = {
        { "\xff\xfe\0\0", 4, "UTF-32" }, { "\0\0\xfe\xff", 4, "UTF-32" }, { "\xff\xfe", 2, "UTF-16" },
        { "\xfe\xff", 2, "UTF-16" },     { "?\0\0\0", 4, "UTF-32LE" },    { "\0\0\0?", 4, "UTF-32BE" },
        { "?\0?\0", 4, "UTF-16LE" },     { "\0?\0?", 4, "UTF-16BE" },
    };

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        bool same = size >= starts[i].size;

        for (size_t k = 0; same && k < starts[i].size; k++)
            same = starts[i].start[k] == '?' ? text[k] != '\0' : text[k] == starts[i].start[k];
        if (same)
            return starts[i].name;
    }
    return NULL;
}
