#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *cogvideo_status_text(cogvideo_status status)
{
    switch (status) {
    case COGVIDEO_OK: return "ok";
    case COGVIDEO_ERROR_ARGUMENT: return "invalid argument";
    case COGVIDEO_ERROR_MEMORY: return "out of memory";
    case COGVIDEO_ERROR_IO: return "input/output error";
    case COGVIDEO_ERROR_FORMAT: return "damaged or foreign file";
    case COGVIDEO_ERROR_MODEL: return "files do not fit the model";
    case COGVIDEO_ERROR_UNSUPPORTED: return "not supported";
    case COGVIDEO_ERROR_CANCELLED: return "cancelled";
    }
    return "unknown status";
}

/* Bytes a terminal would act on: C0, DEL, and the C1 range as UTF-8 writes it (C2 80..9F). */
static int is_control(const unsigned char *s)
{
    return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f);
}

/* Copies with escapes and never cuts a UTF-8 sequence in two. */
static void copy_escaped(char *out, size_t size, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = 0;

    while (*s) {
        char piece[8];
        size_t length = 1;

        if (is_control(s)) {
            unsigned char byte = s[0] == 0xc2 ? s[1] : s[0];

            length = (size_t)snprintf(piece, sizeof piece, "\\x%02x", byte);
            s += s[0] == 0xc2 ? 2 : 1;
        } else {
            piece[0] = (char)*s++;
            while ((*s & 0xc0) == 0x80 && length < 4)
                piece[length++] = (char)*s++;
        }
        if (n + length + 1 > size)
            break;
        memcpy(out + n, piece, length);
        n += length;
    }
    out[n] = '\0';
}

cogvideo_status cv_fail(cogvideo_error *err, cogvideo_status status, const char *format, ...)
{
    char text[sizeof err->message];
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
    char text[1024], escaped[1024];
    va_list args;

    if (!log || !log->message)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    copy_escaped(escaped, sizeof escaped, text);
    log->message(log->user, level, escaped);
}
