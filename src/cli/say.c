#include "say.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define EXCERPT 200 /* bytes of a text that are quoted in a sentence */

void *cli_alloc(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size ? size : 1);

    if (!block) {
        cli_no_memory();
    }
    return block;
}

void cli_no_memory(void)
{
    fputs(CLI_ERROR "out of memory\n", stderr);
    exit(CLI_FAILED);
}

static char *format_list(const char *format, va_list args)
{
    char *text;

    if (vasprintf(&text, format, args) < 0) {
        cli_no_memory();
    }
    return text;
}

char *cli_format(const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = format_list(format, args);
    va_end(args);
    return text;
}

int cli_utf8(const char *text)
{
    return (int)cv_utf8_length(text, *text ? strnlen(text, 4) : 1);
}

int cli_control(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    if (*s < 0x20 || *s == 0x7f)
        return *s;
    return *s == 0xc2 && s[1] <= 0x9f ? s[1] : -1; /* C1 in UTF-8 */
}

/* Terminals act on each of these, some also on bytes that are not UTF-8. */
void cli_print_text(FILE *stream, const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        int length = cli_utf8((const char *)s), control = cli_control((const char *)s);

        if (length == 0)
            fprintf(stream, "\\x%02x", *s);
        else if (control >= 0 && control != '\n')
            fprintf(stream, "\\u%04x", (unsigned)control);
        else
            fwrite(s, 1, (size_t)length, stream);
        s += length ? length : 1;
    }
}

void cli_print(const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = format_list(format, args);
    va_end(args);
    cli_print_text(stdout, text);
    free(text);
}

char *cli_excerpt(const char *text)
{
    const size_t length = cv_utf8_excerpt(text, EXCERPT);

    return cli_format("%.*s%s", (int)length, text, text[length] ? "..." : "");
}

static void say(const char *prefix, const char *format, va_list args)
{
    char *text = format_list(format, args);

    fputs(prefix, stderr);
    cli_print_text(stderr, text);
    putc('\n', stderr);
    free(text);
}

int cli_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(CLI_ERROR, format, args);
    va_end(args);
    return CLI_FAILED;
}

int cli_usage_error(const cli_command *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(CLI_ERROR, format, args);
    va_end(args);
    if (command)
        fprintf(stderr, "see 'cogvideo %s --help'\n", command->name);
    else
        fputs("see 'cogvideo help'\n", stderr);
    return CLI_USAGE;
}

void cli_warning(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("cogvideo: warning: ", format, args);
    va_end(args);
}

void cli_message(int quiet, cogvideo_log_level level, const char *text)
{
    if (level == COGVIDEO_LOG_WARNING)
        cli_warning("%s", text);
    else if (!quiet)
        cli_say("%s", text);
}

void cli_say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("", format, args);
    va_end(args);
}
