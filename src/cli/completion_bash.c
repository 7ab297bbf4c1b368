#include "commands.h"
#include "completion.h"

/* Prints a branch with the options whose values are of one kind. */
static void print_kind(FILE *stream, const cli_command *command, arg_value value, const char *kind)
{
    const char *title, *separator = "";
    const arg_option *option;

    for (size_t i = 0; (option = args_option(command, i, &title)); i++) {
        if (args_value(option) != value)
            continue;
        fprintf(stream, "%s--%s", *separator ? separator : "        ", option->name);
        if (option->letter)
            fprintf(stream, "|-%c", option->letter);
        separator = "|";
    }
    if (*separator)
        fprintf(stream, ") kind=%s ;;\n", kind);
}

static void print_command(FILE *stream, const cli_command *command)
{
    const arg_option *option;
    const char *title;

    fprintf(stream, "    '%s')\n        options='", command->name);
    for (size_t i = 0; (option = args_option(command, i, &title)); i++)
        fprintf(stream, "%s--%s", i ? " " : "", option->name);
    fputs("'\n", stream);
    if (command->choices) {
        fputs("        first='", stream);
        completion_words(stream, command->choices);
        fputs("'\n", stream);
    }
    fputs("        case $prev in\n", stream);
    for (size_t i = 0; (option = args_option(command, i, &title)); i++) {
        if (args_value(option) != ARG_WORDS)
            continue;
        fprintf(stream, "        --%s", option->name);
        if (option->letter)
            fprintf(stream, "|-%c", option->letter);
        fputs(") kind=words words='", stream);
        completion_words(stream, option->choices);
        fputs("' ;;\n", stream);
    }
    print_kind(stream, command, ARG_FILES, "files");
    print_kind(stream, command, ARG_FOLDERS, "folders");
    print_kind(stream, command, ARG_FREE, "free");
    fputs("        esac ;;\n", stream);
}

void completion_bash(FILE *stream)
{
    fputs("# Completion of cogvideo for bash, made by 'cogvideo completion bash'.\n\n"
          "# The commands, or the second words of those that begin with $1.\n"
          "_cogvideo_commands()\n{\n    case $1 in\n    '') echo '",
          stream);
    completion_commands(stream, NULL);
    fputs("' ;;\n", stream);
    for (const cli_command *const *c = cli_commands; *c; c++)
        if (cli_family_length(*c) > 0 && cli_is_first(*c)) {
            fprintf(stream, "    %.*s) echo '", (int)cli_family_length(*c), (*c)->name);
            completion_commands(stream, *c);
            fputs("' ;;\n", stream);
        }
    fputs("    esac\n}\n\n"
          "_cogvideo()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
          "    local at=1 kind=argument words= first= options=\n"
          "    COMPREPLY=()\n"
          "    # --option=value comes as three words.\n"
          "    if [[ $cur == = ]]; then\n        cur=\n"
          "    elif [[ $prev == = ]]; then\n        prev=${COMP_WORDS[COMP_CWORD-2]}\n    fi\n"
          "    if [[ -n $(_cogvideo_commands \"$command\") ]]; then\n"
          "        at=2 command+=\" ${COMP_WORDS[2]}\"\n    fi\n"
          "    if ((COMP_CWORD <= at)); then\n        kind=words\n"
          "        ((COMP_CWORD == 2)) && words=$(_cogvideo_commands \"${COMP_WORDS[1]}\") ||\n"
          "            words=\"$(_cogvideo_commands)",
          stream);
    for (const arg_option *option = cli_program_table; option->name; option++)
        fprintf(stream, " --%s", option->name);
    fputs("\"\n    else\n    case $command in\n", stream);
    for (const cli_command *const *c = cli_commands; *c; c++)
        print_command(stream, *c);
    fputs(
        "    esac\n    fi\n"
        "    if [[ $kind == argument && $command == help ]]; then\n"
        "        kind=words\n"
        "        [[ $prev == help || $prev == -* ]] && words=\"$(_cogvideo_commands) $first\" || words=$(_cogvideo_commands \"$prev\")\n"
        "    elif [[ $kind == argument && -n $first ]] && ((COMP_CWORD == at + 1)); then\n"
        "        kind=words words=$first\n    fi\n"
        "    [[ $kind != files && $kind != free && $kind != folders && $cur == -* ]] && kind=words words=\"$words $options\"\n"
        "    case $kind in\n"
        "    words) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n"
        "    folders) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); compopt -o filenames 2>/dev/null ;;\n"
        "    free) compopt +o default +o bashdefault 2>/dev/null ;;\n"
        "    esac\n"
        "}\n\n"
        "# Where it offers nothing bash completes file names.\n"
        "complete -o bashdefault -o default -F _cogvideo cogvideo\n",
        stream);
}
