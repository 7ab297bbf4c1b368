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

size_t cv_utf8_mark(const char *text, size_t size)
{
    return size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

bool cv_utf8_is_utf16(const char *text, size_t size)
{
    if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return true;
    return size >= 4 && !text[0] == !text[2] && !text[1] == !text[3] && !text[0] != !text[1];
}
