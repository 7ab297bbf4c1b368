#include "commands.h"

#include <string.h>

const cli_command *const cli_commands[] = {
    &cmd_generate,
    &cmd_keyframes,
    &cmd_interpolate,
    &cmd_upscale,
    &cmd_refine,
    &cmd_picture,
    &cmd_decode,
    &cmd_encode,
    &cmd_tokenize,
    &cmd_score,
    &cmd_compare,
    &cmd_tokens_show,
    &cmd_tokens_report,
    &cmd_tokens_convert,
    &cmd_tokens_compare,
    &cmd_info,
    &cmd_import,
    &cmd_quantize,
    &cmd_bench,
    &cmd_dataset_shapes,
    &cmd_dataset_build,
    &cmd_dataset_tokens,
    &cmd_dataset_info,
    &cmd_train,
    &cmd_evaluate,
    &cmd_rank,
    &cmd_help,
    &cmd_completion,
    NULL,
};

const arg_option cli_program_table[] = {
    [CLI_HELP_OPTION] = { "help", 'h', NULL, "list the commands; after a command, its options", ARG_FLAG, 0, 0, 0, 0,
                          NULL },
    [CLI_VERSION_OPTION] = { "version", 'V', NULL, "print the version and the features of this build", ARG_FLAG, 0, 0,
                             0, 0, NULL },
    { 0 },
};

const cli_exit_code cli_exit_codes[] = {
    { "0", "done" },
    { "1", "failed; one sentence on stderr says which file, what was expected and how to fix it. 'tokens compare': "
           "the clips differ" },
    { "2", "wrong usage" },
    { "128 + n", "stopped by signal n: 130 after Ctrl-C, 143 after kill, 129 when the terminal closes, 135 when a "
                 "file was truncated while in use or its disk failed, 141 when nobody reads the output any more; "
                 "finished results are kept, and a run that draws codes prints the command that continues it" },
    { 0 },
};

size_t cli_family_length(const cli_command *command)
{
    const char *space = strchr(command->name, ' ');

    return space ? (size_t)(space - command->name) : 0;
}

int cli_is_first(const cli_command *command)
{
    size_t length = cli_family_length(command);

    for (const cli_command *const *c = cli_commands; length > 0 && *c != command; c++)
        if (strncmp((*c)->name, command->name, length + 1) == 0)
            return 0;
    return 1;
}

const cli_command *cli_find_command(char *const *words, int count, int *used)
{
    for (const cli_command *const *c = cli_commands; *c && count > 0; c++) {
        const char *name = (*c)->name;
        size_t family = cli_family_length(*c), length = family ? family : strlen(name);

        if (strlen(words[0]) != length || strncmp(words[0], name, length) != 0)
            continue;
        if (family && (count < 2 || strcmp(words[1], name + family + 1) != 0))
            continue;
        *used = family ? 2 : 1;
        return *c;
    }
    return NULL;
}
