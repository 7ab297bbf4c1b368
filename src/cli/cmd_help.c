/* cogvideo help - prints the tables of the command line as text, man page or JSON. */
#include "commands.h"
#include "json_out.h"
#include "man.h"
#include "overview.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

#define TOPIC "exit-codes"

typedef struct settings {
    const char *output;
    int man, json;
} settings;

#define FIELD(field) offsetof(settings, field)
static const arg_option table[] = {
    { "man", 0, NULL, "print a man page, in roff", ARG_FLAG, FIELD(man), 0, 0, 0, NULL },
    { "output", 'o', "DIR", "write the man pages of all commands into this folder", ARG_TEXT, FIELD(output), 0, 0, 0,
      NULL },
    { "json", 0, NULL, "print commands, options and exit codes as a JSON object", ARG_FLAG, FIELD(json), 0, 0, 0,
      NULL },
    { 0 },
};

/* --- JSON ----------------------------------------------------------------------------------------------------- */

static void choices_json(json_out *json, const char *choices)
{
    const char *word;
    size_t length;

    if (!choices)
        return;
    json_begin_array(json, "choices");
    while ((word = args_choice(&choices, &length))) {
        char *copy = cli_format("%.*s", (int)length, word);

        json_string(json, NULL, copy);
        free(copy);
    }
    json_end_array(json);
}

static void option_json(json_out *json, const char *group, const arg_option *option)
{
    const char letter[2] = { option->letter, 0 };

    json_begin(json, NULL);
    json_string(json, "name", option->name);
    json_string(json, "letter", option->letter ? letter : NULL);
    json_string(json, "value", option->value);
    json_string(json, "group", group);
    json_string(json, "help", option->help);
    choices_json(json, option->choices);
    json_end(json);
}

static void command_json(json_out *json, const cli_command *command)
{
    const arg_option *option;
    const char *title;

    json_begin(json, NULL);
    json_string(json, "name", command->name);
    json_string(json, "summary", command->summary);
    json_string(json, "usage", command->usage);
    choices_json(json, command->choices);
    json_begin_array(json, "options");
    for (size_t i = 0; (option = args_option(command, i, &title)); i++)
        option_json(json, title, option);
    json_end_array(json);
    json_end(json);
}

static void exit_codes_json(json_out *json)
{
    json_begin_array(json, "exit_codes");
    for (const cli_exit_code *exit = cli_exit_codes; exit->code; exit++) {
        json_begin(json, NULL);
        json_string(json, "code", exit->code);
        json_string(json, "meaning", exit->meaning);
        json_end(json);
    }
    json_end_array(json);
}

/* Prints one command, or all. */
static void print_json(const cli_command *command)
{
    json_out json = { .stream = stdout, .first = 1 };

    if (command) {
        command_json(&json, command);
    } else {
        json_begin(&json, NULL);
        json_begin_array(&json, "commands");
        for (const cli_command *const *c = cli_commands; *c; c++)
            command_json(&json, *c);
        json_end_array(&json);
        json_begin_array(&json, "options");
        for (const arg_option *option = cli_program_table; option->name; option++)
            option_json(&json, NULL, option);
        json_end_array(&json);
        exit_codes_json(&json);
        json_end(&json);
    }
    putchar('\n');
}

/* --- the command ---------------------------------------------------------------------------------------------- */

static int print_exit_codes(int as_json)
{
    json_out json = { .stream = stdout, .first = 1 };

    if (!as_json) {
        for (const cli_exit_code *exit = cli_exit_codes; exit->code; exit++)
            printf("%-8s %s\n", exit->code, exit->meaning);
        return CLI_OK;
    }
    json_begin(&json, NULL);
    exit_codes_json(&json);
    json_end(&json);
    putchar('\n');
    return CLI_OK;
}

static int run(const cli_command *self, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    const cli_command *command = cli_find_command(arguments->values, arguments->count, &(int){ 0 });

    if (s->man && s->json)
        return cli_usage_error(self, "--man and --json cannot be combined");
    if (s->output && (!s->man || arguments->count > 0))
        return cli_usage_error(self, "-o DIR writes the man pages of all commands: cogvideo help --man -o DIR");
    if (s->output)
        return man_write_all(s->output);
    if (arguments->count == 1 && !s->man && strcmp(arguments->values[0], TOPIC) == 0)
        return print_exit_codes(s->json);
    if (arguments->count > 0 && !command) {
        if (!s->man && !s->json && cli_print_family(arguments->values[0], stdout))
            return CLI_OK;
        return cli_unknown_command(arguments->values, arguments->count);
    }
    if (s->man)
        man_print(command, stdout);
    else if (s->json)
        print_json(command);
    else if (command)
        args_print_help(command);
    else
        cli_print_overview(stdout);
    return CLI_OK;
}

static const arg_group groups[] = { { "Options", table, 0 }, { 0 } };

const cli_command cmd_help = {
    .name = "help",
    .summary = "describe a command and its options",
    .usage = "[OPTIONS] [COMMAND]",
    .details = "Without a command, lists all commands; 'help " TOPIC "' lists the exit codes.",
    .examples = "  cogvideo help tokens show\n"
                "  cogvideo help --man generate | man -l -\n"
                "  cogvideo help --json | jq -r '.commands[].name'",
    .min_arguments = 0,
    .max_arguments = 2,
    .choices = TOPIC,
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
