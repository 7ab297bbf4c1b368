#include "say.h"

#include <stdarg.h>
#include <stdlib.h>

void *cli_alloc(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size ? size : 1);

    if (!block) {
        fputs("cogvideo: out of memory\n", stderr);
        exit(CLI_FAILED);
    }
    return block;
}

static char *format_list(const char *format, va_list args)
{
    char *text;

    if (vasprintf(&text, format, args) < 0) {
        fputs("cogvideo: out of memory\n", stderr);
        exit(CLI_FAILED);
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

/* C0, DEL, and the C1 range as UTF-8 writes it: bytes that a terminal acts on. */
void cli_print_text(FILE *stream, const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
        if ((*s < 0x20 && *s != '\n') || *s == 0x7f) {
            fprintf(stream, "\\u%04x", *s);
        } else if (*s == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f) {
            fprintf(stream, "\\u%04x", s[1]);
            s++;
        } else {
            putc(*s, stream);
        }
    }
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
    say("cogvideo: ", format, args);
    va_end(args);
    return CLI_FAILED;
}

int cli_usage_error(const cli_command *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("cogvideo: ", format, args);
    va_end(args);
    if (command)
        fprintf(stderr, "see 'cogvideo %s --help'\n", command->name);
    else
        fputs("see 'cogvideo help'\n", stderr);
    return CLI_USAGE;
}

void cli_say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("", format, args);
    va_end(args);
}
