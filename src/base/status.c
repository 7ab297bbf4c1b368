#include "base/status.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *cogvideo_status_text(cogvideo_status status)
{
    switch (status) {
    case COGVIDEO_OK:
        return "ok";
    case COGVIDEO_ERROR_ARGUMENT:
        return "invalid argument";
    case COGVIDEO_ERROR_MEMORY:
        return "out of memory";
    case COGVIDEO_ERROR_IO:
        return "input/output error";
    case COGVIDEO_ERROR_FORMAT:
        return "damaged or foreign file";
    case COGVIDEO_ERROR_MODEL:
        return "files do not fit the model";
    case COGVIDEO_ERROR_UNSUPPORTED:
        return "not supported";
    case COGVIDEO_ERROR_CANCELLED:
        return "cancelled";
    }
    return "unknown status";
}

/* Copies and escapes what a terminal would act on, also bytes that are not UTF-8, which some terminals take for C1;
 * never cuts a UTF-8 sequence or an escape in two. */
static void copy_escaped(char *out, size_t size, const char *text)
{
    size_t n = 0;

    while (*text) {
        size_t length = cv_utf8_length(text, strnlen(text, 4)), written;
        char escape[8];
        const char *piece = text;

        text += length ? length : 1;
        written = length;
        if (length == 0 || cv_utf8_is_control(piece)) {
            written = (size_t)snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)text[-1]);
            piece = escape;
        }
        if (n + written + 1 > size)
            break;
        memcpy(out + n, piece, written);
        n += written;
    }
    out[n] = '\0';
}

cogvideo_status cv_fail(cogvideo_error *err, cogvideo_status status, const char *format, ...)
{
    char text[sizeof err->message + 4]; /* a character that the end of this buffer cuts in two is not copied */
    va_list args;

    if (!err)
        return status;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    err->status = status;
    copy_escaped(err->message, sizeof err->message, text);
    return status;
}

cogvideo_status cv_fail_prefix(cogvideo_error *err, cogvideo_status status, const char *prefix)
{
    char text[sizeof err->message];

    if (!err)
        return status;
    memcpy(text, err->message, sizeof text);
    return cv_fail(err, status, "%.300s: %s", prefix, text);
}

void cv_log(const cogvideo_log *log, cogvideo_log_level level, const char *format, ...)
{
    char text[1024 + 4], escaped[1024];
    va_list args;

    if (!log || !log->message)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    copy_escaped(escaped, sizeof escaped, text);
    log->message(log->user, level, escaped);
}
