#include "json_find.h"

#include "say.h"

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

/* The value of a top-level member, or NULL. Keys with escapes are not looked into. */
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
        if (*s == '{' || *s == ',')
            is_key = 1;
        else if (*s == ':')
            is_key = 0;
        s++;
    }
    return NULL;
}

int json_has_string(const char *object, const char *key)
{
    const char *value = object ? find(object, key) : NULL;

    return value && *value == '"';
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
