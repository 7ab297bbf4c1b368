#include "json_out.h"

#include "say.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void print_string(FILE *stream, const char *text)
{
    putc('"', stream);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        int length = cli_utf8((const char *)s), control = cli_control((const char *)s);

        if (length == 0) {
            fputs("\xef\xbf\xbd", stream);
            s++;
            continue;
        }
        if (*s == '"' || *s == '\\')
            fprintf(stream, "\\%c", *s);
        else if (*s == '\n')
            fputs("\\n", stream);
        else if (control >= 0)
            fprintf(stream, "\\u%04x", (unsigned)control);
        else
            fwrite(s, 1, (size_t)length, stream);
        s += length;
    }
    putc('"', stream);
}

static void begin_member(json_out *json, const char *key)
{
    if (!json->first)
        putc(',', json->stream);
    json->first = 0;
    if (key) {
        print_string(json->stream, key);
        putc(':', json->stream);
    }
}

void json_begin(json_out *json, const char *key)
{
    begin_member(json, key);
    putc('{', json->stream);
    json->first = 1;
}

void json_end(json_out *json)
{
    putc('}', json->stream);
    json->first = 0;
}

void json_begin_array(json_out *json, const char *key)
{
    begin_member(json, key);
    putc('[', json->stream);
    json->first = 1;
}

void json_end_array(json_out *json)
{
    putc(']', json->stream);
    json->first = 0;
}

void json_string(json_out *json, const char *key, const char *value)
{
    begin_member(json, key);
    if (value)
        print_string(json->stream, value);
    else
        fputs("null", json->stream);
}

void json_integer(json_out *json, const char *key, long long value)
{
    begin_member(json, key);
    fprintf(json->stream, "%lld", value);
}

void json_number(json_out *json, const char *key, double value, int digits)
{
    begin_member(json, key);
    if (isfinite(value))
        fprintf(json->stream, "%.*g", digits, value);
    else
        fputs("null", json->stream);
}

void json_null(json_out *json, const char *key)
{
    begin_member(json, key);
    fputs("null", json->stream);
}

void json_bool(json_out *json, const char *key, int value)
{
    begin_member(json, key);
    fputs(value ? "true" : "false", json->stream);
}

void json_ints(json_out *json, const char *key, const int32_t *values, size_t count)
{
    json_begin_array(json, key);
    for (size_t i = 0; i < count; i++)
        json_integer(json, NULL, values[i]);
    json_end_array(json);
}

void json_raw(json_out *json, const char *key, const char *text)
{
    int in_string = 0, escaped = 0, length;

    begin_member(json, key);
    for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
        if (*s < 0x20 || *s == 0x7f) {
            if (in_string)
                fprintf(json->stream, "\\u%04x", *s);
        } else if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0) {
            fprintf(json->stream, "\\u%04x", *++s);
        } else if (!(length = cli_utf8((const char *)s))) {
            fputs("\xef\xbf\xbd", json->stream);
        } else {
            fwrite(s, 1, (size_t)length, json->stream);
            s += length - 1;
        }
        in_string ^= *s == '"' && !escaped;
        escaped = in_string && *s == '\\' && !escaped;
    }
}

void json_shape(json_out *json, const cogvideo_tokens *clip)
{
    if (clip->height == clip->width && clip->frames_per_code == 1) {
        json_integer(json, "grid", clip->height);
        return;
    }
    json_integer(json, "height", clip->height);
    json_integer(json, "width", clip->width);
    if (clip->frames_per_code != 1)
        json_integer(json, "frames_per_code", clip->frames_per_code);
    if (cogvideo_tokens_rate_across(clip) != clip->rate)
        json_integer(json, "rate_across", cogvideo_tokens_rate_across(clip));
}

void json_value(json_out *json, const char *key, const cv_json *value)
{
    char *text = cv_json_print(value, false, NULL);

    if (!text)
        cli_no_memory();
    json_raw(json, key, text);
    cv_free(text);
}

cv_json *json_object(void (*put)(json_out *json, const void *what), const void *what)
{
    char *text = NULL;
    size_t size;
    json_out json = { .stream = open_memstream(&text, &size), .first = 1 };
    cv_json *object = NULL;

    if (!json.stream)
        cli_no_memory();
    json_begin(&json, NULL);
    put(&json, what);
    json_end(&json);
    if (fclose(json.stream) != 0 || cv_json_parse(&object, text, size, "an object of our own", NULL) != COGVIDEO_OK)
        cli_no_memory();
    free(text);
    return object;
}
