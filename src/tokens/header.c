#include "tokens/header.h"

#include "base/utf8.h"

#include <string.h>

cogvideo_status cv_tokens_check(const cogvideo_tokens *shape, cogvideo_error *err)
{
    if (shape->height < 1 || shape->height > CV_TOKENS_MAX_GRID || shape->width < 1 ||
        shape->width > CV_TOKENS_MAX_GRID)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the frames of a clip must be from 1 to %d codes wide and high, not %dx%d", CV_TOKENS_MAX_GRID,
                       shape->width, shape->height);
    if (cv_tokens_is_grid(shape) && shape->rate != 4 && shape->rate != 8 && shape->rate != 16)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a clip's rate must be 4, 8 or 16, not %d", shape->rate);
    if (shape->rate < 1 || shape->rate > CV_TOKENS_MAX_RATE || shape->rate_across < 0 ||
        shape->rate_across > CV_TOKENS_MAX_RATE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a code of a box must stand for 1 to %d pixels, not %dx%d",
                       CV_TOKENS_MAX_RATE, cogvideo_tokens_rate_across(shape), shape->rate);
    if (shape->frames_per_code < 1 || shape->frames_per_code > CV_TOKENS_MAX_FRAMES_PER_CODE)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "a clip's frames per code must be from 1 to %d, not %d",
                       CV_TOKENS_MAX_FRAMES_PER_CODE, shape->frames_per_code);
    return COGVIDEO_OK;
}

bool cv_tokens_is_grid(const cogvideo_tokens *shape)
{
    return shape->height == shape->width && shape->frames_per_code == 1 &&
           cogvideo_tokens_rate_across(shape) == shape->rate;
}

static const char *skip_space(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

/* Returns one past the end of the JSON value at `s`, which must be well formed. */
static const char *skip_value(const char *s)
{
    int depth = 0;

    for (;; s++) {
        if (*s == '"') {
            for (s++; *s && *s != '"'; s++)
                if (*s == '\\' && s[1])
                    s++;
            if (!*s)
                return s;
        } else if (*s == '{' || *s == '[') {
            depth++;
        } else if (depth == 0 && (*s == ',' || *s == '}' || *s == ']' || *s == '\0')) {
            return s;
        } else if (*s == '}' || *s == ']') {
            depth--;
        } else if (!*s) {
            return s;
        }
    }
}

static bool is_own(const char *key)
{
    static const char *const own[] = { "format", "version", "grid", "height", "width", "rate", "frames_per_code" };

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(key, own[i]) == 0)
            return true;
    return false;
}

/* Appends a value unchanged, except for DEL and the C1 characters, on which terminals act; they occur only in its
 * strings and are escaped. */
static cogvideo_status append_value(cv_buffer *out, const char *s, const char *end, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;
    const char *plain = s;

    for (; s < end && status == COGVIDEO_OK; s++) {
        const unsigned char *bytes = (const unsigned char *)s;
        bool is_c1 = bytes[0] == 0xc2;

        if (bytes[0] < 0x20 || !cv_utf8_is_control(s)) /* C0 is white space between values */
            continue;
        if ((status = cv_buffer_append(out, plain, (size_t)(s - plain), err)) == COGVIDEO_OK)
            status = cv_buffer_printf(out, err, "\\u%04x", bytes[is_c1]);
        s += is_c1;
        plain = s + 1;
    }
    return status == COGVIDEO_OK ? cv_buffer_append(out, plain, (size_t)(end - plain), err) : status;
}

cogvideo_status cv_header_members(cv_buffer *out, const char *text, const cv_json *json, cogvideo_error *err)
{
    cogvideo_status status;
    const char *s = skip_space(text) + 1;

    /* Text and tree are walked together, so that a key with escapes is recognized, too. */
    for (const cv_json *item = cv_json_first(json); item; item = cv_json_next(item)) {
        const char *start = skip_space(s), *end;

        end = skip_value(start);
        s = *end == ',' ? end + 1 : end;
        while (end > start && strchr(" \t\r\n", end[-1]))
            end--;
        if (is_own(cv_json_key(item)))
            continue;
        if ((status = cv_buffer_append(out, ",", 1, err)) != COGVIDEO_OK ||
            (status = append_value(out, start, end, err)) != COGVIDEO_OK)
            return status;
    }
    return COGVIDEO_OK;
}

/* The members that begin a header line, without its brace. */
static cogvideo_status append_own(cv_buffer *out, const cogvideo_tokens *tokens, cogvideo_error *err)
{
    cogvideo_status status;

    CV_TRY(cv_buffer_printf(out, err, "\"format\":\"%s\",\"version\":%d", CV_TOKENS_FORMAT, CV_TOKENS_VERSION));
    if (cv_tokens_is_grid(tokens))
        CV_TRY(cv_buffer_printf(out, err, ",\"grid\":%d,\"rate\":%d", tokens->height, tokens->rate));
    else
        CV_TRY(cv_buffer_printf(out, err, ",\"grid\":[%d,%d],\"rate\":[%d,%d,%d]", tokens->height, tokens->width,
                                tokens->frames_per_code, tokens->rate, cogvideo_tokens_rate_across(tokens)));
done:
    return status;
}

cogvideo_status cv_header_line(cv_buffer *out, const cogvideo_tokens *tokens, cogvideo_error *err)
{
    cogvideo_status status;
    cv_json *json = NULL;
    char *one_line = NULL;

    CV_TRY(cv_tokens_check(tokens, err));
    CV_TRY(cv_buffer_append(out, "{", 1, err));
    CV_TRY(append_own(out, tokens, err));
    if (tokens->header) {
        const char *text = tokens->header;

        CV_TRY(cv_json_parse(&json, text, strlen(text), "the clip's header", err));
        if (!cv_json_is_object(json)) {
            status = cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the clip's header must be a JSON object");
            goto done;
        }
        if (strpbrk(text, "\r\n")) {
            one_line = cv_json_print(json, false, err);
            if (!one_line) {
                status = COGVIDEO_ERROR_MEMORY;
                goto done;
            }
            text = one_line;
        }
        CV_TRY(cv_header_members(out, text, json, err));
    }
    status = cv_buffer_append(out, "}\n", 2, err);
done:
    cv_free(one_line);
    cv_json_free(&json);
    return status;
}
