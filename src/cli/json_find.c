#include "json_find.h"

#include "say.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* One past the string that begins at `s`. */
static const char *skip_string(const char *s)
{
    for (s++; *s && *s != '"'; s++)
        if (*s == '\\' && s[1])
            s++;
    return *s ? s + 1 : s;
}

/* The value of a member of the object that begins at `object`, or NULL. Keys with escapes are not looked into. */
static const char *find(const char *object, const char *key)
{
    size_t length = strlen(key);
    int depth = 0, is_key = 0;

    for (const char *s = object; s && *s;) {
        const char *start = s;

        if (*s == '"') {
            s = skip_string(s);
            if (depth == 1 && is_key && (size_t)(s - start) == length + 2 && memcmp(start + 1, key, length) == 0) {
                s += strspn(s, " \t\r\n");
                s += *s == ':';
                return s + strspn(s, " \t\r\n");
            }
            continue;
        }
        depth += (*s == '{' || *s == '[') - (*s == '}' || *s == ']');
        if (depth == 0 && *s == '}')
            return NULL;
        if (*s == '{' || *s == ',')
            is_key = 1;
        else if (*s == ':')
            is_key = 0;
        s++;
    }
    return NULL;
}

/* The four hexadecimal digits at `s`, or -1. */
static long hex4(const char *s)
{
    char digits[5] = { 0 };

    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)s[i]))
            return -1;
        digits[i] = s[i];
    }
    return strtol(digits, NULL, 16);
}

static char *put_utf8(char *out, long c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* The character of a \u escape, *s at its u; moves *s to the escape's last digit. -1 for half a pair or a zero. */
static long take_unicode(const char **s)
{
    long c = hex4(*s + 1), low;

    if (c <= 0)
        return -1;
    *s += 4;
    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c > 0xdbff || (*s)[1] != '\\' || (*s)[2] != 'u' || (low = hex4(*s + 3)) < 0xdc00 || low > 0xdfff)
        return -1;
    *s += 6;
    return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

char *json_find_string(const char *object, const char *key)
{
    static const char letters[] = "nrtbf", values[] = "\n\r\t\b\f";
    const char *s = object ? find(object, key) : NULL, *letter;
    char *text, *out;
    long c;

    if (!s || *s != '"')
        return NULL;
    out = text = cli_alloc((size_t)(skip_string(s) - s) + 1, 1);
    for (s++; *s && *s != '"'; s++) {
        if (*s != '\\' || !s[1]) {
            *out++ = *s;
        } else if (*++s == 'u') {
            if ((c = take_unicode(&s)) < 0) {
                free(text);
                return NULL;
            }
            out = put_utf8(out, c);
        } else {
            letter = strchr(letters, *s);
            *out++ = letter ? values[letter - letters] : *s;
        }
    }
    return text;
}

arg_ids json_find_ints(const char *object, const char *key)
{
    arg_ids ids = { 0 };
    const char *s = object ? find(object, key) : NULL;
    size_t room = 1;

    if (!s || *s != '[')
        return ids;
    for (const char *t = s; *t && *t != ']'; t++)
        room += *t == ',';
    ids.values = cli_alloc(room, sizeof *ids.values);
    while (*s && *s != ']') {
        char *end;
        long value = strtol(++s, &end, 10);

        if (end == s || value < INT32_MIN || value > INT32_MAX)
            break;
        ids.values[ids.count++] = (int32_t)value;
        s = end + strspn(end, " \t\r\n");
        if (*s != ',')
            break;
    }
    if (*s == ']')
        return ids;
    free(ids.values);
    return (arg_ids){ 0 };
}

int64_t json_find_integer(const char *object, const char *member, const char *key, int64_t max)
{
    const char *inside = object && member ? find(object, member) : object;
    const char *s = inside && (!member || *inside == '{') ? find(inside, key) : NULL;
    char *end;
    long long value;

    if (!s || !isdigit((unsigned char)*s))
        return -1;
    value = strtoll(s, &end, 10); /* LLONG_MAX where it is larger */
    return *end == '.' || *end == 'e' || *end == 'E' || value > max ? -1 : value;
}
