/* commands.h - the whole command line: the commands, the options without a command, the exit codes. Help, man pages
 * and completions are generated from these tables and have no lists of their own. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "args.h"

extern const cli_command cmd_import, cmd_info, cmd_tokenize, cmd_encode, cmd_decode, cmd_keyframes, cmd_interpolate,
    cmd_upscale, cmd_refine, cmd_picture, cmd_generate, cmd_score, cmd_compare, cmd_tokens_show, cmd_tokens_convert,
    cmd_tokens_compare, cmd_tokens_report, cmd_dataset_build, cmd_dataset_info, cmd_dataset_shapes, cmd_dataset_tokens,
    cmd_train, cmd_quantize, cmd_bench, cmd_evaluate, cmd_rank, cmd_help, cmd_completion;

#define CLI_SUMMARY "text to video on a CPU"
#define CLI_EXAMPLES "  cogvideo generate \"a large red star moves left on a white background\" --seed 2 -o clip.mp4"

extern const cli_command *const cli_commands[]; /* in the order in which they are listed; ends with NULL */

enum { CLI_HELP_OPTION, CLI_VERSION_OPTION };
extern const arg_option cli_program_table[]; /* flags without a command, in the order of the enum */

typedef struct cli_exit_code {
    const char *code, *meaning;
} cli_exit_code;
extern const cli_exit_code cli_exit_codes[]; /* ends with a NULL code */

/* Returns the command that words[0], or words[0] and words[1], name, or NULL; *used = how many of the `count` words
 * it took. */
const cli_command *cli_find_command(char *const *words, int count, int *used);
/* Returns the length of the first word of a command such as "tokens show", which names a group; 0 if the command has
 * one word. */
size_t cli_family_length(const cli_command *command);
/* Whether `command` is the first of its group in the list, or has no group: groups are listed there. */
int cli_is_first(const cli_command *command);

#endif
