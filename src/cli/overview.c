#include "overview.h"

#include "commands.h"
#include "say.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int cli_print_overview(FILE *stream)
{
    fprintf(stream, "usage: cogvideo COMMAND ...\n\n%c%s.\n\nCommands:\n", CLI_SUMMARY[0] - 'a' + 'A', &CLI_SUMMARY[1]);
    for (const cli_command *const *c = cli_commands; *c; c++)
        fprintf(stream, "  %-16s %s\n", (*c)->name, (*c)->summary);
    fputs("\nOptions:\n", stream);
    for (const arg_option *option = cli_program_table; option->name; option++)
        fprintf(stream, "  -%c, --%-10s %s\n", option->letter, option->name, option->help);
    fputs("\n'cogvideo help COMMAND' or 'cogvideo COMMAND --help' prints its options, with examples;\n"
          "'cogvideo help exit-codes' lists the exit codes.\n\nExample:\n" CLI_EXAMPLES "\n",
          stream);
    return CLI_OK;
}

/* Whether a command is called "word something". */
static bool is_of_family(const cli_command *command, const char *word)
{
    const size_t length = strlen(word);

    return length > 0 && cli_family_length(command) == length && strncmp(command->name, word, length) == 0;
}

int cli_print_family(const char *word, FILE *stream)
{
    int found = 0;

    for (const cli_command *const *c = cli_commands; *c; c++)
        if (is_of_family(*c, word)) {
            if (!found++)
                fprintf(stream, "usage: cogvideo %s COMMAND ...\n\nCommands:\n", word);
            fprintf(stream, "  %-16s %s\n", (*c)->name, (*c)->summary);
        }
    return found;
}

int cli_unknown_command(char *const *words, int count)
{
    const char *names[64], *nearest;
    char *two = count > 1 && words[1][0] != '-' ? cli_format("%s %s", words[0], words[1]) : NULL;
    const bool family = cli_print_family(words[0], stderr) > 0;
    size_t known = 0;
    int status = CLI_USAGE;

    for (const cli_command *const *c = cli_commands; *c && known < sizeof names / sizeof *names; c++)
        if (!family || is_of_family(*c, words[0]))
            names[known++] = (*c)->name;
    nearest = family ? NULL : args_nearest(words[0], names, known);
    if (!nearest && two)
        nearest = args_nearest(two, names, known);
    if (nearest)
        status = cli_usage_error(NULL, "unknown command '%s'; did you mean '%s'?", family ? two : words[0], nearest);
    else if (!family || two)
        status = cli_usage_error(NULL, "unknown command '%s'", family ? two : words[0]);
    free(two);
    return status;
}
