#include "commands.h"
#include "completion.h"

/* Prints an argument of _arguments, such as (-m --model)-m+[help]:DIR:_files -/ for each form. A blank before an
 * action keeps zsh from passing it arguments. */
static void print_option(FILE *stream, const arg_option *option)
{
    arg_value value = args_value(option);
    const char *equals = value == ARG_NO_VALUE ? "" : "=";

    if (option->letter)
        fprintf(stream, "            '(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name, option->letter,
                *equals ? "+" : "", option->name, equals);
    else
        fprintf(stream, "            '--%s%s[", option->name, equals);
    completion_help(stream, option->help, "[]\\");
    putc(']', stream);
    if (value != ARG_NO_VALUE)
        fprintf(stream, ":%s:", option->value);
    if (value == ARG_WORDS) {
        putc('(', stream);
        completion_words(stream, option->choices);
        putc(')', stream);
    } else if (value != ARG_NO_VALUE) {
        fputs(value == ARG_FILES ? "_files" : value == ARG_FOLDERS ? "_files -/" : " ", stream);
    }
    fputs("' \\\n", stream);
}

static void print_command(FILE *stream, const cli_command *command)
{
    const arg_option *option;
    const char *title;

    fprintf(stream, "    ('%s')\n        _arguments -s -S : \\\n", command->name);
    for (size_t i = 0; (option = args_option(command, i, &title)); i++)
        print_option(stream, option);
    if (command == &cmd_help) {
        fputs("            '1: : _cogvideo_commands' '2: : _cogvideo_commands $line[1]' ;;\n", stream);
        return;
    }
    if (command->choices) {
        fputs("            '1: :(", stream);
        completion_words(stream, command->choices);
        fputs(")' \\\n", stream);
    }
    fputs("            '*: :_files' ;;\n", stream);
}

static void print_words(FILE *stream, const cli_command *family)
{
    for (const cli_command *const *c = cli_commands; *c; c++) {
        size_t length;
        const char *word = completion_word(*c, family != NULL, &length);

        if (family ? !completion_related(family, *c) : !cli_is_first(*c))
            continue;
        fprintf(stream, "            '%.*s:", (int)length, word);
        completion_summary(stream, *c, family != NULL, "\\");
        fputs("'\n", stream);
    }
}

void completion_zsh(FILE *stream)
{
    fputs("#compdef cogvideo\n# Completion of cogvideo for zsh, made by 'cogvideo completion zsh'.\n\n"
          "# The commands, or the second words of those that begin with $1.\n"
          "_cogvideo_commands() {\n    local -a found\n    case $1 in\n    ('')\n        found=(\n",
          stream);
    print_words(stream, NULL);
    fputs("        ) ;;\n", stream);
    for (const cli_command *const *c = cli_commands; *c; c++)
        if (cli_family_length(*c) > 0 && cli_is_first(*c)) {
            fprintf(stream, "    (%.*s)\n        found=(\n", (int)cli_family_length(*c), (*c)->name);
            print_words(stream, *c);
            fputs("        ) ;;\n", stream);
        }
    fputs("    esac\n", stream);
    if (cmd_help.choices) {
        fputs("    [[ $words[1] == help && -z $1 ]] && found+=(", stream);
        completion_words(stream, cmd_help.choices);
        fputs(")\n", stream);
    }
    fputs(
        "    _describe -t commands 'command' found\n}\n\n"
        "_cogvideo() {\n    local curcontext=$curcontext command=$words[2] at=1\n    local -a line families\n    families=(",
        stream);
    for (const cli_command *const *c = cli_commands; *c; c++)
        if (cli_family_length(*c) > 0 && cli_is_first(*c))
            fprintf(stream, " %.*s", (int)cli_family_length(*c), (*c)->name);
    fputs(
        " )\n"
        "    if (( CURRENT > 2 && $families[(Ie)$command] )); then\n"
        "        if (( CURRENT == 3 )); then\n            _cogvideo_commands $command\n            return\n        fi\n"
        "        command+=\" $words[3]\" at=2\n    fi\n"
        "    if (( CURRENT == 2 )); then\n        _arguments : \\\n",
        stream);
    for (const arg_option *option = cli_program_table; option->name; option++)
        print_option(stream, option);
    fputs("            '1: : _cogvideo_commands'\n        return\n    fi\n"
          "    shift $at words\n    (( CURRENT -= at ))\n    case $command in\n",
          stream);
    for (const cli_command *const *c = cli_commands; *c; c++)
        print_command(stream, *c);
    fputs("    esac\n}\n\n"
          "if [[ $funcstack[1] == _cogvideo ]]; then\n    _cogvideo \"$@\"\nelse\n    compdef _cogvideo cogvideo\nfi\n",
          stream);
}
