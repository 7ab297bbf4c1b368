#include "overview.h"

#include "commands.h"
#include "say.h"

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

int cli_print_family(const char *word, FILE *stream)
{
    size_t length = strlen(word);
    int found = 0;

    for (const cli_command *const *c = cli_commands; *c; c++)
        if (length > 0 && cli_family_length(*c) == length && strncmp((*c)->name, word, length) == 0) {
            if (!found++)
                fprintf(stream, "usage: cogvideo %s COMMAND ...\n\nCommands:\n", word);
            fprintf(stream, "  %-16s %s\n", (*c)->name, (*c)->summary);
        }
    return found;
}

int cli_unknown_command(char *const *words, int count)
{
    const char *names[64], *nearest;
    char *two = count > 1 ? cli_format("%s %s", words[0], words[1]) : NULL;
    size_t known = 0;

    if (cli_print_family(words[0], stderr)) {
        free(two);
        return CLI_USAGE;
    }
    while (cli_commands[known] && known < sizeof names / sizeof *names) {
        names[known] = cli_commands[known]->name;
        known++;
    }
    nearest = args_nearest(words[0], names, known);
    if (!nearest && two)
        nearest = args_nearest(two, names, known);
    free(two);
    return nearest ? cli_usage_error(NULL, "unknown command '%s'; did you mean '%s'?", words[0], nearest)
                   : cli_usage_error(NULL, "unknown command '%s'", words[0]);
}
