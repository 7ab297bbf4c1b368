#include "completion.h"

#include "commands.h"

#include <string.h>

void completion_words(FILE *stream, const char *choices)
{
    for (const char *s = choices; *s; s++)
        putc(*s == '|' ? ' ' : *s, stream);
}

void completion_help(FILE *stream, const char *help, const char *special)
{
    for (const char *s = help; *s && *s != ';'; s++) {
        if (strchr(special, *s))
            putc('\\', stream);
        if (*s == '\'')
            fputs("'\\''", stream);
        else
            putc(*s, stream);
    }
}

const char *completion_word(const cli_command *command, int second, size_t *length)
{
    size_t family = cli_family_length(command);
    const char *word = second ? command->name + family + 1 : command->name;

    *length = !second && family ? family : strlen(word);
    return word;
}

int completion_related(const cli_command *a, const cli_command *b)
{
    size_t length = cli_family_length(a);

    return length > 0 && cli_family_length(b) == length && strncmp(a->name, b->name, length) == 0;
}

void completion_commands(FILE *stream, const cli_command *family)
{
    const char *separator = "";

    for (const cli_command *const *c = cli_commands; *c; c++) {
        size_t length;
        const char *word = completion_word(*c, family != NULL, &length);

        if (family ? !completion_related(family, *c) : !cli_is_first(*c))
            continue;
        fprintf(stream, "%s%.*s", separator, (int)length, word);
        separator = " ";
    }
}

void completion_summary(FILE *stream, const cli_command *command, int second, const char *special)
{
    if (second || cli_family_length(command) == 0) {
        completion_help(stream, command->summary, special);
    } else {
        fputs("commands: ", stream);
        completion_commands(stream, command);
    }
}
