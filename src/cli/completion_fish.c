#include "commands.h"
#include "completion.h"

#define SPECIAL "\\" /* in fish a backslash is special in single quotes, too */

static void print_option(FILE *stream, const char *condition, const char *words, const arg_option *option)
{
    fprintf(stream, "complete -c cogvideo -n '%s%s%s' -l %s", condition, *words ? " " : "", words, option->name);
    if (option->letter)
        fprintf(stream, " -s %c", option->letter);
    switch (args_value(option)) {
    case ARG_NO_VALUE:
        break;
    case ARG_WORDS:
        fputs(" -x -a '", stream);
        completion_words(stream, option->choices);
        putc('\'', stream);
        break;
    case ARG_FILES:
        fputs(" -r -F", stream);
        break;
    case ARG_FOLDERS:
        fputs(" -x -a '(__fish_complete_directories)'", stream);
        break;
    case ARG_FREE:
        fputs(" -x", stream);
        break;
    }
    fputs(" -d '", stream);
    completion_help(stream, option->help, SPECIAL);
    fputs("'\n", stream);
}

/* Prints the completion of a command's word after the words before it and, with `help`, after those of 'cogvideo
 * help'. */
static void print_word(FILE *stream, const cli_command *command, int second, int help)
{
    size_t length, family = second ? cli_family_length(command) : 0;
    const char *word = completion_word(command, second, &length);

    fprintf(stream, "complete -c cogvideo -n '__cogvideo_behind%s%s%.*s' -f -a %.*s -d '", help ? " help" : "",
            family ? " " : "", (int)family, command->name, (int)length, word);
    completion_summary(stream, command, second, SPECIAL);
    fputs("'\n", stream);
}

void completion_fish(FILE *stream)
{
    const arg_option *option;
    const char *title;

    fputs(
        "# Completion of cogvideo for fish, made by 'cogvideo completion fish'.\n\n"
        "# Whether the words before the cursor, without options, are exactly these.\n"
        "function __cogvideo_behind\n"
        "    set -l words (commandline -opc | string match -v -- '-*')\n"
        "    test \"$words[2..-1]\" = \"$argv\"\nend\n\n"
        "# Whether they begin with these.\n"
        "function __cogvideo_in\n"
        "    set -l words (commandline -opc)\n"
        "    test (count $words) -gt (count $argv); and test \"$words[2..\"(math 1 + (count $argv))\"]\" = \"$argv\"\nend\n\n",
        stream);
    for (option = cli_program_table; option->name; option++)
        print_option(stream, "__cogvideo_behind", "", option);
    for (const cli_command *const *c = cli_commands; *c; c++)
        for (int second = 0; second <= (cli_family_length(*c) > 0); second++)
            if (second || cli_is_first(*c)) {
                print_word(stream, *c, second, 0);
                print_word(stream, *c, second, 1);
            }
    for (const cli_command *const *c = cli_commands; *c; c++) {
        if ((*c)->choices) {
            fprintf(stream, "complete -c cogvideo -n '__cogvideo_behind %s' -f -a '", (*c)->name);
            completion_words(stream, (*c)->choices);
            fputs("'\n", stream);
        }
        for (size_t i = 0; (option = args_option(*c, i, &title)); i++)
            print_option(stream, "__cogvideo_in", (*c)->name, option);
    }
}
